"""A time step beyond the membrane time constant is told."""

from __future__ import annotations

import warnings

import pytest
import rheobase as rb
from rheobase.errors import StepSizeWarning


@pytest.mark.parametrize("backend", ["eager", "auto"])
def test_a_step_of_four_time_constants_is_told_with_one_that_serves(backend: str) -> None:
    lif = rb.create("lif", dt=20.0)
    with pytest.warns(StepSizeWarning, match=r"lif: dt=20 ms.*dt_max=5 ms of unit 0.*dt=5 ms would serve"):
        rb.simulate(lif, 300.0, duration=400.0, backend=backend)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_below_it_no_method_of_fixed_step_overshoots(order: int) -> None:
    # 99 pA lead to 19.8 mV above rest, and the threshold lies at 20 mV: every spike would be false.
    lif = rb.create("lif", dt=5.0, integrator=f"rk{order}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(rb.simulate(lif, 99.0, duration=500.0, backend="eager").spikes.times) == 0


def test_beyond_it_the_lowest_order_spikes_falsely_and_says_so() -> None:
    lif = rb.create("lif", dt=6.0, integrator="rk1")
    with pytest.warns(StepSizeWarning, match="dt_max=5 ms"):
        assert len(rb.simulate(lif, 99.0, duration=600.0, backend="eager").spikes.times) > 0
