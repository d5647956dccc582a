"""What the distribution offers is there, by name."""

from __future__ import annotations

import subprocess
import sys

import rheobase as rb
import rheobase_plasticity
from rheobase_plasticity.plugin import rheobase_synapses


def test_the_import_needs_no_torch() -> None:
    script = "import rheobase_plasticity.plugin, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_plasticity_is_offered_by_a_name_and_explained() -> None:
    specs = rheobase_synapses()
    kinds = {rb.synapse(spec.name).kind for spec in specs}
    assert kinds == {getattr(rheobase_plasticity, name) for name in rheobase_plasticity.__all__}
    assert all(spec.plastic and spec.per == "synapse" for spec in specs)
    for kind in kinds:
        assert ".. math::" in (kind.__doc__ or "")
        assert all(each.doc and each.unit for each in kind.schema.parameters.values())
