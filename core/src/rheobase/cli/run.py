"""``rheobase run``: drive a model with a current."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ..deferral import announcing, deferred
from ..errors import RheobaseError, StimulusError
from .interrupts import Ending, import_undisturbed, terminable
from .judging import judged
from .messages import json_option, print_json, warn
from .outputs import check_output, check_plot
from .settings import read_settings

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron
    from ..pipeline.again import Run
    from ..pipeline.recording import Recording
    from ..pipeline.simulator import SimpleSimulator

_PATH = click.Path(path_type=Path)
_SETTINGS = (".yaml", ".yml")


@click.command()
@click.argument("name", required=False)
@click.option("--stimulus", type=_PATH, help="Current from a CSV, TSV, NPY or NPZ file.")
@click.option("--stimulus-dt", type=float, help="Time step of that file in ms, if it has none.")
@click.option("--stimulus-scale", type=float, help="Factor on its values: 1000 for nA to pA.")
@click.option("--current", type=float, help="A constant current instead, in the model's unit.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter, initial state or option; values with commas, one per unit; repeatable.",
)
@click.option("--preset", help="A preset of the model; see `rheobase show NAME`.")
@click.option("--units", type=int, default=1, show_default=True, help="How many neurons.")
@click.option("--dt", type=float, help="Time step in ms.")
@click.option("--duration", type=float, help="Duration in ms; default: the stimulus's.")
@click.option("--integrator", help="An installed integrator.")
@click.option("--aggregator", help="An installed aggregator.")
@click.option("--event", default="crossing", show_default=True, help="crossing, step or located.")
@click.option("--seed", type=int, help="Seed of what the model draws.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), help="Precision of the states.")
@click.option("--record", multiple=True, help="What to record besides spikes, such as voltage; repeatable.")
@click.option(
    "--every", type=int, default=1, show_default=True, help="Keep one row of N steps in traces.", metavar="N"
)
@click.option("--out", type=_PATH, help="Save the recording to this NPZ file.")
@click.option(
    "--recover",
    type=_PATH,
    metavar="OUT",
    help="Run nothing; make a file of what a run to OUT had recorded when it was killed.",
)
@click.option(
    "--again",
    type=_PATH,
    metavar="RECORDING",
    help="Run once more what a recording was saved of, just as it was; with --out, --plot and --json only.",
)
@click.option("--plot", type=_PATH, help="Draw traces and spikes to this PNG, PDF or SVG file.")
@click.option(
    "--backend",
    default="auto",
    show_default=True,
    help="An installed one; auto takes one that serves, else eager.",
)
@json_option
@judged
@click.pass_context
def run(context: click.Context, /, **options: Any) -> None:
    """Drive a model with a current and count its spikes.

    NAME is that of an installed model, or file.py:Class, or module:Class; or a YAML file with all the
    settings of a run, of a network too, beside which only --out, --plot and --json are taken.

    The current comes from --stimulus or --current, else from the preset. Ctrl-C, and what else asks a
    process to end, ends a run early and keeps what was recorded.
    """
    with terminable() as ending:
        try:
            if options["recover"] is not None:
                _recover(context, options)
            else:
                _run(context, options, ending)
        except KeyboardInterrupt:
            click.echo(ending.word, err=True)
            context.exit(ending.code)


def _run(context: click.Context, options: dict[str, Any], ending: Ending) -> None:
    if options["again"] is not None:
        _only(context, "--again", {"again", "out", "plot", "as_json"})
    elif options["name"] is None:
        raise click.UsageError("Missing argument 'NAME'.", context)
    elif options["name"].endswith(_SETTINGS):
        _only(context, "A file of settings", {"name", "out", "plot", "as_json"})
    # What was typed is looked at first: to import torch takes longer.
    parameters = read_settings(options["settings"])
    if options["out"] is not None:
        inputs = [path for path in (options["stimulus"], options["again"]) if path is not None]
        check_output(options["out"], "--out", [".npz"], inputs=inputs)
    if options["plot"] is not None:
        check_plot(options["plot"], "--plot")

    if options["again"] is None and options["name"].endswith(_SETTINGS):
        _run_file(context, options, ending)
        return
    import_undisturbed("torch", "rheobase.engine.create", "rheobase.pipeline.simulate")
    if options["plot"] is not None:
        import_undisturbed("matplotlib.figure", "rheobase.pipeline.drawing")
    prepared = _again(options["again"]) if options["again"] is not None else _prepared(options, parameters)
    if not isinstance(prepared, tuple):
        _run_settings(context, options, ending, prepared)
        return
    recording, interrupted = _take(options, prepared)
    _tell(context, options, recording, f"{ending.word} at" if interrupted else "")
    if interrupted:
        context.exit(ending.code)


def _run_file(context: click.Context, options: dict[str, Any], ending: Ending) -> None:
    """A run whose settings are in a YAML file."""
    import_undisturbed("torch", "rheobase.pipeline.simulator")
    from ..pipeline.simulator import SimpleSimulator

    _run_settings(context, options, ending, SimpleSimulator.from_file(options["name"]))


def _run_settings(
    context: click.Context, options: dict[str, Any], ending: Ending, simulator: SimpleSimulator
) -> None:
    from ..pipeline.simulate import SimulationInterrupted

    interrupted = False
    # What was typed is relative to where it was typed, not to the file.
    simulator.configure({key: options[key].absolute() for key in ("out", "plot") if options[key] is not None})
    try:
        with announcing(_say_that_it_stopped):
            recording = simulator.run()
    except SimulationInterrupted as stopped:
        recording, interrupted = stopped.recording, True
    _tell(context, options, recording, f"{ending.word} at" if interrupted else "")
    if interrupted:
        context.exit(ending.code)


def _tell(context: click.Context, options: dict[str, Any], recording: Any, ended: str) -> None:
    messages: list[str] = context.obj
    # The run may have told these as they came: warn() tells each once.
    for message in recording.warnings:
        warn(message, messages)
    if ended:
        warn(f"{ended} {recording.duration:g} ms: the recording is incomplete", messages)

    from . import report

    if options["as_json"]:
        print_json(report.as_json(recording, messages))
    else:
        report.print_summary(recording)


def _only(context: click.Context, option: str, taken: set[str]) -> None:
    """Refuse other options than those that an option goes with."""
    for parameter in context.command.params:
        # Typed: a default that was left alone contradicts nothing.
        given = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        if given and parameter.expose_value and parameter.name not in taken:
            what = parameter.opts[0] if parameter.opts[0].startswith("-") else "NAME"
            raise click.UsageError(f"{option} says all of the run: leave out {what}.", context)


def _again(path: Path) -> Run | SimpleSimulator:
    from ..pipeline.again import again
    from ..pipeline.networkagain import again_network
    from ..pipeline.recording import Recording

    try:
        recording = Recording.load(path)
        return again(recording) if isinstance(recording, Recording) else again_network(recording)
    except RheobaseError as error:
        raise type(error)(f"--again {path}: {error}") from error


def _recover(context: click.Context, options: dict[str, Any]) -> None:
    if options["name"] is not None or options["out"] is not None:
        raise click.UsageError("--recover runs nothing: leave out NAME and --out.", context)
    import_undisturbed("torch", "rheobase.pipeline.journal")
    from ..pipeline.journal import recover

    recording, path = recover(options["recover"])
    _tell(context, options, recording, "" if recording.complete else "killed after")
    click.echo(f"The recording is in {path}.", err=True)


def _neuron(options: dict[str, Any], parameters: dict[str, Any]) -> Neuron:
    import torch

    from ..engine.create import create
    from ..pipeline.pointed import model_of

    dtype = None if options["dtype"] is None else getattr(torch, options["dtype"])
    values: dict[str, Any] = {
        # One value for each unit, in the precision that was typed.
        name: torch.tensor(value, dtype=torch.float64) if isinstance(value, list) else value
        for name, value in parameters.items()
    }
    neuron: Neuron = create(
        model_of(options["name"]),
        options["units"],
        preset=options["preset"],
        integrator=options["integrator"],
        aggregator=options["aggregator"],
        event=options["event"],
        dt=options["dt"],
        dtype=dtype,
        seed=options["seed"],
        **values,
    )
    return neuron


def _stimulus(options: dict[str, Any], neuron: Neuron) -> Any:
    from .. import stimulus

    path, current = options["stimulus"], options["current"]
    if path is not None and current is not None:
        raise StimulusError(f"--stimulus {path} and --current {current:g} were both given; give one of them")
    if path is None:
        for option in ("stimulus_dt", "stimulus_scale"):
            if options[option] is not None:
                raise StimulusError(f"--{option.replace('_', '-')} is about a file; name it by --stimulus")
    if path is not None:
        scale = 1.0 if options["stimulus_scale"] is None else options["stimulus_scale"]
        return stimulus.File(path, dt=options["stimulus_dt"], scale=scale)
    if current is not None:
        return stimulus.Constant(current)
    preset = neuron.preset
    if preset is not None and preset.stimulus is not None:
        return preset.stimulus
    what = f"the preset {preset.name!r} has no stimulus" if preset is not None else "no stimulus was given"
    with_one = [name for name, item in neuron.schema.presets.items() if item.stimulus is not None]
    presets = f", or --preset {' | '.join(with_one)}" if with_one else ""
    raise StimulusError(f"{what}; say what drives {options['name']}: --stimulus FILE or --current X{presets}")


def _prepared(options: dict[str, Any], parameters: dict[str, Any]) -> Run:
    from ..pipeline.again import Run
    from ..pipeline.recorder import main_state

    neuron = _neuron(options, parameters)
    stimulus = _stimulus(options, neuron)
    duration, preset = options["duration"], neuron.preset
    # A preset's duration belongs to its stimulus, and says nothing of another.
    if duration is None and preset is not None and stimulus is preset.stimulus:
        duration = preset.duration
    if duration is None and options["current"] is not None:
        raise StimulusError("--current has no end; give --duration in ms")
    own, state = ("spikes" if "spiked" in neuron.loggable_props else None), main_state(neuron)
    # A picture without a trace is a raster alone, and an analog model has nothing else to record.
    seen = state if options["plot"] is not None or own is None else None
    record = dict.fromkeys(name for name in (own, *options["record"], seen) if name is not None)
    how = {"record": tuple(record), "backend": options["backend"], "every": options["every"]}
    return Run(neuron, stimulus, duration, how)


def _take(options: dict[str, Any], prepared: Run) -> tuple[Recording, bool]:
    from ..pipeline.journal import journaling, save_journaled
    from ..pipeline.simulate import SimulationInterrupted

    interrupted = False
    with journaling(
        options["out"], prepared.neuron, prepared.how["record"], prepared.how["every"]
    ) as journal:
        try:
            with announcing(_say_that_it_stopped):
                recording = prepared.take()
        except SimulationInterrupted as stopped:
            recording, interrupted = stopped.recording, True
        with deferred():  # a second Ctrl-C, for patience, is no reason to lose all
            if options["out"] is not None:
                save_journaled(recording, journal, options["out"])
                # To stderr: stdout may be one JSON object.
                click.echo(f"The recording is in {options['out']}.", err=True)
            if options["plot"] is not None:
                from ..pipeline.drawing import plot_recording

                plot_recording(recording, options["plot"])
                click.echo(f"The picture is in {options['plot']}.", err=True)
    return recording, interrupted


def _say_that_it_stopped() -> None:
    click.echo("stopped: what was recorded is kept ...", err=True)
