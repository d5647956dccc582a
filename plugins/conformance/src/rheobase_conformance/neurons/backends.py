"""Backends: compiled steps, vmapped steps and every installed backend agree with eager ones."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase import list_components
from torch import Tensor

from ..profiles import Profile
from ..property import prop
from ..vacuous import vacuous
from .agreement import require_agreement, require_values_checked
from .case import NeuronCase
from .cases import runs
from .courses import LEVELS
from .needs import DERIVATIVES, DETERMINISTIC, OWN_STEPS
from .rounding import require_same_up_to_rounding
from .subject import NeuronSubject


def _compiled(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    return runs(subject, profile, steps=(16,), courses=LEVELS, vary=False)


def _batches(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    return runs(subject, profile, batches=((3,), (2,)), steps=(10, 20), courses=LEVELS)


@contextmanager
def _fresh_compiler() -> Iterator[None]:
    """No code compiled before is used, and none is left: all models share the code of one step."""
    torch.compiler.reset()
    try:
        yield
    finally:
        torch.compiler.reset()


@prop(
    "neuron",
    "traced-equals-eager",
    "numerics",
    cases=_compiled,
    needs=(OWN_STEPS, DERIVATIVES),
    level="standard",
    share=0.125,
    why="a model that cannot be captured whole runs at a fraction of its speed, or as another model",
)
def a_captured_step_is_the_eager_step(subject: NeuronSubject, case: NeuronCase) -> None:
    """``torch.compile(fullgraph=True)`` captures a step without a break, and changes nothing."""
    _require_compiled(subject, case, "eager")


@prop(
    "neuron",
    "compiled-equals-eager",
    "numerics",
    cases=_compiled,
    needs=(OWN_STEPS, DERIVATIVES),
    level="full",
    share=1 / 30,
    why="compiled code is what runs where speed matters; it must be the model",
)
def a_compiled_step_is_the_eager_step(subject: NeuronSubject, case: NeuronCase) -> None:
    """A step compiled by torch's own compiler does what the eager one does, up to rounding."""
    _require_compiled(subject, case, "inductor" if _inductor_works() else "aot_eager")


@functools.cache
def _inductor_works() -> bool:
    """Whether torch's compiler compiles anything here: C++ compilers and setuptools differ."""
    if not any(shutil.which(name) for name in ("g++", "clang++", "c++")):
        return False
    try:
        with _fresh_compiler():
            doubled = torch.compile(lambda x: 2.0 * x + 1.0, backend="inductor", fullgraph=True)
            return bool((doubled(torch.ones(3)) == 3.0).all())
    except Exception:
        # Nothing of a model is in it, so it is none's fault.
        return False


@functools.cache
def _compiles() -> bool:
    """Whether torch captures anything under this Python."""
    try:
        with _fresh_compiler():
            doubled = torch.compile(lambda x: 2.0 * x, backend="eager", fullgraph=True)
            return bool((doubled(torch.ones(3)) == 2.0).all())
    except Exception:
        return False  # Nothing of a model is in it.


def _require_compiled(subject: NeuronSubject, case: NeuronCase, backend: str) -> None:
    if not _compiles():
        vacuous("torch.compile works for no function here")
    data = case.data(case.neuron(subject.model))
    with _fresh_compiler():
        require_same_up_to_rounding(
            lambda: case.neuron(subject.model),
            lambda: case.neuron(subject.model),
            data,
            lambda value: value,
            f"a step in eager, and one by torch.compile(backend={backend!r}, fullgraph=True)",
            free=False,
            call=lambda neuron: torch.compile(neuron, backend=backend, fullgraph=True),
        )


@prop(
    "neuron",
    "vmap-equals-batch",
    "numerics",
    cases=_batches,
    needs=(OWN_STEPS, DERIVATIVES, DETERMINISTIC),
    share=0.5,
    why="a step that function transforms can take is what sensitivities and ensembles of runs are made of",
)
def a_vmapped_step_is_the_step_of_a_batch(subject: NeuronSubject, case: NeuronCase) -> None:
    """``neuron.step`` under ``torch.vmap``, over the rows of a batch, is the step of the batch."""
    data = case.data(case.neuron(subject.model))

    def vmapped(neuron: Any) -> Callable[[Any], dict[str, Tensor]]:
        def call(given: Any) -> dict[str, Tensor]:
            prepared = neuron.prepare(given)
            state = dict(neuron.state)
            carry = state.pop("carry", None)
            whole = {name: value.expand(*case.batch, *value.shape[-1:]) for name, value in state.items()}

            def one(rows: dict[str, Tensor], inputs: Any) -> dict[str, Tensor]:
                stepped: tuple[Any, dict[str, Tensor]] = neuron.step(
                    {**rows, "carry": carry}, neuron.params, inputs, neuron.dt
                )
                return stepped[1]

            outputs: dict[str, Tensor] = torch.vmap(one)(whole, prepared)
            return {name: outputs[name] for name in neuron.reported if name in outputs}

        return call

    require_same_up_to_rounding(
        lambda: case.neuron(subject.model),
        lambda: case.neuron(subject.model),
        data,
        lambda value: value,
        "a step of a batch, and neuron.step under torch.vmap",
        free=False,
        call=vmapped,
    )


@prop(
    "neuron",
    "backends-agree",
    "numerics",
    cases=runs,
    share=0.5,
    why="the backend is chosen for its speed; it must not choose the result",
)
def every_backend_agrees_with_eager_or_refuses(subject: NeuronSubject, case: NeuronCase) -> None:
    """Every installed backend gives what eager gives, or refuses with the reason.

    Its traces follow the stride. An input with a value that is not finite is an ``InputError``, in eager too,
    and leaves the neuron as it was.
    """
    case = replace(case, dtype="float64")
    for component in list_components("backend"):
        name, source = component.spec.name, component.provenance.distribution
        target = name if source is None else f"{source}:{name}"
        if name != "eager":
            require_agreement(subject, case, target, name)
        require_values_checked(subject, case, target, name)
