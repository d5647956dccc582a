"""``rheobase demo``: a few models under one current that fluctuates as in a living brain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ComponentError, RheobaseError
from .interrupts import import_undisturbed
from .judging import judged
from .messages import console, json_option, number, print_json, table, warn
from .outputs import check_plot

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron
    from ..pipeline.recording import Recording
    from ..stimulus import OrnsteinUhlenbeck


@dataclass(frozen=True)
class Case:
    """A model by name and preset, and the rheobase that its current is measured by."""

    model: str
    preset: str | None
    rheobase: float

    @property
    def title(self) -> str:
        """The model and its preset."""
        return self.model if self.preset is None else f"{self.model} {self.preset}"


MOST = 4
"""How many neurons the demo drives."""

TAU = 5.0
"""The current's correlation time, ms, as of fast synapses."""

DT = 0.1
"""One time step for all, ms: the same seed then means the same path."""


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default="demo.png", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the current.")
@click.option("--duration", type=float, default=1000.0, show_default=True, help="Duration in ms.")
@json_option
@judged
@click.pass_obj
def demo(messages: list[str], out: Path, seed: int, duration: float, as_json: bool) -> None:
    """Drive four neurons with one noisy current, and draw them.

    They are the first spiking neurons that are installed, by name: of each model its first preset, and
    further presets where there are fewer than four models. All receive the same Ornstein-Uhlenbeck noise. Its
    mean and standard deviation are about the neuron's rheobase, the least constant current that makes it
    fire.

    The table has, of each, the rheobase, the spikes, the rate, and the mean and coefficient of variation of
    the intervals between spikes: 0 for a clock, 1 for chance. The picture, demo.png, has the current, the
    voltages, and a tick for each spike; it needs matplotlib.
    """
    from importlib.util import find_spec

    drawing = find_spec("matplotlib") is not None
    if drawing:
        check_plot(out, "--out")
    else:
        warn("no picture, which needs matplotlib: pip install 'rheobase[plot]'", messages)
    import_undisturbed("torch", "rheobase.engine.create", "rheobase.pipeline.simulate")
    if drawing:
        import_undisturbed("matplotlib.figure")
    _current(seed)  # a seed that cannot be is refused before anything is searched for
    cases = _installed(messages)
    recordings = [_drive(case, seed, duration) for case in cases]
    if drawing:
        from .picture import draw

        # Not scaled: the picture has the current in units of the rheobase.
        rows = _current(seed).rows(0, recordings[0].steps, DT, num_units=1)
        draw(out, rows.flatten().tolist(), [case.title for case in cases], recordings)
    results = [
        {"model": case.model, "preset": case.preset, "rheobase": case.rheobase, **variability(recording)}
        for case, recording in zip(cases, recordings, strict=True)
    ]
    if as_json:
        picture = str(out) if drawing else None
        print_json(
            {
                "seed": seed,
                "duration_ms": duration,
                "models": results,
                "picture": picture,
                "warnings": messages,
            }
        )
        return
    lines = [
        (
            case.title,
            number(case.rheobase),
            *(result["count"], *(f"{result[key]:.1f}" for key in ("rate_hz", "mean_isi_ms"))),
            f"{result['cv_isi']:.2f}",
        )
        for case, result in zip(cases, results, strict=True)
    ]
    columns = ["model", ">rheobase", ">spikes", ">rate (Hz)", ">mean ISI (ms)", ">CV of ISI"]
    console().print(table(columns, lines))
    if drawing:
        click.echo(f"The picture is in {out}.")


def variability(recording: Recording) -> dict[str, Any]:
    """Of one unit: spikes, rate in Hz, and mean (ms) and CV of its intervals; NaN where these are too few."""
    return {
        "count": len(recording.spikes),
        "rate_hz": float(recording.rates()),
        "mean_isi_ms": float(recording.isi().mean()),
        "cv_isi": float(recording.cv()),
    }


def _installed(messages: list[str]) -> list[Case]:
    """The first spiking neurons that a current makes fire; which are passed over is told."""
    from ..engine.resolve import load
    from ..plugins.registry import list_components

    presets: list[list[tuple[str, str | None]]] = []
    for name in sorted({component.spec.name for component in list_components("neuron")}):
        try:
            model = load("neuron", name)[0]
        except RheobaseError as error:
            warn(f"the demo goes without {name}: {error}", messages)
            continue
        if getattr(model, "spiking", False):
            # A model without presets is driven by its defaults.
            presets.append([(name, preset) for preset in model.schema.presets or (None,)])
    # Each model once, before any a second time.
    wanted = [each[0] for each in presets] + [case for each in presets for case in each[1:]]
    cases: list[Case] = []
    while wanted and len(cases) < MOST:
        name, preset = wanted.pop(0)
        try:
            cases.append(Case(name, preset, _rheobase(name, preset)))
        except RheobaseError as error:
            warn(f"the demo goes without {name}: {error}", messages)
            # With its other presets: of one model one warning is enough.
            wanted = [case for case in wanted if case[0] != name]
    if not cases:
        raise ComponentError(
            "the demo drives spiking neurons, and none is installed that a current makes fire; install a "
            "plugin that offers one, or begin one: rheobase new neuron"
        )
    return sorted(cases, key=lambda case: case.model)


def _rheobase(model: str, preset: str | None) -> float:
    from ..pipeline.rheobase import search

    # To a few percent, in a tenth of the time: the current is noise, and this its size.
    found = float(search(_create(model, preset), window=100.0, tolerance=0.1))
    if not 0.0 < found < math.inf:
        raise ComponentError("it fires without a current" if found == 0.0 else "no current makes it fire")
    return found


def _create(model: str, preset: str | None) -> Neuron:
    from ..engine.create import create

    neuron: Neuron = create(model, preset=preset, dt=DT)
    return neuron


def _drive(case: Case, seed: int, duration: float) -> Recording:
    from ..pipeline.recorder import main_state
    from ..pipeline.simulate import simulate

    neuron = _create(case.model, case.preset)
    current = _current(seed, case.rheobase)
    shown = main_state(neuron)
    return simulate(
        neuron,
        # As find_rheobase has it: the first of several inputs.
        {next(iter(neuron.schema.inputs)): current} if neuron.schema.inputs else current,
        duration,
        record="spikes" if shown is None else ("spikes", shown),
        progress=False,
    )


def _current(seed: int, scale: float = 1.0) -> OrnsteinUhlenbeck:
    from ..stimulus import OrnsteinUhlenbeck

    return OrnsteinUhlenbeck(mean=scale, std=scale, tau=TAU, seed=seed)
