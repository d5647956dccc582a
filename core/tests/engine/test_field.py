"""The field of a model, and the same for some of its units."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from rheobase.engine.step.field import ModelGap


def field_of(model, shape, resting):
    """A field with parameters and input that differ by unit, at a random state."""
    generator = torch.Generator().manual_seed(3)
    draw = lambda *size: torch.rand(*size, generator=generator, dtype=torch.float64)  # noqa: E731
    units = shape[-1]
    neuron = rb.create(model, units, dtype=torch.float64, b=0.2 + 0.05 * draw(units))
    held = draw(*shape) < 0.5 if resting else None
    field = rb.ModelField(neuron._model, neuron.params, draw(*shape), torch.Size(shape), held)
    return field, ModelGap(neuron._model, neuron.params, torch.Size(shape)), draw(2, *shape)


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7)], ids=["units", "batch", "two batch dimensions"])
@pytest.mark.parametrize("resting", [False, True])
@pytest.mark.parametrize(
    "who", [slice(2, 6), torch.tensor([5, 0, 6]), slice(0, None)], ids=["slice", "some", "all"]
)
def test_some_units_have_the_slopes_that_they_have_among_all(coupled, shape, resting, who):
    field, gap, y = field_of(coupled, shape, resting)
    flat = y.reshape(2, -1)[:, who]
    assert torch.equal(field.take(who)(0.0, flat), field(0.0, y).reshape(2, -1)[:, who])
    assert torch.equal(gap.take(who)(flat), gap(y).reshape(-1)[who])


def test_some_of_some_units_are_those_among_all(coupled):
    field, gap, y = field_of(coupled, (3, 7), resting=True)
    first, second = torch.tensor([20, 4, 9, 11]), torch.tensor([3, 1])
    flat = y.reshape(2, -1)[:, first[second]]
    assert torch.equal(
        field.take(first).take(second)(0.0, flat), field(0.0, y).reshape(2, -1)[:, first[second]]
    )
    assert torch.equal(gap.take(first).take(second)(flat), gap(y).reshape(-1)[first[second]])


def test_held_states_of_resting_units_stand_still_and_the_others_go_on(coupled):
    field, _, y = field_of(coupled, (7,), resting=True)
    resting = field.resting
    assert 0 < int(resting.sum()) < 7
    moving = field.at_rest(None)(0.0, y)
    assert torch.equal(field(0.0, y)[0], torch.where(resting, 0.0, moving[0]))
    assert torch.equal(field(0.0, y)[1], moving[1])
    rows = field.rows(0.0, tuple(y.unbind(0)))
    assert torch.equal(torch.stack(rows), field(0.0, y))
