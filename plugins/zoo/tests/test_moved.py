"""A published result is that of its parameters: one of them moved by a twentieth, and a claim fails."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.conformance import check

MOVED = [
    ("adex", "transient", "c"),
    ("alif", "adapting", "tau_a"),
    ("chialvo", "begins", "a"),
    ("eif", "strong", "delta_t"),
    ("fitzhugh-nagumo", "oscillating", "epsilon"),
    ("gif", "renewal", "v_t"),
    ("glif1", "driven", "g"),
    ("glif2", "driven", "delta_v"),
    ("glif3", "driven", "delta_i1"),
    ("glif4", "driven", "k_1"),
    ("glif5", "driven", "a_v"),
    ("hindmarsh-rose", "bursting", "b"),
    ("hodgkin-huxley", "single_spike", "g_na"),
    ("izhikevich-2007", "FS", "c_m"),
    ("lif-alpha", "driven", "tau_m"),
    ("lif-cond", "excited", "g_l"),
    ("lif-delta", "driven", "c"),
    ("lif-exp", "driven", "v_th"),
    ("mat2", "driven", "tau"),
    ("mihalas-niebur", "adapting", "a"),
    ("morris-lecar", "snic", "phi"),
    ("pinsky-rinzel", "bursting", "g_ca"),
    ("qif", "near", "k"),
    ("resonate-and-fire", "driven", "omega"),
    ("rulkov", "begins", "alpha"),
    ("stuart-landau", "turning", "omega"),
    ("theta", "slow", "tau"),
    ("threshold-linear", "charging", "tau"),
    ("traub-miles", "strong", "c"),
    ("wang-buzsaki", "gamma", "phi"),
    ("wilson-cowan", "cycle", "c_1"),
]
"""Model, preset and the parameter that is moved."""

EVERY = {
    "gif": {
        **dict.fromkeys(("c_m", "g_l", "e_l", "v_r", "v_t", "tau_ref"), "steep"),
        **dict.fromkeys(("q_1", "q_2", "r_1", "r_2"), "steep"),
        **dict.fromkeys(("tau_eta_1", "tau_eta_2", "tau_gamma_1", "tau_gamma_2"), "steep"),
        "delta_v": "renewal",
    },
    "lif-alpha": {
        **dict.fromkeys(("c", "tau_m", "e_l", "v_th", "v_r", "tau_ref"), "driven"),
        "tau_s": "arrival",
    },
    "lif-cond": {
        **dict.fromkeys(("c", "g_l", "e_l", "v_th", "v_r", "tau_ref"), "excited"),
        "e_i": "inhibited",
    },
    "lif-delta": dict.fromkeys(("c", "tau_m", "e_l", "v_th", "v_r", "tau_ref"), "driven"),
    "lif-exp": {
        **dict.fromkeys(("c", "tau_m", "e_l", "v_th", "v_r", "tau_ref"), "driven"),
        "tau_s": "arrival",
    },
}
"""Of these models every parameter, and the preset by which it is seen."""

UNSEEN = {
    ("gif", "lambda_0"): "it moves the rate of `renewal` by 2.6 %: the 333 intervals of its claim tell 9 %",
    ("lif-cond", "e_e"): "it is 0 mV, of which a twentieth is nothing",
}

QUICK = {"chialvo", "mat2", "rulkov", "theta", "threshold-linear"}
"""Those that are tried in the usual run."""


def moved(model: str, preset: str, parameter: str, factor: float) -> Any:
    """The model with this preset alone, one of its parameters moved."""
    kind: Any = type(rb.create(model)).__mro__[2]
    old = kind.schema.presets[preset]
    value = float(getattr(rb.create(kind, preset=preset, dtype=torch.float64), parameter)) * factor
    alone = {name: rb.Preset() for name in kind.schema.presets}
    new = rb.Preset(
        params={**old.params, parameter: value},
        state=old.state,
        dt=old.dt,
        stimulus=old.stimulus,
        duration=old.duration,
        expect=old.expect,
    )
    return type(f"Moved{kind.__name__}", (kind,), {**alone, preset: new})


def judge(model: str, preset: str, parameter: str) -> None:
    only = ["published-results"]
    assert check(moved(model, preset, parameter, 1.0), only=only).ok
    report = check(moved(model, preset, parameter, 1.05), only=only)
    assert not report.ok
    assert f"the preset {preset!r}" in report.results[0].seen


@pytest.mark.parametrize("case", [case for case in MOVED if case[0] in QUICK], ids=lambda case: case[0])
def test_a_parameter_that_is_moved_by_a_twentieth_is_seen(case: tuple[str, str, str]) -> None:
    judge(*case)


@pytest.mark.by_hand
@pytest.mark.parametrize("case", [case for case in MOVED if case[0] not in QUICK], ids=lambda case: case[0])
def test_it_is_seen_of_every_model(case: tuple[str, str, str]) -> None:
    judge(*case)


QUICKEST = [("lif-alpha", "tau_s")]
"""Of every parameter those that are tried in the usual run."""


@pytest.mark.parametrize(("model", "parameter"), QUICKEST)
def test_a_parameter_of_synapses_is_seen_where_something_arrives(model: str, parameter: str) -> None:
    judge(model, EVERY[model][parameter], parameter)


@pytest.mark.by_hand
@pytest.mark.parametrize(
    ("model", "parameter"),
    [
        each
        for model, row in EVERY.items()
        for each in ((model, name) for name in row)
        if each not in QUICKEST
    ],
)
def test_every_parameter_is_seen(model: str, parameter: str) -> None:
    judge(model, EVERY[model][parameter], parameter)


@pytest.mark.parametrize("model", EVERY)
def test_of_these_models_no_parameter_is_left_out_without_a_reason(model: str) -> None:
    without = {parameter for name, parameter in UNSEEN if name == model}
    assert {*EVERY[model], *without} == {*rb.create(model).schema.parameters}


def test_every_model_with_a_claim_is_in_the_table() -> None:
    from rheobase_zoo import plugin

    assert {case[0] for case in MOVED} == {
        *(spec.name for spec in plugin.rheobase_neurons()),
        "izhikevich-2007",
    }
