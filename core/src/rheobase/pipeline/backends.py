"""Which backends may run a simulation, and what is said of those that refuse."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, final

from ..errors import BackendError, PluginError, RheobaseWarning
from ..plugins.component import Registered
from ..plugins.registry import list_components, resolve
from ..specs import Provenance
from .recording import Recording, model_name

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron
    from .protocols import Backend, Drive

AUTO = "auto"
"""The backend that is the first of those installed that takes the run, else eager."""

EAGER = "eager"
"""The backend that refuses nothing."""

WARNED: set[tuple[str, str, str]] = set()
"""The refusals that this process was warned of: backend, reason, model class. Without them they are news."""


class Refusal(NamedTuple):
    """A backend that does not take a run, and why; ``amiss``: there is something for the user to mend."""

    backend: Registered
    reason: str
    amiss: bool = False


@final
class Candidates:
    """The backends that may take a run, in order: the one asked for, or for ``auto`` all, eager last."""

    def __init__(self, asked: str, neuron: Neuron) -> None:
        self.named = asked != AUTO
        self.eager = resolve("backend", "rheobase:eager")
        self._neuron = neuron
        if self.named:
            self._all = [resolve("backend", asked)]
        else:
            # Eager last, wherever the registry has it: it takes everything, so none after it would be asked.
            others = [found for found in list_components("backend") if found.spec.name != EAGER]
            self._all = [*others, self.eager]
        self._unloaded: list[str] = []
        self._refusals: list[Refusal] = []

    def __iter__(self) -> Iterator[tuple[Registered, Backend]]:
        """Each that can be loaded, and its object; one that was asked for by name must load."""
        for candidate in self._all:
            try:
                loaded = candidate.load()
            except PluginError as error:
                if self.named:
                    raise
                self._unloaded.append(str(error))
                continue
            yield candidate, loaded

    def refuse(self, backend: Registered, refusal: NotImplementedError) -> None:
        """Note a refusal; it is an error where the backend was asked for by name, or is eager."""
        # Eager refuses nothing: a NotImplementedError out of it is the model's own, and is told as it is.
        if backend == self.eager:
            raise refusal
        reason = reason_of(refusal)
        if self.named:
            model = model_name(self._neuron)
            raise BackendError(
                f"the backend {backend.spec.name!r} refuses this run of {model} ({reason}); "
                'give backend="auto", which goes on in "eager" where others refuse, or backend="eager"'
            ) from refusal
        self._refusals.append(Refusal(backend, reason, bool(getattr(refusal, "amiss", False))))

    def copy(self) -> Candidates:
        """The same, to note further refusals in."""
        other = copy.copy(self)
        other._refusals = [*self._refusals]
        return other

    def taken_by(self, backend: Registered, *, stacklevel: int) -> tuple[Provenance, list[str]]:
        """The provenance of the backend that takes the run, with refusals as its note, and warnings."""
        why = self._told(self._refusals, backend) if self._refusals else None
        amiss = [refusal for refusal in self._refusals if refusal.amiss]
        notes = [*self._unloaded, *([self._told(amiss, backend)] if amiss else [])]
        # Where another backend takes the run, nothing is lost by the refusal; in eager it costs time.
        if amiss and backend == self.eager:
            # Two levels more: this method and the one that warns.
            self._warn_once(notes[-1], amiss, stacklevel + 2)
        return replace(backend.provenance, note=why), notes

    def _told(self, refusals: Sequence[Refusal], taker: Registered) -> str:
        model = model_name(self._neuron)
        told = [
            f"the backend {one.backend.spec.name!r} refused this run of {model} ({one.reason})"
            for one in refusals
        ]
        return f"{', '.join(told)}; it went on in {taker.spec.name!r}"

    def _warn_once(self, note: str, refusals: Sequence[Refusal], stacklevel: int) -> None:
        model = f"{type(self._neuron).__module__}.{type(self._neuron).__qualname__}"
        news = {(refusal.backend.qualified, refusal.reason, model) for refusal in refusals}
        warn_once(note, news, stacklevel)


def reason_of(refusal: NotImplementedError) -> str:
    """Why a backend refused."""
    return str(refusal) or "it gives no reason"


def warn_once(note: str, news: Iterable[tuple[str, str, str]], stacklevel: int) -> None:
    """Warn, unless this process was warned of all this: backend, reason, and of what, as in :data:`WARNED`.

    Args:
        note: The warning.
        news: What it says.
        stacklevel: The line that the warning names, as ``warnings.warn`` counts it from the caller.
    """
    new = {*news} - WARNED
    if new:
        warnings.warn(note, RheobaseWarning, stacklevel=stacklevel + 1)
        # Afterwards: where warnings are errors, each is one.
        WARNED.update(new)


def pays(
    run: Backend, neuron: Neuron, drive: Drive, steps: int, *, record: Sequence[str], grad: bool
) -> bool:
    """Whether a backend says that it is worth its while; True where it has nothing to say."""
    ask = getattr(run, "pays", None)
    return not callable(ask) or bool(ask(neuron, drive, steps, record=record, grad=grad))


def signed(recording: Recording, origin: Provenance, notes: Sequence[str]) -> Recording:
    """A recording with its backend in the provenance, and further notes in its warnings."""
    provenance = {**recording.provenance, "backend": origin}
    return replace(recording, provenance=provenance, warnings=[*recording.warnings, *notes])
