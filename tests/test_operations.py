"""What the tables of operations of the core and of the kernels say of the same operation is the same."""

from __future__ import annotations

import pytest
import torch
from rheobase.engine.trace.operations import OPERATIONS
from rheobase_fused.operations import ALIKE
from rheobase_fused.rules import RULES

HOMES = (torch, torch.Tensor, torch.nn.functional)

# What makes, reads or shapes tensors: a kernel has no use of a row of it.
SHAPING = {
    *("_to_copy", "scalar_tensor", "full", "full_like", "zeros", "ones", "zeros_like", "ones_like"),
    *("all", "any", "sum", "unbind", "select", "slice", "stack", "cat", "view", "_unsafe_view", "reshape"),
    *("squeeze", "unsqueeze", "alias", "lift_fresh", "lift_fresh_copy", "new_zeros", "new_ones"),
}

# What autograd makes of a surrogate, which kernels follow; no author calls it.
DERIVED = {name for name in RULES if name.endswith("_backward")}


@pytest.mark.parametrize("name", [*ALIKE, *sorted(RULES.keys() - SHAPING - DERIVED)])
def test_what_kernels_do_to_a_number_of_one_unit_the_core_takes_as_of_one_unit(name: str) -> None:
    functions = [getattr(home, name) for home in HOMES if hasattr(home, name)]
    assert functions
    assert all(OPERATIONS[function].unitwise for function in functions)


@pytest.mark.parametrize("name", sorted(SHAPING & RULES.keys()))
def test_what_shapes_tensors_is_of_no_one_unit_for_the_core(name: str) -> None:
    known = [OPERATIONS.get(getattr(home, name, None)) for home in HOMES]
    assert not any(each.unitwise for each in known if each is not None)
