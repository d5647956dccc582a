"""Forward and backward of a layer of LIF units, beside a loop in PyTorch and other libraries, in one run.

    python benchmarks/training.py

128 rows, 512 units, 100 steps of 1 ms, float32; reset to rest, detached; surrogate atan of width 1; nothing
learns but what lies before the layer. Contestants take turns, round by round, and the least time of each
counts. Each first shows its gradient by the input, in a smaller run in float64: one that is more than 1e-4
from that of the recursion is not counted. Other libraries take part where they are installed; --compile
adds torch.compile of the layer, which takes minutes to compile.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import rheobase as rb
import torch
from torch import Tensor

TAU = 5.0
H = 1.0 / TAU
DECAY = 1.0 - H + H**2 / 2 - H**3 / 6 + H**4 / 24
"""What a step of Runge-Kutta's method of order 4 leaves of a distance from rest."""
CLOSE = 1e-4

Layer = Callable[[Tensor], Tensor]


def loop(units: int, dtype: torch.dtype) -> Layer:
    """The recursion as one would write it down: v = a v + x, a spike at 1, and v = 0 there."""

    def run(x: Tensor) -> Tensor:
        v, rows = torch.zeros_like(x[0]), []
        for row in x:
            v = DECAY * v + row
            u = v - 1.0
            spiked = u >= 0
            soft = 0.5 + torch.atan(math.pi * u) / math.pi
            rows.append(spiked.to(u.dtype) + (soft - soft.detach()))
            v = torch.where(spiked, 0.0, v)
        return torch.stack(rows)

    return run


def ours(units: int, dtype: torch.dtype) -> Layer:
    """The layer, step by step. Its x = 1 is within 1e-4 of what lifts it to threshold in a step."""
    layer = rb.layer("lif", units, dt=1.0, tau_mem=TAU, tau_ref=0.0, input="native", dtype=dtype)
    # 20 mV by 5 nS, in a step.
    size = 100.0 / (1.0 - DECAY)
    return lambda x: layer(size * x)


def ours_compiled(units: int, dtype: torch.dtype) -> Layer:
    """The same by torch.compile, in one graph."""
    layer = torch.compile(ours(units, dtype), fullgraph=True)
    return lambda x: layer(x)


def spikingjelly(units: int, dtype: torch.dtype) -> Layer:
    """LIFNode: v = v (1 - 1 / tau) + x, without decay of the input, reset to 0, detached."""
    from spikingjelly.activation_based import functional, neuron, surrogate

    tau = 1.0 / (1.0 - DECAY)
    atan = surrogate.ATan(alpha=2.0)
    node = neuron.LIFNode(
        tau=tau, decay_input=False, detach_reset=True, step_mode="m", surrogate_function=atan
    )

    def run(x: Tensor) -> Tensor:
        functional.reset_net(node)
        out: Tensor = node(x)
        return out

    return run


def snntorch(units: int, dtype: torch.dtype) -> Layer:
    """Leaky: v = beta v + x, reset to 0 in the next step."""
    import snntorch as snn

    node = snn.Leaky(
        beta=DECAY, spike_grad=snn.surrogate.atan(alpha=2.0), reset_mechanism="zero", reset_delay=False
    )

    def run(x: Tensor) -> Tensor:
        v, rows = node.init_leaky(), []
        for row in x:
            spikes, v = node(row, v)
            rows.append(spikes)
        return torch.stack(rows)

    return run


CONTESTANTS: dict[str, Callable[[int, torch.dtype], Layer]] = {
    "a loop in PyTorch": loop,
    "rheobase, eager": ours,
    "rheobase, torch.compile": ours_compiled,
    "SpikingJelly, torch backend": spikingjelly,
    "snnTorch, Leaky": snntorch,
}


def gradient(run: Layer, x: Tensor) -> tuple[Tensor, float]:
    """The gradient of a weighted sum of spikes, and how long it took, s."""
    given = x.clone().requires_grad_()
    weights = torch.linspace(-1.0, 1.0, x.shape[-1], dtype=x.dtype).expand(x.shape)
    begun = time.perf_counter()
    run(given).backward(weights)
    took = time.perf_counter() - begun
    assert given.grad is not None
    return given.grad, took


def drive(steps: int, rows: int, units: int, dtype: torch.dtype) -> Tensor:
    """Inputs from 0 to 0.8 thresholds a step."""
    generator = torch.Generator().manual_seed(0)
    return 0.8 * torch.rand(steps, rows, units, dtype=dtype, generator=generator)


def refused(name: str, reference: Tensor, x: Tensor) -> str:
    """Why a contestant does not take part; empty: it does."""
    try:
        found, _ = gradient(CONTESTANTS[name](x.shape[-1], x.dtype), x)
    except ImportError as error:
        return f"not installed ({error.name})"
    far = float((found - reference).abs().max() / reference.abs().max())
    return (
        "" if far <= CLOSE else f"its gradient is {far:.2g} from that of the recursion, so it is not counted"
    )


def main() -> None:
    """Run the benchmark, and print it."""
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--rows", type=int, default=128)
    args.add_argument("--units", type=int, default=512)
    args.add_argument("--steps", type=int, default=100)
    args.add_argument("--compile", action="store_true")
    asked = args.parse_args()
    torch.set_num_threads(asked.threads)
    small = drive(20, 4, 16, torch.float64)
    reference, _ = gradient(loop(16, torch.float64), small)
    running: dict[str, Layer] = {}
    for name, make in CONTESTANTS.items():
        if make is ours_compiled and not asked.compile:
            continue
        if why := refused(name, reference, small):
            print(f"{name}: {why}")
        else:
            running[name] = make(asked.units, torch.float32)
    x = drive(asked.steps, asked.rows, asked.units, torch.float32)
    least = dict.fromkeys(running, math.inf)
    # The first turn of each compiles, and fills caches; it is not the least.
    for _ in range(1 + asked.rounds):
        for name, run in running.items():
            least[name] = min(least[name], gradient(run, x)[1])
    whole, fastest = x.numel() / 1e6, least["a loop in PyTorch"]
    print(f"{asked.rows} x {asked.units} x {asked.steps}, {asked.threads} threads, forward and backward:")
    for name, took in sorted(least.items(), key=lambda each: each[1]):
        print(f"{name:30} {whole / took:8.1f} M unit-steps/s {fastest / took:6.2f} of the loop")


if __name__ == "__main__":
    main()
