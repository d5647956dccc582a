"""Values that differ from unit to unit."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from rheobase.errors import ParameterError


def test_fixed_gives_every_unit_the_value(lif):
    assert rb.create(lif, 3, tau_mem=rb.Sweep.fixed(7.0)).tau_mem.tolist() == [7.0] * 3


def test_zipped_gives_each_unit_its_own(lif):
    neuron = rb.create(lif, 3, tau_mem=rb.Sweep.zipped([1.0, 2.0, 3.0]), leak_gl=rb.Sweep.zipped([4, 5, 6]))
    assert neuron.tau_mem.tolist() == [1.0, 2.0, 3.0]
    assert neuron.leak_gl.tolist() == [4.0, 5.0, 6.0]


def test_grids_give_all_combinations_the_last_one_fastest(lif):
    neuron = rb.create(lif, 6, tau_mem=rb.Sweep.grid([1, 2]), leak_gl=rb.Sweep.grid(torch.tensor([3, 4, 5])))
    pairs = list(zip(neuron.tau_mem.tolist(), neuron.leak_gl.tolist(), strict=True))
    assert pairs == [(1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)]


def test_grid_and_zipped_and_fixed_combine(lif):
    neuron = rb.create(
        lif, 4, tau_mem=rb.Sweep.grid([1, 2]), tau_ref=rb.Sweep.zipped([0, 1, 2, 3]),
        leak_gl=rb.Sweep.grid([3, 4]), volt_rest=rb.Sweep.fixed(-70.0),
    )  # fmt: skip
    assert neuron.tau_mem.tolist() == [1, 1, 2, 2]
    assert neuron.leak_gl.tolist() == [3, 4, 3, 4]
    assert neuron.tau_ref.tolist() == [0, 1, 2, 3]
    assert neuron.volt_rest.tolist() == neuron.voltage.tolist() == [-70.0] * 4


def test_random_is_uniform_and_reproducible_and_leaves_the_global_generator_alone(lif):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    draws = {
        seed: rb.create(lif, 2000, tau_mem=rb.Sweep.random(2.0, 6.0, seed=seed)).tau_mem for seed in (1, 2)
    }
    assert torch.equal(torch.rand(3), expected)
    again = rb.create(lif, 2000, tau_mem=rb.Sweep.random(2.0, 6.0, seed=1)).tau_mem
    assert torch.equal(draws[1], again)
    assert not torch.equal(draws[1], draws[2])
    values = draws[1]
    assert 2.0 <= float(values.min()) < 2.05
    assert 5.95 < float(values.max()) <= 6.0
    # The mean of 2000 uniform values on [2, 6) has the standard error 4 / sqrt(12 * 2000) = 0.026.
    assert abs(float(values.mean()) - 4.0) < 0.13


def test_two_random_sweeps_with_one_seed_do_not_depend_on_their_order(lif):
    sweeps = {"tau_mem": rb.Sweep.random(1, 2, seed=1), "leak_gl": rb.Sweep.random(1, 2, seed=2)}
    one = rb.create(lif, 5, **sweeps)
    other = rb.create(lif, 5, **dict(reversed(sweeps.items())))
    assert torch.equal(one.tau_mem, other.tau_mem)
    assert torch.equal(one.leak_gl, other.leak_gl)


@pytest.mark.parametrize(
    ("sweeps", "words"),
    [
        ({"tau_mem": rb.Sweep.zipped([1.0, 2.0])}, "'tau_mem' has 2 values for 3 units"),
        ({"tau_mem": rb.Sweep.zipped([1.0, 2.0, 3.0, 4.0])}, "'tau_mem' has 4 values for 3 units"),
        ({"tau_mem": rb.Sweep.grid([1.0, 2.0])}, "'tau_mem'.* = 2 points for 3 units.*num_units=2"),
        (
            {"tau_mem": rb.Sweep.grid([1, 2]), "leak_gl": rb.Sweep.grid([1, 2])},
            "'tau_mem', 'leak_gl' has 2 x 2 = 4 points",
        ),
        ({"tau_mem": rb.Sweep.zipped([1.0, -2.0, 3.0])}, "'tau_mem' of unit 1 is -2.*> 0 ms"),
        ({"tau_men": rb.Sweep.fixed(1.0)}, "'tau_men'.*did you mean 'tau_mem'"),
    ],
)
def test_sweeps_that_do_not_fit_are_refused(lif, sweeps, words):
    with pytest.raises(ParameterError, match=words):
        rb.create(lif, 3, **sweeps)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rb.Sweep.zipped([]),
        lambda: rb.Sweep.grid([1.0, float("nan")]),
        lambda: rb.Sweep.fixed(float("inf")),
        lambda: rb.Sweep.zipped(["a"]),
        lambda: rb.Sweep.zipped(3.0),
        lambda: rb.Sweep.random(2.0, 1.0, seed=1),
        lambda: rb.Sweep.random(1.0, 1.0, seed=1),
        lambda: rb.Sweep.random(0.0, 1.0, seed=1.5),
        lambda: rb.Sweep.random(0.0, float("inf"), seed=1),
    ],
)
def test_values_that_cannot_be_swept_are_refused(make):
    with pytest.raises(ParameterError, match=r"Sweep|sweep"):
        make()


def test_initial_states_can_be_swept(lif):
    neuron = rb.create(lif, 3, voltage=rb.Sweep.zipped([-60.0, -65.0, -70.0]))
    neuron(0.0)
    neuron.reset_state()
    assert neuron.voltage.tolist() == [-60.0, -65.0, -70.0]


def test_heterogenize_changes_parameters_in_place(lif):
    neuron = rb.create(lif, 4)
    neuron.heterogenize(tau_mem=rb.Sweep.grid([1, 2]), leak_gl=rb.Sweep.grid([3, 4]))
    assert neuron.tau_mem.tolist() == [1, 1, 2, 2]
    assert neuron.leak_gl.tolist() == [3, 4, 3, 4]
    neuron.tau_ref = rb.Sweep.zipped([0, 1, 2, 3])
    assert neuron.tau_ref.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"leak_gl": rb.Sweep.fixed(-1.0)}, "'leak_gl'.*> 0 nS"),
        ({"leak_gl": rb.Sweep.zipped([1.0])}, "1 values for 2 units"),
        ({"leek_gl": rb.Sweep.fixed(1.0)}, "'leek_gl'.*did you mean 'leak_gl'"),
        ({"leak_gl": 3.0}, "leak_gl=3.0.*Sweep"),
    ],
)
@pytest.mark.parametrize("learnable", [False, True])
def test_heterogenize_changes_all_or_nothing(lif, second, words, learnable):
    neuron = rb.create(lif, 2)
    if learnable:
        neuron.tau_mem = torch.nn.Parameter(torch.tensor(5.0))
    before, own = neuron.tau_mem, list(neuron.parameters())
    with pytest.raises(ParameterError, match=words):
        neuron.heterogenize(tau_mem=rb.Sweep.fixed(3.0), **second)
    assert neuron.tau_mem is before
    assert [id(each) for each in neuron.parameters()] == [id(each) for each in own]


def test_heterogenize_says_that_a_state_is_no_parameter(lif):
    with pytest.raises(ParameterError, match="voltage") as caught:
        rb.create(lif, 2).heterogenize(voltage=rb.Sweep.fixed(-60.0))
    assert "did you mean 'voltage'" not in str(caught.value)
