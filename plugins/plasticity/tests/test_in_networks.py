"""Plasticity between populations of any model, with any synapse, in files too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch


@pytest.mark.parametrize("kinetics", ["delta", "conductance-exponential", "tsodyks-markram"])
@pytest.mark.parametrize("plasticity", ["stdp-pair", "stdp-triplet"])
def test_it_goes_with_any_synapse_into_a_model_that_is_no_lif(kinetics: str, plasticity: str) -> None:
    net = rb.Network(seed=3)
    net.add("a", rb.create("poisson", 20, rate=200.0, dt=0.25))
    net.add("b", rb.create("izhikevich", 4, dt=0.25))
    large = {"delta": 6.0, "conductance-exponential": 0.3, "tsodyks-markram": 40.0}[kinetics]
    rule = rb.synapse(plasticity, a_plus=0.01 * large, a_minus=0.005 * large, high=2 * large)
    net.connect(
        "a", "b", rb.rule("all-to-all"), rb.synapse(kinetics), weight=large, delay=1.0, plasticity=rule
    )
    rec = rb.simulate(net, {"b": 8.0}, duration=40.0, record={"b": "spikes", "a->b": "weight"})
    assert len(rec["b"].spikes) > 0
    weights = rec["a->b"].traces["weight"]
    assert bool(((weights >= 0) & (weights <= 2 * large)).all())
    assert len(weights[-1].unique()) > 5
    assert rec["a->b"].trace_units["weight"] == {"delta": "mV", "tsodyks-markram": "pA"}.get(kinetics, "nS")
    assert torch.equal(weights[-1], net["a->b"].weight)


def test_a_causal_source_wins() -> None:
    """Of two sources that spike before and after the target, the weight of the first grows."""
    net = rb.Network()
    clock: dict[str, Any] = {"dtype": torch.float64, "dt": 0.5, "event": "located"}
    times = [[20.0 + 50.0 * k for k in range(4)], [26.0 + 50.0 * k for k in range(4)]]
    net.add("a", rb.create("spike-times", times=times, **clock))
    net.add("b", rb.create("lif", 1, **clock))
    net.connect(
        "a",
        "b",
        ([0, 1], [0, 0]),
        rb.synapse("exponential", tau=3.0),
        weight=torch.tensor([2000.0, 10.0]),
        delay=1.0,
        plasticity=rb.synapse("stdp-pair", a_plus=4.0, a_minus=3.0, high=3000.0),
    )
    rb.simulate(net, duration=210.0)
    first, second = net["a->b"].weight.tolist()
    assert first > 2000.0
    assert second < 10.0


def test_a_file_has_it(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(
        """
model:
  populations:
    a: {model: poisson, units: 10, params: {rate: 200.0}}
    b: {model: lif, units: 2}
  projections:
    a->b:
      rule: all-to-all
      synapse: delta
      weight: 6.0
      plasticity: {type: stdp-pair, a_plus: 0.5, pairing: nearest}
dt: 0.5
duration: 40.0
record: {b: spikes, a->b: weight}
seed: 1
""",
        encoding="utf-8",
    )
    result: Any = rb.SimpleSimulator.from_file(tmp_path / "net.yaml").run()
    assert "stdp-pair" in str(result["a->b"].provenance["plasticity"])
    assert len(result["a->b"].traces["weight"][-1].unique()) > 3


def test_a_recording_with_weights_is_read_back_as_it_was(tmp_path: Path) -> None:
    net = rb.Network(seed=1)
    net.add("a", rb.create("poisson", 6, rate=300.0, dt=0.5))
    net.add("b", rb.create("lif", 4, dt=0.5))
    rule = rb.synapse("stdp-pair", a_minus=0.5)
    net.connect("a", "b", rb.rule("all-to-all"), rb.synapse("delta"), weight=9.0, plasticity=rule)
    rec = rb.simulate(
        net, duration=30.0, record={"a->b": {"weight": [0, 23], "pre_trace": True}, "b": "spikes"}
    )
    rec.save(tmp_path / "run.npz")
    read: Any = rb.Recording.load(tmp_path / "run.npz")
    for name, columns in (("weight", 2), ("pre_trace", 24)):
        assert rec["a->b"].traces[name].shape == (60, columns)
        assert torch.equal(torch.as_tensor(read["a->b"].traces[name]), rec["a->b"].traces[name])


def test_a_kernel_leaves_the_population_whose_weights_change_to_eager() -> None:
    pytest.importorskip("rheobase_fused", reason="rheobase-fused is not installed")

    net = rb.Network(seed=1)
    net.add("a", rb.create("spike-times", times=[[1.0], [3.0]], dt=0.5))
    net.add("b", rb.create("lif", 4, dt=0.5))
    rule = rb.synapse("stdp-pair", a_minus=0.5)
    net.connect("a", "b", rb.rule("all-to-all"), rb.synapse("delta"), weight=9.0, plasticity=rule)
    with pytest.raises(rb.errors.BackendError, match="weights of projections that reach it change"):
        rb.simulate(net, duration=10.0, backend="fused")


def test_what_is_set_on_a_plasticity_is_what_it_has() -> None:
    net = rb.Network()
    net.add("a", rb.create("lif", 2))
    rule = rb.synapse("stdp-pair")
    p = net.connect("a", "a", rb.rule("all-to-all"), rb.synapse("delta"), weight=1.0, plasticity=rule)
    with pytest.raises(rb.errors.ArgumentError, match="learning='no'; give True or False"):
        p.plasticity.learning = "no"
    with pytest.raises(rb.errors.ArgumentError, match=r"tau_plos'.*did you mean 'tau_plus'"):
        p.plasticity.tau_plos = 3.0
    assert p.plasticity.learning is True
    p.plasticity.learning = False
    assert p.plasticity.learning is False
