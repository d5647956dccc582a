"""What the distribution offers, and what listing it costs."""

from __future__ import annotations

import subprocess
import sys

import rheobase as rb


def test_the_backend_is_found_with_its_distribution() -> None:
    (found,) = [each for each in rb.list_components("backend") if each.spec.name == "fused"]
    assert found.provenance.distribution == "rheobase-fused"


def test_listing_it_imports_no_torch() -> None:
    code = (
        "import sys, rheobase as rb; rb.list_components(); import rheobase_fused.plugin; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
