"""Projections as matrices ``[targets, sources]``: who is connected, and limits of weights."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...errors import ArgumentError, ParameterError, RheobaseWarning, shown
from ...philox import key_of

MODES = ("all", "one", "prop", "rand")


def tensor_of(named: str, what: str, given: Any) -> Tensor:
    """What was given, as a tensor; numbers of Python are double, not by way of torch's default type.

    Raises:
        ParameterError: If it is no number, and no rows of numbers of one length.
    """
    if isinstance(given, Tensor):
        return given
    try:
        tensor = torch.as_tensor(given)
        return torch.as_tensor(given, dtype=torch.float64) if tensor.is_floating_point() else tensor
    except (TypeError, ValueError, RuntimeError) as error:
        raise ParameterError(
            f"{named}: {what}={shown(given)}; give a number, or [targets, sources]"
        ) from error


def matrix_of(named: str, what: str, given: Any, shape: tuple[int, int]) -> Tensor:
    """A matrix, checked.

    Raises:
        ArgumentError: If it is of another shape.
        ParameterError: If it is none of numbers.
    """
    matrix = tensor_of(named, what, given)
    if tuple(matrix.shape) != shape:
        raise ArgumentError(
            f"{named}: {what} has the shape {list(matrix.shape)}; give [targets, sources], {list(shape)}"
        )
    return matrix.detach().cpu()


def mask_of(
    named: str, mode: str, prop: float, shape: tuple[int, int], seed: int, *, autapses: bool = True
) -> Tensor:
    """Who is connected, by one of :data:`MODES`, bool ``[targets, sources]``.

    Without ``autapses`` the pairs of a unit with itself are none to draw from: shares are of the others.

    Raises:
        ArgumentError: If the mode is none, or the share is none.

    Warns:
        RheobaseWarning: If only such pairs could be connected, so that nobody is.
    """
    if mode not in MODES:
        raise ArgumentError(f"{named}: connect({mode!r}); give one of {', '.join(map(repr, MODES))}")
    if not 0.0 <= prop <= 1.0:
        raise ArgumentError(f"{named}: prop={prop!r}; give a share from 0 to 1")
    targets, sources = shape
    if mode == "one" and targets != sources:
        raise ArgumentError(
            f"{named}: connect('one') of {sources} sources and {targets} targets; give equally many"
        )
    allowed = torch.ones(shape, dtype=torch.bool)
    if not autapses:
        allowed.fill_diagonal_(False)
        if mode == "one" or targets == 1:
            warnings.warn(
                f"{named}: connect({mode!r}) of a population with itself connects nobody, as each unit would "
                "only reach itself; say autapses=True where it is to",
                RheobaseWarning,
                stacklevel=3,
            )
    if mode == "all":
        return allowed
    if mode == "one":
        return torch.eye(targets, dtype=torch.bool) & allowed
    drawn = torch.rand(shape, generator=torch.Generator().manual_seed(key_of(seed, named, "connect") % 2**63))
    drawn[~allowed] = 2.0  # after all that are drawn
    mask = torch.zeros(shape, dtype=torch.bool)
    if mode == "rand":
        mask.view(-1)[drawn.view(-1).argsort()[: round(prop * int(allowed.sum()))]] = True
        return mask
    each = targets if autapses else targets - 1
    return mask.scatter_(0, drawn.argsort(dim=0)[: round(prop * each)], True)


class Limits(NamedTuple):
    """The least and the largest weight: ``[]`` or ``[targets, sources]``, float64; None: there is none."""

    weight_min: Tensor | None
    weight_max: Tensor | None

    @classmethod
    def of(cls, named: str, least: Any, most: Any, shape: tuple[int, int]) -> Limits:
        """Limits, checked.

        Raises:
            ParameterError: If one is no number, or the least is above the largest.
            ArgumentError: If one is of another shape.
        """
        limits = cls(_limit(named, "weight_min", least, shape), _limit(named, "weight_max", most, shape))
        if None not in limits and bool((limits[0] > limits[1]).any()):  # type: ignore[operator]
            raise ParameterError(f"{named}: weight_min is above weight_max; give the lesser first")
        return limits

    def within(self, weight: Tensor, target: Tensor, source: Tensor) -> Tensor:
        """Weights ``[]`` or ``[synapses]`` with what is beyond a limit at it."""
        for limit, nearer in ((self.weight_min, torch.maximum), (self.weight_max, torch.minimum)):
            if limit is not None:
                of_each = limit if limit.ndim == 0 else limit[target.cpu(), source.cpu()]
                weight = nearer(weight, of_each.to(dtype=weight.dtype, device=weight.device))
        return weight


def _limit(named: str, what: str, given: Any, shape: tuple[int, int]) -> Tensor | None:
    if given is None:
        return None
    limit = tensor_of(named, what, given).detach().to(torch.float64)
    if bool(limit.isnan().any()):
        raise ParameterError(f"{named}: {what} is nan; give a number, or None for no limit")
    # A copy: one that is written to afterwards would not count for the weights that are there.
    return (limit.cpu() if limit.ndim == 0 else matrix_of(named, what, limit, shape)).clone()
