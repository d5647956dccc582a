"""The second door: its names are there, light where they can be; the core's objects keep its protocols."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
import rheobase as rb
import torch
from rheobase import spi
from rheobase.pipeline import drive, eager
from torch.autograd import forward_ad


def test_every_name_is_there_and_none_is_of_the_first_door() -> None:
    assert dir(spi) == spi.__all__ == sorted(set(spi.__all__))
    for name in spi.__all__:
        assert getattr(spi, name) is not None
    assert not {*spi.__all__} & {*rb.__all__}


def test_a_misspelt_name_is_told() -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'Bakend'; did you mean 'Backend'"):
        _ = spi.Bakend


def test_every_class_and_function_is_explained() -> None:
    found = [getattr(spi, name) for name in spi.__all__]
    told = [each for each in found if inspect.isclass(each) or inspect.isfunction(each)]
    assert len(told) > 30
    assert [each.__name__ for each in told if not inspect.getdoc(each)] == []


def test_what_a_command_needs_imports_no_torch() -> None:
    names = "import_undisturbed, is_path, json_option, judged, print_json, refuse_missing, terminable"
    code = f"import sys; from rheobase.spi import {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def members(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


def test_what_the_core_gives_has_what_the_protocols_promise() -> None:
    neuron = rb.create("analog", num_units=2)
    given = drive.Drive(1.0, neuron)
    promised = {spi.Drive: given, spi.Steppable: neuron, spi.Owner: neuron}
    for protocol, each in promised.items():
        assert len(members(protocol)) > 5
        assert [name for name in members(protocol) if not hasattr(each, name)] == []
    assert list(inspect.signature(eager.run).parameters) == [
        name for name in inspect.signature(spi.Backend.__call__).parameters if name != "self"
    ]


def test_tensors_are_the_neurons_own_and_not_copies() -> None:
    neuron = rb.create("analog", num_units=2)
    neuron(torch.tensor([1.0, 2.0]))
    assert spi.tensors(neuron).buffers["voltage"].tolist() == [1.0, 2.0]
    assert spi.tensors(neuron).buffers["voltage"] is spi.tensors(neuron).buffers["voltage"]


def test_a_hook_is_seen_until_it_is_removed() -> None:
    neuron = rb.create("analog")
    for hooked in (neuron.register_forward_hook, neuron.register_forward_pre_hook):
        handle = hooked(lambda *args: None)
        assert spi.is_hooked(neuron)
        handle.remove()
        assert not spi.is_hooked(neuron)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own, in forward mode
@pytest.mark.parametrize("x", [0.0, 5e-324, 1e-8, -3.0])
def test_phi1_has_its_slope_in_every_kind_of_derivative(x: float) -> None:
    # phi1(x) = sum x^k / (k + 1)!, so its slope is sum k x^(k - 1) / (k + 1)!, or (x e^x - e^x + 1) / x^2.
    slope = 0.5 + x / 3 if abs(x) < 1 else (-4 * torch.tensor(-3.0).double().exp() + 1) / 9
    at = torch.tensor(x, dtype=torch.float64)
    learnt = at.clone().requires_grad_()
    spi.phi1(learnt).backward()
    with forward_ad.dual_level():
        forward = forward_ad.unpack_dual(spi.phi1(forward_ad.make_dual(at, torch.ones_like(at)))).tangent
    found = [learnt.grad, forward, torch.func.grad(spi.phi1)(at)]
    for each in found:
        # expm1(x) / x loses half of the digits of the slope near zero.
        torch.testing.assert_close(each, torch.as_tensor(slope, dtype=torch.float64), rtol=1e-6, atol=0.0)
    assert spi.phi1(at) == spi.phi1(learnt)
