"""torch.compile of one step: no graph break, one compilation, the same numbers."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from torch._dynamo.testing import CompileCounter


@pytest.fixture(autouse=True)
def _fresh_compiler():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def drives(shape, steps, scale):
    generator = torch.Generator().manual_seed(7)
    return scale * torch.rand(steps, *shape, generator=generator)


def agree(neuron, twin, step, inputs):
    spikes = 0
    for current in inputs:
        compiled, eager = step(current), twin(current)
        assert compiled.keys() == eager.keys()
        for name in eager:
            assert torch.equal(compiled[name], eager[name]), name
        assert torch.equal(neuron.armed, twin.armed)
        spikes += int(eager["spiked"].sum())
    for name, value in twin.state_dict().items():
        assert torch.equal(neuron.state_dict()[name], value), name
    return spikes


@pytest.mark.parametrize(("shape", "most"), [((3,), 1), ((4, 3), 2)], ids=["unbatched", "batch"])
def test_a_step_compiles_once_and_equals_eager(lif, shape, most):
    neuron, twin = rb.create(lif, 3), rb.create(lif, 3)
    counter = CompileCounter()
    step = torch.compile(neuron, backend=counter, fullgraph=True)
    spikes = agree(neuron, twin, step, drives(shape, 60, 1500.0))
    assert spikes > 5
    assert neuron.simulation_step == 60
    # Once; for a batch once more, because the first step widens the states.
    assert 1 <= counter.frame_count <= most


def test_reset_state_does_not_compile_anew(lif):
    neuron = rb.create(lif, 3)
    counter = CompileCounter()
    step = torch.compile(neuron, backend=counter, fullgraph=True)
    for _ in range(2):
        for current in drives((3,), 5, 100.0):
            step(current)
        neuron.reset_state()
    assert counter.frame_count <= 2


def test_a_coupled_model_with_a_refractory_period_equals_eager(coupled):
    # The compiled step selects among all units; eager works on those that spiked.
    def make():
        return rb.create(coupled, 4, tau_ref=1.0, d=torch.tensor([2.0, 4.0, 6.0, 8.0]))

    neuron, twin = make(), make()
    step = torch.compile(neuron, backend="eager", fullgraph=True)
    assert agree(neuron, twin, step, drives((4,), 150, 60.0)) > 5


def test_a_model_that_explodes_past_its_threshold_equals_eager(adex):
    neuron, twin = rb.create(adex, 2), rb.create(adex, 2)
    step = torch.compile(neuron, backend="eager", fullgraph=True)
    assert agree(neuron, twin, step, torch.full((120, 2), 6000.0)) > 5


def test_the_event_mode_step_compiles(lif):
    neuron, twin = rb.create(lif, 2, event="step"), rb.create(lif, 2, event="step")
    step = torch.compile(neuron, backend="eager", fullgraph=True)
    assert agree(neuron, twin, step, drives((2,), 40, 1500.0)) > 1
