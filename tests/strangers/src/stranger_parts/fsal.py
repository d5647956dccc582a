"""Bogacki and Shampine (1989), of third order, whose last slope is the first of the next step."""

import torch
from rheobase import Advance, Integrator

FIRST = []
"""For each step: whether the slope at its start had to be evaluated."""


class BogackiShampine(Integrator):
    """Third order, with the slope at the end kept for the next step.

    Args:
        keep: Whether it is kept.
    """

    order = 3

    def __init__(self, keep=True):
        self.keep = keep

    def advance(self, field, y, t0, t1, *, carry=None):
        h = t1 - t0
        k1 = None if carry is None else carry.get("slope")
        if k1 is not None:
            unknown = k1.isnan().any(dim=0)
            if bool(unknown.any()):
                k1 = torch.where(unknown, field(t0, y), k1)
        FIRST.append(k1 is None)
        if k1 is None:
            k1 = field(t0, y)
        k2 = field(t0 + h / 2, y + h / 2 * k1)
        k3 = field(t0 + 3 * h / 4, y + 3 * h / 4 * k2)
        y1 = y + h * (2 * k1 + 3 * k2 + 4 * k3) / 9
        if not self.keep:
            return Advance(y1)
        age = torch.zeros_like(y[0]) if carry is None else carry["age"]
        return Advance(y1, {"slope": field(t1, y1), "age": age + 1})
