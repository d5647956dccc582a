"""A model's function that decides on all units at once is told by name, line and remedy."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase.errors import DeclarationError


class Base(rb.SpikingNeuron):
    v_t = rb.Parameter(1.0, unit="mV")
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data}

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.v_t

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}


class Derived(Base):
    @staticmethod
    def derivatives(state, params, data):
        if state.voltage > 0.5:
            return {"voltage": -data}
        return {"voltage": data}


class Gap(Base):
    @staticmethod
    def threshold(state, params):
        return max(state.voltage - params.v_t, -params.v_t * torch.ones_like(state.voltage))


class Reset(Base):
    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0 if state.voltage > 0 and True else 1.0}


class Update(Base):
    @staticmethod
    def update(state, params, data, dt):
        return {"voltage": torch.zeros_like(data) if not data > 0 else data}


class Number(Base):
    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data * math.exp(-state.voltage)}


class Item(Base):
    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data - state.voltage.item()}


CASES = [
    (Derived, "derivatives", "if state.voltage > 0.5:", r"torch\.where"),
    (Gap, "threshold", "return max(state", r"torch\.maximum"),
    (Reset, "reset", "if state.voltage > 0 and True", r"torch\.where"),
    (Update, "update", "if not data > 0 else", r"torch\.where"),
    (Number, "derivatives", "math.exp", r"torch\.exp"),
    (Item, "derivatives", r"state.voltage.item()", r"torch\.where"),
]


@pytest.mark.parametrize(("model", "function", "line", "remedy"), CASES)
def test_model_function_line_and_remedy_are_named(model, function, line, remedy):
    with pytest.raises(DeclarationError, match=remedy) as caught:
        rb.simulate(rb.create(model, 3), torch.tensor([1.0, 0.0, 20.0]), duration=5.0)
    told = str(caught.value)
    assert f"{model.__name__}.{function} ({__file__}:" in told
    assert line in told
    number = int(told.partition(f"{__file__}:")[2].partition(":")[0])
    with open(__file__, encoding="utf-8") as file:
        assert line in file.readlines()[number - 1]
    assert caught.value.__cause__ is not None


def test_a_default_that_decides_on_a_parameter_is_told_too():
    class Sized(Base):
        size = rb.Parameter(lambda p: 2.0 if p.v_t > 0 else 1.0, unit="1")

    class Begun(Base):
        voltage = rb.State(lambda p: -1.0 if p.v_t > 0 else 0.0, unit="mV")

    for model, name in ((Sized, "size"), (Begun, "voltage")):
        assert rb.create(model).num_units == 1
        with pytest.raises(
            DeclarationError, match=rf"the default of {model.__name__}\.{name} .*torch\.where"
        ):
            rb.create(model, 3, v_t=torch.tensor([1.0, 2.0, 3.0]))


def test_under_vmap_it_is_told_for_one_unit_too():
    neuron = rb.create(Derived)
    with pytest.raises(DeclarationError, match=r"Derived\.derivatives .*if state\.voltage.*torch\.where"):
        torch.func.vmap(neuron)(torch.ones(2, 1))


def test_other_errors_of_a_model_stay_as_they_are():
    class Wrong(Base):
        @staticmethod
        def derivatives(state, params, data):
            raise ValueError("the author's own")

    with pytest.raises(ValueError, match="the author's own") as caught:
        rb.create(Wrong, 3)(1.0)
    assert not isinstance(caught.value, DeclarationError)
