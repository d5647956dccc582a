"""Another process: Python's hash seed decides the order of sets, and must decide nothing of a model."""

from __future__ import annotations

import base64
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.spi import ComponentSpec

from ..again import found_again
from ..profiles import Profile
from ..property import Need, prop
from ..script import brings_its_spec
from ..surroundings import one_thread, same_surroundings
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .cases import runs
from .courses import LEVELS, course
from .running import declared_state
from .subject import NeuronSubject

FOUND = Need(
    lambda s: bool(found_again(s)),
    "another process does not find it: it was made as an object, or within a function or the main script",
)

CANDIDATES = (1, 2, 3, 4, 5, 6, 7, 8)
"""Hash seeds, of which two are taken."""

LIMIT = 300.0
"""How long the other process may take, s."""

_ORDER = "import json, sys; print(json.dumps([list(set(names)) for names in json.loads(sys.argv[1])]))"
_RUN = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from rheobase_conformance.neurons.hashing import run_as_told; run_as_told(sys.argv[1])"
)
_MARK = "rheobase-run "

Figures = list[tuple[str, list[float]]]
"""Where in a run -> what was seen there."""


def brief_double(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Short runs with spikes, in double precision."""
    return runs(subject, profile, steps=(18,), courses=LEVELS, dtypes=("float64",))


@prop(
    "neuron",
    "hash-seed-ignored",
    "independence",
    cases=brief_double,
    needs=(FOUND,),
    level="full",
    share=0.01,
    why="a run that hangs on the order of a set differs from process to process, and nobody knows why",
)
def a_process_with_another_hash_seed_runs_the_same(subject: NeuronSubject, case: NeuronCase) -> None:
    """In a process with another hash seed, initial states and a run are the same, but for rounding."""
    here, seeds = figures(subject, case), _turning(subject)
    with ThreadPoolExecutor(len(seeds)) as pool:
        runs_there = list(pool.map(lambda seed: _there(subject, case, seed), seeds))
    for seed, there in zip(seeds, runs_there, strict=True):
        if there is None:
            vacuous("another process could not run it")
        _require_same(here, there, f"in a process with PYTHONHASHSEED={seed}")


def _require_same(here: Figures, there: Figures, process: str) -> None:
    for (where, mine), (_, other) in zip(here, there, strict=False):
        size = max((abs(value) for value in mine), default=0.0)
        for unit, (a, b) in enumerate(zip(mine, other, strict=False)):
            # A sum in another order rounds otherwise.
            if not (abs(a - b) <= 1e-9 * size or a == b or (a != a and b != b)):
                violated(
                    f"{where} of unit {unit} is {a!r} here, and {b!r} {process}: go through names in the "
                    "order of a list or a dict, not of a set, and never use hash()"
                )
    if [where for where, _ in here] != [where for where, _ in there]:
        violated(f"a run gives {len(here)} outputs here, and {len(there)} {process}; they must be the same")


def figures(subject: NeuronSubject, case: NeuronCase) -> Figures:
    """Initial states, parameters and what the steps of a run give."""
    with same_surroundings(), one_thread():
        neuron = case.neuron(subject.model)
        data = case.data(neuron)
        first = declared_state(neuron)
        first |= {name: getattr(neuron, name).detach() for name in subject.schema.parameters}
        found = [(f"{name} at the start", _listed(value)) for name, value in sorted(first.items())]
        for step, out in enumerate(course(neuron, data).outputs):
            found += [(f"{name} after step {step}", _listed(value)) for name, value in sorted(out.items())]
    return found


def _listed(value: torch.Tensor) -> list[float]:
    listed: list[float] = value.double().reshape(-1).tolist()
    return listed


def _turning(subject: NeuronSubject) -> tuple[int, int]:
    """Two hash seeds, of which one or the other turns round most sets of two of the model's names."""
    schema = subject.schema
    kinds: Sequence[Any] = (schema.states, schema.parameters, schema.inputs, schema.options, schema.draws)
    pairs = [pair for kind in kinds for pair in combinations(sorted(kind), 2)]
    mine = [list(set(pair)) for pair in pairs]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda seed: _python(seed, _ORDER, json.dumps(pairs)), CANDIDATES))
    turned = {
        seed: {place for place, (a, b) in enumerate(zip(mine, json.loads(answer), strict=True)) if a != b}
        for seed, answer in zip(CANDIDATES, answers, strict=True)
        if answer is not None
    }
    choices = list(combinations(turned, 2))
    return max(choices, key=lambda two: len(turned[two[0]] | turned[two[1]])) if choices else CANDIDATES[:2]


def _there(subject: NeuronSubject, case: NeuronCase, seed: int) -> Figures | None:
    """The figures of another process; None where there is none that runs it."""
    spec = None if brings_its_spec(subject) else subject.spec
    errand = base64.b64encode(pickle.dumps((found_again(subject), spec, case))).decode()
    answer = _python(seed, _RUN, errand, *sys.path)
    lines = [line for line in (answer or "").splitlines() if line.startswith(_MARK)]
    return [(where, values) for where, values in json.loads(lines[-1][len(_MARK) :])] if lines else None


def _python(seed: int, code: str, *arguments: str) -> str | None:
    """What Python prints with a hash seed; None where it fails."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def run_as_told(errand: str) -> None:
    """Print the figures of a run; this is the other process.

    Args:
        errand: What :func:`_there` makes of target, spec and case.
    """
    from ..finding import find_one

    given: tuple[str, ComponentSpec | None, NeuronCase] = pickle.loads(base64.b64decode(errand))
    target, spec, case = given
    subject: Any = find_one(target, spec=spec, kind="neuron")
    print(f"\n{_MARK}{json.dumps(figures(subject, case))}")
