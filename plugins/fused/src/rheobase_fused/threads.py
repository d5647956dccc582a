"""The threads that a kernel works on."""

from __future__ import annotations

import os

import torch

_forked = False


def _note_fork() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def threads_for(*limits: int) -> int:
    """How many threads a kernel takes: as many as torch, within limits, as the kernel is told it.

    Args:
        limits: So many at most.

    Returns:
        The number; negative where the threads that torch keeps cannot be used, so that new ones must be made:
        a process that was forked is still told of its parent's, and has them not.

    Example:
        >>> threads_for(1)
        1
    """
    threads = max(1, min(torch.get_num_threads(), *limits))
    return -threads if _forked and threads > 1 else threads
