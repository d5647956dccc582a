"""A property that could decide nothing says so, and counts neither as passed nor as failed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from hypothesis import strategies as st
from rheobase import conformance
from rheobase.conformance import Property, Result, Verdict, catalogue
from rheobase.conformance.finding import find_one
from rheobase.conformance.neurons import spiking as at_all
from rheobase.conformance.neurons.cases import can_be_made
from rheobase.conformance.profiles import Profile
from rheobase.conformance.running import judge
from rheobase.conformance.suite import outcome
from rheobase.conformance.vacuous import vacuous
from rheobase.conformance.violation import violated
from rheobase.errors import IntegrationError, RheobaseError

NUMBERS = st.integers(0, 1000)


def made(name: str, check: Callable[..., None], numbers: Any = None) -> Property:
    """A property of aggregators; ``numbers`` is the strategy of its cases."""
    cases = None if numbers is None else lambda subject, profile: numbers
    return Property(name, "aggregator", "components", f"It is {name}.", "so it is", check, cases)


def holds(*_: Any) -> None:
    """A property that holds."""


def decides_nothing(*_: Any) -> None:
    """A property that never can say anything."""
    vacuous("there was nothing to see")


def tried(check: Callable[..., None], numbers: Any = None, expected: str | None = None) -> Result:
    """The verdict on one property."""
    trial = Profile("smoke", examples=20, shrinking=1.0)
    return judge(made("tried", check, numbers), find_one("sum"), trial, 0, expected)


@pytest.mark.parametrize("numbers", [None, NUMBERS], ids=["once", "cases"])
@pytest.mark.parametrize("expected", [None, "it never was"])
def test_a_property_that_decides_nothing_neither_passes_nor_fails(numbers: Any, expected: str | None) -> None:
    found = tried(decides_nothing, numbers, expected)
    assert (found.verdict, found.reason) == (Verdict.VACUOUS, "there was nothing to see")
    assert found.verdict.ran
    assert not found.verdict.decided
    assert found.ok
    assert found.vacuous == {"there was nothing to see": found.examples}


def test_one_case_that_decides_makes_it_pass_and_the_others_are_counted() -> None:
    cases = []

    def sometimes(subject: Any, case: int) -> None:
        cases.append(case)
        if len(cases) != 7:
            vacuous("even" if case % 2 == 0 else "odd")

    found = tried(sometimes, NUMBERS)
    assert (found.verdict, found.reason) == (Verdict.PASSED, "")
    assert sum(found.vacuous.values()) == found.examples - 1 == 19
    assert set(found.vacuous) == {"even", "odd"}


def test_a_case_that_fails_is_found_among_vacuous_ones() -> None:
    def sometimes(subject: Any, case: int) -> None:
        if case < 500:
            vacuous("small")
        violated("large")

    found = tried(sometimes, NUMBERS)
    assert (found.verdict, found.seen) == (Verdict.FAILED, "large")


def test_a_strategy_that_decides_nothing_is_vacuous_too() -> None:
    def never(number: int) -> int:
        vacuous("nothing can be drawn")

    found = tried(holds, NUMBERS.map(never))
    assert (found.verdict, found.reason) == (Verdict.VACUOUS, "nothing can be drawn")


def test_a_property_that_bears_the_errors_of_a_model_does_not_swallow_it() -> None:
    def bearing(*_: Any) -> None:
        try:
            decides_nothing()
        except RheobaseError:
            return

    assert tried(bearing).verdict is Verdict.VACUOUS


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kit of two properties that hold and one that decides nothing."""
    props = [made("sound", holds), made("other", holds), made("idle", decides_nothing)]
    monkeypatch.setattr(catalogue, "PROPERTIES", {(prop.kind, prop.name): prop for prop in props})
    monkeypatch.setattr(catalogue, "MODULES", ())


@pytest.mark.usefixtures("kit")
def test_counts_badge_and_text_tell_vacuous_ones_apart() -> None:
    report = conformance.check("sum", "smoke")
    assert report.ok
    assert (report.counts["ran"], report.counts["passed"], report.counts["vacuous"]) == (3, 2, 1)
    assert "smoke%202%20of%202%2C%201%20vacuous-brightgreen" in report.badge
    assert "vacuous, as there was nothing to see: idle" in str(report)
    assert "2 passed, 1 vacuous" in str(report)
    plain = {each["property"]: each for each in report.to_plain()["results"]}
    assert (plain["idle"]["verdict"], plain["idle"]["vacuous"]) == (
        "vacuous",
        {"there was nothing to see": 1},
    )
    assert plain["sound"]["vacuous"] == {}


@pytest.mark.usefixtures("kit")
def test_a_script_and_pytest_say_so_too(capsys: pytest.CaptureFixture[str]) -> None:
    conformance.reproduce("sum", "idle")
    assert capsys.readouterr().out == "idle decides nothing here: there was nothing to see\n"
    with pytest.raises(pytest.skip.Exception, match="vacuous: there was nothing to see"):
        outcome(conformance.properties("aggregator")[2], find_one("sum"), "smoke", 0, {})


# --- models -------------------------------------------------------------------------------------


class Saturating(rb.SpikingNeuron):
    """tau dV/dt = -V + tanh(I): below its threshold under any input."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    v_th = rb.Parameter(15.0, unit="mV", doc="threshold")
    voltage = rb.State(0.0, unit="mV", at_most=1.0, doc="potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (torch.tanh(data) - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return torch.clamp(state.voltage, max=1.0) - params.v_th

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class Unreached(Saturating):
    """Its other state could be above threshold, and nothing leads there."""

    other = rb.State(0.0, unit="1", doc="what decides")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {**Saturating.derivatives(state, params, data), "other": -state.other}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.other - 1.0


class Constant(Saturating):
    """It says itself that it never spikes."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return torch.full_like(state.voltage, -1.0)


class Excitable(Saturating):
    """The same, with a preset of a lower threshold."""

    low = rb.Preset("a low threshold", params={"v_th": 0.5})


class Rebound(rb.SpikingNeuron):
    """V = I, h follows V, and V - h > 1 is a spike, of inputs below zero only: after inhibition."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="time constant of h")
    h = rb.State(0.0, unit="mV", at_most=0.0, doc="what the inhibition has reached")
    given = rb.State(0.0, unit="mV", doc="the inhibition just now")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        now = torch.tanh(data).clamp(max=0.0)
        return {"h": (now - state.h) / params.tau, "given": now - state.given}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.given - state.h - 0.2

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"h": state.given}


class Slow(rb.SpikingNeuron):
    """A phase that comes to one after 60 ms, whatever the input."""

    phase = rb.State(0.0, unit="1", doc="phase")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"phase": torch.full_like(state.phase, 1.0 / 60.0)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.phase - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"phase": torch.zeros_like(state.phase)}


class Fast(Slow):
    """The same, with a period of 3 ms."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"phase": torch.full_like(state.phase, 1.0 / 3.0)}


class Coincidence(rb.SpikingNeuron):
    """tau dV/dt = -V + 20 tanh(a) tanh(b): it takes both inputs at once."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    a = rb.Input(unit="1", at_least=0, doc="the one")
    b = rb.Input(unit="1", at_least=0, doc="the other")
    voltage = rb.State(0.0, unit="mV", doc="potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (20.0 * torch.tanh(data.a) * torch.tanh(data.b) - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


def spiking(model: type[rb.Neuron]) -> Result:
    """Whether a model spikes at all, by the kit."""
    return conformance.check(model, "smoke", only=["spikes-at-some-input"]).results[0]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """To be sure of a silence takes long."""
    monkeypatch.setattr(at_all, "STEPS", 200)
    monkeypatch.setattr(at_all, "MANY_STEPS", 200)


@pytest.mark.usefixtures("quick")
def test_a_model_whose_threshold_no_state_reaches_fails() -> None:
    found = spiking(Saturating)
    assert found.verdict is Verdict.FAILED
    assert "no state within the declared domains has g above -14, which must come to 0" in found.seen


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("model", [Unreached, Constant])
def test_a_model_that_may_be_meant_to_be_silent_is_told_in_report_and_badge(model: type[rb.Neuron]) -> None:
    report = conformance.check(model, "smoke", only=["spikes-at-some-input"])
    assert report.ok
    assert report.results[0].verdict is Verdict.VACUOUS
    assert "NEVER SPIKES, so the badge is not green: it never spikes by its defaults" in str(report)
    whole = dataclasses.replace(report, unasked=0)
    assert whole.badge.endswith("smoke%200%20of%200%2C%201%20vacuous%2C%20never%20spikes-yellow)")


@pytest.mark.parametrize("model", [Rebound, Coincidence, Excitable])
@pytest.mark.usefixtures("quick")
def test_a_model_that_spikes_only_in_its_own_way_is_not_accused(model: type[rb.Neuron]) -> None:
    assert not any(find_one(model).sizes.rheobase.values())  # type: ignore[attr-defined]
    assert spiking(model).verdict is Verdict.PASSED


def test_a_slow_pacemaker_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_all, "STEPS", 20)
    assert not find_one(Slow).sizes.alone  # type: ignore[attr-defined]
    assert spiking(Slow).verdict is Verdict.PASSED


def test_what_hangs_on_the_rheobase_is_vacuous_where_there_is_none() -> None:
    names = ["strong-drive-never-silences", "events-agree", "spike-times-converge"]
    for model, why in ((Saturating, "no constant input was found"), (Fast, "it spikes without input")):
        results = conformance.check(model, "smoke", only=names).results
        assert {result.verdict for result in results} == {Verdict.VACUOUS}
        assert all(result.reason.startswith(why) for result in results)
    kicked = conformance.check(Saturating, "smoke", only=["a-kick-spikes-once", "spikes-are-crossings"])
    assert {result.verdict for result in kicked.results} == {Verdict.VACUOUS}


def test_a_sound_model_decides_them_all() -> None:
    path = Path(__file__).parent / "zoo" / "sound_neurons.py"
    names = ["a-kick-spikes-once", "events-agree", "spikes-at-some-input", "strong-drive-never-silences"]
    report = conformance.check(f"{path}:HardFloor", "smoke", only=names)
    assert len(report.of(Verdict.PASSED)) == 4


class Undrawn(Saturating):
    """It says that it draws random numbers, and draws none."""

    stochastic = True


class Ends(Saturating):
    """A forward of its own that always ends in a named error."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        raise IntegrationError("no step is taken")


class DrawsAndEnds(Ends):
    """The same, of a model that may draw."""

    stochastic = True


@pytest.mark.parametrize(
    ("model", "name", "why"),
    [
        (Undrawn, "rows-draw-apart", "runs under other seeds do not part, or end in a named error"),
        (DrawsAndEnds, "rows-draw-apart", "runs under other seeds do not part, or end in a named error"),
        (Ends, "forward-gives-what-it-keeps", "the first step ends in a named error"),
        (Ends, "own-steps-are-precise", "nothing was given at any number"),
    ],
)
def test_what_comes_to_no_comparison_is_vacuous(model: type[rb.Neuron], name: str, why: str) -> None:
    (found,) = conformance.check(model, "smoke", only=[name]).results
    assert (found.verdict, found.reason) == (Verdict.VACUOUS, why)


class Checked(Saturating):
    """A check of the author's own, of a kind of error that Python has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if bool((self.tau != 20.0).any()):
            raise ValueError("the time constant is 20 ms")


def test_values_that_an_author_refuses_are_not_tried() -> None:
    subject = find_one(Checked)
    assert can_be_made(subject, {"tau": 20.0}, 2)  # type: ignore[arg-type]
    assert not can_be_made(subject, {"tau": (20.0, 22.0)}, 2)  # type: ignore[arg-type]
    assert not can_be_made(subject, {"tau": -1.0}, 2)  # type: ignore[arg-type]
    (found,) = conformance.check(Checked, "smoke", only=["unit-alone"]).results
    assert found.verdict is Verdict.PASSED, found.seen


class Clock(rb.SpikingNeuron):
    """tau dV/dt = E - V, a spike at 10 mV and back to 0: whatever it is given, it takes no input."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    drive = rb.Parameter(15.0, unit="mV", above=10)
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.drive - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 10.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


@pytest.mark.parametrize("name", ["layer-gradient-equals-differences", "layer-rows-learn-alone"])
def test_the_layer_of_a_model_without_an_input_has_no_gradient_to_judge(name: str) -> None:
    (found,) = conformance.check(Clock, profile="smoke", only=[name]).results
    assert found.verdict is Verdict.VACUOUS
    assert found.reason == "nothing that it gives hangs on its input"
