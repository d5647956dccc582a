"""The contract between a run and what takes its steps: what a backend is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from torch import Tensor

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron
    from .recording import Recording
    from .sources import Source, Sources


class Steppable(Protocol):
    """What is stepped: by its clock and by its pure step. A neuron is."""

    @property
    def identifier(self) -> str:
        """How messages call it."""

    @property
    def num_units(self) -> int:
        """Its units."""

    @property
    def dt(self) -> float:
        """The time step, ms."""

    @property
    def simulation_step(self) -> int:
        """The steps since the start."""

    @property
    def state(self) -> Any:
        """What a step goes on from, by name."""

    @property
    def params(self) -> Any:
        """The parameters and options, by name."""

    def step(self, state: Any, params: Any, data: Any, dt: float) -> tuple[Any, Mapping[str, Any]]:
        """The state after a step, and what the step gave; nothing of its own is changed."""


class Drive(Protocol):
    """A stimulus, checked against the neuron that will receive it, and in its type and on its device."""

    @property
    def first_step(self) -> int:
        """The neuron's clock at the start of the run, in steps."""

    @property
    def dt(self) -> float:
        """The time step, ms."""

    @property
    def num_units(self) -> int:
        """The neuron's units."""

    @property
    def parts(self) -> Mapping[str, Source | Sources]:
        """Each input's sources, as they were given, by the input's name; under ``""`` where it has none.

        A source is a stimulus, on the neuron's clock; a tensor ``[steps, *batch, units or 1]``, one row for
        each step of the run; or a signal.
        """

    @property
    def constant(self) -> bool:
        """Whether every row is the same."""

    @property
    def timed(self) -> bool:
        """Whether an input may change within a step: a signal, or arrivals at their own times."""

    @property
    def width(self) -> int:
        """The size of one row, to choose how many are made at once."""

    @property
    def identifiers(self) -> Any:
        """What goes with :meth:`separate`: the names of the sources, or None; by the name of the input where
        inputs have names."""

    def check(self) -> None:
        """Look at every value of the tensors with rows.

        Raises:
            InputError: If a value is not finite.
        """

    def rows(self, first: int, count: int) -> Sequence[Any]:
        """What ``neuron.prepare`` takes in each of so many steps; ``first`` is counted from the start of the
        run. Several sources have been made one by the neuron's aggregator."""

    def separate(self, first: int, count: int) -> Sequence[Any]:
        """The same, with a list where an input has several sources: for a ``forward`` of a class's own."""


class Backend(Protocol):
    """What takes the steps of a run: a function of this form, or an object that can be called so.

    It is called with all of these arguments, which are checked already but for one thing: the values of
    tensors with rows. A backend checks values itself, or calls ``drive.check()`` first; in either case a
    value that is not finite is the ``InputError`` of ``drive.check()``, and leaves the neuron as it was. One
    that cannot run this neuron raises ``NotImplementedError`` with the reason before it changes anything;
    where there is something that the user should mend, such as a compiler, the exception has ``amiss =
    True``, and the user is warned. Spikes are recorded in every step, whatever ``every`` is. It runs under
    :func:`rheobase.watched`, so that Ctrl-C comes between its steps. It may also have the methods of
    :class:`Pays`, of :class:`Prepares`, of :class:`Populations` and of
    :class:`PaysForNetworks`.

    Example:
        >>> import rheobase as rb
        >>> import torch
        >>> def voltages(neuron, drive, steps, *, record, grad=False, progress=None, every=1):
        ...     if grad or {*record} != {"voltage"}:
        ...         raise NotImplementedError("it records voltages alone, without a graph")
        ...     drive.check()
        ...     first, kept = neuron.simulation_step, []
        ...     with rb.watched(steps, progress) as watch:
        ...         for step, row in enumerate(drive.rows(0, steps)):
        ...             kept.append(neuron(row)["voltage"])
        ...             watch(step + 1)
        ...     traces = {"voltage": torch.stack(kept)[every - 1 :: every]}
        ...     return rb.Recording.of(
        ...         neuron, spikes=None, traces=traces, steps=steps, first_step=first, every=every
        ...     )
        >>> spec = rb.BackendSpec("voltages", "my_backend.steps:voltages", "step by step, one trace")
    """

    def __call__(
        self,
        neuron: Neuron,
        drive: Drive,
        steps: int,
        *,
        record: Sequence[str],
        grad: bool = False,
        progress: bool | None = None,
        every: int = 1,
    ) -> Recording:
        """Step a neuron so many times, from its present state and clock.

        Args:
            neuron: The neuron; afterwards it stands where the run ended.
            drive: The stimulus, in rows for this neuron.
            steps: The number of steps, at least 1.
            record: ``"spikes"`` and names that the neuron can log. ``record.units`` has the units, name ->
                int64 ``[n]``, of those that are not wanted of all: a backend that keeps no others says so by
                ``trace_indices=record.units`` in ``Recording.of`` and in each :class:`rheobase.Piece`; of
                one that does not, the others are left out.
            grad: Whether states and traces keep their autograd graph.
            progress: Whether to show a progress bar; None: on a terminal, for runs of more than a second.
            every: Traces hold the states after steps every, 2 every, ... of this run:
                ``[steps // every, *batch, units]``.

        Returns:
            The recording.

        Raises:
            InputError: If a value of the drive is not finite; nothing was changed.
            SimulationInterrupted: If the run was interrupted (Ctrl-C); it carries the recording so far.
        """


class Pays(Protocol):
    """A backend that says whether it is worth its while; another is taken to be so always."""

    def pays(self, neuron: Neuron, drive: Drive, steps: int, *, record: Sequence[str], grad: bool) -> bool:
        """Whether ``backend="auto"`` should choose it for this run; nothing is changed."""


class Prepares(Protocol):
    """A backend that makes ready for many short runs of one neuron: see :func:`rheobase.prepare`."""

    def prepare(self, neuron: Neuron, *, record: Sequence[str], grad: bool, every: int) -> Take:
        """What comes before the first step, once.

        Args:
            neuron: The neuron.
            record: As in the call of a backend.
            grad: Likewise.
            every: Likewise.

        Returns:
            What takes so many steps of it, given a drive with a row for each of them.

        Raises:
            NotImplementedError: If it does not run this neuron.
        """


class Taken(NamedTuple):
    """What a prepared backend gives of its steps.

    Attributes:
        spikes: Gives times in ms, float64, units and batch indices, int64, in the order of a recording; also
            after later steps. None where spikes are not recorded.
        traces: Name -> values ``[steps // every, *batch, units]``.
        batch_shape: The shape of the batch.
        trace_indices: Name -> the units that were recorded, of what was not recorded of all.
    """

    spikes: Callable[[], tuple[Tensor, Tensor, Tensor]] | None
    traces: Mapping[str, Tensor]
    batch_shape: tuple[int, ...] = ()
    trace_indices: Mapping[str, Tensor] = {}


class Take(Protocol):
    """Takes steps of a prepared neuron; each call goes on from where the neuron stands."""

    def __call__(self, drive: Drive, steps: int) -> Taken:
        """Take so many steps, and give what was recorded of them."""
