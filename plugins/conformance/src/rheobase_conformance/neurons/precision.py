"""Precision: single precision gives what double precision gives, but for its rounding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..profiles import Profile
from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .cases import runs
from .courses import course, each_tensor, put, tensors
from .needs import DETERMINISTIC
from .rounding import ULPS
from .shaking import shaken
from .subject import NeuronSubject

_EPS = torch.finfo(torch.float32).eps
_ULPS = 4.0 * _EPS / torch.finfo(torch.float64).eps
"""Four units in the last place of float32, in those of float64."""

_TRIES = 3
_ROOM = 16.0


def _quiet(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    return runs(
        subject,
        profile,
        steps=(10, 16),
        courses=((0.6,), (0.0, 0.4), (0.2, 0.6)),
        dtypes=("float32",),
        options=False,
    )


@prop(
    "neuron",
    "float32-close-to-float64",
    "numerics",
    cases=_quiet,
    needs=(DETERMINISTIC,),
    share=0.5,
    why="float32 is the default: equations that lose its digits give noise where they are used",
)
def single_precision_is_close_to_double(subject: NeuronSubject, case: NeuronCase) -> None:
    """Below threshold, a run in float32 is one in float64 but for rounding."""
    single = case.neuron(subject.model)
    data = case.data(single)
    found = course(single, data)
    exact = replace(case, dtype="float64")
    double = exact.neuron(subject.model)
    # From the same numbers: those of single precision.
    put(double, _widened(single=case.neuron(subject.model), double=double))
    start = tensors(double)
    wide = [each_tensor(each, lambda value: value.double()) for each in data]
    expected = course(double, wide)
    if expected.ended:
        vacuous("in float64 the run ends in a named error")
    near = []
    for number in range(_TRIES):
        trial = exact.neuron(subject.model)
        put(trial, start)
        near.append(shaken(trial, wide, _ULPS, number))
    # What is small now may be the difference of two numbers of the size that the state goes to.
    floor = {name: ULPS * _EPS * subject.sizes.excursion.get(name, 0.0) for name in subject.schema.states}
    for step, outputs in enumerate(expected.outputs):
        if any(
            "spiked" in each and bool(each["spiked"].any()) for each in _at([expected.outputs, *near], step)
        ):
            if step == 0:
                vacuous("it spikes in the first step, far below its rheobase")
            return
        if step >= len(found.outputs):
            violated(f"in float32 the run ends in step {step} by {found.ended}, and in float64 it goes on")
        if "spiked" in found.outputs[step] and bool(found.outputs[step]["spiked"].any()):
            violated(f"in float32 a unit spikes in step {step}, and in float64 none does")
        for name in subject.schema.states:
            if name not in outputs or name not in found.outputs[step]:
                continue
            one, other = outputs[name], found.outputs[step][name].double()
            # Each step rounds once more.
            room = (64.0 * _EPS * one.abs()).clamp(min=(step + 1) * floor[name])
            for each in near:
                if step < len(each):
                    room = torch.maximum(room, _ROOM * (each[step][name] - one).abs())
                else:
                    return
            wrong = (one - other).abs() > room
            if bool(wrong.any()):
                where = tuple(wrong.nonzero()[0].tolist())
                violated(
                    f"{name} of unit {where[-1]} is {float(other[where])!r} in float32 and "
                    f"{float(one[where])!r} in float64 in step {step}; rounding the states, parameters and "
                    "inputs to float32 in every step, and numbers as large as the state gets, accounts for "
                    f"{float(room[where]):.3g}"
                )


def _at(runs_: list[list[dict[str, Tensor]]], step: int) -> list[dict[str, Tensor]]:
    return [each[step] for each in runs_ if step < len(each)]


def _widened(single: Any, double: Any) -> dict[str, Tensor]:
    mine, others = tensors(single), tensors(double)
    return {
        name: value.to(others[name].dtype)
        for name, value in mine.items()
        if name in others and value.shape == others[name].shape
    }
