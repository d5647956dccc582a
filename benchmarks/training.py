"""Forward and backward of a layer, beside one by hand in C++ and other libraries, in one run.

    python benchmarks/training.py
    python benchmarks/training.py --models
    python benchmarks/training.py --small

The first: LIF, 128 rows, 512 units, 100 steps of 1 ms, float32; reset to rest, detached; surrogate atan of
width 1; nothing learns but what lies before the layer. Contestants take turns, round by round, and the least
time of each counts. Each first shows its gradient by the input, in a smaller run: one that is more than 1e-4
from that of the recursion is not counted; for those whose reset is attached, or whose surrogate is another,
it is that of the recursion with theirs. Other libraries take part where they are installed; --compile adds
torch.compile of the layer, which takes minutes to compile. A run in which the layer by hand has less than 800
million unit-steps a second is of a machine that is too busy to be judged by. --models has Izhikevich, AdEx
and Hodgkin-Huxley in kernels beside eager, with the memory of each; --small what a call costs beside its
kernel.
"""

from __future__ import annotations

import argparse
import math
import resource
import time
from collections.abc import Callable
from typing import Any

import rheobase as rb
import torch
from support.memory import peak_bytes
from torch import Tensor

TAU = 5.0
H = 1.0 / TAU
DECAY = 1.0 - H + H**2 / 2 - H**3 / 6 + H**4 / 24
"""What a step of Runge-Kutta's method of order 4 leaves of a distance from rest."""
CLOCKS = {"wall": time.perf_counter, "cpu": time.thread_time}
"""What time is taken by; that of the thread, on a busy machine, says nothing of several threads."""
CLOSE = 1e-4
COPY = "a copy of the same bytes"
QUIET = 800.0
"""What the layer by hand has at least on a quiet machine, million unit-steps a second."""
MODELS = {"izhikevich": (0.5, 0.3), "adex": (0.1, 0.1), "hodgkin-huxley": (0.02, 1.0)}
"""Name -> the step, ms, and the largest input, in those that fire a unit in a step."""

Layer = Callable[[Tensor], Tensor]


def atan(u: Tensor) -> Tensor:
    """The surrogate."""
    return 0.5 + torch.atan(math.pi * u) / math.pi


def loop(
    units: int, dtype: torch.dtype, soft: Callable[[Tensor], Tensor] = atan, attached: bool = False
) -> Layer:
    """The recursion as one would write it down: v = a v + x, a spike at 1, and v = 0 there."""

    def run(x: Tensor) -> Tensor:
        v, rows = torch.zeros_like(x[0]), []
        for row in x:
            v = DECAY * v + row
            u = v - 1.0
            spiked, smooth = u >= 0, soft(u)
            rows.append(spiked.to(u.dtype) + (smooth - smooth.detach()))
            v = v * (1.0 - rows[-1]) if attached else torch.where(spiked, 0.0, v)
        return torch.stack(rows)

    return run


def ours(units: int, dtype: torch.dtype, backend: str = "eager", **given: Any) -> Layer:
    """The layer. Its x = 1 is exactly what the recursion has, within 1e-4 of what lifts it to threshold."""
    how: dict[str, Any] = {"tau_mem": TAU, "tau_ref": 0.0, "input": "native", **given}
    layer = rb.layer("lif", units, dt=1.0, dtype=dtype, backend=backend, **how)
    # 20 mV by 5 nS, in a step.
    layer.rheobase.fill_(100.0 / (1.0 - DECAY))
    return layer


def fused(units: int, dtype: torch.dtype) -> Layer:
    """The layer in a kernel."""
    return ours(units, dtype, "fused")


def refractory(units: int, dtype: torch.dtype) -> Layer:
    """The same, refractory for 2 ms."""
    return ours(units, dtype, "fused", tau_ref=2.0)


def learning(units: int, dtype: torch.dtype) -> Layer:
    """The same, with two parameters that learn."""
    return ours(units, dtype, "fused", learn=("tau_mem", "volt_thresh"))


def ours_compiled(units: int, dtype: torch.dtype) -> Layer:
    """The layer in eager by torch.compile, in one graph."""
    layer = torch.compile(ours(units, dtype), fullgraph=True)
    return lambda x: layer(x)


def handwritten(units: int, dtype: torch.dtype) -> Layer:
    """The layer by hand in C++, in float32."""
    from contestants.training_handwritten import Handwritten

    return lambda x: Handwritten.apply(x.float(), DECAY).to(x.dtype)  # type: ignore[no-any-return, no-untyped-call]


class Copied(torch.autograd.Function):
    """The same bytes: x to the output, and in the backward the cotangent and x to the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """A copy."""
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, ds: Tensor) -> Any:
        """A sum."""
        (x,) = ctx.saved_tensors
        return ds + x


def copied(units: int, dtype: torch.dtype) -> Layer:
    """What reading and writing takes, without any work."""
    return lambda x: Copied.apply(x)  # type: ignore[no-any-return, no-untyped-call]


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


def norse(units: int, dtype: torch.dtype) -> Layer:
    """LIFBoxCell: v = v + h (x / h - v), z = v > 1, v = v (1 - z)."""
    from norse.torch import LIFBoxCell, LIFBoxParameters

    h = 1.0 - DECAY
    given = LIFBoxParameters(tau_mem_inv=torch.tensor(h / 1e-3, dtype=dtype), method="tanh", alpha=1.0)
    cell = LIFBoxCell(p=given, dt=1e-3)

    def run(x: Tensor) -> Tensor:
        state, rows = None, []
        for row in x / h:
            spikes, state = cell(row, state)
            rows.append(spikes)
        return torch.stack(rows)

    return run


CONTESTANTS: dict[str, Callable[[int, torch.dtype], Layer]] = {
    "a loop in PyTorch": loop,
    "by hand in C++": handwritten,
    "rheobase, fused": fused,
    "  refractory": refractory,
    "  two learn": learning,
    "rheobase, eager": ours,
    "rheobase, torch.compile": ours_compiled,
    "SpikingJelly, torch backend": spikingjelly,
    "snnTorch, Leaky": snntorch,
    "Norse, LIFBoxCell": norse,
}
REFERENCES: dict[str, Callable[[int, torch.dtype], Layer]] = {
    "  refractory": lambda units, dtype: ours(units, dtype, tau_ref=2.0),
    "snnTorch, Leaky": lambda units, dtype: loop(units, dtype, attached=True),
    "Norse, LIFBoxCell": lambda units, dtype: loop(units, dtype, torch.tanh, attached=True),
}
"""What the gradients of those that are another recursion are held against."""


def gradient(run: Layer, x: Tensor, clock: str = "wall") -> tuple[Tensor, float]:
    """The gradient of a weighted sum of spikes, and how long it took, s."""
    given = x.clone().requires_grad_()
    # One for each number, as a layer of weights gives it.
    weights = torch.linspace(-1.0, 1.0, x.shape[-1], dtype=x.dtype).expand(x.shape).contiguous()
    now = CLOCKS[clock]
    begun = now()
    run(given).backward(weights)
    took = now() - begun
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
    if name in REFERENCES:
        reference, _ = gradient(REFERENCES[name](x.shape[-1], x.dtype), x)
    far = float((found - reference).abs().max() / reference.abs().max())
    return (
        "" if far <= CLOSE else f"its gradient is {far:.2g} from that of the recursion, so it is not counted"
    )


def counted(compiling: bool) -> dict[str, Callable[[int, torch.dtype], Layer]]:
    """The contestants that are installed, and whose gradient is right."""
    small = drive(20, 4, 16, torch.float64)
    reference, _ = gradient(loop(16, torch.float64), small)
    found = {}
    for name, make in CONTESTANTS.items():
        if make is ours_compiled and not compiling:
            continue
        if why := refused(name, reference, small):
            print(f"{name}: {why}")
        else:
            found[name] = make
    return found


def layers(asked: argparse.Namespace) -> None:
    """One layer, by all contestants."""
    running = {name: make(asked.units, torch.float32) for name, make in counted(asked.compile).items()}
    running[COPY] = copied(asked.units, torch.float32)
    x = drive(asked.steps, asked.rows, asked.units, torch.float32)
    least: dict[str, float] = {}
    for threads in asked.threads:
        torch.set_num_threads(threads)
        # The first turn of each compiles, and fills caches; it is not the least.
        for turn in range(1 + asked.rounds):
            for name, run in running.items():
                took = gradient(run, x, asked.clock)[1]
                if turn:
                    least[name] = min(least.get(name, math.inf), took)
    whole = x.numel() / 1e6
    size = f"{asked.rows} x {asked.units} x {asked.steps}"
    print(f"{size}, forward and backward, the best of {asked.threads} threads:")
    hand = least["by hand in C++"]
    for name, took in sorted(least.items(), key=lambda each: each[1]):
        print(f"{name:30} {whole / took:8.1f} M unit-steps/s {hand / took:6.2f} of that by hand")
    if whole / hand < QUIET:
        print(f"the layer by hand has less than {QUIET:g} M unit-steps/s: the machine is too busy to judge")


def models(asked: argparse.Namespace) -> None:
    """Models of several states, in a kernel and in eager."""
    torch.set_num_threads(max(asked.threads))
    for name, (dt, size) in MODELS.items():
        x = size * drive(asked.steps, asked.rows, asked.units, torch.float32)
        how: dict[str, Any] = {"dt": dt, "memory": asked.memory}
        runs = {each: rb.layer(name, asked.units, backend=each, **how) for each in ("eager", "fused")}
        small = x[:, :2].double()
        exact = {each: rb.layer(name, asked.units, dtype=small.dtype, backend=each, **how) for each in runs}
        found = {each: gradient(run, small)[0] for each, run in exact.items()}
        far = float((found["fused"] - found["eager"]).abs().max() / found["eager"].abs().max())
        spikes = float(exact["fused"](small).sum() / small[0].numel())
        least = {
            each: min(
                gradient(run, x, asked.clock)[1] for _ in range(2 if each == "eager" else 1 + asked.rounds)
            )
            for each, run in runs.items()
        }
        ratio = least["eager"] / least["fused"]
        kept = peak(runs["fused"], x) / (4 * x.numel() * x.element_size())
        print(
            f"{name:18} {x.numel() / 1e6 / least['fused']:8.1f} M unit-steps/s, {ratio:6.1f} times eager; "
            f"{spikes:.2f} spikes a unit; gradients {far:.1g} apart in float64; "
            f"memory {kept:.2f} of x, s, ds and dx"
        )


def peak(run: Layer, x: Tensor) -> float:
    """Bytes that a call and its backward have alive at their peak, x and the output's gradient among them."""
    given, weights = x.clone().requires_grad_(), torch.ones_like(x)

    def step() -> None:
        given.grad = None
        run(given).backward(weights)

    return float(peak_bytes(step, lambda: (), 1)) + 2 * x.numel() * x.element_size()


def small(asked: argparse.Namespace) -> None:
    """What a call of a small layer costs beside its kernel."""
    torch.set_num_threads(1)
    x, weights = drive(25, 64, 128, torch.float32), torch.ones(25, 64, 128)
    cases: dict[str, dict[str, Any]] = {
        "nothing learns": {},
        "two learn": {"learn": ("tau_mem", "volt_thresh")},
    }
    for said, given in cases.items():
        layer = ours(128, torch.float32, "fused", **given)
        watch_kernels()
        runs: dict[str, Layer] = {"": layer}
        if asked.compile:
            runs["compiled, "] = torch.compile(layer, fullgraph=True)
        for how, run in runs.items():
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            took = [called(run, layer, x, weights) for _ in range(200)]
            faults = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults) // len(took)
            whole, kernel = (sorted(each)[len(took) // 4] for each in zip(*took, strict=True))
            print(
                f"25 x 64 x 128, {how}{said}: {1e6 * whole:.0f} us, {1e6 * kernel:.0f} of them in the "
                f"kernel, {1e6 * (whole - kernel):.0f} beside it; {faults} page faults a call"
            )


def called(run: Layer, layer: Any, x: Tensor, weights: Tensor) -> tuple[float, float]:
    """How long a call and its backward took, s, and how much of it was the kernel."""
    inside.clear()
    given = x.clone().requires_grad_()
    layer.zero_grad()
    begun = time.perf_counter()
    run(given).backward(weights)
    return time.perf_counter() - begun, sum(inside)


inside: list[float] = []
"""Seconds in kernels, of the calls so far."""


def watch_kernels() -> None:
    """Note how long each call of a kernel takes."""
    from rheobase_fused.training.kernel import KERNELS

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            begun = time.perf_counter()
            found = function(*given)
            inside.append(time.perf_counter() - begun)
            return found

        return call

    for kernel in KERNELS.values():
        kernel._forward, kernel._backward = timed(kernel._forward), timed(kernel._backward)


def main() -> None:
    """Run the benchmark, and print it."""
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    args.add_argument("--clock", choices=CLOCKS, default="wall")
    args.add_argument("--rows", type=int, default=128)
    args.add_argument("--units", type=int, default=512)
    args.add_argument("--steps", type=int, default=100)
    args.add_argument("--compile", action="store_true")
    args.add_argument("--models", action="store_true")
    args.add_argument("--small", action="store_true")
    args.add_argument("--memory", default="recompute")
    asked = args.parse_args()
    if asked.models:
        models(asked)
    elif asked.small:
        small(asked)
    else:
        layers(asked)


if __name__ == "__main__":
    main()
