"""What an author's functions of a synapse gave: looked at, so that an error names the projection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import DeclarationError


def fit(values: Iterable[Any], like: Any) -> bool:
    """Whether values are rows as nearly all are: nothing needs to be cast or spread."""
    if type(like) is not Tensor:
        return False
    dtype, shape = like.dtype, like.shape
    for value in values:
        if type(value) is not Tensor or value.dtype is not dtype or value.shape != shape:
            return False
    return True


def fit_in_order(given: Any, names: Mapping[str, Any], like: Any) -> list[Any] | None:
    """The values of a mapping in the order of the names, where it has these alone and all of them are fit."""
    if type(given) is not dict or len(given) != len(names) or type(like) is not Tensor:
        return None
    found, dtype, shape = [], like.dtype, like.shape
    for name in names:
        value = given.get(name)
        if type(value) is not Tensor or value.dtype is not dtype or value.shape != shape:
            return None
        found.append(value)
    return found


def fitting(value: Any, like: Any, where: str) -> Any:
    """A value as a row of states is, ``[*batch, units]``; one number for all is spread.

    Args:
        value: What was given.
        like: A state of the target. What is no tensor, as while a function is followed, is not looked at.
        where: The projection, the function and the field, for the message.

    Raises:
        DeclarationError: If it is no such row; it says which shape or type was given, and which is wanted.
    """
    if not isinstance(like, Tensor):
        return value
    if isinstance(value, Tensor):
        if value.shape == like.shape and value.dtype == like.dtype:
            return value
        if value.dtype == torch.bool or value.is_complex():
            raise DeclarationError(f"{where} is of {value.dtype}; give numbers of {like.dtype}")
        if not _broadcasts(value.shape, like.shape):
            raise DeclarationError(
                f"{where} has the shape {list(value.shape)}; give {list(like.shape)}, a value for each "
                "target unit, or one number"
            )
        return value.to(like.dtype).expand(like.shape)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return torch.full_like(like, float(value), requires_grad=False)
    if value is None or isinstance(value, (bool, str, list, tuple, Mapping)):
        raise DeclarationError(
            f"{where} is of type {type(value).__name__}; give a tensor {list(like.shape)}, a value for each "
            "target unit"
        )
    return value


def _broadcasts(shape: torch.Size, wanted: torch.Size) -> bool:
    if len(shape) > len(wanted):
        return False
    return all(a in (1, b) for a, b in zip(reversed(shape), reversed(wanted), strict=False))


def named_rows(given: Any, names: Mapping[str, Any], like: Any, where: str, *, some: bool = False) -> Any:
    """A mapping by state, each value a row; see :func:`fitting`.

    Args:
        given: What was given.
        names: The states.
        like: A state of the target.
        where: The projection and the function, for the message.
        some: Whether some of the states are enough, one or more.
    """
    fits = isinstance(given, Mapping) and (
        bool(given) and given.keys() <= names.keys() if some else given.keys() == names.keys()
    )
    if not fits:
        told = sorted(given) if isinstance(given, Mapping) else type(given).__name__
        wanted = "new values for some of the states" if some else "a value for each state"
        raise DeclarationError(f"{where} gave {told}; give a mapping of {wanted}: {', '.join(names)}")
    return {name: fitting(value, like, f"{where}: {name!r}") for name, value in given.items()}
