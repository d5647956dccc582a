"""One step of an integrator: a pure function of what it is given, in the shapes of the contract."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase import Advance, Integrator
from torch import Tensor

from ..profiles import Profile
from ..property import prop
from ..subject import IntegratorSubject
from ..violation import require, violated
from .case import IntegratorCase
from .stepping import advanced, problems, slack

SHAPES = ("rotation", "chain", "decay")
"""Problems with two, three and one variables, which every integrator takes."""


def shapes(subject: IntegratorSubject, profile: Profile) -> st.SearchStrategy[IntegratorCase]:
    """Problems of one to three variables, with and without a batch, in both types."""
    return problems(
        subject,
        profile,
        names=SHAPES,
        batches=((2,), (), (2, 1)),
        dtypes=("float32", "float64"),
    )


@prop(
    "integrator",
    "state-keeps-shape-and-type",
    "components",
    cases=shapes,
    why="a state that changes its shape or type is refused, or slows all that comes after it",
)
def the_state_keeps_shape_and_type(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """The new state has the shape and type of the old one, for all variables, batches and units."""
    y, method = case.start(), subject.make()
    result = advanced(method, case.field(), y, 0.0, case.dt)
    require(
        result.y.dtype == y.dtype,
        f"a state of {y.dtype} became one of {result.y.dtype}; it must keep its type",
    )
    _check_parts(result, y)
    require(
        bool(result.y.isfinite().all()), f"the state is not finite after {case.dt} ms: {result.y.tolist()}"
    )
    if subject.claims.order:
        moved, error = (result.y - y).abs().max().item(), _apart(result.y, case.exact(case.dt))
        require(
            error <= 0.35 * moved,
            f"after {case.dt} ms the state is {result.y.tolist()} and must be about "
            f"{case.exact(case.dt).tolist()}",
        )


def _check_parts(result: Advance, y: Tensor) -> None:
    """The other parts of a result have the shapes of the contract."""
    shape = y.shape[1:]
    for name, value in (result.carry or {}).items():
        require(
            isinstance(value, Tensor),
            f"carry[{name!r}] is of type {type(value).__name__}; it must be a tensor",
        )
        whole = y.shape if name == "slope" else shape
        require(
            _fits(value, whole),
            f"carry[{name!r}] has the shape {list(value.shape)}; it must fit {list(whole)}",
        )
    require(
        result.t is None or _fits(result.t, shape),
        f"t has the shape {list(result.t.shape) if result.t is not None else None}; it must fit "
        f"{list(shape)}",
    )


def _fits(value: Tensor, shape: torch.Size) -> bool:
    try:
        return bool(torch.broadcast_shapes(value.shape, shape) == shape)
    except RuntimeError:
        return False


def _apart(one: Tensor, other: Tensor) -> float:
    return (one.double() - other).abs().max().item()


@prop(
    "integrator",
    "arguments-are-not-changed",
    "components",
    cases=problems,
    why="the state that is given belongs to the caller, who may look at it again or take the step anew",
)
def arguments_are_not_changed(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A step changes neither the state, the times nor the carry, and no later step changes its result."""
    method, field, y = subject.quick(), case.field(), case.start()
    t0 = torch.full((case.units,), case.t0, dtype=y.dtype)
    t1, t2 = t0 + case.dt, t0 + 2 * case.dt
    given = {"y": y, "t0": t0, "t1": t1}
    before = {name: value.clone() for name, value in given.items()}
    first = advanced(method, field, y, t0, t1)
    _require_same(given, before, "a step")
    end, carry = first.y.clone(), {name: value.clone() for name, value in (first.carry or {}).items()}
    advanced(method, field, first.y, t1, t2, carry=first.carry)
    _require_same(
        {"y, the result of the step before,": first.y}, {"y, the result of the step before,": end}, "a step"
    )
    _require_same(dict(first.carry or {}), carry, "a step to which it was given as carry")
    y.add_(1.0)
    if not torch.equal(first.y, end):
        violated("the new state shares its memory with the old one: a change of the old one changed it too")


def _require_same(now: Mapping[str, Tensor], before: Mapping[str, Tensor], what: str) -> None:
    for name, value in now.items():
        if not torch.equal(value, before[name]):
            violated(f"{what} changed {name}: it was {before[name].tolist()} and is {value.tolist()}")


@prop(
    "integrator",
    "no-memory",
    "components",
    cases=problems,
    why="one integrator serves many neurons, and a step may be taken again: all memory is in the carry",
)
def it_has_no_memory(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """The same call gives the same, to the bit, whatever was solved in between, and draws no random "
    "number."""
    method, field, y = subject.quick(), case.field(), case.start()
    t1 = case.t0 + case.dt
    drawn = torch.get_rng_state()
    first = advanced(method, field, y, case.t0, t1)
    require(
        torch.equal(drawn, torch.get_rng_state()),
        "a step drew from torch's global random numbers; a method that needs some has a generator of its own",
    )
    _require_equal(advanced(method, field, y, case.t0, t1).y, first.y, "the same call made twice")
    other = IntegratorCase("chain", units=4, seed=case.seed + 1)
    between = advanced(method, other.field(), other.start(), 0.0, 0.75)
    advanced(method, other.field(), between.y, 0.75, 1.0, carry=between.carry)
    # Also one of the same shape, at another state and with another step.
    advanced(method, field, 0.5 * y, case.t0 + 0.5, t1 + 1.0)
    _require_equal(
        advanced(method, field, y, case.t0, t1).y, first.y, "the same call before and after another problem"
    )
    _require_equal(advanced(subject.quick(), field, y, case.t0, t1).y, first.y, "two integrators made alike")


def _require_equal(one: Tensor, other: Tensor, what: str) -> None:
    if not torch.equal(one, other):
        violated(f"{what}: {one.tolist()} and {other.tolist()}; they must be the same")


@prop(
    "integrator",
    "copies-are-alike",
    "components",
    cases=lambda subject, profile: problems(subject, profile, names=SHAPES),
    share=0.5,
    why="a neuron is copied, pickled and sent to other processes together with its integrator",
)
def copies_are_alike(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A deep copy, and one that was pickled, give what the integrator gives."""
    method, field, y = subject.quick(), case.field(), case.start()
    expected = advanced(method, field, y, 0.0, case.dt).y
    for name, other in (("a deep copy", copy.deepcopy(method)), ("a pickled copy", _pickled(method))):
        _require_equal(advanced(other, field, y, 0.0, case.dt).y, expected, f"{name} and the integrator")


def _pickled(method: Integrator) -> Any:
    try:
        return pickle.loads(pickle.dumps(method))
    except Exception as error:  # whatever pickle makes of it
        violated(f"it cannot be pickled: {type(error).__name__}: {error}; keep no functions or locals in it")


@prop(
    "integrator",
    "call-is-advance",
    "components",
    cases=lambda subject, profile: problems(subject, profile, names=("rotation", "chain")),
    share=0.5,
    why="users of the reference API call it, and must get the same method",
)
def calling_it_is_advancing(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """``integrator(x, equations, dt=dt)`` gives what ``advance`` gives, all variables solved together."""
    method, field, y = subject.quick(), case.field(), case.start()
    equations = tuple(_row(field, index) for index in range(len(y)))
    called = torch.stack(list(method(tuple(y.unbind(0)), equations, dt=case.dt)))
    expected = advanced(subject.quick(), field, y, 0.0, case.dt).y
    apart = (called - expected).abs().max().item()
    require(
        apart <= slack(subject),
        f"called with a tuple it gives {called.tolist()}, by advance {expected.tolist()}",
    )


def _row(field: Any, index: int) -> Any:
    def equation(x: Any) -> Any:
        return field(0.0, _Rows(x))[index]

    return equation


class _Rows(tuple):  # type: ignore[type-arg]
    """Rows of a state that need not be tensors."""
