"""Which backends may run a simulation, and what is said of those that refuse."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import BackendError, RheobaseWarning
from ..plugins.component import Registered
from ..plugins.registry import list_components, resolve
from .recording import model_name

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron
    from .drive import Drive

AUTO = "auto"
"""The backend that is the first of those installed that takes the run, else eager."""

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


def eager_backend() -> Registered:
    """The backend that refuses nothing."""
    return resolve("backend", "rheobase:eager")


def candidates(backend: str) -> list[Registered]:
    """The backends to try, in order.

    Args:
        backend: A backend's name: that one alone. ``"auto"``: all that are installed, eager last.

    Raises:
        ComponentError: If there is no such backend.
    """
    if backend != AUTO:
        return [resolve("backend", backend)]
    others = [found for found in list_components("backend") if found.spec.name != "eager"]
    return [*others, eager_backend()]


def pays(run: Any, neuron: Neuron, drive: Drive, steps: int, *, record: Sequence[str], grad: bool) -> bool:
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


def refused(backend: Registered, neuron: Neuron, refusal: NotImplementedError) -> BackendError:
    """The error for a backend that was asked for by name, and refuses."""
    return BackendError(
        f"the backend {backend.spec.name!r} refuses this run of {model_name(neuron)} ({reason_of(refusal)}); "
        'give backend="auto", which goes on in "eager" where others refuse, or backend="eager"'
    )


def reason_of(refusal: NotImplementedError) -> str:
    """What a refusal says, or that it says nothing."""
    return str(refusal) or "it gives no reason"


def refusal_of(backend: Registered, refusal: NotImplementedError) -> Refusal:
    """What a backend said; an attribute ``amiss`` of its exception says that there is something to mend."""
    return Refusal(backend, reason_of(refusal), bool(getattr(refusal, "amiss", False)))


def why(refusals: Sequence[Refusal], neuron: Neuron, taker: Registered) -> str | None:
    """Why others did not take the run, for its provenance; None where nobody refused."""
    return note_of(refusals, neuron, taker) if refusals else None


def note_of(refusals: Sequence[Refusal], neuron: Neuron, taker: Registered) -> str:
    """What is said of a run that some backends refused.

    Args:
        refusals: Those that refused, at least one.
        neuron: The neuron.
        taker: The backend that takes the run.
    """
    model = model_name(neuron)
    told = [
        f"the backend {one.backend.spec.name!r} refused this run of {model} ({one.reason})"
        for one in refusals
    ]
    return f"{', '.join(told)}; it went on in {taker.spec.name!r}"


def warn_once(note: str, refusals: Sequence[Refusal], neuron: Neuron) -> None:
    """Warn the caller of ``simulate`` of refusals, unless this process was warned of each.

    Args:
        note: What to say.
        refusals: The refusals that it is about.
        neuron: The neuron.
    """
    model = f"{type(neuron).__module__}.{type(neuron).__qualname__}"
    news = {(refusal.backend.qualified, refusal.reason, model) for refusal in refusals} - WARNED
    if news:
        warnings.warn(note, RheobaseWarning, stacklevel=4)
        # Afterwards: where warnings are errors, each is one.
        WARNED.update(news)
