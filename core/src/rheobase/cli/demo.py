"""``rheobase demo``: a few models under one current that fluctuates as in a living brain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ComponentError
from .interrupts import import_undisturbed
from .judging import judged
from .messages import console, json_option, number, print_json, table, warn
from .outputs import check_plot

if TYPE_CHECKING:
    from ..pipeline.recording import Recording


@dataclass(frozen=True)
class Case:
    """A model by name, and how strong the current is for it, in its own unit."""

    model: str
    preset: str | None
    mean: float
    std: float
    unit: str

    @property
    def title(self) -> str:
        """The model and its preset."""
        return self.model if self.preset is None else f"{self.model} {self.preset}"


CASES = (
    Case("lif", None, 80.0, 80.0, "pA"),
    Case("izhikevich", "RS", 5.0, 5.0, "1"),
    Case("izhikevich", "CH", 5.0, 5.0, "1"),
    Case("izhikevich", "FS", 5.0, 5.0, "1"),
)
"""What the demo drives: any models of these names that are installed."""

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

    A leaky integrate-and-fire neuron (lif) and Izhikevich's regular spiking (RS), chattering (CH) and
    fast spiking (FS) cells receive the same Ornstein-Uhlenbeck noise, scaled for each model.

    The table has, of each, the current's mean and standard deviation, the spikes, the rate, and the mean and
    coefficient of variation of the intervals between spikes: 0 for a clock, 1 for chance. The picture,
    demo.png, has the current, the voltages, and a tick for each spike; it needs matplotlib.
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
    cases = _installed(messages)
    recordings = [_drive(case, seed, duration) for case in cases]
    if drawing:
        from .picture import draw

        draw(out, [case.title for case in cases], recordings, [case.unit for case in cases])
    results = [
        {"model": case.model, "preset": case.preset, **variability(recording)}
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
    rows = [
        (
            case.title,
            f"{number(case.mean)} ± {number(case.std)}{'' if case.unit == '1' else ' ' + case.unit}",
            *(result["count"], *(f"{result[key]:.1f}" for key in ("rate_hz", "mean_isi_ms"))),
            f"{result['cv_isi']:.2f}",
        )
        for case, result in zip(cases, results, strict=True)
    ]
    columns = ["model", ">current", ">spikes", ">rate (Hz)", ">mean ISI (ms)", ">CV of ISI"]
    console().print(table(columns, rows))
    if drawing:
        click.echo(f"The picture is in {out}.")


def variability(recording: Recording) -> dict[str, Any]:
    """Rate and regularity of the spikes of one unit.

    Args:
        recording: A recording of one unit.

    Returns:
        ``count``, ``rate_hz``, and of the inter-spike intervals the mean in ms and the coefficient of
        variation (standard deviation over mean; 1 for a Poisson process); NaN for too few intervals.
    """
    return {
        "count": len(recording.spikes),
        "rate_hz": float(recording.rates()),
        "mean_isi_ms": float(recording.isi().mean()),
        "cv_isi": float(recording.cv()),
    }


def _installed(messages: list[str]) -> list[Case]:
    from ..plugins.registry import list_components

    names = {component.spec.name for component in list_components("neuron")}
    missing = sorted({case.model for case in CASES} - names)
    # By custom, the plugin of a model is a distribution of that name after "rheobase-".
    mend = f"pip install {' '.join(f'rheobase-{name}' for name in missing)}"
    if len(missing) == len({case.model for case in CASES}):
        raise ComponentError(f"the demo needs models, and {' and '.join(missing)} are not installed: {mend}")
    if missing:
        warn(f"the demo goes without {' and '.join(missing)}, not installed: {mend}", messages)
    return [case for case in CASES if case.model in names]


def _drive(case: Case, seed: int, duration: float) -> Recording:
    from ..engine.create import create
    from ..pipeline.simulate import simulate
    from ..stimulus import OrnsteinUhlenbeck

    neuron = create(case.model, preset=case.preset, dt=DT)
    current = OrnsteinUhlenbeck(mean=case.mean, std=case.std, tau=TAU, seed=seed)
    return simulate(neuron, current, duration, record=("spikes", "voltage", "input"), progress=False)
