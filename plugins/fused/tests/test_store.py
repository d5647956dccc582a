"""Kernels on disk: kept between processes, whole, and without a trace in the process that loads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

_RUN = """
import sys, torch, rheobase as rb, rheobase_fused.store as store
made = []
whole = store.compile_to
def counted(*arguments):
    made.append(1)
    whole(*arguments)
store.compile_to = counted
tiny = torch.tensor(1e-40)
neuron = rb.create("lif", 3, tau_mem=7.0)
recording = rb.simulate(neuron, 300.0, 20.0, backend="fused")
small = torch.tensor([1e-310], dtype=torch.float64)
print(len(made), len(recording.spikes), (tiny * 0.5).item() > 0, (small / 2).item() > 0)
"""


def _run(warm: Any, folder: Path) -> list[str]:
    done = warm.run("-c", _RUN, env={**os.environ, "RHEOBASE_CACHE_DIR": str(folder)}, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()  # type: ignore[no-any-return]


@pytest.mark.slow
def test_a_second_process_compiles_nothing_and_denormals_stay(tmp_path: Path, warm: Any) -> None:
    made, spikes, *denormal = _run(warm, tmp_path)
    assert (made, denormal) == ("1", ["True", "True"])
    assert _run(warm, tmp_path) == ["0", spikes, "True", "True"]


_IN_THREE = f"""
import os, sys, torch, rheobase, rheobase_fused.store
children = []
while len(children) < 3 and (child := os.fork()):
    children.append(child)
if len(children) == 3:
    sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
{_RUN}
"""


@pytest.mark.slow
def test_processes_that_need_one_kernel_at_once_all_get_it(tmp_path: Path, warm: Any) -> None:
    done = warm.run("-c", _IN_THREE, env={**os.environ, "RHEOBASE_CACHE_DIR": str(tmp_path)}, timeout=300)
    assert done.returncode == 0, done.stderr
    said = [line.split() for line in done.stdout.splitlines()]
    assert len(said) == 3
    assert [spikes for _, spikes, *_ in said] == [said[0][1]] * 3
    assert [path.suffix for path in (tmp_path / "kernels").iterdir()] == [".so"]
