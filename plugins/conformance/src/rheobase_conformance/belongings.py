"""What belongs to the process, and to no component: torch's modes, warnings, environment, working folder."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Belonging:
    """One thing that the process has.

    Args:
        name: How messages call it.
        get: What it is now.
        put: Makes it something else.
        turned: From what it is, something else that it may be, under which a component must work too; None:
            it is left as it is.
        instead: What a component does that needs another one for a while.
    """

    name: str
    get: Callable[[], Any]
    put: Callable[[Any], object]
    turned: Callable[[Any], Any] | None
    instead: str


def _not(value: Any) -> bool:
    return not value


def _put_environment(values: dict[str, str]) -> None:
    for name in set(os.environ) - set(values):
        del os.environ[name]
    for name, value in values.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it is there no longer
        return ""


def _put_folder(path: str) -> None:
    if path and path != _folder():
        os.chdir(path)


def _put_device(device: torch.device) -> None:
    if torch.get_default_device() != device:
        # The default of the default: nothing of torch then looks for another.
        torch.set_default_device(None if device == torch.device("cpu") else device)


def _put_filters(filters: list[Any]) -> None:
    with warnings.catch_warnings():  # its end tells Python that filters have changed
        pass
    warnings.filters[:] = filters  # type: ignore[index]


def _flushes() -> bool:
    tiny = torch.full((), 1e-310, dtype=torch.float64, device="cpu")
    return float(tiny * 0.5) == 0.0


_WITH_DTYPE = "give dtype= to what makes a tensor"
_CUDNN: Any = torch.backends.cudnn

BELONGINGS = (
    Belonging(
        "grad mode", torch.is_grad_enabled, torch.set_grad_enabled, _not,
        "use torch.no_grad() or torch.enable_grad() in a with statement",
    ),
    Belonging(
        "default dtype", torch.get_default_dtype, torch.set_default_dtype,
        lambda dtype: torch.float64 if dtype == torch.float32 else torch.float32, _WITH_DTYPE,
    ),
    Belonging(
        "default device", torch.get_default_device, _put_device, None,
        "give device= to what makes a tensor",
    ),
    Belonging(
        "number of threads", torch.get_num_threads, torch.set_num_threads,
        lambda threads: 2 if threads == 1 else 1, "leave it to whoever runs the model",
    ),
    Belonging(
        "mode of deterministic algorithms", torch.get_deterministic_debug_mode,
        torch.set_deterministic_debug_mode, lambda mode: 0 if mode else 1,
        "leave it to whoever runs the model",
    ),
    Belonging(
        "benchmark flag of cuDNN", lambda: _CUDNN.benchmark,
        lambda flag: setattr(_CUDNN, "benchmark", flag), _not, "leave it to whoever runs the model",
    ),
    Belonging(
        "deterministic flag of cuDNN", lambda: _CUDNN.deterministic,
        lambda flag: setattr(_CUDNN, "deterministic", flag), _not, "leave it to whoever runs the model",
    ),
    Belonging(
        "precision of matrix products", torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision, lambda mode: "high" if mode == "highest" else "highest",
        "leave it to whoever runs the model",
    ),
    Belonging(
        "flushing of denormal numbers", _flushes, torch.set_flush_denormal, _not,
        "leave it to whoever runs the model",
    ),
    Belonging(
        "anomaly detection of autograd", torch.is_anomaly_enabled, torch.set_anomaly_enabled, None,
        "use torch.autograd.detect_anomaly() in a with statement",
    ),
    Belonging(
        "handling of numpy's floating-point errors", np.geterr, lambda how: np.seterr(**how),
        lambda how: {kind: "ignore" if done == "warn" else "warn" for kind, done in how.items()},
        "use np.errstate(...) in a with statement",
    ),
    Belonging(
        "list of warning filters", lambda: list(warnings.filters), _put_filters,
        # A filter in front of all others: who changes them puts one before it.
        lambda filters: [("ignore", None, UserWarning, None, 0), *filters],
        "use warnings.catch_warnings() in a with statement",
    ),
    Belonging(
        "recursion limit", sys.getrecursionlimit, sys.setrecursionlimit, lambda limit: limit + 1,
        "leave it to whoever runs the model",
    ),
    Belonging(
        "garbage collection", gc.isenabled, lambda on: gc.enable() if on else gc.disable(), _not,
        "leave it to whoever runs the model",
    ),
    Belonging(
        "environment", lambda: dict(os.environ), _put_environment, None,
        "leave the environment to whoever runs the model",
    ),
    Belonging(
        "working folder", _folder, _put_folder, None, "use paths from where the module lies",
    ),
)  # fmt: skip
"""What is looked at, and put back."""


class Belongings:
    """All belongings, as they were when this was made."""

    def __init__(self) -> None:
        self.values = [each.get() for each in BELONGINGS]

    def changed(self) -> str:
        """The first that is no longer as it was, in words; empty: none."""
        for each, before in zip(BELONGINGS, self.values, strict=True):
            now = each.get()
            if now != before:
                return f"{_told(each.name, before, now)}; {each.instead}"
        return ""

    def put_back(self, *, but_those_turned: bool = False) -> None:
        """Make those that are no longer as they were what they were; or only those that nobody turns."""
        for each, before in zip(BELONGINGS, self.values, strict=True):
            if not (but_those_turned and each.turned is not None) and each.get() != before:
                each.put(before)


_ENTERED: list[Belongings] = []
"""As they were at the beginnings of :func:`same_process` that have no end yet, the outermost first."""


def turn() -> None:
    """Make each belonging that may be otherwise so."""
    for each in BELONGINGS:
        if each.turned is not None:
            each.put(each.turned(each.get()))


def begin_again() -> None:
    """Make those that may not be otherwise what they were before the component was used at all."""
    if _ENTERED:
        _ENTERED[0].put_back(but_those_turned=True)


@contextmanager
def same_process() -> Iterator[Belongings]:
    """Whatever is done to the belongings of the process, put them back afterwards.

    Example:
        >>> import os
        >>> with same_process() as before:
        ...     os.environ["RHEOBASE_SOMETHING"] = "1"
        ...     before.changed()
        "the environment variable RHEOBASE_SOMETHING is '1', and was not set; leave the environment to \
whoever runs the model"
        >>> "RHEOBASE_SOMETHING" in os.environ
        False
    """
    before = Belongings()
    _ENTERED.append(before)
    try:
        yield before
    finally:
        _ENTERED.pop()
        before.put_back()


def _told(name: str, before: Any, now: Any) -> str:
    if name == "environment":
        variable = min(key for key in {*before, *now} if before.get(key) != now.get(key))
        was, is_now = (repr(each[variable]) if variable in each else "not set" for each in (before, now))
        return f"the {name} variable {variable} is {is_now}, and was {was}"
    if isinstance(before, list):
        return f"the {name} has {len(now)} entries, and had {len(before)} or others"
    return f"the {name} is {now!r}, and was {before!r}"
