"""Which backend takes the steps of a layer."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from ..engine.resolve import load
from ..errors import ArgumentError, BackendError, PluginError, RheobaseWarning, shown
from ..pipeline.backends import AUTO, EAGER
from ..plugins.registry import list_components
from .unrolling import Trainer, Trains, Unrolling

MANY = 64
"""The units from which a layer is worth a second of compiling, whatever sequences it will be given."""


def trainer_of(asked: str, unrolling: Unrolling, made: Callable[[Trains], Trainer]) -> Trainer | None:
    """What takes the steps of a layer at once; None: nothing, they are taken one by one.

    Args:
        asked: The name of a backend, or ``"auto"``.
        unrolling: What a step does.
        made: Asks a backend.

    Raises:
        BackendError: If the backend that is asked for does not take this layer.
    """
    if not isinstance(asked, str):
        raise ArgumentError(f"layer: backend={shown(asked)}; give 'auto', 'eager' or the name of a backend")
    if asked == EAGER or (asked == AUTO and unrolling.neuron.num_units < MANY):
        return None
    if asked != AUTO:
        return _named(asked, unrolling, made)
    for found in list_components("backend"):
        if found.spec.name == EAGER:
            continue
        try:
            run = found.load()
        except PluginError:
            continue
        if not callable(getattr(run, "train", None)):
            continue
        try:
            trainer = made(run)
        except NotImplementedError as refusal:
            if getattr(refusal, "amiss", False):
                warnings.warn(
                    f"the backend {found.spec.name!r} refused a layer of {unrolling.neuron.identifier} "
                    f"({refusal}); it is stepped in 'eager'",
                    RheobaseWarning,
                    stacklevel=6,
                )
            continue
        return trainer
    return None


def _named(asked: str, unrolling: Unrolling, made: Callable[[Trains], Trainer]) -> Trainer:
    run, name = load("backend", asked)[0], unrolling.neuron.identifier
    otherwise = "give backend='auto', which goes on in 'eager' where others refuse, or backend='eager'"
    if not callable(getattr(run, "train", None)):
        raise BackendError(f"the backend {asked!r} takes no layers; {otherwise}")
    try:
        trainer = made(run)
    except NotImplementedError as refusal:
        raise BackendError(
            f"the backend {asked!r} refuses this layer of {name} ({refusal}); {otherwise}"
        ) from refusal
    return trainer
