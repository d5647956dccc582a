"""A surrogate is a pure function of one number, applied pointwise to a tensor."""

from __future__ import annotations

import torch
from torch import Tensor

from ..property import prop
from ..subject import SurrogateSubject
from ..violation import require, violated
from .ranges import DTYPES, SOME


@prop(
    "surrogate",
    "keeps-shape-and-type",
    "training",
    why="a layer gives it all units and rows at once, in the type that it has",
)
def keeps_shape_and_type(subject: SurrogateSubject) -> None:
    """S gives a tensor of the shape, the type and the device of what it is given, down to none and one."""
    for dtype in DTYPES:
        for shape in ((), (0,), (1,), (7,), (2, 3), (2, 1, 3)):
            z = torch.zeros(shape, dtype=dtype)
            given = subject.obj(z)
            if not isinstance(given, Tensor):
                violated(f"of zeros {list(shape)} it gave {given!r}; it must give a tensor")
            told = f"of zeros {list(shape)} of {dtype} it gave {list(given.shape)} of {given.dtype}"
            require(given.shape == z.shape and given.dtype == dtype, f"{told}; it must keep both")
    try:
        device = subject.obj(torch.zeros(3, device="meta")).device
    except Exception as error:
        violated(f"of a tensor on another device ('meta') it made {type(error).__name__}: {error}")
    require(device.type == "meta", f"of a tensor on 'meta' it gave one on {device}; it must stay there")


@prop(
    "surrogate",
    "takes-each-number-alone",
    "training",
    why="units never interact inside a layer: a row of a batch must learn what it would learn alone",
)
def takes_each_number_alone(subject: SurrogateSubject) -> None:
    """S and its derivative at a number do not depend on the numbers beside it, nor on earlier calls."""
    z = torch.tensor(SOME, dtype=torch.float64, requires_grad=True)
    before = z.detach().clone()
    value = subject.obj(z)
    slope = subject.slope(z)
    require(torch.equal(z.detach(), before), "it wrote to the tensor that it was given; give a new one")
    for place, number in enumerate(SOME):
        alone = torch.tensor([number], dtype=torch.float64, requires_grad=True)
        pairs = (("S", value[place], subject.obj(alone)[0]), ("S'", slope[place], subject.slope(alone)[0]))
        for what, beside, lone in pairs:
            # Vectorised functions may round the last digit otherwise.
            require(
                bool(torch.isclose(beside, lone, rtol=1e-12, atol=1e-15)),
                f"{what}({number:g}) is {float(lone):.12g} alone, and {float(beside):.12g} beside "
                f"{len(SOME) - 1} others, or in another call; it must be a function of that number",
            )


@prop(
    "surrogate",
    "goes-through-transforms",
    "training",
    why="gradients of rows by vmap, forward-mode derivatives and second derivatives are torch's own, and a "
    "function with a backward of its own stops them",
)
def goes_through_transforms(subject: SurrogateSubject) -> None:
    """vmap, jvp and the second derivative go through S, as through torch's own operations."""
    z = torch.tensor(SOME, dtype=torch.float64)
    expected = subject.slope(z.clone().requires_grad_())
    try:
        rows = torch.func.vmap(torch.func.grad(lambda each: subject.obj(each)))(z)
        pushed = torch.func.jvp(subject.obj, (z,), (torch.ones_like(z),))[1]
        twice = torch.func.vmap(torch.func.grad(torch.func.grad(lambda each: subject.obj(each))))(z)
    except Exception as error:
        violated(
            f"torch.func does not go through it: {type(error).__name__}: {error}; write it with torch's "
            "operations, without an autograd.Function of its own"
        )
    for name, found in (("vmap", rows), ("jvp", pushed)):
        require(
            torch.allclose(found, expected),
            f"S' by {name} is {found.tolist()}, and {expected.tolist()} is due",
        )
    require(bool(twice.isfinite().all()), f"its second derivative is {twice.tolist()} at {list(SOME)}")
