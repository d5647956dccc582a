"""What the tests share: where the reference data lie."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def shared() -> Path:
    """The folder of reference data, beside the repository or in it."""
    for folder in (REPOSITORY.parent / "shared", REPOSITORY / "shared"):
        if (folder / "reference").is_dir():
            return folder
    pytest.skip("the reference data (shared/) are not here")
