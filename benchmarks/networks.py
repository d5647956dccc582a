"""Networks: CUBA of Brette et al. 2007 in eager and with compiled populations, delivery, and building.

    python benchmarks/networks.py

All figures are medians of several runs. CUBA's bound is of a quiet machine: beside its time stands that
of one of torch's smallest operations there.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import rheobase as rb
import torch

CUBA_SECONDS, DELIVERY_RATIO, BUILD_SECONDS, BYTES = 12.0, 20.0, 3.0, 8.0
"""What is asked: of CUBA for a second of biological time, of delivery, of building 1e7 synapses, of each."""
FUSED_RATIO = 10.0
"""How many times faster CUBA is to be where a kernel steps its populations."""
WAYS = (("rk4", "eager"), ("rk4", "fused"), ("exact", "eager"), ("exact", "fused"))


def cuba(integrator: str = "rk4") -> rb.Network:
    """4,000 leaky integrate-and-fire units with exponential currents, 320,000 synapses, float32."""
    cell: dict[str, Any] = {"tau_mem": 20.0, "leak_gl": 10.0, "volt_rest": -49.0, "volt_thresh": -50.0}
    cell |= {"volt_reset": -60.0, "tau_ref": 5.0}
    net = rb.Network(seed=1)
    for name, units in (("E", 3200), ("I", 800)):
        start = rb.Uniform(-60.0, -50.0)
        net.add(name, rb.create("lif", units, voltage=start, integrator=integrator, **cell))
    for source, tau, weight in (("E", 5.0, 16.2), ("I", 10.0, -90.0)):
        for target in ("E", "I"):
            rule, synapse = rb.rule("bernoulli", p=0.02), rb.synapse("exponential", tau=tau)
            net.connect(source, target, rule, synapse, weight=weight, delay=0.1)
    return net


def run_of(integrator: str, backend: str, duration: float) -> float:
    """How long a run of CUBA takes, s."""
    net = cuba(integrator)
    rb.simulate(net, duration=5.0, backend=backend)
    return timed(lambda: rb.simulate(net, duration=duration, backend=backend))


def timed(work: Callable[[], object]) -> float:
    """How long it takes, s."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def delivery(rounds: int, steps: int = 200) -> tuple[float, float]:
    """Delivering the same spikes by one projection, and by torch's product with a sparse matrix, s."""
    units, degree = 16_000, 80
    net = rb.Network(seed=2)
    for name in ("a", "b"):
        net.add(name, rb.create("lif", units))
    rule = rb.rule("fixed-outdegree", degree=degree)
    projection = net.connect("a", "b", rule, rb.synapse("exponential"), weight=1.0)
    # Five spikes per s and unit, in steps of 0.1 ms.
    generator = torch.Generator().manual_seed(3)
    spiked = (torch.rand(steps, units, generator=generator) < 5e-4).to(torch.int8)
    pairs = torch.stack([projection.target, projection.source])
    values = torch.ones(projection.synapses)
    matrix = torch.sparse_coo_tensor(pairs, values, (units, units)).coalesce().to_sparse_csr()
    rows = spiked.float().unsqueeze(-1).unbind(0)
    # Both give the same sums.
    projection.send(1, spiked[0], None)
    arrived = projection.delivery.arriving(2, projection.weights)
    assert_equal(arrived, (matrix @ rows[0]).squeeze(-1))

    def ours() -> None:
        projection.delivery.clear()
        for step in range(steps):
            projection.send(step + 1, spiked[step], None)
            projection.delivery.arriving(step + 2, projection.weights)

    def theirs() -> None:
        for row in rows:
            matrix @ row

    found = [(timed(ours), timed(theirs)) for _ in range(rounds)]
    return median(one for one, _ in found), median(other for _, other in found)


def assert_equal(one: Any, other: torch.Tensor) -> None:
    """Stop where two contestants did not do the same."""
    if not isinstance(one, torch.Tensor) or not torch.allclose(one, other):
        raise SystemExit("the two deliver different sums")


def build() -> tuple[float, float]:
    """Connecting 1e7 synapses with a weight each: s, and bytes a synapse."""
    net = rb.Network(seed=1)
    for name in ("a", "b"):
        net.add(name, rb.create("lif", 10_000))
    rule, weight = rb.rule("bernoulli", p=0.1), rb.Normal(1.0, 0.1)
    seconds = timed(lambda: net.connect("a", "b", rule, rb.synapse("exponential"), weight=weight))
    projection = net["a->b"]
    parts = (*projection.connectivity[:2], projection.weights)
    return seconds, sum(part.numel() * part.element_size() for part in parts) / projection.synapses


def main() -> int:
    """Run the benchmark; 0, or 1 if ``--check`` was asked for and a bound does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--duration", type=float, default=200.0, help="of CUBA, ms")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--check", action="store_true", help="exit status 1 where a bound does not hold")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    # Of units that start above their threshold, as in the paper; and of torch, of its sparse tensors.
    warnings.simplefilter("ignore")
    runs: dict[tuple[str, str], list[float]] = {way: [] for way in WAYS}
    # In turns, each after some steps that compile what there is to compile.
    for _ in range(options.rounds):
        for integrator, backend in WAYS:
            runs[integrator, backend].append(run_of(integrator, backend, options.duration))
    took = {way: median(each) * 1000.0 / options.duration for way, each in runs.items()}
    seconds, ratio = took["rk4", "eager"], took["rk4", "eager"] / took["rk4", "fused"]
    small = torch.zeros(3200)
    call = timed(lambda: [torch.add(small, small) for _ in range(10_000)]) / 10_000
    ours, theirs = delivery(options.rounds)
    builds = [build() for _ in range(options.rounds)]
    building, size = median(each for each, _ in builds), builds[0][1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"CUBA, rk4, float32: {seconds:.1f} s a second (asked {CUBA_SECONDS:g})")
    for way, each in took.items():
        print(f"CUBA, {', '.join(way)}: {each:.1f} s a second")
    print(f"with rk4, fused is {ratio:.1f} times as fast as eager (asked {FUSED_RATIO:g})")
    print(f"one add of 3,200 numbers: {call * 1e6:.1f} us")
    print(f"delivery: {theirs / ours:.1f} times torch's sparse product (asked {DELIVERY_RATIO:g})")
    print(f"building 1e7 synapses: {building:.2f} s (asked {BUILD_SECONDS:g})")
    print(f"a synapse: {size:.3f} bytes (asked {BYTES:g})")
    print(f"peak memory {peak:.2f} GiB")
    holds = seconds <= CUBA_SECONDS and theirs / ours >= DELIVERY_RATIO
    holds = holds and ratio >= FUSED_RATIO
    holds = holds and building <= BUILD_SECONDS and size <= BYTES
    return 0 if holds or not options.check else 1


if __name__ == "__main__":
    raise SystemExit(main())
