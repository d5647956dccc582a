"""What a kernel cannot do."""

from __future__ import annotations


class Refusal(NotImplementedError):
    """This run cannot be fused; the message says why."""


class Amiss(Refusal):
    """No run can be fused before somebody mends something; the message says what."""

    amiss = True
