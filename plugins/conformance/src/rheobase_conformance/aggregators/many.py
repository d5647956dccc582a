"""Many inputs: a neuron has thousands of sources, which come in more than a few groups."""

from __future__ import annotations

from ..property import prop
from ..subject import AggregatorSubject
from .algebra import every_input_counts
from .case import AggregatorCase
from .cases import inputs
from .ranges import MANY


@prop(
    "aggregator",
    "every-one-of-many-inputs-counts",
    "components",
    cases=lambda subject, profile: inputs(
        subject,
        profile,
        shapes=[((3,),) * count for count in (MANY, 7, 9, 6)],
        dtypes=("float64",),
        alike=True,
    ),
    share=0.5,
    why="a rule that was tried on two inputs may know nothing of the eighth",
)
def every_one_of_many_inputs_counts(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """Among twelve inputs with one identifier, or none, each has an effect on the result."""
    every_input_counts(subject, case)
