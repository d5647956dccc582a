"""A slip in the neuron's equations is seen: by the conformance kit, or by the tests of this distribution."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from rheobase.conformance import Fate, mutate

TESTS = Path(__file__).with_name("test_lif.py")


@pytest.mark.by_hand
def test_no_slip_in_the_neuron_survives() -> None:
    words = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-x", "-p", "no:cacheprovider", str(TESTS)]
    report = mutate("lif", tests=shlex.join(words), timeout=300.0)
    assert report.ok
    assert report.counts["mutants"] == 12
    assert not report.of(Fate.SURVIVED, Fate.SAME), report
    # A cell that is excited by a current of the other sign, or spikes at +55 mV, is another sound model.
    assert [each.mutant.after for each in report.of(Fate.TESTS)] == [
        "params.volt_rest - state.voltage - data / params.leak_gl",
        "state.voltage + params.volt_thresh",
    ]
