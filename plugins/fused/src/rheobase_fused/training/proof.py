"""A kernel is held against autograd before it is used: a step of a few units, at drawn states.

The derivative of a kernel is that of the operations of a step. An author may have given a part of it another
one, by a function of autograd's of one's own, or none, without a trace among operations; then no kernel is
made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from ..refusal import Refusal
from ..setting import UNITS
from .kernel import LayerKernel, table_of
from .setting import OUT, LayerSetting

MOST = 0.9
"""The part of the numbers that must agree: where a spike hangs on the last digit one may come of itself."""
CLOSE, NEAR = 1e-2, 1e-3
"""How close two of them must be, relative to them, and to all."""


def check_derivative(kernel: LayerKernel, setting: LayerSetting, learn: Iterable[str]) -> None:
    """Refuse a kernel that has not the values and the derivative of a step in PyTorch.

    Args:
        kernel: The kernel.
        setting: The few units that were followed.
        learn: The parameters of which a derivative is asked for.

    Raises:
        Refusal: If it has not.
    """
    generator = torch.Generator().manual_seed(0)
    dtype = setting.neuron.dtype

    def drawn(*shape: int) -> Tensor:
        return torch.rand(*shape, dtype=torch.float64, generator=generator).to(dtype)

    states = dict(setting.states)
    for name in kernel.numbers:
        size = 0.1 * states[name].abs() + 0.1
        states[name] = states[name] + size * (2.0 * drawn(UNITS) - 1.0)
    data = {name: 2.0 * drawn(UNITS) for name in setting.data}
    weights = {name: drawn(UNITS) - 0.5 for name in (*kernel.numbers, OUT)}
    expected = _eager(setting, states, data, weights, learn)
    found = _kernel(kernel, setting, states, data, weights)
    for name, one in expected.items():
        other = found[name]
        fine = one.isfinite() & other.isfinite()
        one, other = one[fine], other[fine]
        if not one.numel():
            continue
        room = CLOSE * one.abs() + NEAR * one.abs().mean()
        if float(((one - other).abs() <= room).double().mean()) < MOST:
            raise Refusal(
                f"{name} is not what the operations of a step give; something has a derivative of its own "
                "(torch.autograd.Function), none (torch.no_grad), or looks whether gradients are recorded"
            )


def _eager(
    setting: LayerSetting,
    states: Mapping[str, Tensor],
    data: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
    learn: Iterable[str],
) -> dict[str, Tensor]:
    # Inputs of one row, without a batch, as those of the kernel; parameters of a unit each.
    leaves = {f"s.{name}": states[name].clone().requires_grad_() for name in weights if name != OUT}
    leaves |= {f"x.{name}": value.clone().requires_grad_() for name, value in data.items()}
    params = dict(setting.params)
    for name in learn:
        leaves[f"p.{name}"] = params[name] = params[name].clone().requires_grad_()
    given = {**states, **{name: leaves[f"s.{name}"] for name in weights if name != OUT}}
    with torch.enable_grad():
        after = setting.stepped(
            given, params, {name: leaves[f"x.{name}"] for name in data}, setting.unrolling.function
        )
        ends = {name: value for name, value in after.items() if value is not None}
        total = torch.stack([(ends[name] * weight).sum() for name, weight in weights.items()]).sum()
        found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    told = {f"the value of {name}": ends[name].detach() for name in weights}
    for (name, leaf), gradient in zip(leaves.items(), found, strict=True):
        told[f"the derivative by {name[2:]}"] = torch.zeros_like(leaf) if gradient is None else gradient
    return told


def _kernel(
    kernel: LayerKernel,
    setting: LayerSetting,
    states: Mapping[str, Tensor],
    data: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    inputs = [data[name].unsqueeze(0) for name in kernel.inputs]
    params = table_of([setting.params[name] for name in kernel.params])
    before = [torch.stack([states[name] for name in kernel.numbers]), *(states[n] for n in kernel.beside)]
    kept = kernel.room(before, 1)
    done = kernel.forward(inputs, params, before, kept)
    ends = {**dict(zip(kernel.numbers, done.after[0], strict=True)), OUT: done.out[0]}
    wanted = [*(f"x.{name}" for name in kernel.inputs), *(f"p.{name}" for name in kernel.params), "y"]
    dafter = torch.stack([weights[name] for name in kernel.numbers])
    found = kernel.backward(
        inputs, params, before, kept, weights[OUT].unsqueeze(0), dafter, frozenset(wanted)
    )
    told = {f"the value of {name}": ends[name] for name in weights}
    told |= {f"the derivative by {name}": row for name, row in zip(kernel.numbers, found["y"], strict=True)}
    for name in wanted[:-1]:
        zero = torch.zeros_like(setting.params[name[2:]]) if name[0] == "p" else None
        value = found.get(name, zero)
        if value is not None:
            told[f"the derivative by {name[2:]}"] = value[0] if name[0] == "x" else value
    return told
