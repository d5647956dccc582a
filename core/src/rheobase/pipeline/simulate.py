"""``simulate``: drive a neuron with a stimulus, and record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from ..engine.network.network import Network
from ..engine.neuron.threads import occupied
from ..errors import ArgumentError, InputError, StimulusError
from .backends import Candidates, pays, signed
from .drive import Drive, check_neuron, told_of
from .durations import steps_of
from .interrupted import SimulationInterrupted
from .networkrun import simulate_network
from .recorder import check_every, check_record, narrowed
from .recording import Recording
from .taking import settings_of

if TYPE_CHECKING:
    from torch import Tensor

    from ..engine.neuron.base import Neuron
    from ..signal.signal import Signal
    from ..stimulus import Stimulus
    from .networkrecording import NetworkRecording

    Source: TypeAlias = Stimulus | Signal | Tensor | float

__all__ = ["SimulationInterrupted", "simulate"]


Given: TypeAlias = (
    "Source | Sequence[Source] | Mapping[str, Source | Sequence[Source] | Mapping[str, Source]]"
)
"""A stimulus of one neuron."""


@overload
def simulate(
    neuron: Neuron,
    stimulus: Given,
    duration: float | None = None,
    *,
    record: str | Sequence[str] | Mapping[str, bool | Sequence[int] | Tensor] = ("spikes",),
    backend: str = "auto",
    grad: bool | None = None,
    progress: bool | None = None,
    every: int = 1,
) -> Recording: ...


@overload
def simulate(
    neuron: Network,
    stimulus: Mapping[str, Given] | None = None,
    duration: float | None = None,
    *,
    record: str | Mapping[str, str | Sequence[str] | Mapping[str, bool | Sequence[int] | Tensor]] = "spikes",
    backend: str = "auto",
    grad: bool | None = None,
    progress: bool | None = None,
    every: int = 1,
) -> NetworkRecording: ...


def simulate(
    neuron: Any,
    stimulus: Any = None,
    duration: float | None = None,
    *,
    record: Any = ("spikes",),
    backend: str = "auto",
    grad: bool | None = None,
    progress: bool | None = None,
    every: int = 1,
) -> Any:
    """Drive a neuron with a stimulus, and record what it does.

    The run goes on from the neuron's present state and clock, and resets nothing: two runs of T are one
    run of 2 T. A spike is reported at the end of its step, in ms since the neuron's reset; at its own time
    where the neuron was created with ``event="located"``.

    Args:
        neuron: A neuron or an ensemble, from :func:`rheobase.create`; or a :class:`~rheobase.Network`: then
            ``stimulus`` is a mapping by population, by default none, and ``record`` a mapping by population
            and projection, by default the spikes of all populations.
        stimulus: One of :mod:`rheobase.stimulus`, a function of the neuron's clock, held within each step;
            or a :class:`~rheobase.Signal`, which may change within steps. Or a tensor, in the
            model's unit and on the neuron's device: a scalar or ``[units]`` is constant, ``[steps, 1]`` or
            ``[steps, *batch, units]`` has one row for each step of this run; a constant with a batch,
            ``[*batch, units]`` or ``[*batch, 1]``, is ``stimulus.Constant(tensor)``. Or several of these
            sources, which the neuron's aggregator makes one in each step: in a list, or by identifier,
            ``{"soma": one, "shunt:axon": another}``. A model with several inputs takes a mapping of any of
            this by input: ``{"excitation": {"a": one, "b": another}, "inhibition": 3.0}``.
        duration: How long, in ms, a multiple of the neuron's dt. By default to the end of the stimulus,
            where it has one.
        record: ``"spikes"``, and any name in ``neuron.loggable_props``; one name, or several. Default
            the spikes. Or a mapping to which units: ``{"spikes": True, "voltage": [0, 7]}`` records all
            spikes, and the voltage of two units, ``[steps, *batch, 2]``; which they are is in
            ``recording.trace_indices["voltage"]``. What it does not name is not recorded, spikes neither.
        backend: ``"auto"``: the first installed backend that takes this run and gains by it, else
            ``"eager"``; which backends refused, and why, is in ``recording.provenance["backend"].note``.
            Where something is amiss, such as a compiler that is missing, a warning says so, once in a
            process. Or a backend's name: then a refusal is an error. Of a network populations may be refused
            one by one, and go on in ``"eager"``; an error is where all are.
        grad: Whether to keep the autograd graph, through states and traces. By default as the neuron was
            created.
        progress: Whether to show a progress bar. Default: on a terminal, for runs of over a second.
        every: Traces keep one row of so many steps: the states after steps every, 2 every, ... of this run,
            and no memory for the others. Spikes are recorded in every step. Default 1.

    Returns:
        The recording; of a network a :class:`~rheobase.NetworkRecording`.

    Raises:
        ArgumentError: If the duration is no multiple of dt, a name or unit cannot be recorded, or every is
            no integer from 1 up.
        InputError: If a tensor cannot be used as a current, or a value of it is not finite; if sources do
            not fit each other, or the aggregator does not take them.
        StimulusError: If the stimulus ends too early, or serves another number of units.
        ComponentError: If there is no such backend.
        BackendError: If the backend that was asked for by name refuses this run; nothing was changed.
        BusyError: If the neuron is running in another thread.
        IntegrationError: If the integration fails.
        SimulationInterrupted: On Ctrl-C, which comes between two steps; it carries what was recorded so far,
            the neuron stands where that ends, and may run on. A second Ctrl-C, a second later, comes at once.

    Warns:
        StepSizeWarning: If dt is larger than the model's ``dt_max(state, params, data)`` for a unit: where
            spikes fall and in one step of 16 in ``"eager"``, at the start and at the end in other backends.

    Example:
        >>> import rheobase as rb
        >>> neuron = rb.create("analog", num_units=2, dt=0.5)
        >>> recording = rb.simulate(neuron, rb.stimulus.Step(3.0, start=1.0), duration=2.0, record="voltage")
        >>> recording.traces["voltage"][:, 0]
        tensor([0., 0., 3., 3.])
        >>> recording.times
        tensor([0.5000, 1.0000, 1.5000, 2.0000], dtype=torch.float64)
        >>> rb.simulate(neuron, 5.0, duration=2.0, record="voltage", every=3).times
        tensor([3.5000], dtype=torch.float64)
    """
    if isinstance(neuron, Network):
        return simulate_network(
            neuron, stimulus, duration, record, backend, grad=grad, progress=progress, every=every
        )
    check_neuron(neuron, "simulate")
    with occupied(neuron):
        return _simulate(neuron, stimulus, duration, record, backend, grad, progress, every)


def _simulate(
    neuron: Neuron,
    stimulus: Any,
    duration: float | None,
    record: Any,
    backend: str,
    grad: bool | None,
    progress: bool | None,
    every: int,
) -> Recording:
    names, stride = check_record(neuron, record), check_every(every)
    candidates = Candidates(backend, neuron)
    drive = Drive(stimulus, neuron)
    steps = _steps(drive, duration)
    keep = neuron.keeps_graph if grad is None else grad
    # Before the first step: they have the state that the run begins from.
    settings = settings_of(neuron, drive, steps, record=names, every=stride, grad=keep)
    neuron._watch.begin()
    for candidate, run in candidates:
        # Steps in eager look at dt by themselves.
        heeds = candidate != candidates.eager
        made = settings.of(backend=candidate.qualified)
        try:
            if not candidates.named and not pays(run, neuron, drive, steps, record=names, grad=keep):
                continue
            origin, notes = candidates.taken_by(candidate, stacklevel=3)
            if heeds:
                neuron.heed_dt_max(lambda: neuron.prepare(drive.rows(0, 1)[0]))
            recording: Recording = run(
                neuron, drive, steps, record=names, grad=keep, progress=progress, every=stride
            )
        except NotImplementedError as refusal:
            # A backend refuses before it changes anything: the next one begins where this one would have.
            candidates.refuse(candidate, refusal)
            continue
        except InputError as error:
            if told := told_of([drive], neuron.simulation_step - drive.first_step, error):
                raise type(error)(f"{error}{told}") from error
            raise
        except SimulationInterrupted as interrupted:
            part = signed(narrowed(interrupted.recording, names), origin, notes)
            interrupted.recording = replace(part, settings=made)
            raise
        if heeds:
            neuron.heed_dt_max()
        return replace(signed(narrowed(recording, names), origin, notes), settings=made)
    raise AssertionError("the last candidate, eager, refuses nothing")  # pragma: no cover


def _steps(drive: Drive, duration: float | None) -> int:
    """The steps of the run, of which the stimulus has enough."""
    rows, left, dt = drive.rows_given, drive.steps_left, drive.dt
    if duration is None:
        steps = rows if rows is not None else left
        if steps is None:
            raise ArgumentError("the stimulus has no end, and no duration is given; give duration=..., in ms")
    else:
        steps = steps_of(duration, dt)
    if rows is not None and steps != rows:
        raise StimulusError(
            f"the stimulus has {rows} rows, {rows * dt:.12g} ms at dt = {dt:g} ms, and the duration is "
            f"{duration:g} ms, {steps} steps; give one row for each step, or leave out the duration; a "
            "constant that has a batch instead of rows is rheobase.stimulus.Constant(tensor)"
        )
    if left is not None and (steps > left or steps < 1):
        passed = drive.first_step * dt
        ends = (drive.first_step + left) * dt if left else None
        clock = f" from the neuron's clock at {passed:.12g} ms" if passed else ""
        there = f"ends at {ends:.12g} ms" if ends is not None else "has ended by then"
        mend = "; call neuron.reset_state() to start at 0" if passed else ""
        raise StimulusError(
            f"the duration is {steps * dt:.12g} ms{clock}, and the stimulus {there}; "
            f"give a duration of at most {left * dt:.12g} ms, or a longer stimulus{mend}"
        )
    return steps
