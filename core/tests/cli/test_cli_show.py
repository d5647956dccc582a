"""``rheobase show``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
from click.testing import Result

Command = Callable[..., Result]
Printed = Callable[..., Any]


@pytest.mark.usefixtures("toys")
def test_a_model_is_shown_with_equation_units_defaults_and_presets(command: Command) -> None:
    shown = command("show", "toy")
    assert shown.exit_code == 0
    text = " ".join(shown.stdout.split())
    assert "tau dV/dt = -V + I" in text
    for said in ("tau 10 ms > 0 time constant", "limit 10 mV finite threshold", "plain | fancy"):
        assert said in text
    assert "start 10 (limit) mV" in text  # follows another parameter
    assert "twice 20 (computed) ms" in text  # a function of the parameters
    assert "driven a constant current tau=5, dt=0.5" in text
    assert "driven: nobody (1900)" in text
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_a_surrogate_is_shown_with_its_curves(command: Command, printed: Printed) -> None:
    found = printed("show", "triangle")["curves"]
    for z, value, slope in zip(found["z"], found["S"], found["S'"], strict=True):
        near = max(-1.0, min(1.0, z))
        assert value == pytest.approx(0.5 + near - 0.5 * near * abs(near))
        assert slope == pytest.approx(max(0.0, 1.0 - abs(z)), abs=1e-12)
    lines = command("show", "triangle").stdout.splitlines()
    top = next(line for line in lines if line.startswith("     1 |"))
    # At the top S' at threshold, and S where it has risen: a tenth of the height is half a row.
    assert (top.index("*"), top.count("*")) == (8 + 30, 1)
    assert top.endswith("." * 20)
    assert max(map(len, lines)) <= 80


@pytest.mark.usefixtures("toys")
def test_json_has_all_that_is_declared(printed: Printed) -> None:
    about = printed("show", "toy")
    assert about["provenance"] == {"name": "toy", "distribution": None, "version": None}
    assert about["parameters"][0] == {
        "name": "tau",
        "default": 10.0,
        "follows": None,
        "unit": "ms",
        "domain": "> 0",
        "doc": "time constant",
    }
    assert [(item["name"], item["default"], item["follows"]) for item in about["parameters"]] == [
        ("tau", 10.0, None),
        ("limit", 10.0, None),
        ("start", 10.0, "limit"),
        ("twice", 20.0, "a function"),
    ]
    assert [item["name"] for item in about["states"]] == ["voltage"]
    assert about["options"][0]["choices"] == ["plain", "fancy"]
    driven, quiet = about["presets"]
    assert (driven["params"], driven["dt_ms"], driven["duration_ms"]) == ({"tau": 5.0}, 0.5, 20.0)
    assert driven["stimulus"].startswith("Constant(")
    assert quiet["stimulus"] is None


def test_other_kinds_are_shown_with_their_claims(command: Command, printed: Printed) -> None:
    claims = printed("show", "rk3")["claims"]
    assert claims.items() >= {"order": 3, "adaptive": False, "per_unit": False, "stages": 3}.items()
    shown = command("show", "product").stdout
    assert "product: aggregator of rheobase" in shown
    assert "commutative True" in shown
    assert "identity 1" in shown


NETWORK = """
import rheobase as rb


class Slow(rb.Synapse):
    '''tau dg/dt = -g;  a spike of weight w:  g -> g + w.'''

    unit, weight_unit = "pA", "nS"
    tau = rb.Parameter(5.0, unit="ms", above=0, doc="decay time constant")
    twice = rb.Parameter(lambda p: 2 * p.tau, unit="ms", doc="unused")
    reversal = rb.Parameter(-70.0, unit="mV")
    g = rb.State(0.0, unit="nS", at_rest=True, doc="conductance")
    left = rb.State(1.0, unit="1", per="source", doc="resources")
    transmit = staticmethod(lambda state, params, elapsed: (state.left, {"left": 0.5 * state.left}))
    derivatives = staticmethod(lambda state, params: {"g": -state.g / params.tau})
    arrive = staticmethod(lambda state, params, weight: {"g": state.g + weight})
    output = staticmethod(lambda state, params, post: state.g * (params.reversal - post.voltage))


class Pulse(rb.Synapse):
    weight_unit, into = "mV", "voltage"


def ring(first, last, sources, targets, key, *, same, positions, reach, skip=0):
    '''Neighbours.'''
"""


def test_a_synapse_is_shown_with_what_it_takes_and_gives(
    command: Command, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "network.py").write_text(NETWORK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    shown = command("show", "network.py:Slow")
    assert shown.stderr == ""
    text = " ".join(shown.stdout.split())
    for said in ("tau 5 ms > 0 decay time constant", "twice 10 (computed) ms", "g 0 nS finite conductance"):
        assert said in text
    assert "weights are in nS; its output is in pA" in text
    assert "left 1 1 finite resources; of each source" in text
    about = printed("show", "network.py:Slow")
    assert [(item["name"], item["per"]) for item in about["states"]] == [("g", "target"), ("left", "source")]
    assert (about["weight_unit"], about["unit"], about["into"]) == ("nS", "pA", None)
    pulse = command("show", "network.py:Pulse")
    assert "weights are in mV; each is added to voltage of its target" in pulse.stdout
    about = printed("show", "network.py:Pulse")
    assert (about["weight_unit"], about["unit"], about["into"]) == ("mV", None, "voltage")


def test_a_rule_is_shown_with_its_own_parameters_and_claims(
    command: Command, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shown_network.py").write_text(NETWORK, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    class Offers:
        @rb.hookimpl
        def rheobase_rules(self) -> list[rb.RuleSpec]:
            return [rb.RuleSpec("round", "shown_network:ring", "neighbours", indegree=True, total=True)]

    with rb.register(Offers()):
        assert printed("show", "round")["arguments"] == [
            {"name": "reach", "default": None},
            {"name": "skip", "default": "0"},
        ]
        shown = command("show", "round").stdout
        listed = command("list", "--kind", "rule").stdout
    assert "round: connection rule of this process" in shown
    assert "claims: indegree True, total True\narguments: reach, skip=0\n" in shown
    assert "connection rules" in listed
    assert "round" in listed


@pytest.mark.usefixtures("toys")
def test_an_identity_of_zero_is_a_claim(command: Command) -> None:
    assert "identity 0" in command("show", "sum").stdout
    assert "identity" not in command("show", "largest").stdout


@pytest.mark.usefixtures("toys")
def test_an_unknown_name_is_told_the_nearest_of_all_kinds(command: Command) -> None:
    result = command("show", "largets")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "error: nothing named 'largets' is installed; did you mean 'largest'?" in result.stderr
    assert "analog" in result.stderr


def test_a_name_of_two_kinds_is_asked_which() -> None:
    from rheobase.cli.describe import find

    class Both:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec("rk4", "a:b")]

    with rb.register(Both()):
        with pytest.raises(rb.errors.ComponentError, match="as neuron and as integrator; say which"):
            find("rk4", None)
        assert find("rk4", "integrator").provenance.distribution == "rheobase"


def test_a_target_that_cannot_be_imported_is_one_clear_error(command: Command) -> None:
    class Missing:
        @rb.hookimpl
        def rheobase_neurons(self) -> list[rb.NeuronSpec]:
            return [rb.NeuronSpec("ghost", "no_such_module_here:Ghost")]

    with rb.register(Missing()):
        result = command("show", "ghost")
    assert result.exit_code == 2
    assert "no_such_module_here" in result.stderr
    assert "Traceback" not in result.output


def test_a_warning_of_the_command_leaves_the_filters_as_they_were(command: Command) -> None:
    before = list(warnings.filters)
    command("show", "sum")
    assert list(warnings.filters) == before


def test_a_model_that_cannot_be_made_is_shown_all_the_same_and_warned_of(
    command: Command, toys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a fault of the model's")

    monkeypatch.setattr(toys, "__init__", fail)
    shown = command("show", "toy")
    assert shown.exit_code == 0
    assert "limit" in shown.stdout
    assert "a fault of the model's" in shown.stderr


class Chance(rb.SpikingNeuron):
    """Draws where it begins and where it is reset."""

    depth = rb.Draw("uniform", doc="how deep it falls")
    voltage = rb.State(lambda p: -1.0 - p.depth, unit="mV", doc="membrane potential")
    floor = rb.State(0.0, unit="mV", doc="stands still")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"voltage": data - state.voltage, "floor": 0.0 * state.floor}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": -params.depth}


class Offer:
    @rb.hookimpl
    def rheobase_neurons(self) -> list[rb.NeuronSpec]:
        return [rb.NeuronSpec("chance", f"{__name__}:Chance")]


def test_draws_are_shown_and_have_no_default(command: Command, printed: Printed) -> None:
    with rb.register(Offer()):
        text = " ".join(command("show", "chance").stdout.split())
        about = printed("show", "chance")
    assert "depth uniform how deep it falls" in text
    assert "voltage computed mV" in text
    assert about["draws"] == [{"name": "depth", "distribution": "uniform", "doc": "how deep it falls"}]
    assert [item["default"] for item in about["states"]] == [None, 0.0]


def test_run_takes_a_seed(command: Command, printed: Printed) -> None:
    with rb.register(Offer()):
        run = ("run", "chance", "--current", 1.5, "--duration", 30, "--units", 3)
        times = [printed(*run, "--seed", seed)["spikes"]["times_ms"] for seed in (1, 1, 2)]
        wrong = command(*run, "--set", "seed=1")
    assert times[0] == times[1] != times[2]
    assert "say it by --seed" in wrong.stderr


def test_a_largest_step_that_is_a_function_is_shown_with_its_first_value(
    command: Command, printed: Printed, toys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Quick(toys):  # type: ignore[misc]
        """tau dV/dt = -V + I."""

        @staticmethod
        def dt_max(state: Any, params: Any, data: Any) -> Any:
            return params.tau / 4.0

    import toy_models

    monkeypatch.setattr(toy_models, "ToyNeuron", Quick)
    about = printed("show", "toy")
    assert (about["dt_max_ms"], about["dt_max_follows"]) == (2.5, "a function")
    (line,) = [line for line in command("show", "toy").stdout.splitlines() if "largest step" in line]
    assert line.endswith(": 2.5 ms at first, watched in runs")
    assert len(line) <= 80
