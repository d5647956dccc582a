"""Where the cache lies."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from rheobase import cache


def test_where_nobody_knows_whose_home_it_is_nothing_is_written_into_the_working_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("RHEOBASE_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    # What expanduser gives where there is neither HOME nor an entry for the user.
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    assert Path(cache.folder()).parent == Path(tempfile.gettempdir())
