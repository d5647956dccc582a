"""The process: what a model makes of the modes and settings that all others in it share."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import suppress

from hypothesis import strategies as st

from ..belongings import begin_again, same_process, turn
from ..profiles import Profile
from ..property import prop
from ..violation import require
from .case import NeuronCase
from .cases import runs
from .courses import LEVELS
from .going import go, mapped
from .subject import NeuronSubject


def few_steps(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs of a few steps, with spikes."""
    return runs(subject, profile, steps=(12,), courses=LEVELS)


@prop(
    "neuron",
    "process-left-as-it-was",
    "independence",
    cases=few_steps,
    share=0.125,
    why="a switch of torch, a warning or a variable that one model sets is set for all that run beside it",
)
def making_and_running_leave_the_process_alone(subject: NeuronSubject, case: NeuronCase) -> None:
    """torch's modes, warning filters, environment and working folder are left as they were."""
    with same_process():
        # What is imported at the first use may add its filters and variables once.
        for _ in _uses(subject, case):
            pass
    for turned in (False, True):
        with same_process():
            # Also under modes other than the usual ones: it may set them to what they usually are.
            changed = _what_changes(subject, case, turned)
        require(not changed, changed)


def _what_changes(subject: NeuronSubject, case: NeuronCase, turned: bool) -> str:
    """After which use what is no longer as it was; empty: all is."""
    begin_again()  # to draw the case, the model was measured
    if turned:
        turn()
    with same_process() as before, suppress(*((Exception,) if turned else ())):
        for when in _uses(subject, case):
            if changed := before.changed():
                return f"after {when}, {changed}"
    return ""


def _uses(subject: NeuronSubject, case: NeuronCase) -> Iterator[str]:
    """What is done with a neuron, and after each thing its name."""
    neuron = case.neuron(subject.model)
    yield "a neuron was made"
    data = case.data(neuron)
    go(neuron, data)
    yield f"a run of {len(data)} steps"
    with suppress(Exception):
        neuron(mapped(data[0], lambda tensor: tensor * math.nan))
    yield "an input of NaN was refused"
    with suppress(Exception):
        copy.deepcopy(neuron).load_state_dict(neuron.state_dict())
    yield "a neuron was copied and saved"
    neuron.reset_state()
    yield "reset_state()"
