"""What the distribution offers, and what listing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import rheobase as rb
import rheobase_exact
from rheobase_exact import ExactPropagator, plugin


def test_listing_imports_neither_torch_nor_the_methods() -> None:
    code = (
        "import sys, rheobase_exact, rheobase_exact.plugin as p; p.rheobase_integrators();"
        "print('torch' in sys.modules, 'rheobase_exact.integrator' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


def test_the_specs_claim_what_the_objects_say() -> None:
    specs = {spec.name: spec for spec in plugin.rheobase_integrators()}
    classes = {"exact": ExactPropagator}
    assert specs.keys() == classes.keys()
    for name, spec in specs.items():
        method = rb.integrator(name)
        assert type(method) is classes[name]
        assert (spec.order, spec.adaptive) == (method.order, method.adaptive)
        assert (spec.field, spec.events) == ("linear", "located")
        assert isinstance(method, rb.EventIntegrator)


def test_names_of_the_package_are_bound_at_first_use() -> None:
    assert [name for name in dir(rheobase_exact) if not hasattr(rheobase_exact, name)] == []
    with pytest.raises(AttributeError, match="ExactPropagator"):
        rheobase_exact.Exact
