"""What the distribution offers, and what listing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import rheobase as rb
import rheobase_rk45
from rheobase_rk45 import BogackiShampine, DormandPrince, Tsitouras, plugin


def test_listing_imports_neither_torch_nor_the_method() -> None:
    code = (
        "import sys, rheobase_rk45, rheobase_rk45.plugin as p; p.rheobase_integrators();"
        "print('torch' in sys.modules, 'rheobase_rk45.integrator' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


def test_the_name_resolves_and_takes_settings() -> None:
    method = rb.integrator("rk45", rtol=1e-10, atol=1e-12)
    assert isinstance(method, DormandPrince)
    assert (method.rtol, method.atol) == (1e-10, 1e-12)


def test_the_spec_claims_what_the_object_says() -> None:
    specs = {spec.name: spec for spec in plugin.rheobase_integrators()}
    classes = {"rk45": DormandPrince, "tsit5": Tsitouras, "rk23": BogackiShampine}
    assert specs.keys() == classes.keys()
    for name, spec in specs.items():
        method = rb.integrator(name)
        assert type(method) is classes[name]
        assert (spec.order, spec.adaptive) == (method.order, method.adaptive)
        assert spec.per_unit
        assert spec.embedded_order == method.order - 1
        assert spec.dense_order == method.table.dense_order
        assert (spec.stages, spec.fsal) == (len(method.table.c), True)
        assert spec.events == "located"


def test_names_of_the_package_are_bound_at_first_use() -> None:
    assert [name for name in dir(rheobase_rk45) if not hasattr(rheobase_rk45, name)] == []
    with pytest.raises(AttributeError, match="DormandPrince"):
        rheobase_rk45.DormandPrinze
