"""The device of the inputs, on which the result is too."""

from __future__ import annotations

from ..property import prop
from ..subject import AggregatorSubject
from ..vacuous import vacuous
from ..violation import require, violated
from .case import AggregatorCase
from .cases import SHAPES, inputs, refused, result_of

LOOKS = ("Tensor.item() cannot be called", "register_meta function for torch.nonzero")
"""What torch says where values are looked at, which the meta device has not: a rule may refuse some."""

BLIND = "it looks at the values of its inputs, which the meta device has not"


@prop(
    "aggregator",
    "meta-device",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=SHAPES[:3]),
    share=0.5,
    level="standard",  # torch takes most of a second to make the device ready
    why="a tensor left on the CPU fails on every accelerator; the meta device shows it without one",
)
def it_works_on_the_meta_device(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """Inputs on another device give a result there, of the same shape and type."""
    expected = result_of(subject, case.inputs(), case.names())
    given = [each.to("meta") for each in case.inputs()]
    try:
        if refused(subject, given, case.names()) is not None:
            vacuous(BLIND)
        found = result_of(subject, given, case.names())
    except (RuntimeError, TypeError) as error:
        if any(text in str(error) for text in LOOKS):
            vacuous(BLIND)
        violated(f"with inputs on the meta device it raised {type(error).__name__}: {str(error)[:200]}")
    require(
        found.is_meta and found.shape == expected.shape and found.dtype == expected.dtype,
        f"inputs on the meta device gave a result on {found.device}, {list(found.shape)} of {found.dtype}; "
        f"on the CPU they give {list(expected.shape)} of {expected.dtype}. Make new tensors where the inputs "
        "are, for instance by inputs[0].new_zeros",
    )
