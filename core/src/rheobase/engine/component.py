"""The base of everything that is stepped: a torch module with a clock and an identity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ArgumentError, nearest
from .model.constants import DT

__all__ = ["DT", "Component", "check_dt"]


def check_dt(dt: Any) -> float:
    """The time step as a number of ms, finite and above zero."""
    try:
        # A tensor of 0.1 in float32 is another time step than 0.1.
        value = math.nan if isinstance(dt, (bool, Tensor)) else float(dt)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value < math.inf:
        raise ArgumentError(f"dt={dt!r} cannot be used; give a time step > 0 ms, such as dt={DT}")
    return value


class Component(nn.Module):
    """A torch module with an identifier, a configuration, a time step and a step counter.

    Args:
        identifier: A name for this component; by default the name of its class.
        configuration: Attribute -> value, applied by :meth:`configure`.
        dt: The time step, ms; ``DT`` (0.1) by default.
        device: Where its tensors live; torch's default device by default.
        dtype: The floating-point type of its tensors; float32 by default.

    Raises:
        ArgumentError: If dt, device or dtype cannot be used.

    Attributes:
        identifier: The name given.
        configuration: What was configured, attribute -> value.
        loggable_props: The names of the attributes that :meth:`loggable_state` reports.
        loggable_widths: Of these, the last dimension of those that are not of units.
        loggable_units: The physical units of those that its schema does not declare.

    Example:
        >>> from rheobase import Component
        >>> clock = Component(identifier="clock", dt=0.5)
        >>> clock.identifier, clock.dt, clock.simulation_step
        ('clock', 0.5, 0)
    """

    _framework = True

    loggable_props: tuple[str, ...] = ()
    loggable_widths: Mapping[str, int] = MappingProxyType({})
    loggable_units: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self,
        *,
        identifier: str | None = None,
        configuration: Mapping[str, Any] | None = None,
        dt: float | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.identifier = type(self).__name__ if identifier is None else str(identifier)
        self.configuration: dict[str, Any] = {}
        self._dt = check_dt(DT if dt is None else dt)
        self._dtype = _check_dtype(dtype)
        self.register_buffer("step_count", torch.zeros((), dtype=torch.int64, device=_check_device(device)))
        if configuration is not None and not isinstance(configuration, Mapping):
            raise ArgumentError(
                f"configuration={configuration!r} cannot be used; give a mapping of attribute -> value"
            )
        self.configuration.update(configuration or {})

    @property
    def device(self) -> torch.device:
        """Where the component's tensors are."""
        return self._counter.device

    @property
    def dtype(self) -> torch.dtype:
        """The floating-point type of the component's tensors."""
        return self._dtype

    @property
    def dt(self) -> float:
        """The time step, ms. It has this one owner; integrators and refractoriness are given it.

        It can be set while the clock stands at zero.
        """
        return self._dt

    @dt.setter
    def dt(self, value: float) -> None:
        dt = check_dt(value)
        if dt != self._dt and self.simulation_step:
            raise ArgumentError(
                f"{self.identifier}: dt cannot change from {self._dt} to {dt} ms after "
                f"{self.simulation_step} steps, which count time in dt; call reset_state() first"
            )
        self._dt = dt

    @property
    def _counter(self) -> Tensor:
        counter = self._buffers["step_count"]
        if counter is None:
            raise ArgumentError(f"{self.identifier}: the step counter was removed")
        return counter

    @property
    def simulation_step(self) -> int:
        """The number of steps since the start or the last reset; kept in a buffer of int64."""
        return int(self._counter)

    @property
    def time(self) -> float:
        """The time of the present state, ms."""
        return self.simulation_step * self._dt

    def configure(self, configuration: Mapping[str, Any] | None = None) -> None:
        """Set attributes from a mapping.

        Args:
            configuration: Attribute -> value; by default the ``configuration`` given at construction.

        Raises:
            ArgumentError: If the component has no such attribute; the nearest one is named.

        Example:
            >>> from rheobase import Component
            >>> clock = Component()
            >>> clock.configure({"dt": 0.25})
            >>> clock.dt
            0.25
        """
        settings = dict(self.configuration if configuration is None else configuration)
        # All names are looked up before anything is set, so a wrong name changes nothing.
        for name in settings:
            if name.startswith("_") or not hasattr(self, name):
                known = [known for known in dir(self) if not known.startswith("_")]
                raise ArgumentError(
                    f"{self.identifier} has no attribute {name!r} to configure{nearest(name, known)}"
                )
        for name, value in settings.items():
            setattr(self, name, value)
        self.configuration.update(settings)

    def loggable_state(self) -> dict[str, Tensor]:
        """The present values of ``loggable_props``, as copies.

        Returns:
            Attribute -> tensor.
        """
        return {name: getattr(self, name).clone() for name in self.loggable_props}


def _check_dtype(dtype: torch.dtype | None) -> torch.dtype:
    if dtype is None:
        return torch.float32
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ArgumentError(
            f"dtype={dtype!r} cannot be used; give a floating-point type such as torch.float64"
        )
    return dtype


def _check_device(device: torch.device | str | None) -> torch.device | None:
    if device is None:
        return None
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ArgumentError(
            f"device={device!r} cannot be used; give a torch device that is here, such as 'cpu'"
        ) from error
