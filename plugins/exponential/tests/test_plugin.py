"""What the distribution offers, and what listing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import rheobase as rb
import rheobase_exponential
from rheobase_exponential import ExponentialEuler, Strang, plugin


def test_listing_imports_neither_torch_nor_the_methods() -> None:
    code = (
        "import sys, rheobase_exponential, rheobase_exponential.plugin as p; p.rheobase_integrators();"
        "print('torch' in sys.modules, 'rheobase_exponential.strang' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


def test_the_specs_claim_what_the_objects_say() -> None:
    specs = {spec.name: spec for spec in plugin.rheobase_integrators()}
    classes = {"expeuler": ExponentialEuler, "strang": Strang}
    assert specs.keys() == classes.keys()
    for name, spec in specs.items():
        method = rb.integrator(name)
        assert type(method) is classes[name]
        assert (spec.order, spec.adaptive) == (method.order, method.adaptive)
        assert spec.field == "conditionally_linear"


def test_names_of_the_package_are_bound_at_first_use() -> None:
    assert [name for name in dir(rheobase_exponential) if not hasattr(rheobase_exponential, name)] == []
    with pytest.raises(AttributeError, match="Strang"):
        rheobase_exponential.Strange
