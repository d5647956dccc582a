"""A population where a kernel works on it, between steps."""

from __future__ import annotations

import ctypes
from typing import Any, final

from .call import Call


@final
class Resident:
    """States that stay with a kernel from step to step.

    Args:
        kernel: The kernel, which keeps states.
        call: What it is given; what that points to is the caller's, and stays.

    Attributes:
        address: Where it is.
        step: Where the function is that takes a step of it.

    Raises:
        MemoryError: If there is no place.
    """

    def __init__(self, kernel: Any, call: Call) -> None:
        self._kernel = kernel
        self.address: int | None = kernel.open(ctypes.byref(call))
        if self.address is None:
            raise MemoryError("not enough memory for the states of a population")
        self.step = ctypes.cast(kernel.step, ctypes.c_void_p).value

    def close(self, states: int | None = None) -> None:
        """Give its place back.

        Args:
            states: Where the table of addresses is to which the states go; None: they are not wanted.
        """
        if self.address is not None:
            self._kernel.close(self.address, states)
            self.address = None

    def __del__(self) -> None:
        self.close()
