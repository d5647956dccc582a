"""Which backends may run a simulation, and what is said of those that refuse."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
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
    """A backend that does not take a run.

    Attributes:
        backend: Which one.
        reason: Why, in its own words.
        amiss: Whether the user should mend something; else the run is merely none for this backend.
    """

    backend: Registered
    reason: str
    amiss: bool = False


@final
class Candidates:
    """The backends that may take a run, each in its turn, and what those say that do not.

    Args:
        asked: A backend's name: that one alone. ``"auto"``: all that are installed, eager last.
        neuron: The neuron that is to run.

    Raises:
        ComponentError: If there is no such backend.

    Attributes:
        named: Whether the backend was asked for by its name.
        eager: The backend that refuses nothing.
    """

    def __init__(self, asked: str, neuron: Neuron) -> None:
        self.named = asked != AUTO
        self.eager = resolve("backend", "rheobase:eager")
        self._neuron = neuron
        if self.named:
            self._all = [resolve("backend", asked)]
        else:
            others = [found for found in list_components("backend") if found.spec.name != EAGER]
            self._all = [*others, self.eager]
        self._unloaded: list[str] = []
        self._refusals: list[Refusal] = []

    def __iter__(self) -> Iterator[tuple[Registered, Backend]]:
        """Each that can be loaded, and its object.

        Raises:
            PluginError: If the one that was asked for cannot be loaded.
        """
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
        """Note that a backend does not take the run; ``refusal.amiss`` says that there is something to mend.

        Raises:
            BackendError: If the backend was asked for by its name.
            NotImplementedError: The refusal itself, if it is eager's: that is no matter of backends.
        """
        if backend == self.eager:
            raise refusal
        reason = str(refusal) or "it gives no reason"
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
        """What a recording says of the backend that takes the run, and of those that did not.

        Args:
            backend: The backend that takes it.
            stacklevel: Of the user's line, as for ``warnings.warn`` in the function that calls this.

        Returns:
            Its provenance, with what was refused, and the recording's warnings: what could not be loaded, and
            refusals where something is amiss.

        Warns:
            RheobaseWarning: Of these, where eager takes the run, unless this process was warned of each.
        """
        why = self._told(self._refusals, backend) if self._refusals else None
        amiss = [refusal for refusal in self._refusals if refusal.amiss]
        notes = [*self._unloaded, *([self._told(amiss, backend)] if amiss else [])]
        if amiss and backend == self.eager:
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
        news = {(refusal.backend.qualified, refusal.reason, model) for refusal in refusals} - WARNED
        if news:
            warnings.warn(note, RheobaseWarning, stacklevel=stacklevel)
            # Afterwards: where warnings are errors, each is one.
            WARNED.update(news)


def pays(
    run: Backend, neuron: Neuron, drive: Drive, steps: int, *, record: Sequence[str], grad: bool
) -> bool:
    """Whether a backend says that it is worth its while; True where it has nothing to say.

    Args:
        run: The backend's object.
        neuron: The neuron.
        drive: The stimulus.
        steps: The number of steps.
        record: What is to be recorded.
        grad: Whether graphs are to be kept.
    """
    ask = getattr(run, "pays", None)
    return not callable(ask) or bool(ask(neuron, drive, steps, record=record, grad=grad))


def signed(recording: Recording, origin: Provenance, notes: Sequence[str]) -> Recording:
    """A recording that says which backend made it, and what there was to say.

    Args:
        recording: The recording, as a backend made it.
        origin: Of the backend.
        notes: To be added to its warnings.
    """
    provenance = {**recording.provenance, "backend": origin}
    return replace(recording, provenance=provenance, warnings=[*recording.warnings, *notes])
