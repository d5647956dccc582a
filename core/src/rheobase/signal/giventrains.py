"""What users give of trains of spikes, checked: times, and weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import StimulusError, shown
from ..torch_state import first_not_finite
from .values import is_number


def are_several(times: Any) -> bool:
    """Whether these are trains, and not the times of one."""
    if isinstance(times, (Tensor, np.ndarray)):
        return times.ndim == 2
    listed = isinstance(times, (list, tuple))
    return listed and any(not is_number(each) and getattr(each, "ndim", 1) for each in times)


def plain(given: Any) -> Any:
    """Weights as settings of runs tell them: a number, or a tensor."""
    if is_number(given):
        return float(given)
    if isinstance(given, Tensor) and not given.ndim:
        return given.to(torch.float64, copy=True)
    return _tensor("weights", given)


def _tensor(name: str, given: Any, where: str = "") -> Tensor:
    told = f"Events: the {name} {where}".rstrip()
    if isinstance(given, Tensor):
        made = given
    elif isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise StimulusError(f"{told} are {shown(given)}; give numbers, [n]")
    else:
        listed = given.tolist() if isinstance(given, np.ndarray) else list(given)
        if not isinstance(listed, list) or not all(map(is_number, listed)):
            raise StimulusError(f"{told} are {shown(given)}; give numbers, [n]")
        made = torch.tensor(list(map(float, listed)), dtype=torch.float64)
    if made.is_meta or made.layout != torch.strided:
        what = "on meta, without values" if made.is_meta else f"a tensor of layout {made.layout}"
        raise StimulusError(f"{told} are {what}; give numbers, [n], such as those of x.to_dense()")
    if made.ndim != 1 or made.is_complex() or made.dtype == torch.bool:
        raise StimulusError(f"{told} are a tensor {list(made.shape)} of {made.dtype}; give numbers, [n]")
    # A copy, so that it stays what it was checked to be; with its graph.
    return made.to(torch.float64, copy=True)


def numbers(name: str, given: Any, where: str = "") -> Tensor:
    """``[n]`` finite numbers in float64, on the CPU, with their graph."""
    made = _tensor(name, given, where).cpu()
    bad = first_not_finite(made)
    if bad is not None:
        where = f" {where}" if where else ""
        raise StimulusError(
            f"Events: {name}[{bad[0]}]{where} is {made[bad[0]].item()}; give finite numbers, in "
            f"{'ms' if name == 'times' else 'the unit of the input'}"
        )
    return made


def weights_of(given: Any, train: Tensor, where: str = "") -> Tensor:
    """A weight for each time of a train, float64 ``[n]``."""
    if is_number(given) or (isinstance(given, Tensor) and not given.ndim):
        one = [given] if is_number(given) else given[None]
        return numbers("weights", one, where.strip()).expand(len(train))
    made = numbers("weights", given, where.strip())
    if len(made) != len(train):
        raise StimulusError(
            f"Events: {len(train)} times{where} and {len(made)} weights; give one for each time, or "
            "one number"
        )
    return made


def check_not_negative(train: Tensor, where: str) -> None:
    """Refuse a time before the neuron's clock begins."""
    early = (train.detach() < 0).nonzero()
    if len(early):
        k = int(early[0, 0])
        raise StimulusError(
            f"Events: times[{k}]{where} is {train[k].item():g} ms, before the neuron's clock begins; give "
            "times of 0 ms or more"
        )


def in_short(given: Any) -> str:
    """Numbers for a repr of one line."""
    if isinstance(given, Tensor):
        if given.numel() > 10:
            return f"[{', '.join(f'{each!r}' for each in given[:3].tolist())}, ...: {len(given)}]"
        return repr(given.tolist())
    if isinstance(given, tuple):
        listed = ", ".join(map(in_short, given[:10]))
        return f"[{listed}{', ...' if len(given) > 10 else ''}]"
    return repr(float(given))
