"""A layer that torch does not compile: imported only while torch compiles, since it takes in the compiler."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

REASON = (
    "a layer with gradient='times' looks at values to find when its units spike, and is not compiled; leave "
    "fullgraph=True out, and what is around it is; or give gradient='surrogate', which is one graph"
)
"""What torch says where a whole graph is asked for."""


@torch.compiler.disable(reason=REASON)  # type: ignore[untyped-decorator]
def as_it_is(layer: nn.Module, x: Any, given: dict[str, Any]) -> Any:
    """What a layer gives for x, by a break of the graph that is being compiled."""
    return layer.forward(x, **given)
