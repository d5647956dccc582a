"""What kernels take of the machine: the threads that torch keeps, or new ones, and large pages."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch

FORKED = """
import os, signal, sys, torch, rheobase as rb
torch.set_num_threads(2)
neuron = rb.create("lif", 4096, dt=0.1)
stimulus = rb.stimulus.Constant(350.0)
def spikes():
    neuron.reset_state()
    return rb.simulate(neuron, stimulus, duration=20.0, backend="fused").spikes.times.tolist()
first = spikes()
child = os.fork()
if child == 0:
    signal.alarm(20)
    os._exit(0 if spikes() == first and first else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_a_process_that_was_forked_has_threads_of_its_own(warm: Any) -> None:
    # Torch's threads are not there after a fork; to wait for them would be to wait for ever.
    assert warm.run("-c", FORKED, timeout=60).returncode == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="large pages are asked for on Linux")
def test_large_results_lie_in_large_pages() -> None:
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not setting.exists() or "[never]" in setting.read_text(encoding="utf-8"):
        pytest.skip("there are no large pages here")
    layer = rb.layer("lif", 512, dt=1.0, tau_ref=0.0, backend="fused")
    # More than malloc keeps for another time.
    x = torch.zeros(100, 200, 512, requires_grad=True)
    layer(x[:2]).sum().backward()
    faults = []
    for _ in range(2):
        x.grad = None
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        layer(x).sum().backward()
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    # The spikes, and the gradient of x, in pages of 4 KiB.
    assert min(faults) < 2 * x.numel() * 4 / 4096 / 2
