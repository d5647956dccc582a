"""``--set name=value``: parameters, initial states and options of a model, from the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import ParameterError, shown
from ..specs import RESERVED

_OPTIONS = {
    "num_units": "--units",
    "preset": "--preset",
    "integrator": "--integrator",
    "aggregator": "--aggregator",
    "event": "--event",
    "dt": "--dt",
    "dtype": "--dtype",
    "seed": "--seed",
}


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Parameters from ``name=value``: a number, several with commas (one for each unit), or a choice.

    Example:
        >>> read_settings(["tau_mem=20", "volt_reset=-60,-65", "scheme=published"])
        {'tau_mem': 20.0, 'volt_reset': [-60.0, -65.0], 'scheme': 'published'}
    """
    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals or not name or not text:
            raise ParameterError(
                f"--set {shown(setting)} cannot be used; write it as name=value, such as --set tau_mem=20"
            )
        if name in found:
            raise ParameterError(
                f"--set {name} was given twice, {shown(found[name])} and {shown(text)}; give it once"
            )
        if name in RESERVED:
            instead = f"; say it by {_OPTIONS[name]}" if name in _OPTIONS else ""
            raise ParameterError(f"--set {name}: that is no parameter of a model{instead}")
        if not name.isidentifier():
            raise ParameterError(
                f"--set {shown(setting)}: {shown(name)} is no name; `rheobase show MODEL` lists them"
            )
        found[name] = _value(text)
    return found


def _value(text: str) -> float | list[float] | str:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        # What is no number is the name of a choice; whether there is such a choice the model knows.
        return text
    return numbers if len(numbers) > 1 else numbers[0]
