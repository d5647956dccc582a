"""What the states of synapses begin with."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch

from .models import Exponential, Pair, leaky


def two() -> Any:
    net = rb.Network(seed=1)
    net.add("E", leaky(2))
    net.add("I", leaky(2))
    return net


def test_states_of_synapses_begin_with_what_the_recipe_gives() -> None:
    begin = torch.tensor([1.0, 2.0], dtype=torch.float64)
    for given in (3.0, begin, rb.Normal(40.0, 15.0, at_least=0.0)):
        net = two()
        made = net.connect("E", "I", ([0], [0]), rb.synapse(Exponential, current=given), weight=1.0)
        first = made.current.clone()
        if isinstance(given, rb.Normal):
            assert len(first.unique()) == 2
            # It follows from seed and name: the same in a network that is made again.
            again = two()
            again.connect("E", "I", ([1], [0]), rb.synapse(Exponential, current=given), weight=9.0)
            assert torch.equal(again["E->I"].current, first)
        else:
            assert torch.equal(first, torch.as_tensor(given, dtype=torch.float64).expand(2))
        net()
        assert torch.all(made.current < first)
        net.reset_state()
        assert torch.equal(made.current, first)
    assert begin.tolist() == [1.0, 2.0]
    with pytest.raises(rb.errors.ParameterError, match=r"the state 'current' has shape \[3\]"):
        two().connect("E", "I", ([0], [0]), rb.synapse(Exponential, current=torch.ones(3)))
    with pytest.raises(rb.errors.ParameterError, match="the state 'x' is kept for each synapse"):
        rb.synapse(Pair, x=1.0)


def test_a_receptor_has_one_beginning() -> None:
    for first, second, says in (
        (2.0, 2.0, ""),
        (2.0, 3.0, "has another current"),
        (None, 3.0, "has another current"),
        (rb.Uniform(0.0, 1.0), rb.Uniform(0.0, 1.0), ""),
        (rb.Uniform(0.0, 1.0), rb.Uniform(0.0, 2.0), "has another current"),
        (rb.Uniform(0.0, 1.0), 0.5, "has another current"),
    ):
        net = two()
        kinds = [
            rb.synapse(Exponential, **({} if each is None else {"current": each})) for each in (first, second)
        ]
        one = net.connect("E", "I", ([0], [0]), kinds[0], receptor="ampa")
        if says:
            with pytest.raises(rb.errors.ArgumentError, match=says):
                net.connect("I", "I", ([0], [0]), kinds[1], receptor="ampa")
        else:
            other = net.connect("I", "I", ([0], [0]), kinds[1], receptor="ampa")
            begin = one.current.clone()
            for again in (lambda: None, net.reset_state, other.reset_state):
                again()
                assert torch.equal(one.current, begin)
                assert torch.equal(other.current, begin)
