"""The exceptions and warnings of Rheobase.

Every error that Rheobase raises on purpose stems from :class:`RheobaseError`::

    RheobaseError
    ├── DeclarationError        a model class is declared wrongly              (TypeError)
    ├── ArgumentError           an argument that cannot be used                (ValueError)
    │   ├── ParameterError      a parameter: unknown name, domain, shape
    │   ├── InputError          a current: NaN, shape, dtype, device
    │   ├── StimulusError       a stimulus, its file or its time step
    │   ├── OutputError         a path that cannot be written
    │   ├── ConfigurationError  a simulation file that cannot be used
    │   │   ├── MissingError    what is needed and not installed              (ImportError)
    │   │   └── AbsentError     the same, asked for as an attribute            (AttributeError)
    │   ├── EventModeError      an event mode that is not to be had here
    │   ├── StructureError      a model that an integrator cannot treat
    │   ├── TraceError          a trace that was not recorded                  (KeyError)
    │   ├── ToleranceError      a tolerance below what the numbers resolve
    │   └── OrderError          an order that is not implemented
    ├── ComponentError          an unknown or ambiguous model, integrator, ... (LookupError)
    ├── PluginError             a plugin that cannot be loaded or breaks the contract
    ├── BusyError               a neuron that is running in another thread     (RuntimeError)
    ├── BackendError            a backend that was asked for refuses the run   (NotImplementedError)
    └── IntegrationError        the integration failed                         (ArithmeticError)
        ├── NonFiniteStateError a state became NaN or infinite
        ├── StepUnderflowError  the step size fell below the precision of time
        ├── MaxStepsError       more steps than allowed
        ├── EventError          a crossing of the threshold that cannot be located
        └── ZenoError           infinitely many spikes in one step

    RheobaseWarning             (UserWarning)
    ├── PluginWarning           a plugin was left out
    └── StepSizeWarning         the time step is too large for the model
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

_LONGEST = 4000
"""Characters that the message of an error has at most, whatever value of the user's it prints."""


class RheobaseError(Exception):
    """Base class of all errors raised by Rheobase."""

    def __str__(self) -> str:
        return shortened(super().__str__(), _LONGEST)


class DeclarationError(RheobaseError, TypeError):
    """A model class is declared wrongly; raised when the class is defined."""


class ArgumentError(RheobaseError, ValueError):
    """An argument that cannot be used."""


class ParameterError(ArgumentError):
    """A parameter, initial state or option: unknown name, value outside its domain, wrong shape."""


class InputError(ArgumentError):
    """An input current that cannot be used: not finite, wrong shape, dtype or device."""


class StimulusError(ArgumentError):
    """A stimulus that cannot be used, its file or its time step."""


class OutputError(ArgumentError):
    """An output path that cannot be written.

    Attributes:
        recording: The :class:`~rheobase.Recording` that was to be written there, where a run had made one.
    """

    recording: Any = None


class ConfigurationError(ArgumentError):
    """A simulation file that cannot be used."""


class MissingError(ConfigurationError, ImportError):
    """Something that is needed, and is not installed; the message says how to install it."""


class AbsentError(ConfigurationError, AttributeError):
    """An attribute of ``rheobase`` that something else brings, which is not installed."""


class EventModeError(ArgumentError):
    """An event mode that the model or the integrator does not offer."""


class StructureError(ArgumentError):
    """A model that an integrator cannot treat, such as a nonlinear one by an exact method."""


class TraceError(ArgumentError, KeyError):
    """A trace that was not recorded."""

    def __str__(self) -> str:
        # That of KeyError quotes the message.
        return shortened(" ".join(map(str, self.args)), _LONGEST)


class ToleranceError(ArgumentError):
    """A tolerance below what the floating-point type resolves."""


class OrderError(ArgumentError):
    """An order of convergence that is not implemented."""


class ComponentError(RheobaseError, LookupError):
    """A model, integrator, aggregator or backend that is unknown or ambiguous."""


class PluginError(RheobaseError):
    """A plugin that cannot be loaded or that breaks the contract of the hooks."""


class BusyError(RheobaseError, RuntimeError):
    """A neuron that is running in another thread; nothing was changed."""


class BackendError(RheobaseError, NotImplementedError):
    """A backend that was asked for by name refuses this run; nothing was changed."""


class IntegrationError(RheobaseError, ArithmeticError):
    """The integration of a model failed."""


class NonFiniteStateError(IntegrationError):
    """A state became NaN or infinite."""


class StepUnderflowError(IntegrationError):
    """An adaptive integrator's step fell below the precision of time."""


class MaxStepsError(IntegrationError):
    """An adaptive integrator needed more steps than it is allowed."""


class EventError(IntegrationError):
    """A crossing of the threshold that cannot be located."""


class ZenoError(IntegrationError):
    """A unit spikes so often in one step that its spikes have no end."""


class RheobaseWarning(UserWarning):
    """Base class of all warnings given by Rheobase."""


class PluginWarning(RheobaseWarning):
    """A plugin was left out, or something small is amiss with it; the others work.

    Args:
        message: What is amiss, and what to do.
        detail: The whole traceback, where there is one.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class StepSizeWarning(RheobaseWarning):
    """The time step is larger than the model's ``dt_max``, a number or what it gives within a run."""


def nearest(name: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str:
    """The end of an error message that suggests the nearest of the known names.

    A name that differs in nothing but case, or in ``_`` for ``-``, is the nearest; after it comes one
    that the name is a synonym of, and then one that is spelt alike.

    Args:
        name: The name that was not found.
        known: The names that exist.
        synonyms: What else things are called, in lower case with ``-`` -> their name, known or not.

    Returns:
        ``"; did you mean 'x'?"``, or the empty string where nothing is near.

    Example:
        >>> nearest("tau_men", ["tau_mem", "tau_ref"]), nearest("rs", ["FS", "RS"])
        ("; did you mean 'tau_mem'?", "; did you mean 'RS'?")
        >>> nearest("euler", ["expeuler", "rk1"], {"euler": "rk1"})
        "; did you mean 'rk1'?"
        >>> nearest("quark", ["tau_mem", "tau_ref"])
        ''
    """
    if len(name) > 100:  # no name; comparing takes the square of its length
        return ""
    names = list(known)
    folded = {_folded(each): each for each in names}
    given = _folded(name)
    meant = folded.get(given)
    if meant is None and synonyms is not None and synonyms.get(given) in names:
        meant = synonyms[given]
    if meant is None:
        import difflib  # here: most processes make no such message

        near = difflib.get_close_matches(given, list(folded), n=1, cutoff=0.6)
        meant = folded[near[0]] if near else None
    return "" if meant is None else f"; did you mean {meant!r}?"


def _folded(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")


class _Shown(reprlib.Repr):
    """Representations of bounded length and depth."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother, self.maxlong = 3, 120, 200, 40

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if x.bit_length() < 128 else f"<an integer of {x.bit_length()} bits>"


_SHOWN = _Shown()


def shortened(text: str, longest: int = 400) -> str:
    """A text without its middle, where it is too long for a message.

    Args:
        text: The text.
        longest: How many characters it may have.

    Example:
        >>> shortened("abc"), shortened("a" * 100, 15)
        ('abc', 'aaaaaaaa ... aa')
    """
    if len(text) <= longest:
        return text
    end = (longest - 5) // 4
    return f"{text[: longest - 5 - end]} ... {text[len(text) - end :]}"


def shown(value: object) -> str:
    """A user's value as messages print it: its representation, of bounded length, in one line.

    Args:
        value: Anything.

    Example:
        >>> shown("lif"), shown([1, 2]), len(shown("x" * 1_000_000))
        ("'lif'", '[1, 2]', 120)
        >>> shown([type("Two", (), {"__repr__": lambda self: "Two(\\n  lines\\n)"})()])
        '[Two( lines )]'
        >>> shown(10**5000)
        '<an integer of 16610 bits>'
    """
    return " ".join(line.strip() for line in _SHOWN.repr(value).splitlines())
