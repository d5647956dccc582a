"""What cannot be fused is told, and goes on in eager."""

from __future__ import annotations

import stat
import warnings
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import Parameter, SpikingNeuron, State
from rheobase.errors import InputError, NonFiniteStateError, RheobaseWarning
from torch import Tensor


class _Base(SpikingNeuron):
    r"""dV/dt = I."""

    voltage = State(-1.0, unit="mV", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": data + 0.0 * state.voltage}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage - 1.0
        return gap

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": -1.0}


class Branching(_Base):
    r"""dV/dt = I or 2 I."""

    gain = Parameter(1.0, unit="1", doc="what the branch looks at")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        slope = data + 0.0 * state.voltage
        return {"voltage": slope if params.gain > 0 else 2.0 * slope}


class Mixing(_Base):
    r"""dV/dt = the mean of I."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": data.mean() + 0.0 * state.voltage}


class Strange(_Base):
    r"""dV/dt = a function that no table has."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": torch.special.bessel_j0(data) + 0.0 * state.voltage}


class Writing(_Base):
    r"""dV/dt = I, in place."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        slope = data + 0.0 * state.voltage
        slope += 1.0
        return {"voltage": slope}


class OwnForward(_Base):
    r"""dV/dt = I, its own way."""

    def forward(self, data: Any, identifiers: Any = None) -> dict[str, Tensor]:
        return super().forward(data, identifiers)


class AnalogForward(rb.AnalogNeuron):
    r"""dV/dt = I, its own way, and no spikes."""

    voltage = State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": data}

    def forward(self, data: Any, identifiers: Any = None) -> dict[str, Tensor]:
        return super().forward(data, identifiers)


class Random(_Base):
    r"""dV/dt = I + noise."""

    stochastic = True


class Exploding(_Base):
    r"""dV/dt = V^2 I, without a threshold in reach."""

    limit = Parameter(1e30, unit="mV", doc="threshold")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": state.voltage**2 * data}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage * 0.0 - params.limit
        return gap


REFUSED = {
    "looks at values": (lambda: rb.create(Branching, 3), {}),
    "special_bessel_j0": (lambda: rb.create(Strange, 3), {}),
    "mean": (lambda: rb.create(Mixing, 3), {}),
    "writes into a tensor": (lambda: rb.create(Writing, 3), {}),
    "forward of its own": (lambda: rb.create(OwnForward, 3), {}),
    "AnalogForward has a forward of its own": (lambda: rb.create(AnalogForward, 3), {"record": ("voltage",)}),
    "random": (lambda: rb.create(Random, 3), {}),
    "chooses its own steps": (lambda: rb.create(_Base, 3, integrator="rk45"), {}),
    "autograd": (lambda: rb.create(_Base, 3), {"grad": True}),
    "float16": (lambda: rb.create(_Base, 3, dtype=torch.float16), {}),
}


@pytest.mark.parametrize("reason", list(REFUSED))
def test_what_cannot_be_fused_raises_with_the_reason_and_changes_nothing(reason: str) -> None:
    make, options = REFUSED[reason]
    neuron = make()
    before = {name: value.clone() for name, value in neuron.state_dict().items()}
    with pytest.raises(NotImplementedError, match=reason):
        rb.simulate(neuron, 1.0, 1.0, backend="fused", **options)
    assert all(torch.equal(value, before[name]) for name, value in neuron.state_dict().items())


def test_auto_goes_on_in_eager_and_the_provenance_names_the_reason() -> None:
    neuron = rb.create(Branching, 3)
    recording = rb.simulate(neuron, 1.0, 250.0, backend="auto")
    assert recording.provenance["backend"].name == "eager"
    assert "looks at values" in str(recording.provenance["backend"].note)
    assert recording.warnings == []


def test_without_a_compiler_auto_goes_on_in_eager_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RHEOBASE_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr("rheobase_fused.kernels._LOADED", {})
    monkeypatch.setattr("rheobase.pipeline.backends.WARNED", set())
    neuron = rb.create("lif", 3)
    with pytest.warns(RheobaseWarning, match="'no-such-compiler' was not found.*went on in 'eager'"):
        recording = rb.simulate(neuron, 100.0, 250.0)
    assert recording.provenance["backend"].name == "eager"
    # Once is enough; every recording has it.
    assert len(rb.simulate(neuron, 100.0, 250.0).warnings) == 1


def test_auto_takes_a_long_run_and_leaves_a_short_one_to_eager() -> None:
    neuron = rb.create("lif", 10)
    assert rb.simulate(neuron, 100.0, 1.0).provenance["backend"].name == "eager"
    chosen = rb.simulate(neuron, 100.0, 300.0).provenance["backend"]
    assert (chosen.name, chosen.distribution) == ("fused", "rheobase-fused")


def test_no_compiler_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RHEOBASE_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr("rheobase_fused.kernels._LOADED", {})
    with pytest.raises(NotImplementedError, match=r"CXX='no-such-compiler' was not found"):
        rb.simulate(rb.create("lif", 3), 100.0, 1.0, backend="fused")


def test_a_state_that_explodes_is_the_error_of_eager() -> None:
    messages = []
    for backend in ("eager", "fused"):
        neuron = rb.create(Exploding, 4)
        with pytest.raises(NonFiniteStateError) as caught:
            rb.simulate(neuron, torch.tensor([-1.0, -2.0, -40.0, -3.0]), 50.0, backend=backend)
        messages.append(str(caught.value))
        assert neuron.simulation_step > 0
        messages.append(str(neuron.simulation_step))
    assert messages[:2] == messages[2:]


def test_a_value_of_the_input_that_is_no_number_is_the_error_of_eager_and_changes_nothing() -> None:
    rows = torch.full((400, 5), 300.0)
    rows[123, 3] = float("nan")
    messages = []
    for backend in ("eager", "fused"):
        neuron = rb.create("lif", 5)
        with pytest.raises(InputError) as caught:
            rb.simulate(neuron, rows, backend=backend)
        messages.append(str(caught.value))
        assert neuron.simulation_step == 0
        assert torch.equal(neuron.voltage, torch.full((5,), -75.0))
    assert messages[0] == messages[1]
    assert "unit 3" in messages[1]


def test_an_input_outside_its_domain_is_the_error_of_eager(two_inputs: Any) -> None:
    rows = torch.full((40, 5), 2.0)
    rows[20, 1] = -1.0
    messages = []
    for backend in ("eager", "fused"):
        with pytest.raises(rb.errors.ArgumentError) as caught:
            rb.simulate(rb.create(two_inputs, 5), {"excitation": rows}, backend=backend)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_an_interrupted_run_keeps_what_was_done(monkeypatch: pytest.MonkeyPatch, a_few_steps: Any) -> None:
    from rheobase_fused.call import CompiledKernel as Kernel

    a_few_steps(400)
    calls, whole = [], Kernel.__call__

    def interrupted(self: Any, *arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, *arguments)

    monkeypatch.setattr(Kernel, "__call__", interrupted)
    neuron, current = rb.create("lif", 4), 300.0
    with pytest.raises(rb.SimulationInterrupted) as caught:
        rb.simulate(neuron, current, 50.0, backend="fused", record=("spikes", "voltage"))
    recording = caught.value.recording
    assert not recording.complete
    assert recording.steps == 200
    assert neuron.simulation_step == 200
    other = rb.create("lif", 4)
    expected = rb.simulate(other, current, 20.0, backend="eager", record=("spikes", "voltage"))
    assert torch.equal(recording.spikes.times, expected.spikes.times)
    assert torch.equal(recording.traces["voltage"], expected.traces["voltage"])
    assert torch.equal(neuron.voltage, other.voltage)


def test_a_folder_that_others_can_write_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RHEOBASE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("rheobase_fused.kernels._LOADED", {})
    folder = tmp_path / "kernels"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(NotImplementedError, match=r"can be written by others.*chmod go-w"):
        rb.simulate(rb.create(_Base, 3), 1.0, 1.0, backend="fused")
    folder.chmod(0o700)
    rb.simulate(rb.create(_Base, 3), 1.0, 1.0, backend="fused")
    (kernel,) = folder.glob("*.so")
    assert not kernel.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def test_under_auto_a_located_run_of_an_adaptive_integrator_says_nothing_but_in_its_provenance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rheobase_fused.backend.worthwhile", lambda *_: True)
    neuron = rb.create("lif", 50, event="located", integrator="rk45")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording = rb.simulate(neuron, 300.0, 20.0, record="voltage", every=100)
    assert recording.warnings == []
    origin = recording.provenance["backend"]
    assert origin.name == "eager"
    assert origin.note is not None
    assert "'fused' refused this run of lif" in origin.note
    assert "chooses its own steps" in origin.note


def test_in_inference_mode_a_kernel_runs_what_it_runs_without_it() -> None:
    def found() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        neuron, net = rb.create("izhikevich", 3, a=rb.Uniform(0.02, 0.1), seed=1), rb.Network(seed=1)
        net.add("a", rb.create("lif", 3))
        net.connect("a", "a", rb.rule("one-to-one"), rb.synapse("exponential"), weight=1.0, delay=1.0)
        one = rb.simulate(neuron, 20.0, duration=50.0, backend="fused")
        two = rb.simulate(net, {"a": 300.0}, duration=50.0, backend="fused")["a"]
        return [one.spikes.times, neuron.voltage], [two.spikes.times, net["a"].voltage]

    plain = found()
    with torch.inference_mode():
        quiet = found()
    for left, right in zip(plain, quiet, strict=True):
        assert len(left[0]) > 0
        assert all(torch.equal(one, other) for one, other in zip(left, right, strict=True))
