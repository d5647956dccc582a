"""What the distribution offers, and what listing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import rheobase as rb
import rheobase_izhikevich
from rheobase_izhikevich import plugin


def test_listing_imports_neither_torch_nor_the_models() -> None:
    code = (
        "import sys, rheobase_izhikevich, rheobase_izhikevich.plugin as p; p.rheobase_neurons();"
        "print('torch' in sys.modules, 'rheobase_izhikevich.neuron' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("spec", plugin.rheobase_neurons(), ids=lambda spec: spec.name)
def test_every_name_resolves_to_this_distribution(spec: rb.NeuronSpec) -> None:
    neuron = rb.create(spec.name)
    assert type(neuron).__mro__[2].__module__.startswith("rheobase_izhikevich.")
    assert neuron.provenance["model"].distribution == "rheobase-izhikevich"


def test_names_of_the_package_are_bound_at_first_use() -> None:
    assert [name for name in dir(rheobase_izhikevich) if not hasattr(rheobase_izhikevich, name)] == []
    with pytest.raises(AttributeError, match="IzhikevichNeuron"):
        rheobase_izhikevich.IzhikevichNeurons
