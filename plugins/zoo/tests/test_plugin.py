"""What the distribution offers, and what listing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import rheobase as rb
import rheobase_zoo
from rheobase_zoo import plugin


def test_listing_imports_neither_torch_nor_the_models() -> None:
    code = (
        "import sys, rheobase_zoo, rheobase_zoo.plugin as p; p.rheobase_neurons();"
        "print('torch' in sys.modules, 'rheobase_zoo.adex' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("spec", plugin.rheobase_neurons(), ids=lambda spec: spec.name)
def test_every_name_resolves_to_this_distribution(spec: rb.NeuronSpec) -> None:
    neuron = rb.create(spec.name)
    assert type(neuron).__mro__[2].__module__.startswith("rheobase_zoo.")
    assert neuron.provenance["model"].distribution == "rheobase-zoo"


def test_names_of_the_package_are_bound_at_first_use() -> None:
    assert [name for name in dir(rheobase_zoo) if not hasattr(rheobase_zoo, name)] == []
    with pytest.raises(AttributeError, match="AdEx"):
        rheobase_zoo.AdExs
