"""Ctrl-C while heavy modules are imported."""

from __future__ import annotations

import signal
import sys

import pytest
from rheobase.cli.interrupts import import_undisturbed


def test_an_interrupt_waits_for_the_end_of_an_import(tmp_path, monkeypatch):
    (tmp_path / "interrupted_half_way.py").write_text(
        "import os, signal\nFIRST = 1\nos.kill(os.getpid(), signal.SIGINT)\nSECOND = 2\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        import_undisturbed("interrupted_half_way")
    assert sys.modules.pop("interrupted_half_way").SECOND == 2
    assert signal.getsignal(signal.SIGINT) is before
