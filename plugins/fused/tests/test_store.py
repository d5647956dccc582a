"""Kernels on disk: kept between processes, whole, and without a trace in the process that loads them."""

from __future__ import annotations

import os
import subprocess
import sys
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


@pytest.mark.slow
def test_processes_that_need_one_kernel_at_once_all_get_it(tmp_path: Path) -> None:
    environment = {**os.environ, "RHEOBASE_CACHE_DIR": str(tmp_path)}
    running = [
        subprocess.Popen([sys.executable, "-c", _RUN], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=300)[0].split() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len({spikes for _, spikes, *_ in said}) == 1
    assert [path.suffix for path in (tmp_path / "kernels").iterdir()] == [".so"]
