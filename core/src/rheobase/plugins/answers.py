"""Judges what a hook returned, and makes the host's own specs of it.

It comes from a stranger: its ``repr``, its ``==`` and its iteration may all raise. Here that is an error of
that one plugin; what leaves here is plain, so that it cannot harm whoever compares or lists it later.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from ..errors import PluginError
from ..specs import ComponentSpec
from .problem import brief, first_line

LONGEST = 200
"""How many characters of a stranger's object a message shows."""


def read(
    result: Any, wanted: type[ComponentSpec], where: str, signatures: Callable[[], str]
) -> list[ComponentSpec]:
    """The specs that a hook returned.

    Args:
        result: What the hook returned.
        wanted: The spec of which it must be a sequence.
        where: The plugin and the hook in words, for messages.
        signatures: Gives both signatures in words: the implementation's and the right one.

    Returns:
        The specs, rebuilt: of exactly that class, with plain values.

    Raises:
        PluginError: If it is anything but a sequence of that spec, with plain values.

    Example:
        >>> from rheobase import NeuronSpec
        >>> class Mine(NeuronSpec):
        ...     pass
        >>> read((Mine("toy", "toy_models.neuron:Toy"),), NeuronSpec, "plugin toy", str)
        [NeuronSpec(name='toy', target='toy_models.neuron:Toy', summary='')]
    """
    must = f"it must return a list of {wanted.__name__}"
    try:
        if inspect.iscoroutine(result):
            result.close()  # or Python warns that nobody awaited it
        if not isinstance(result, Sequence) or isinstance(result, str):
            fault = f"returned {shown(result)}; {must}"
        else:
            specs = list(result)
            odd = [spec for spec in specs if not isinstance(spec, wanted)]
            if not odd:
                return [_rebuilt(spec, wanted, where) for spec in specs]
            a = "an" if wanted.__name__[0] in "AEIO" else "a"
            fault = f"returned a list with {shown(odd[0])} in it; each element must be {a} {wanted.__name__}"
    except (PluginError, KeyboardInterrupt):
        raise
    except BaseException as error:
        cause = f"{where} returned what cannot be read, {first_line(error)}; {must}"
        raise PluginError(f"{cause}: {signatures()}") from error
    raise PluginError(f"{where} {fault}: {signatures()}")


def _rebuilt(spec: ComponentSpec, wanted: type[ComponentSpec], where: str) -> ComponentSpec:
    values = {each.name: getattr(spec, each.name) for each in fields(wanted)}
    for name, value in values.items():
        if value is not None and not isinstance(value, (str, int, float)):
            raise PluginError(
                f"{where}: the field {name} of {shown(spec)} is {shown(value)}, which is not a plain "
                "value; fields are strings, numbers, True, False or None"
            )
        values[name] = _plain(value)
    if not isinstance(values["summary"], str):
        raise PluginError(
            f"{where}: the summary of {shown(spec)} is {shown(values['summary'])}, not a string"
        )
    values["summary"] = brief(values["summary"], LONGEST)
    try:
        return wanted(**values)
    except PluginError as error:  # a subclass may have checked nothing
        raise PluginError(f"{where}: {error}") from error


def _plain(value: Any) -> Any:
    # Of a subclass of str, int or float too, without asking it.
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    return float.__float__(value) if isinstance(value, float) else int.__int__(value)


def shown(value: object) -> str:
    """A stranger's object for a message, in one line that is not too long.

    Example:
        >>> shown(range(3))
        'range(0, 3)'
    """
    try:
        text = " ".join(repr(value).split())
    except KeyboardInterrupt:
        raise
    except BaseException:
        return f"an object of class {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
