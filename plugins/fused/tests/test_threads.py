"""Kernels on several threads: those that torch keeps, and new ones where a process has none of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

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
def test_a_process_that_was_forked_has_threads_of_its_own() -> None:
    # Torch's threads are not there after a fork; to wait for them would be to wait for ever.
    done = subprocess.run([sys.executable, "-c", FORKED], timeout=60, check=False)
    assert done.returncode == 0
