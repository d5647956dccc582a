"""Rules connect as they say: exactly where that is what they promise, by chance where it is chance."""

from __future__ import annotations

import itertools
import math
import resource
from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase.errors import ArgumentError, ParameterError
from rheobase.spi import key_of
from rheobase_synapses import rules
from scipy import stats
from torch import Tensor

RULES = {
    "all-to-all": (rules.all_to_all, {}),
    "one-to-one": (rules.one_to_one, {}),
    "bernoulli": (rules.bernoulli, {"p": 0.3}),
    "bernoulli, rare": (rules.bernoulli, {"p": 0.01}),
    "bernoulli, always": (rules.bernoulli, {"p": 1.0}),
    "distance": (rules.distance, {"p": 0.8, "scale": 0.3}),
    "fixed-indegree": (rules.fixed_indegree, {"degree": 4}),
    "fixed-outdegree": (rules.fixed_outdegree, {"degree": 4}),
    "fixed-total": (rules.fixed_total, {"total": 17}),
}
KEY = key_of(1, "E->I", "rule")


def pairs(rows: tuple[Tensor, Tensor], first: int = 0) -> list[tuple[int, int]]:
    """(target, source) in the order in which they are stored."""
    indptr, indices = rows
    targets = torch.arange(first, first + len(indptr) - 1).repeat_interleave(indptr.diff())
    return list(zip(targets.tolist(), indices.tolist(), strict=True))


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_part_of_the_targets_gets_the_rows_of_the_whole(name: str, data: st.DataObject) -> None:
    rule, parameters = RULES[name]
    sources = data.draw(st.integers(5, 70))
    same = data.draw(st.booleans()) or name == "one-to-one"
    targets = sources if same else data.draw(st.integers(5, 70))
    options = {name: data.draw(st.booleans()) for name in ("autapses", "multapses")}
    key = data.draw(st.integers(0, 2**128 - 1))
    places = torch.rand(70, 2, generator=torch.Generator().manual_seed(1))
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, targets), max_size=4))), targets]

    def rows(first: int, last: int) -> tuple[Tensor, Tensor]:
        at = (places[:sources], places[:targets])
        made = rule(first, last, sources, targets, key, same=same, positions=at, **parameters, **options)
        indptr, indices = made
        assert indptr.dtype == indices.dtype == torch.int64
        assert len(indptr) == last - first + 1
        assert indptr[0] == 0
        assert indptr[-1] == len(indices)
        return made

    whole = pairs(rows(0, targets))
    assert whole == sorted(whole)
    assert all(0 <= source < sources for _, source in whole)
    assert whole == [pair for a, b in itertools.pairwise(cuts) for pair in pairs(rows(a, b), a)]
    assert options["autapses"] or not same or all(target != source for target, source in whole)
    meets_once = "fixed" not in name or not options["multapses"]
    assert not meets_once or len(set(whole)) == len(whole)


def test_each_target_alone_gets_its_row() -> None:
    """Every pair is there several times, so those at the bounds of each part too."""
    for rule, parameters in (
        (rules.fixed_total, {"total": 200}),
        (rules.fixed_outdegree, {"degree": 30}),
        (rules.fixed_total, {"total": 34, "multapses": False}),
        (rules.fixed_total, {"total": 17, "multapses": False}),
    ):
        whole = pairs(rule(0, 7, 5, 7, KEY, same=False, **parameters))
        assert whole == [
            p for t in range(7) for p in pairs(rule(t, t + 1, 5, 7, KEY, same=False, **parameters), t)
        ]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_degrees_and_totals_are_exact(data: st.DataObject) -> None:
    sources = data.draw(st.integers(2, 30))
    same, autapses, multapses = (data.draw(st.booleans()) for _ in range(3))
    targets = sources if same else data.draw(st.integers(2, 30))
    less = same and not autapses
    key = data.draw(st.integers(0, 2**128 - 1))

    def made(rule: Any, **parameters: int) -> list[tuple[int, int]]:
        options = {"autapses": autapses, "multapses": multapses}
        return pairs(
            rule(0, targets, sources, targets, key, same=same, positions=None, **parameters, **options)
        )

    for rule, name, place, choosing, among in (
        (rules.fixed_indegree, "degree", 0, targets, sources - less),
        (rules.fixed_outdegree, "degree", 1, sources, targets - less),
        (rules.fixed_total, "total", None, 0, (sources - less) * targets),
    ):
        # All of them too, and more than there are where a pair may be met twice.
        number = data.draw(st.sampled_from([0, 1, among // 2, among - 1, among, *([2 * among] * multapses)]))
        found = made(rule, **{name: number})
        if place is None:
            assert len(found) == number
        else:
            assert Counter(pair[place] for pair in found) == Counter(
                {k: number for k in range(choosing) if number}
            )


@pytest.mark.parametrize("p", [1e-7, 1e-4, 0.02, 0.5, 0.97])
@pytest.mark.parametrize("sources", [1, 7, 2000])
def test_bernoulli_meets_each_pair_with_probability_p(p: float, sources: int) -> None:
    targets = 3000
    indptr, indices = rules.bernoulli(0, targets, sources, targets, KEY, same=False, p=p)
    tried = sources * targets
    assert abs(len(indices) - tried * p) <= 5 * math.sqrt(tried * p * (1 - p)) + 1
    # The counts of rows are those of a binomial distribution too, and sources are alike.
    if tried * p > 1000:
        spread = float(indptr.diff().double().var())
        assert spread == pytest.approx(sources * p * (1 - p), rel=5 * math.sqrt(2 / targets) + 0.01)
        seen = indices.bincount(minlength=sources).double()
        per_source = targets * p
        chi2 = float(((seen - per_source) ** 2).sum() / (per_source * (1 - p)))
        assert 1e-6 < stats.chi2.sf(chi2, sources) < 1 - 1e-6


def test_bernoulli_near_both_ends() -> None:
    for p in (0.0, 5e-324, 1e-300):
        assert len(rules.bernoulli(0, 50, 50, 50, KEY, same=False, p=p)[1]) == 0
    everyone = rules.bernoulli(0, 50, 40, 50, KEY, same=False, p=1.0)
    assert everyone[1].equal(rules.all_to_all(0, 50, 40, 50, KEY, same=False)[1])


def test_a_row_that_needs_more_numbers_than_usual_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows end at the end of the sources, not at the end of what was drawn first."""
    from rheobase_synapses.rules import chances, drawing

    monkeypatch.setattr(chances, "width_of", lambda sources, p: 3)
    counts = rules.bernoulli(0, 2000, 100, 2000, KEY, same=False, p=0.2)[0].diff().double()
    assert float(counts.mean()) == pytest.approx(20.0, abs=5 * 4 / math.sqrt(2000))
    assert float(counts.var()) == pytest.approx(16.0, rel=0.15)
    monkeypatch.setattr(drawing, "_width", lambda chosen, among: 6)
    chosen = drawing.distinct(KEY, 0, 3000, 5, 12)
    assert (chosen[:, 1:] > chosen[:, :-1]).all()
    seen = torch.from_numpy(chosen).reshape(-1).bincount(minlength=12).double()
    assert stats.chisquare(seen.numpy()).pvalue > 1e-6


@pytest.mark.parametrize(
    ("rule", "parameters"),
    [
        (rules.bernoulli, {"p": 0.4}),
        *[
            (rule, {name: 3 if name == "degree" else 12, "multapses": multapses})
            for rule, name in (
                (rules.fixed_indegree, "degree"),
                (rules.fixed_outdegree, "degree"),
                (rules.fixed_total, "total"),
            )
            for multapses in (True, False)
        ],
    ],
)
@pytest.mark.parametrize("autapses", [True, False])
def test_all_pairs_are_alike(rule: Any, parameters: dict[str, Any], autapses: bool) -> None:
    """Chi-square over the pairs of 6 x 6 units, in the copies that other keys give."""
    n, seen = 6, Counter[tuple[int, int]]()
    for copy in range(150):
        key = key_of(copy, "E->E", "rule")
        seen.update(pairs(rule(0, n, n, n, key, same=True, positions=None, autapses=autapses, **parameters)))
    possible = [(t, s) for t in range(n) for s in range(n) if autapses or t != s]
    assert set(seen) == set(possible)
    # Where a pair is met once at most the spread is less than Poisson's, so this bound holds the more.
    assert stats.chisquare([seen[pair] for pair in possible]).pvalue > 1e-6


@pytest.mark.parametrize(
    ("rule", "parameters", "sets"),
    [
        (rules.fixed_indegree, {"degree": 2}, 10),
        (rules.fixed_indegree, {"degree": 3}, 10),
        (rules.fixed_total, {"total": 2}, 10),
        (rules.fixed_total, {"total": 4}, 5),
    ],
)
def test_all_sets_are_alike_where_no_pair_is_met_twice(
    rule: Any, parameters: dict[str, int], sets: int
) -> None:
    seen = Counter[tuple[int, ...]]()
    for copy in range(400):
        made = rule(0, 1, 5, 1, key_of(copy, "", "rule"), same=False, multapses=False, **parameters)
        seen[tuple(made[1].tolist())] += 1
    assert len(seen) == sets
    assert stats.chisquare(list(seen.values())).pvalue > 1e-6


@pytest.mark.parametrize("kernel", ["gaussian", "exponential", "box"])
@pytest.mark.parametrize("width", [None, 40])
def test_near_units_are_connected_as_the_kernel_says(
    kernel: str, width: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts by distance against p k(d / s), within 5 sigma; also where rows need more draws."""
    if width is not None:
        from rheobase_synapses.rules import chances, distances

        for module in (chances, distances):
            monkeypatch.setattr(module, "width_of", lambda sources, p: width)
    side, scale, p = 500, 2.0, 0.9
    at = (torch.arange(side) % 10.0)[:, None]
    given: dict[str, Any] = {"positions": (at, at), "p": p, "scale": scale, "kernel": kernel}
    indptr, indices = rules.distance(0, side, side, side, KEY, same=False, **given)
    targets = torch.arange(side).repeat_interleave(indptr.diff())
    apart = (at[indices, 0] - at[targets, 0]).abs().long()
    possible = (at - at.T).abs().long().reshape(-1).bincount(minlength=10)
    for d, (seen, tried) in enumerate(
        zip(apart.bincount(minlength=10).tolist(), possible.tolist(), strict=True)
    ):
        falls = {
            "gaussian": math.exp(-0.5 * (d / 2) ** 2),
            "exponential": math.exp(-d / 2),
            "box": float(d <= 2),
        }
        chance = p * falls[kernel]
        assert abs(seen - tried * chance) <= 5 * math.sqrt(tried * chance * (1 - chance)) + 1


def test_a_pair_is_kept_whatever_its_neighbours_are() -> None:
    """Where all are equally far: pairs, neighbours and rows as of independent chances of p / 2."""
    n, p = 1000, 0.5
    at = (torch.zeros(n, 1), torch.full((n, 1), math.log(2.0)))
    given: dict[str, Any] = {"positions": at, "p": p, "scale": 1.0, "kernel": "exponential"}
    indptr, indices = rules.distance(0, n, n, n, KEY, same=False, **given)
    targets = torch.arange(n).repeat_interleave(indptr.diff())
    there = torch.zeros(n, n, dtype=torch.bool)
    there[targets, indices] = True
    chance, tried = p / 2, n * (n - 1)
    both = int((there[:, 1:] & there[:, :-1]).sum())
    # Neighbours overlap: a pair of pairs is correlated with the next.
    variance = tried * chance**2 * (1 + 2 * chance - 3 * chance**2)
    assert abs(int(there.sum()) - n * n * chance) <= 5 * math.sqrt(n * n * chance * (1 - chance))
    assert abs(both - tried * chance**2) <= 5 * math.sqrt(variance)
    spread = float(indptr.diff().double().var())
    assert spread == pytest.approx(n * chance * (1 - chance), rel=5 * math.sqrt(2 / n))


def test_distance_needs_positions_of_one_space() -> None:
    def made(**given: Any) -> Any:
        return rules.distance(0, 5, 5, 5, KEY, same=True, **{"scale": 1.0, **given})

    flat, line = torch.rand(5, 2), torch.rand(5, 1)
    with pytest.raises(ArgumentError, match=r"no positions; give both with add"):
        made()
    with pytest.raises(ArgumentError, match="sources have 2 dimensions and targets 1"):
        made(positions=(flat, line))
    with pytest.raises(ParameterError, match="kernel is 'cubic'; there are gaussian, exponential, box"):
        made(positions=(flat, flat), kernel="cubic")
    with pytest.raises(ParameterError, match="scale is 0; it must be a finite number above 0"):
        made(positions=(flat, flat), scale=0)


@pytest.mark.parametrize("name", ["bernoulli", "fixed-indegree", "fixed-outdegree", "fixed-total"])
def test_another_seed_or_identifier_connects_otherwise(name: str) -> None:
    rule, parameters = RULES[name]
    made = {
        tuple(pairs(rule(0, 40, 40, 40, key_of(seed, who, "rule"), same=True, **parameters)))
        for seed in (0, 1, 2**64)
        for who in ("a", "b")
    }
    assert len(made) == 6


def test_turns_and_rows_share_no_number() -> None:
    from rheobase_synapses.rules.drawing import numbers

    drawn = [numbers(KEY, 0, 20, 7, turn=turn, use=use) for turn in (0, 1) for use in (0, 1)]
    values = [value for each in drawn for value in each.reshape(-1).tolist()]
    assert len(set(values)) == len(values) == 20 * 7 * 4


def test_what_has_no_units_has_no_synapses() -> None:
    for rule, parameters in RULES.values():
        zero = {name: value if name == "scale" else 0 for name, value in parameters.items()}
        for sources, targets in ((0, 0), (0, 5), (5, 0)):
            if rule is rules.one_to_one and sources != targets:
                continue
            for multapses in (True, False):
                at = (torch.zeros(sources, 2), torch.zeros(targets, 2))
                options = {"same": False, "positions": at, "multapses": multapses}
                made = rule(0, targets, sources, targets, KEY, **options, **zero)
                assert made[0].tolist() == [0] * (targets + 1)
                assert len(made[1]) == 0


@pytest.mark.parametrize(
    ("rule", "parameters", "said"),
    [
        (rules.bernoulli, {"p": 1.5}, "rule 'bernoulli': p is 1.5; it must be a number from 0 to 1"),
        (rules.bernoulli, {"p": math.nan}, "p is nan"),
        (rules.bernoulli, {"p": "much"}, "p is 'much'"),
        (rules.bernoulli, {"p": True}, "p is True"),
        (rules.fixed_indegree, {"degree": -1}, "rule 'fixed-indegree': degree is -1; it must be a whole"),
        (rules.fixed_indegree, {"degree": 2.5}, "degree is 2.5"),
        (rules.fixed_indegree, {"degree": 5, "multapses": False, "autapses": False}, "only 4 sources to"),
        (
            rules.fixed_outdegree,
            {"degree": 6, "multapses": False},
            "degree is 6, but there are only 5 targets",
        ),
        (rules.fixed_total, {"total": 26, "multapses": False}, "total is 26, but there are only 25 pairs"),
        (rules.fixed_total, {"total": True}, "total is True"),
    ],
)
def test_what_cannot_be_is_said(rule: Any, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        rule(0, 5, 5, 5, KEY, same=True, **parameters)


def test_nobody_can_be_chosen_where_nobody_is() -> None:
    for rule, name in ((rules.fixed_indegree, "degree"), (rules.fixed_outdegree, "degree")):
        with pytest.raises(ParameterError, match="only 0"):
            # The only one is itself.
            rule(0, 1, 1, 1, KEY, same=True, autapses=False, **{name: 1})
    with pytest.raises(ParameterError, match="only 0 pairs"):
        rules.fixed_total(0, 3, 0, 3, KEY, same=False, total=1)
    with pytest.raises(ParameterError, match="4 sources and 5 targets"):
        rules.one_to_one(0, 5, 4, 5, KEY, same=False)


def test_cost_goes_with_synapses_and_not_with_pairs() -> None:
    """A hundred thousand units each: 80 GB, were there a number for each pair."""
    units = 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    made = rules.bernoulli(0, units, units, units, KEY, same=True, p=1e-5, autapses=False)
    sizes = [len(made[1])]
    for rule, parameters in (
        (rules.fixed_indegree, {"degree": 2}),
        (rules.fixed_outdegree, {"degree": 2}),
        (rules.fixed_total, {"total": 200_000}),
    ):
        made = rule(0, units, units, units, KEY, same=True, multapses=False, autapses=False, **parameters)
        sizes.append(len(made[1]))
    line = torch.arange(float(units))[:, None]
    given: dict[str, Any] = {"positions": (line, line), "p": 1e-5, "scale": 1e9, "kernel": "box"}
    sizes.append(len(rules.distance(0, units, units, units, KEY, same=True, autapses=False, **given)[1]))
    drawn = pytest.approx(100_000, abs=5 * 317)
    assert sizes == [drawn, 200_000, 200_000, 200_000, drawn]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000
