"""What an author's functions see and give has one shape and one type in all event modes."""

from __future__ import annotations

import math
import re

import pytest
import rheobase as rb
import torch

EVENTS = ("step", "crossing", "located")
SHAPES: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()


class Shapes(rb.SpikingNeuron):
    """A leak, which notes the shapes of its voltage and its input."""

    tau_ref = rb.Parameter(0.3, unit="ms", at_least=0)
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        SHAPES.add((tuple(state.voltage.shape), tuple(data.shape)))
        return {"voltage": (data - state.voltage) / 5.0}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 10.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}


class Doubled(Shapes):
    """g in float64, whatever the neuron is in."""

    @staticmethod
    def threshold(state, params):
        return state.voltage.double() - torch.tensor(10.0, dtype=torch.float64)


class Counted(Shapes):
    """g as a whole number."""

    @staticmethod
    def threshold(state, params):
        return torch.floor(state.voltage - 10.0).to(torch.int64)


class Never(Shapes):
    """g as a number."""

    @staticmethod
    def threshold(state, params):
        return -1.0


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("model", [Doubled, Counted, Never])
def test_g_is_cast_to_the_type_of_the_state(model, dtype, event):
    neuron = rb.create(model, 2, event=event, dtype=dtype)
    plain = rb.create(Shapes, 2, event=event, dtype=dtype)
    for _ in range(60):
        out, right = (each(torch.tensor([0.0, 15.0], dtype=dtype)) for each in (neuron, plain))
        assert out["voltage"].dtype == dtype
        if model is Never:
            assert not out["spiked"].any()
        elif model is Doubled and event != "located":
            assert torch.equal(out["spiked"], right["spiked"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("model", [Doubled, Counted])
def test_spikes_are_located_with_g_of_another_type(model, dtype):
    neuron = rb.create(model, 2, event="located", dtype=dtype)
    times = []
    for _ in range(100):
        out = neuron(torch.tensor([20.0, 15.0], dtype=dtype))
        times += out["spike_times"][1].tolist()
    first = next(time for time in times if time == time)
    # 5 ln 3, to the order of RK4, and in float32 to its rounding divided by the speed of 1 mV/ms. A whole
    # number is zero for one mV, and so any time of the step serves.
    exactly = 1e-6 if dtype == torch.float64 else 1e-4
    assert first == pytest.approx(5.0 * math.log(3.0), abs=exactly if model is Doubled else 0.1)


@pytest.mark.parametrize("kind", ["number", "one", "each", "signal"])
@pytest.mark.parametrize("units", [1, 3])
def test_the_input_has_the_shape_that_it_has_in_every_event_mode(kind, units):
    given = {
        "number": 15.0,
        "one": torch.tensor([15.0]),
        "each": torch.linspace(12.0, 20.0, units),
        "signal": rb.Signal(lambda t: 15.0 + 0.0 * t),
    }[kind]
    seen = {}
    for event in EVENTS:
        SHAPES.clear()
        neuron = rb.create(Shapes, units, event=event, voltage=torch.linspace(0.0, 9.9, units))
        spikes = sum(neuron(given)["spiked"].float() for _ in range(160))
        assert bool((spikes > 0).all())
        seen[event] = set(SHAPES)
    assert seen["step"] == seen["crossing"]
    for state, data in seen["located"]:
        # Of fewer units where some go on by themselves; else what the others see.
        assert len(data) == 1
        assert data[0] in (1, *state)
        assert state != (units,) or (state, data) in seen["step"] or kind == "signal"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (lambda state, params: state.voltage > 1.0, "a comparison (bool)"),
        (lambda state, params: (state.voltage > 1.0) & (params.tau_ref > 0), "a comparison (bool)"),
        (lambda state, params: False, "a comparison (bool)"),
        (lambda state, params: None, "NoneType"),
        (lambda state, params: {"voltage": state.voltage}, "dict"),
    ],
)
@pytest.mark.parametrize("event", EVENTS)
def test_a_threshold_that_is_no_difference_is_told_before_the_first_step(given, told, event):
    wrong = type("Wrong", (Shapes,), {"threshold": staticmethod(given)})
    remedy = "give a difference that is positive past the threshold, such as state.voltage - params.threshold"
    with pytest.raises(rb.errors.DeclarationError, match=re.escape(f"Wrong.threshold gave {told}; {remedy}")):
        rb.create(wrong, 2, event=event)


def test_a_threshold_that_becomes_a_comparison_with_an_option_is_told_where_it_does():
    class Two(Shapes):
        kind = rb.Option("difference", "comparison")

        @staticmethod
        def threshold(state, params):
            return state.voltage - 10.0 if params.kind == "difference" else state.voltage > 10.0

    neuron = rb.create(Two)
    neuron.kind = "comparison"
    with pytest.raises(rb.errors.DeclarationError, match=r"Two\.threshold gave a comparison"):
        neuron(1.0)
    assert neuron.simulation_step == 0
