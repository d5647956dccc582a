"""Signals that a neuron receives: aggregated, checked and cast as tensors are, at every time asked for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...errors import InputError
from ...signal.signal import Signal
from ...torch_state import all_finite, first_not_finite, values_visible
from ..aggregate import Aggregator
from ..model.declaration import Input
from ..model.owner import Owner
from ..model.values import check_domain
from .receive import receive


def receive_timed(
    neuron: Owner,
    given: Any,
    what: str,
    rule: Aggregator | None = None,
    identifiers: list[str] | None = None,
    declared: Input | None = None,
    *,
    look: bool = False,
) -> Tensor | Signal:
    """As :func:`~rheobase.engine.neuron.receive.receive`, where one of the inputs may be a signal."""
    # With a signal among them the result is one signal, on a clock that starts now; its checks are made when
    # it is evaluated.
    listed = list(given) if isinstance(given, (list, tuple)) else [given]
    signals = [each for each in listed if isinstance(each, Signal)]
    if not signals:
        return receive(neuron, given, what, rule, identifiers)
    now, device, dtype = neuron.time, neuron.device, neuron.dtype
    # Those that prepare() gave are on the step's clock already, and stay as they are.
    signals = [each.in_step(now) for each in signals]
    alone = identifiers is None and not isinstance(given, (list, tuple))
    fits = False

    def value(values: list[Tensor], t: Any) -> Tensor:
        nonlocal fits
        # A value for all units comes from no device in particular.
        ready: Any = [value.to(device) if value.ndim == 0 else value for value in values]
        if alone:
            ready = ready[0]
        else:
            found = iter(ready)
            ready = [next(found) if isinstance(each, Signal) else each for each in listed]
        if fits:
            current: Tensor = ready if alone or rule is None else rule(ready, identifiers)
            # A copy: what the function gave may be its own, and written to when it is asked again.
            current = current.to(dtype, copy=True)
            if current.ndim == 0:
                current = current.unsqueeze(0)
        else:
            # All checks, once, on the first values; later ones have the same types.
            current, fits = receive(neuron, ready, what, rule, identifiers), True
        if values_visible(current):
            _check(neuron, declared, what, current, t, now)
        return current

    signal = signals[0].joined(signals[1:], value)
    if look:
        # For its checks; a forward of a class's own gets the signal, and may ask it late or never.
        signal(0.0)
    return signal


def _check(neuron: Owner, declared: Input | None, what: str, current: Tensor, t: Any, now: float) -> None:
    if not all_finite(current):
        where = first_not_finite(current)
        place = where or (0,)
        time = float(torch.as_tensor(t).detach().min()) + now
        raise InputError(
            f"{neuron.identifier}: the signal of {what} is {float(current.detach()[place])} for unit "
            f"{place[-1]} in the step from t = {now:g} ms, near t = {time:.10g} ms; give finite numbers"
        )
    if declared is not None and declared.bounded:
        check_domain(neuron, declared, current)
