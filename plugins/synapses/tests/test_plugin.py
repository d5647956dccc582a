"""What the distribution offers is there, by name."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
import rheobase as rb
import rheobase_synapses
import torch
from rheobase_synapses import rules
from rheobase_synapses.plugin import rheobase_rules
from rheobase_synapses.plugin import rheobase_synapses as offered


def test_the_import_needs_no_torch() -> None:
    script = "import rheobase_synapses.plugin, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_synapse_is_offered_by_a_name_and_explained() -> None:
    kinds = {rb.synapse(spec.name).kind for spec in offered()}
    classes = {getattr(rheobase_synapses, name) for name in rheobase_synapses.__all__}
    assert kinds == {each for each in classes if issubclass(each, rb.Synapse)}
    for kind in kinds:
        assert kind.__doc__
        assert ":math:" in kind.__doc__ or ".. math::" in kind.__doc__
        assert all(each.doc and each.unit for each in kind.schema.parameters.values())


def test_every_rule_is_offered_by_a_name_and_takes_what_all_take() -> None:
    made = {
        spec.name: inspect.unwrap(getattr(rules, spec.name.replace("-", "_"))) for spec in rheobase_rules()
    }
    assert len(made) == len([name for name in dir(rules) if inspect.isfunction(getattr(rules, name))])
    for function in made.values():
        taken = list(inspect.signature(function).parameters)
        assert taken[:7] == ["first", "last", "sources", "targets", "key", "same", "positions"]
        assert {"autapses", "multapses"} <= set(taken)


@pytest.mark.parametrize("spec", rheobase_rules(), ids=lambda spec: spec.name)
def test_what_a_rule_claims_is_so(spec: rb.RuleSpec) -> None:
    """Degrees, total and symmetry, in draws of two keys; and what is not claimed is not so."""
    given = {"p": 0.3, "degree": 3, "total": 40, "scale": 1.0}
    rule = getattr(rules, spec.name.replace("-", "_"))
    own = {name: given[name] for name in inspect.signature(rule).parameters if name in given}
    found = dict.fromkeys(("indegree", "outdegree", "total", "symmetric"), True)
    at = torch.rand(13, 1, generator=torch.Generator().manual_seed(1))
    totals = set()
    for key in (1, 2):
        indptr, indices = rule(0, 13, 13, 13, key, same=True, positions=(at, at), **own)
        into, out = indptr.diff(), indices.bincount(minlength=13)
        pairs = {
            *zip(into.new_tensor(range(13)).repeat_interleave(into).tolist(), indices.tolist(), strict=True)
        }
        found["indegree"] &= bool((into == into[0]).all())
        found["outdegree"] &= bool((out == out[0]).all())
        found["symmetric"] &= pairs == {pair[::-1] for pair in pairs}
        totals.add(len(indices))
    found["total"] = len(totals) == 1
    assert found == {name: getattr(spec, name) for name in found}
