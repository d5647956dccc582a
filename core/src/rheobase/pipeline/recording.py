"""The recording of a run, as a user has it: made of a neuron's steps, shown, saved and read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from torch import Tensor

from ..html import html_table, in_short
from .endings import check_ending
from .results import Results
from .spikes import NoSpikes, Spikes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame  # type: ignore[import-untyped, import-not-found, unused-ignore]

    from ..engine.model.declaration import Input, Quantity
    from ..engine.neuron.base import Neuron

__all__ = ["Recording", "Spikes"]


def model_name(neuron: Neuron) -> str:
    """How results and messages call a neuron's model: by its component's name, else by its class's."""
    source = neuron.provenance
    return source["model"].name if "model" in source else neuron.identifier


def trace_units_of(neuron: Neuron, names: Iterable[str]) -> dict[str, str]:
    """Name -> unit, such as ``"mV"``, of those of the names whose unit the neuron's model declares."""
    schema = neuron.schema
    declared: dict[str, Quantity | Input] = {**schema.inputs, **schema.states}
    units = {name: each.unit for name, each in declared.items()} | dict(neuron.loggable_units)
    if getattr(neuron, "input_unit", ""):
        units.setdefault("input", neuron.input_unit)  # that of the one input without a name
    return {name: units[name] for name in names if name in units}


@final
@dataclass(frozen=True, eq=False)
class Recording(Results):
    """The spikes and traces of one run, made by :func:`rheobase.simulate`.

    Args:
        spikes: The spikes; see :class:`Spikes`.
        traces: Name -> values ``[steps // every, *batch, units]``; row n is the state after
            ``(n + 1) * every`` steps of the run, at ``times[n]``. A name that was not recorded is a
            :class:`~rheobase.errors.TraceError`.
        dt: The time step in ms.
        steps: The number of steps that were run.
        first_step: The neuron's step counter at the start of the run. Default 0.
        num_units: The number of units. Default 1.
        batch_shape: The shape of the batch. Default ``()``: none.
        model: The model's name.
        provenance: Which distribution gave model, integrator, aggregator and backend.
        warnings: What the run had to say.
        complete: False where the run was interrupted.
        trace_units: Name -> unit, such as ``"mV"``, for the traces whose unit the model declares.
        every: The stride of the traces, in steps. Default 1: a row for each step.
        trace_indices: Name -> the units that were recorded, int64 ``[n]``, where it was not all of them: such
            a trace is ``[steps // every, *batch, n]``. ``"spikes"`` -> those whose spikes were recorded:
            what counts them has ``[*batch, n]``.
        trace_widths: Name -> how many synapses there are, for traces that are of these and not of units.
        settings: What the run was made of, by name, from which it can be run again: model, parameters,
            state at the beginning, stimulus, seed and all else (:mod:`rheobase.pipeline.settings`).
            ``settings["unrepeatable"]`` has the reasons why it cannot, where there are some. Empty where
            that is not known.
    """

    @classmethod
    def of(
        cls,
        neuron: Neuron,
        *,
        spikes: Sequence[Tensor] | None,
        traces: Mapping[str, Tensor],
        steps: int,
        first_step: int,
        batch_shape: tuple[int, ...] = (),
        complete: bool = True,
        every: int = 1,
        trace_indices: Mapping[str, Tensor] | None = None,
    ) -> Recording:
        """The recording of a run of a neuron: what a backend gives back.

        Args:
            neuron: The neuron; its names, units and origins are taken from it.
            spikes: Times, units and batch indices, as :class:`Spikes` takes them; None where they were not
                recorded.
            traces: Name -> values ``[steps // every, *batch, units]``.
            steps: The number of steps that were run.
            first_step: The neuron's step counter at the start of the run.
            batch_shape: The shape of the batch. Default ``()``: none.
            complete: False where the run was interrupted.
            every: The stride of the traces, in steps. Default 1.
            trace_indices: Name -> units, for what was recorded of some units only. Default: of all.
        """
        return cls(
            spikes=NoSpikes() if spikes is None else Spikes(*spikes),
            traces=traces,
            dt=neuron.dt,
            steps=steps,
            first_step=first_step,
            num_units=neuron.num_units,
            batch_shape=batch_shape,
            model=model_name(neuron),
            provenance=dict(neuron.provenance),
            complete=complete,
            trace_units=trace_units_of(neuron, traces),
            every=every,
            trace_indices=dict(trace_indices or {}),
            trace_widths={name: width for name, width in neuron.loggable_widths.items() if name in traces},
        )

    def plot(
        self, path: str | os.PathLike[str] | None = None, *, ax: Axes | Sequence[Axes] | None = None
    ) -> Figure:
        """Draw a panel for each trace, over a raster of the spikes: ``rheobase.plots.plot_recording``.

        Args:
            path: Where to write the picture; its ending says the kind. Default: nowhere.
            ax: Where to draw instead of in a new figure: as many axes as there are panels.

        Returns:
            The figure; in a notebook it shows itself.

        Raises:
            RheobaseError: If matplotlib is missing.
            ArgumentError: If there are more or fewer axes than panels.
            OutputError: If the path cannot be written, or its ending is of no kind that can be drawn.
        """
        from .drawing import plot_recording

        return plot_recording(self, path, ax=ax)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the recording as an NPZ file, which :meth:`load` and ``numpy.load`` read without pickle; or
        its spikes, and nothing else of it, as a CSV.

        Args:
            path: The file; it is written under exactly this name, over what was there. Where it ends in
                ``.csv`` it has the spikes, one a line: ``time_ms,unit``, and with a batch ``,batch``. Traces
                and settings are left out of a CSV, whether there are some or not: they need an NPZ file.

        Raises:
            OutputError: If the path cannot be written, or its ending is that of another format.
            ArgumentError: For a CSV, if the spikes were not recorded.
        """
        from .storage import save
        from .tables import save_spikes

        if check_ending(path) == ".csv":
            save_spikes(self, path)
        else:
            save(self, path)

    def to_pandas(self) -> DataFrame:
        """The spikes as a pandas table: ``time_ms``, ``unit``, ``batch``, a row for each (extra ``pandas``).

        Traces are ``recording.traces[name]``, at ``recording.times``.

        Raises:
            RheobaseError: If pandas is missing.
            ArgumentError: If the spikes were not recorded.
        """
        from .tables import to_pandas

        return to_pandas(self)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Any:
        """Read a recording that :meth:`save` wrote, or that of a network.

        Args:
            path: The file.

        Returns:
            The recording, on the CPU: a :class:`Recording`, or a :class:`~rheobase.NetworkRecording`.

        Raises:
            ArgumentError: If the file is missing or no recording, or what it says makes no sense: a time step
                that is not above 0, rows that are not one for each ``every`` steps, spikes outside the run.
        """
        from .networkrecording import NetworkRecording
        from .networkstorage import load_network
        from .storage import load

        network = load_network(Recording, path)
        return load(Recording, path) if network is None else NetworkRecording(*network)

    def __repr__(self) -> str:
        end = "" if self.complete else ", interrupted"
        traces = "".join(f", {name}" for name in self.traces)
        spikes = f"{len(self.spikes)} spikes" if self.spikes.recorded else "spikes not recorded"
        return (
            f"<Recording of {self.num_units} {self.model or 'unit(s)'}: {self.duration:g} ms, "
            f"{spikes}{traces}{end}>"
        )

    def _repr_html_(self) -> str:
        rows = [
            ("units", str(self.num_units)),
            *([("batch", str(list(self.batch_shape)))] if self.batch_shape else []),
            (
                "duration",
                f"{self.duration:g} ms, {self.steps} steps" + ("" if self.complete else ", interrupted"),
            ),
            ("spikes", str(len(self.spikes)) if self.spikes.recorded else "not recorded"),
            *(
                (name, f"{list(trace.shape)}, {in_short(trace, self.trace_units.get(name, ''))}")
                for name, trace in self.traces.items()
            ),
            *((part, source.name) for part, source in self.provenance.items() if part != "model"),
        ]
        return html_table(f"Recording of {self.model or 'units'}", rows)
