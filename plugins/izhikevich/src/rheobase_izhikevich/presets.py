"""The published cells and firing patterns, as tables of facts.

Times are in ms. Stimulus windows are open intervals, start < t < stop, where t is the start of a step,
as in the author's programs (closed in the last two patterns); inside a window the amplitude replaces the
base. The presets leave ``scheme`` alone: the spike trains of the papers are those of
``scheme="published"`` at the preset's dt.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from rheobase import Preset, stimulus

CITATION_2003 = (
    "E. M. Izhikevich (2003), Simple model of spiking neurons, IEEE Transactions on Neural Networks "
    "14(6), 1569-1572, doi:10.1109/TNN.2003.820440: figure 2 and the author's program for it"
)
CITATION_2004 = (
    "E. M. Izhikevich (2004), Which model to use for cortical spiking neurons?, IEEE Transactions on "
    "Neural Networks 15(5), 1063-1070, doi:10.1109/TNN.2004.832719: figure 1 and the author's program "
    "for it, figure1.m"
)


def _preset(
    doc: str,
    shape: tuple[float, float, float, float],
    start: float,
    current: stimulus.Stimulus,
    duration: float,
    *,
    dt: float = 0.25,
    recovery: float | None = None,
    citation: str = CITATION_2004,
    **others: float,
) -> Preset:
    """One row: a, b, c, d; the voltage at the start (the recovery starts at b times it, unless given)."""
    params: Mapping[str, Any] = {**dict(zip("abcd", shape, strict=True)), **others}
    state = {"voltage": start, "recovery": shape[1] * start if recovery is None else recovery}
    return Preset(
        doc, params=params, state=state, dt=dt, stimulus=current, duration=duration, citation=citation
    )


def _on(amplitude: float, start: float, base: float = 0.0) -> stimulus.Step:
    """A current that is switched on after ``start`` and stays."""
    return stimulus.Step(amplitude, start=start, base=base, closed="neither")


def _pulses(amplitude: float, length: float, *starts: float, base: float = 0.0) -> stimulus.Pulses:
    """Pulses of one length."""
    windows = tuple((start, start + length) for start in starts)
    return stimulus.Pulses(amplitude, windows, base=base, closed="neither")


def _ramp(slope: float, start: float, stop: float) -> stimulus.Ramp:
    """A ramp from zero that falls back to zero."""
    return stimulus.Ramp(slope, start=start, stop=stop, hold=False)


_DIP = stimulus.Step(75.0, start=50.0, stop=250.0, base=80.0, closed="both")
"""A current that is lower for a while; here the window is closed, as in the program."""


# fmt: off
# The cells of 2003: name -> row.
CELLS: dict[str, Preset] = {
    "RS": _preset(
        "regular spiking",
        (0.02, 0.2, -65.0, 8.0), -63.0, _on(14.0, 15.0), 150.0, citation=CITATION_2003,
    ),
    "IB": _preset(
        "intrinsically bursting",
        (0.02, 0.2, -55.0, 4.0), -70.0, _on(11.0, 15.0), 150.0, citation=CITATION_2003,
    ),
    "CH": _preset(
        "chattering",
        (0.02, 0.2, -50.0, 2.0), -70.0, _on(10.0, 15.0), 150.0, citation=CITATION_2003,
    ),
    "FS": _preset(
        "fast spiking",
        (0.1, 0.2, -65.0, 2.0), -70.0, _on(10.0, 15.0), 150.0, citation=CITATION_2003,
    ),
    "TC": _preset(
        "thalamo-cortical",
        (0.02, 0.25, -65.0, 0.05), -63.0, _on(1.5, 30.0), 150.0, citation=CITATION_2003,
    ),
    "TCb": _preset(
        "thalamo-cortical, rebound burst after inhibition",
        (0.02, 0.25, -65.0, 0.05), -87.0, _on(0.0, 45.0, base=-25.0), 150.0, citation=CITATION_2003,
    ),
    "RZ": _preset(
        "resonator",
        (0.1, 0.26, -65.0, 2.0), -70.0,
        stimulus.Levels(((60.0, 65.0, 10.0), (10.0, inf, -0.5)), base=-2.0, closed="neither"),
        100.0, citation=CITATION_2003,
    ),
    "LTS": _preset(
        "low-threshold spiking",
        (0.02, 0.25, -65.0, 2.0), -63.0, _on(10.0, 25.0), 250.0, citation=CITATION_2003,
    ),
}

# The patterns of 2004: name -> row, in the order of figure 1, (A) to (T).
PATTERNS: dict[str, Preset] = {
    "tonic_spiking": _preset(
        "(A) fires as long as the current lasts",
        (0.02, 0.2, -65.0, 6.0), -70.0, _on(14.0, 10.0), 100.0,
    ),
    "phasic_spiking": _preset(
        "(B) one spike at the onset of the current, then silence",
        (0.02, 0.25, -65.0, 6.0), -64.0, _on(0.5, 20.0), 200.0,
    ),
    "tonic_bursting": _preset(
        "(C) bursts as long as the current lasts",
        (0.02, 0.2, -50.0, 2.0), -70.0, _on(15.0, 22.0), 220.0,
    ),
    "phasic_bursting": _preset(
        "(D) one burst at the onset of the current, then silence",
        (0.02, 0.25, -55.0, 0.05), -64.0, _on(0.6, 20.0), 200.0, dt=0.2,
    ),
    "mixed_mode": _preset(
        "(E) a burst at the onset, then single spikes",
        (0.02, 0.2, -55.0, 4.0), -70.0, _on(10.0, 16.0), 160.0,
    ),
    "spike_frequency_adaptation": _preset(
        "(F) intervals that grow",
        (0.01, 0.2, -65.0, 8.0), -70.0, _on(30.0, 8.5), 85.0,
    ),
    "class_1": _preset(
        "(G) class 1 excitability: starts at a low rate, which grows with the current",
        (0.02, -0.1, -55.0, 6.0), -60.0, stimulus.Ramp(0.075, start=30.0), 300.0,
        poly_linear=4.1, poly_constant=108.0,
    ),
    "class_2": _preset(
        "(H) class 2 excitability: starts at a high rate",
        (0.2, 0.26, -65.0, 0.0), -64.0, stimulus.Ramp(0.015, start=30.0, base=-0.5), 300.0,
    ),
    "spike_latency": _preset(
        "(I) a spike long after a brief pulse",
        (0.02, 0.2, -65.0, 6.0), -70.0, _pulses(7.04, 3.0, 10.0), 100.0, dt=0.2,
    ),
    "subthreshold_oscillations": _preset(
        "(J) an oscillation below threshold after a spike",
        (0.05, 0.26, -60.0, 0.0), -62.0, _pulses(2.0, 5.0, 20.0), 200.0,
    ),
    "resonator": _preset(
        "(K) answers to two pulses at its own period, not to two that are nearer",
        (0.1, 0.26, -60.0, -1.0), -62.0, _pulses(0.65, 4.0, 40.0, 60.0, 280.0, 320.0), 400.0,
    ),
    # Not "integrator": that is an attribute of every neuron.
    "integration": _preset(
        "(L) integrator: answers to two pulses that are near, not to two that are far apart",
        (0.02, -0.1, -55.0, 6.0), -60.0,
        _pulses(9.0, 2.0, 100.0 / 11.0, 100.0 / 11.0 + 5.0, 70.0, 80.0), 100.0,
        poly_linear=4.1, poly_constant=108.0,
    ),
    "rebound_spike": _preset(
        "(M) a spike after inhibition ends",
        (0.03, 0.25, -60.0, 4.0), -64.0, _pulses(-15.0, 5.0, 20.0), 200.0, dt=0.2,
    ),
    "rebound_burst": _preset(
        "(N) a burst after inhibition ends",
        (0.03, 0.25, -52.0, 0.0), -64.0, _pulses(-15.0, 5.0, 20.0), 200.0, dt=0.2,
    ),
    "threshold_variability": _preset(
        "(O) a pulse too weak for a spike suffices after inhibition",
        (0.03, 0.25, -60.0, 4.0), -64.0,
        stimulus.Levels(((10.0, 15.0, 1.0), (80.0, 85.0, 1.0), (70.0, 75.0, -6.0)), closed="neither"), 100.0,
    ),
    "bistability": _preset(
        "(P) one pulse starts the firing, another stops it",
        (0.1, 0.26, -60.0, 0.0), -61.0, _pulses(1.24, 5.0, 37.5, 216.0, base=0.24), 300.0,
    ),
    "depolarizing_afterpotential": _preset(
        "(Q) stays depolarised for a while after a spike",
        (1.0, 0.2, -60.0, -21.0), -70.0, _pulses(20.0, 2.0, 9.0), 50.0, dt=0.1,
    ),
    "accommodation": _preset(
        "(R) answers to a steep ramp, not to a slow one that goes higher",
        (0.02, 1.0, -55.0, 4.0), -65.0,
        _ramp(1.0 / 25.0, 0.0, 200.0) + _ramp(4.0 / 12.5, 300.0, 312.5), 400.0,
        dt=0.5, recovery=-16.0, recovery_leak=0.0, recovery_shift=-65.0,
    ),
    "inhibition_induced_spiking": _preset(
        "(S) fires while the current is lower",
        (-0.02, -1.0, -60.0, 8.0), -63.8, _DIP, 350.0, dt=0.5,
    ),
    "inhibition_induced_bursting": _preset(
        "(T) bursts while the current is lower",
        (-0.026, -1.0, -45.0, -2.0), -63.8, _DIP, 350.0, dt=0.5,
    ),
}
# fmt: on
