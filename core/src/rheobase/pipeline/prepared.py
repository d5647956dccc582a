"""``prepare``: what comes before the first step of a run, once for many short runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from torch import Tensor

from ..engine.neuron.threads import occupied
from ..errors import StimulusError
from ..specs import Provenance
from .backends import Candidates, signed
from .drive import Drive, check_neuron
from .interrupted import SimulationInterrupted
from .protocols import Backend, Take
from .recorder import SPIKES, Record, check_every, check_record, narrowed
from .recording import Recording, model_name, trace_units_of
from .spikes import LateSpikes, NoSpikes, Spikes
from .standing import Standing

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron
    from ..plugins.component import Registered


@final
class PreparedRun:
    """Runs a neuron again and again, each time on from where it stands. Made by :func:`prepare`.

    Attributes:
        backend: The name of the backend that takes the steps.
    """

    def __init__(self, neuron: Neuron, backend: str, record: Record, every: int, grad: bool | None) -> None:
        self._neuron, self._asked, self._record = neuron, backend, record
        self._every, self._grad = every, grad
        neuron._watch.begin()
        self._prepare(stacklevel=4)

    def __call__(self, x: Tensor | Mapping[str, Tensor]) -> Recording:
        """Take as many steps as there are rows.

        Args:
            x: The input, ``[steps, 1]`` or ``[steps, *batch, units or 1]``, one row for each step; for a
                model with several inputs a mapping of these by name.

        Returns:
            The recording of these steps. Spikes are put in order when they are first looked at.

        Raises:
            RheobaseError: As :func:`rheobase.simulate` would for the same steps.
        """
        neuron = self._neuron
        with occupied(neuron):
            drive = Drive(x, neuron)
            steps = drive.rows_given
            if steps is None:
                raise StimulusError(
                    "a prepared run takes as many steps as its input has rows, and this one has none; give "
                    "[steps, 1] or [steps, *batch, units], for a constant for instance "
                    "current.expand(steps, units)"
                )
            if not self._standing.holds(neuron):
                self._prepare(stacklevel=3)
            return self._run(drive, steps)

    def __repr__(self) -> str:
        return f"<prepared run of {model_name(self._neuron)} in {self.backend}>"

    @property
    def backend(self) -> str:
        """The name of the backend that takes the steps."""
        return self._backend.spec.name

    def _prepare(self, stacklevel: int) -> None:
        """Choose the backend, and let it make ready what it can; warn at that level of the stack."""
        neuron = self._neuron
        self._keep = neuron.keeps_graph if self._grad is None else self._grad
        self._candidates = Candidates(self._asked, neuron)
        self._backend, self._usual, self._take = self._choose()
        self._origin, self._notes = self._candidates.taken_by(self._backend, stacklevel=stacklevel)
        self._units = trace_units_of(neuron, self._record)
        self._provenance = {**neuron.provenance, "backend": self._origin}
        self._model = model_name(neuron)
        looks = neuron._model is not None and neuron._model.dt_max is not None
        self._heeds = looks and self._backend != self._candidates.eager
        self._standing = Standing(neuron)

    def _choose(self) -> tuple[Registered, Backend, Take | None]:
        """The backend, its object, and what it prepared, where it prepares anything."""
        candidates = self._candidates
        for candidate, usual in candidates:
            make = getattr(usual, "prepare", None)
            if not callable(make):
                if candidates.named or candidate == candidates.eager:
                    return candidate, usual, None
                continue
            try:
                take = make(self._neuron, record=self._record, grad=self._keep, every=self._every)
            except NotImplementedError as refusal:
                candidates.refuse(candidate, refusal)
                continue
            return candidate, usual, take
        raise AssertionError("the last candidate, eager, refuses nothing")  # pragma: no cover

    def _run(self, drive: Drive, steps: int) -> Recording:
        neuron, first_step = self._neuron, drive.first_step
        try:
            if self._heeds and neuron._watch.due(None):
                neuron.heed_dt_max(lambda: neuron.prepare(drive.rows(0, 1)[0]))
            if self._take is None:
                return self._by_usual(self._usual, self._origin, self._notes, drive, steps)
            try:
                taken = self._take(drive, steps)
            except SimulationInterrupted as interrupted:
                interrupted.recording = self._signed(interrupted.recording, self._origin, self._notes)
                raise
        except NotImplementedError as refusal:
            candidates = self._candidates.copy()
            candidates.refuse(self._backend, refusal)
            origin, notes = candidates.taken_by(candidates.eager, stacklevel=3)
            return self._by_usual(candidates.eager.load(), origin, notes, drive, steps)
        spikes: Spikes = NoSpikes()
        if SPIKES in self._record and taken.spikes is not None:
            spikes = LateSpikes(taken.spikes)
        recording = Recording(
            spikes=spikes,
            traces=taken.traces,
            dt=drive.dt,
            steps=steps,
            first_step=first_step,
            num_units=drive.num_units,
            batch_shape=taken.batch_shape,
            model=self._model,
            provenance=dict(self._provenance),
            warnings=list(self._notes),
            trace_units=self._units,
            every=self._every,
            trace_indices=taken.trace_indices,
        )
        return narrowed(recording, self._record) if self._record.units else recording

    def _by_usual(
        self, usual: Any, origin: Provenance, notes: list[str], drive: Drive, steps: int
    ) -> Recording:
        try:
            recording = usual(
                self._neuron,
                drive,
                steps,
                record=self._record,
                grad=self._keep,
                progress=False,
                every=self._every,
            )
        except SimulationInterrupted as interrupted:
            interrupted.recording = self._signed(interrupted.recording, origin, notes)
            raise
        return self._signed(recording, origin, notes)

    def _signed(self, recording: Recording, origin: Provenance, notes: list[str]) -> Recording:
        return signed(narrowed(recording, self._record), origin, notes)


def prepare(
    neuron: Neuron,
    *,
    backend: str = "auto",
    record: str | Sequence[str] | Mapping[str, bool | Sequence[int] | Tensor] = ("spikes",),
    every: int = 1,
    grad: bool | None = None,
) -> PreparedRun:
    """Make a neuron ready for many runs of few steps, as between two exchanges of spikes in a network.

    Each call takes as many steps as its input has rows, and goes on where the neuron stands: several calls
    are one :func:`rheobase.simulate` with the rows one after the other, to the last bit, and one may set
    states, kick (``inject``), reset and load between them. What simulate does before its first step is
    done once. Parameters may be given other values between calls. After a change of dt, dtype, device,
    options, integrator, of whether a parameter differs by unit, or of a name that the model's functions
    read in their module, the next call makes ready anew by itself. (What such a name holds, a list or an
    attribute, is not looked into: then prepare again.)

    Args:
        neuron: A neuron or an ensemble, from :func:`rheobase.create`.
        backend: ``"auto"``: the first installed backend that can be prepared and takes this neuron, else
            ``"eager"``; the provenance says which, and why. Or a backend's name:
            then a refusal is an error.
        record: As for :func:`rheobase.simulate`.
        every: Traces keep one row of so many steps of each call.
        grad: Whether to keep the autograd graph, through states and traces, also from call to call. By
            default as the neuron was created.

    Returns:
        What to call with the input ``[steps, ..., units]``; it gives a recording.

    Raises:
        ArgumentError: If it is no neuron, a name cannot be recorded, or every is no integer from 1 up.
        ComponentError: If there is no such backend.
        BackendError: If the backend that was asked for by name refuses this neuron.
        BusyError: If the neuron is running in another thread.

    Warns:
        RheobaseWarning: If a backend refuses, and the user should mend something, as by simulate.
        StepSizeWarning: If dt is larger than the model's ``dt_max(state, params, data)`` for a unit: looked
            at in one call of 16, and said once; in ``"eager"`` as by simulate.

    Example:
        >>> import rheobase as rb
        >>> import torch
        >>> neuron = rb.create("analog", num_units=2, dt=0.5)
        >>> run = rb.prepare(neuron, record="voltage")
        >>> run(torch.ones(3, 2)).times
        tensor([0.5000, 1.0000, 1.5000], dtype=torch.float64)
        >>> run(torch.full((1, 2), 4.0)).traces["voltage"]
        tensor([[4., 4.]])
    """
    check_neuron(neuron, "a prepared run")
    names, stride = check_record(neuron, record), check_every(every)
    with occupied(neuron):
        return PreparedRun(neuron, backend, names, stride, grad)
