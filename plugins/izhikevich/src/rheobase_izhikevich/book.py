"""The neuron of Izhikevich's book of 2007, in units of membranes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from rheobase import Expect, Option, Parameter, Preset, SpikingNeuron, State, stimulus

if TYPE_CHECKING:
    from torch import Tensor

CITATION = (
    "E. M. Izhikevich (2007), Dynamical Systems in Neuroscience, MIT Press, "
    "doi:10.7551/mitpress/2526.001.0001"
)
SOURCE = "the equations of Izhikevich 2007, by scipy's DOP853 at 1e-10"
SLOWEST = 1e-3
"""The slowest decay that sets a limit to the step, 1/ms."""
ROW = ("c_m", "k", "v_r", "v_t", "a", "b", "c", "d", "v_peak")
"""The parameters of a cell, in the order of the book's program."""


def _cell(
    what: str,
    figure: str,
    row: tuple[float, ...],
    current: float,
    duration: float,
    figures: tuple[int, tuple[float, ...]],
    **others: Any,
) -> Preset:
    """A cell of chapter 8, under one of the currents of its figure."""
    spikes, first = figures
    return Preset(
        what,
        params={**dict(zip(ROW, row, strict=True)), **others},
        stimulus=stimulus.Constant(current),
        duration=duration,
        citation=f"{CITATION}, figure {figure}",
        expect=Expect(spikes=spikes, first=first, within=0.01, source=SOURCE),
    )


class Izhikevich2007(SpikingNeuron):
    r"""The simple model with a membrane's units (Izhikevich 2007, chapter 8).

    .. math::

        C \frac{dv}{dt} &= k (v - v_r)(v - v_t) - u + I \\
        \frac{du}{dt} &= a (U(v) - u)

    When v reaches v_peak + p u: v is set to c + q u, with the u before, and u to min(u + d, u_max). U(v) is

    - ``linear``: b (v - v_r);
    - ``cubic``: b (v - v_b)^3 above v_b, else 0: of fast spiking cells;
    - ``below``: b (v - v_r) up to v_b, else 0: of thalamic cells, which burst from below it.

    v is ``voltage``, which starts at v_r; u is ``recovery``, which starts at 0.

    Units: v in mV, t in ms, C in pF, I, u and d in pA, a in 1/ms, k in nS/mV, b in nS (``cubic``: nS/mV^2).

    Presets: RS (the defaults), IB, CH, LTS, FS, TC, each under a current of its figure. The values of RS, IB,
    CH and LTS are also those of NetPyNE's cells of the book.

    Book: E. M. Izhikevich (2007), Dynamical Systems in Neuroscience, MIT Press,
    doi:10.7551/mitpress/2526.001.0001.

    Example:
        >>> import rheobase as rb
        >>> [rb.simulate(rb.create("izhikevich-2007"), i, 1000.0).counts().item() for i in (60.0, 100.0)]
        [4, 13]
    """

    input_unit = "pA"

    c_m = Parameter(100.0, unit="pF", above=0, doc="membrane capacitance C")
    k = Parameter(0.7, unit="nS/mV", above=0, doc="steepness of the parabola k")
    v_r = Parameter(-60.0, unit="mV", doc="resting potential v_r")
    v_t = Parameter(-40.0, unit="mV", doc="instantaneous threshold v_t")
    a = Parameter(0.03, unit="1/ms", above=0, doc="rate of recovery a")
    b = Parameter(-2.0, unit="nS", doc="how strongly the recovery follows the voltage b")
    c = Parameter(-50.0, unit="mV", doc="voltage after a spike c")
    d = Parameter(100.0, unit="pA", doc="step of the recovery at a spike d")
    v_peak = Parameter(35.0, unit="mV", doc="voltage at which a spike ends")
    v_b = Parameter(-55.0, unit="mV", doc="where U of cubic and below bends v_b")
    p = Parameter(0.0, unit="mV/pA", doc="how the recovery moves the peak p")
    q = Parameter(0.0, unit="mV/pA", doc="how the recovery moves the voltage after a spike q")
    u_max = Parameter(1e6, unit="pA", doc="the most that a spike leaves of the recovery")
    follows = Option("linear", "cubic", "below", doc="how the recovery follows the voltage: U")

    voltage = State("v_r", unit="mV", doc="membrane potential v")
    recovery = State(0.0, unit="pA", doc="recovery current u")

    RS = _cell(
        "regular spiking, of layer 5",
        "8.12",
        (100.0, 0.7, -60.0, -40.0, 0.03, -2.0, -50.0, 100.0, 35.0),
        70.0,
        1000.0,
        (7, (100.0225, 247.8096, 395.6641)),
    )
    IB = _cell(
        "intrinsically bursting, of layer 5",
        "8.19",
        (150.0, 1.2, -75.0, -45.0, 0.01, 5.0, -56.0, 130.0, 50.0),
        500.0,
        600.0,
        (8, (20.7679, 36.9068, 119.4524)),
    )
    CH = _cell(
        "chattering, of the visual cortex",
        "8.23",
        (50.0, 1.5, -60.0, -40.0, 0.03, 1.0, -40.0, 150.0, 25.0),
        400.0,
        210.0,
        (13, (5.3244, 7.6782, 10.8985, 37.6429)),
    )
    LTS = _cell(
        "low-threshold spiking interneuron",
        "8.25",
        (100.0, 1.0, -56.0, -42.0, 0.03, 8.0, -53.0, 20.0, 40.0),
        200.0,
        320.0,
        (10, (16.4525, 36.1817, 63.3001)),
        p=-0.1,
        q=0.04,
        u_max=670.0,
    )
    FS = _cell(
        "fast-spiking interneuron",
        "8.27",
        (20.0, 1.0, -55.0, -40.0, 0.2, 0.025, -45.0, 0.0, 25.0),
        200.0,
        100.0,
        (8, (3.3989, 14.941, 27.1975)),
        follows="cubic",
        v_b=-55.0,
    )
    TC = _cell(
        "thalamo-cortical",
        "8.31",
        (200.0, 1.6, -60.0, -50.0, 0.01, 15.0, -60.0, 10.0, 35.0),
        100.0,
        650.0,
        (11, (44.6538, 93.7135, 147.2101)),
        follows="below",
        v_b=-65.0,
        p=0.1,
        q=-0.1,
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        v, u = state.voltage, state.recovery
        return {
            "voltage": (params.k * (v - params.v_r) * (v - params.v_t) - u + data) / params.c_m,
            "recovery": params.a * (_followed(v, params) - u),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.v_peak - params.p * state.recovery
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        u = state.recovery
        return {
            "voltage": params.c + params.q * u,
            "recovery": torch.minimum(u + params.d, params.u_max),
        }

    @staticmethod
    def dt_max(state: Any, params: Any, data: Tensor) -> Tensor:
        """One over the fastest decay; the upstroke, which grows, sets no limit.

        The Jacobian is [[k (2 v - v_r - v_t) / C, -1 / C], [a U', -a]]: see the neuron of 2003.
        """
        v = state.voltage
        fall = params.k * (params.v_r + params.v_t - 2.0 * v) / params.c_m
        rate = torch.maximum(fall, params.a) + (params.a * _steepness(v, params) / params.c_m).abs().sqrt()
        limit: Tensor = 1.0 / rate.clamp(min=SLOWEST)
        return limit


def _followed(v: Tensor, params: Any) -> Tensor:
    """U(v)."""
    if params.follows == "cubic":
        cubic: Tensor = params.b * torch.relu(v - params.v_b) ** 3
        return cubic
    linear: Tensor = params.b * (v - params.v_r)
    return linear if params.follows == "linear" else torch.where(v <= params.v_b, linear, 0.0)


def _steepness(v: Tensor, params: Any) -> Tensor:
    """The slope of U."""
    if params.follows == "cubic":
        steep: Tensor = 3.0 * params.b * torch.relu(v - params.v_b) ** 2
        return steep
    slope: Tensor = params.b + 0.0 * v
    return slope if params.follows == "linear" else torch.where(v <= params.v_b, slope, 0.0)
