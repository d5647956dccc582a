"""The surroundings in which everything is tried: the same at every door, whatever went on before."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from .belongings import same_process


@contextmanager
def same_surroundings() -> Iterator[None]:
    """Global random numbers seeded, gradients on, single precision by default, warnings unheard.

    Afterwards all is as it was before, so that judging leaves no trace; nor does what a component makes of
    the process reach the next property: the one that is about it tells.

    Example:
        >>> torch.set_grad_enabled(False)
        torch.autograd.grad_mode.set_grad_enabled(mode=False)
        >>> with same_surroundings():
        ...     torch.is_grad_enabled()
        True
        >>> torch.is_grad_enabled()
        False
        >>> torch.set_grad_enabled(True)
        torch.autograd.grad_mode.set_grad_enabled(mode=True)
    """
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    of_torch = torch.get_rng_state()
    with same_process():
        try:
            random.seed(0)
            np.random.seed(0)  # noqa: NPY002
            torch.default_generator.manual_seed(0)
            torch.set_default_dtype(torch.float32)
            with warnings.catch_warnings(), torch.inference_mode(False), torch.enable_grad():
                warnings.simplefilter("ignore")
                yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002
            torch.set_rng_state(of_torch)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch: several wait for each other longer than they work on few numbers."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)
