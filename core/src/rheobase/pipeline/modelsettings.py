"""A neuron from plain settings, as YAML has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..engine.create import create
from ..errors import ConfigurationError, shown
from ..specs import RESERVED
from .configuration import integrator_from, params_from
from .pointed import model_of

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron

_CREATE = ("preset", "aggregator", "event", "dt", "device")


def neuron_from(settings: Mapping[str, Any], folder: Path, seed: int | None, sweeps: int | None) -> Neuron:
    """A neuron from the settings of a model: see :class:`rheobase.SimpleSimulator`.

    Args:
        settings: Setting -> value.
        folder: What relative paths are relative to.
        seed: That of the neuron; None: it gets one of its own, or its network's.
        sweeps: That of random sweeps.
    """
    more = {"seed": seed, **{key: settings[key] for key in _CREATE if key in settings}}
    if "integrator" in settings:
        more["integrator"] = integrator_from(settings["integrator"])
    if "dtype" in settings:
        more["dtype"] = _dtype(settings["dtype"])
    params = params_from(settings.get("params") or {}, sweeps)
    for name in params:
        if name in RESERVED:
            raise ConfigurationError(
                f"params: {shown(name)} is no parameter of a model; set it beside params"
            )
    model = model_of(settings["model"], folder=folder)
    neuron: Neuron = create(model, settings.get("units", 1), **more, **params)
    return neuron


def _dtype(given: Any) -> torch.dtype:
    dtype = getattr(torch, given, None) if isinstance(given, str) else given
    if not isinstance(dtype, torch.dtype):
        raise ConfigurationError(f"dtype: {shown(given)} is no type of torch; give float32 or float64")
    return dtype
