"""Taking the settings of a run that is about to begin: all that it is made of, in plain values."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .. import stimulus as stimuli
from ..errors import shown
from ..signal.signal import Signal
from ..signal.values import is_number
from ..stimulus import File, Stimulus, Sum
from .recorder import Record
from .settings import Settings
from .sources import Sources

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron
    from .drive import Drive

KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in map(stimuli.__dict__.get, stimuli.__all__)
    if isinstance(kind, type) and issubclass(kind, Stimulus) and kind not in (Stimulus, File)
}
"""Type -> stimulus, of those whose arguments say all."""

_SMALL = 65_536
"""Numbers in a tensor up to which it is copied; a larger one is kept as it is, and watched."""


class _UnknownError(Exception):
    """What plain values do not tell."""


def settings_of(
    neuron: Neuron, drive: Drive, steps: int, *, record: Record, every: int, grad: bool
) -> Settings:
    """The settings of a run that is about to begin, with the neuron where it begins."""
    taking = _Taking()
    state = {name: taking.tensor(name, value) for name, value in neuron.state_dict().items()}
    parameters = {name: state.pop(name) for name in neuron.schema.parameters}
    values = {
        "model": taking.all(_model, neuron),
        "units": neuron.num_units,
        "identifier": neuron.identifier,
        "options": {name: getattr(neuron, name) for name in neuron.schema.options},
        "event": neuron.event,
        "parameters": parameters,
        "state": state,
        "dt_ms": neuron.dt,
        "dtype": _name(neuron.dtype),
        "device": str(neuron.device),
        "integrator": taking.all(taking.integrator, neuron),
        "aggregator": taking.all(_aggregator, neuron),
        "seed": neuron._seed,
        "stimulus": {name: taking.input(name, part) for name, part in drive.parts.items()},
        "record": {name: record.units[name].tolist() if name in record.units else True for name in record},
        "every": every,
        "grad": grad,
        "steps": steps,
        "duration_ms": steps * neuron.dt,
        # Put in where it is known which one runs: several may be tried.
        "backend": "",
        "unrepeatable": taking.unknown,
    }
    return Settings(values, taking.watched)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


class _Taking:
    """Takes settings, and notes what cannot be told and what is to be watched."""

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self.watched: list[tuple[str, Tensor, int]] = []

    def all(self, take: Any, *of: Any) -> Any:
        """What can be taken; else None, with the reason."""
        try:
            return take(*of)
        except _UnknownError as error:
            self.unknown.append(str(error))
            return None

    def tensor(self, what: str, value: Tensor) -> Tensor:
        value = value.detach()
        # A tensor of inference mode counts no writes, so it cannot be watched and is copied, whatever its
        # size.
        if value.numel() <= _SMALL or value.is_inference():
            return value.clone()
        self.watched.append((what, value, value._version))
        return value

    def plain(self, what: str, value: Any) -> Any:
        """A value of numbers, texts and tensors, and of lists and mappings of these."""
        if value is None or isinstance(value, (bool, str)):
            return value
        if is_number(value):
            return int(value) if isinstance(value, (int, np.integer)) else float(value)
        if isinstance(value, Tensor):
            return self.tensor(what, value)
        if isinstance(value, (list, tuple)):
            return [self.plain(what, each) for each in value]
        if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
            return {name: self.plain(what, each) for name, each in value.items()}
        raise _UnknownError(f"{what} is {shown(value)}, which is not kept in a file")

    def integrator(self, neuron: Neuron) -> dict[str, Any]:
        given = neuron.integrator
        # Both are noted where it is made by name; an object of somebody's own does not tell its arguments.
        if given.provenance is None or given.made_with is None:
            raise _UnknownError(
                f"the integrator {given!r} was given as an object; give it by name, "
                "or as rheobase.integrator(name, ...)"
            )
        settings = self.plain("the integrator's setting", given.made_with)
        name = _qualified(given.provenance)
        return {"name": name, "settings": settings, "on_failure": given.on_failure, "made": repr(given)}

    def input(self, name: str, part: Any) -> Any:
        what = f"the stimulus of {name}" if name else "the stimulus"
        if not isinstance(part, Sources):
            return self.all(self.source, what, part)
        named: Sequence[str | None] = part.identifiers or [None] * len(part.parts)
        return {
            "sources": [
                {"identifier": each, "source": self.all(self.source, f"{what}, {each or place}", source)}
                for place, (each, source) in enumerate(zip(named, part.parts, strict=True))
            ]
        }

    def source(self, what: str, given: Any) -> dict[str, Any]:
        if isinstance(given, Tensor):
            return {"rows": self.tensor(what, given)}
        if isinstance(given, Signal):
            made = given.as_levels()
            if made is None:
                raise _UnknownError(f"{what} is a Signal of a function, which is not kept in a file")
            table = self.tensor(what, made.table)
            return {"levels": {"times": list(made.times), "table": table, "until": made.until}}
        if type(given) is Sum:
            return {"type": "Sum", "parts": [self.source(what, part) for part in given.parts]}
        if type(given) is File:
            return {**self.source(what, given.samples), "file": os.fspath(given.path)}
        # A subclass may have the name of ours, and compute something else.
        if KINDS.get(type(given).__name__) is not type(given):
            raise _UnknownError(
                f"{what} is a {type(given).__name__}, a stimulus of somebody's own, which no file keeps"
            )
        fields = [part.name for part in dataclasses.fields(given) if part.init]
        return {
            "type": type(given).__name__,
            **{name: self.plain(what, getattr(given, name)) for name in fields},
        }


def _model(neuron: Neuron) -> str:
    if neuron._name_given is None:
        raise _UnknownError(
            f"the model was given as the class {type(neuron).__name__}, not by the name of an installed one"
        )
    if neuron._forward_hooks or neuron._forward_pre_hooks:
        raise _UnknownError("somebody hooked into the neuron's forward")
    if neuron.equation is not None:
        raise _UnknownError("the neuron was given an equation, which is not kept in a file")
    source = neuron.provenance["model"]
    return neuron._name_given if source.distribution is None else _qualified(source)


def _qualified(source: Any) -> str:
    return source.name if source.distribution is None else f"{source.distribution}:{source.name}"


def _aggregator(neuron: Neuron) -> Any:
    given, made = neuron._aggregator_given
    # What is kept is the name that was given, and another function in its place has none.
    if neuron.aggregator is not made:
        raise _UnknownError("the neuron's aggregator was replaced after it was made")
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, Mapping) and all(isinstance(each, str) for pair in given.items() for each in pair):
        return dict(given)
    raise _UnknownError(f"the aggregator is {shown(given)}, which is not kept in a file; give it by name")
