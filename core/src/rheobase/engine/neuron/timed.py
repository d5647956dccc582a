"""Signals that a neuron receives: aggregated, checked and cast as tensors are, at every time asked for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...errors import InputError
from ...signal.signal import Signal
from ...torch_state import all_finite, values_visible
from ..aggregate import Aggregator
from ..model.declaration import Input
from ..model.owner import Owner
from ..model.values import check_domain
from .checks import first_bad
from .receive import receive


def receive_timed(
    neuron: Owner,
    given: Any,
    what: str,
    rule: Aggregator | None = None,
    identifiers: list[str] | None = None,
    declared: Input | None = None,
) -> Tensor | Signal:
    """As :func:`~rheobase.engine.neuron.receive.receive`, where one of the inputs may be a signal.

    Args:
        neuron: Who receives it.
        given: A tensor, a number, a signal on the neuron's clock or as this gives it, or a list or tuple of
            these.
        what: How messages call it.
        rule: The aggregator for lists.
        identifiers: The names of the sources in a list.
        declared: The declaration of the input, for its domain.

    Returns:
        The tensor; or, where there is a signal, one signal on a clock that starts now, whose values are
        in the neuron's dtype.

    Raises:
        InputError: If it has a wrong type, dtype, device or shape; when the signal is evaluated, also if
            a value is not finite.
    """
    listed = list(given) if isinstance(given, (list, tuple)) else [given]
    if not any(isinstance(each, Signal) for each in listed):
        return receive(neuron, given, what, rule, identifiers)
    now = neuron.time
    signals = [each.in_step(now) for each in listed if isinstance(each, Signal)]
    alone = identifiers is None and not isinstance(given, (list, tuple))

    def inputs(values: list[Tensor]) -> Any:
        # A value for all units comes from no device in particular.
        found = iter([value.to(neuron.device) if value.ndim == 0 else value for value in values])
        everything = [next(found) if isinstance(each, Signal) else each for each in listed]
        return everything[0] if alone else everything

    # All checks, once, on the values of now; later ones have the same types.
    receive(neuron, inputs([signal(0.0) for signal in signals]), what, rule, identifiers)

    def value(values: list[Tensor], t: Any) -> Tensor:
        ready = inputs(values)
        current: Tensor = ready if alone or rule is None else rule(ready, identifiers)
        current = current.to(neuron.dtype)
        if current.ndim == 0:
            current = current.unsqueeze(0)
        if values_visible(current):
            _check(neuron, declared, what, current, t, now)
        return current

    return signals[0].joined(signals[1:], value)


def _check(neuron: Owner, declared: Input | None, what: str, current: Tensor, t: Any, now: float) -> None:
    if not all_finite(current):
        where = first_bad(current)
        place = where or (0,)
        time = float(torch.as_tensor(t).detach().min()) + now
        raise InputError(
            f"{neuron.identifier}: the signal of {what} is {float(current.detach()[place])} for unit "
            f"{place[-1]} in the step from t = {now:g} ms, near t = {time:.10g} ms; give finite numbers"
        )
    if declared is not None and declared.bounded:
        check_domain(neuron, declared, current)
