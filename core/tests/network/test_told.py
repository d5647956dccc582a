"""What goes wrong in a network is told by the part that it is of."""

from __future__ import annotations

import copy
import gc
import pickle
import warnings
from typing import Any, ClassVar

import pytest
import rheobase as rb
import torch

from .models import Conductance, Exponential, Leaky, Pulse, driven, leaky, pair, run
from .test_arrivals import kicked


class Wrong(Exponential):
    """Gives what each test sets."""

    given: ClassVar[dict[str, Any]] = {}

    @staticmethod
    def derivatives(state: Any, params: Any) -> Any:
        return Wrong.given.get("derivatives", Exponential.derivatives(state, params))

    @staticmethod
    def arrive(state: Any, params: Any, weight: Any) -> Any:
        return Wrong.given.get("arrive", Exponential.arrive(state, params, weight))

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Any:
        return Wrong.given.get("output", state.current)


@pytest.mark.parametrize("event", ["step", "located"])
@pytest.mark.parametrize(
    ("function", "given", "told"),
    [
        ("output", torch.zeros(3), r"Wrong\.output has the shape \[3\]; give \[2\]"),
        ("output", torch.zeros(2, 2), r"Wrong\.output has the shape \[2, 2\]; give \[2\]"),
        ("output", torch.zeros(2, dtype=torch.bool), r"Wrong\.output is of torch.bool; give numbers"),
        ("output", torch.zeros(2, dtype=torch.complex64), r"Wrong\.output is of torch.complex64"),
        ("output", None, r"Wrong\.output is of type NoneType; give a tensor \[2\]"),
        ("output", {"current": 1.0}, r"Wrong\.output is of type dict; give a tensor"),
        ("derivatives", {"current": torch.zeros(3)}, r"Wrong\.derivatives: 'current' has the shape \[3\]"),
        ("derivatives", {"current": None}, r"Wrong\.derivatives: 'current' is of type NoneType"),
        ("derivatives", {"curent": 0.0}, r"Wrong\.derivatives gave \['curent'\]; give a mapping .*: current"),
        ("derivatives", torch.zeros(2), r"Wrong\.derivatives gave Tensor; give a mapping"),
        ("arrive", {"current": torch.zeros(5)}, r"Wrong\.arrive: 'current' has the shape \[5\]"),
        ("arrive", {}, r"Wrong\.arrive gave \[\]; give a mapping of new values for some"),
    ],
)
def test_what_a_synapse_gives_is_refused_by_projection_function_and_shape(
    monkeypatch: pytest.MonkeyPatch, function: str, given: Any, told: str, event: str
) -> None:
    net = rb.Network()
    net.add("source", leaky(threshold_at=1.0, event=event))
    net.add("target", leaky(2, event=event))
    net.connect("source", "target", ([0], [0]), rb.synapse(Wrong), delay=0.1)
    monkeypatch.setitem(Wrong.given, function, given)
    # Those of two units, not the three of the shape: of one unit, [1] fits every shape.
    with pytest.raises(rb.errors.DeclarationError, match=r"source->target: " + told):
        run(net, 8, driven())


def test_numbers_of_another_width_or_one_for_all_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    net = pair(rb.synapse(Wrong), weight=1.0)
    for given in (2.0, torch.tensor(2.0), torch.tensor([2.0], dtype=torch.float32), torch.tensor([2])):
        monkeypatch.setitem(Wrong.given, "output", given)
        net.reset_state()
        net({})
        assert float(net["target"].voltage) == pytest.approx(2.0 / 250.0 * 0.1, rel=0.01)


def test_a_nan_that_a_synapse_makes_is_told_by_its_projection(monkeypatch: pytest.MonkeyPatch) -> None:
    net = pair(rb.synapse(Wrong), weight=1.0)
    net.connect("target", "source", ([0], [0]), rb.synapse(Conductance), identifier="back")
    monkeypatch.setitem(Wrong.given, "output", torch.tensor([float("nan")]).double())
    with pytest.raises(rb.errors.NonFiniteStateError) as caught:
        net({})
    assert (
        "it comes by the projection 'source->target': its output of rb.synapse('Wrong') is nan for unit 0"
        in str(caught.value)
    )
    assert net.simulation_step == 0
    monkeypatch.setitem(Wrong.given, "output", 0.0)
    net["source->target"].__dict__["_buffers"]["current"] = torch.tensor([float("inf")]).double()
    monkeypatch.delitem(Wrong.given, "output")
    with pytest.raises(
        rb.errors.RheobaseError, match=r"the state 'current' of rb\.synapse.* is inf for unit 0"
    ):
        net({})


class Broken(Leaky):
    """Has no derivative."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"voltage": float("nan") * state.voltage}


def test_a_nan_that_the_model_makes_is_not_laid_to_a_synapse() -> None:
    net = rb.Network()
    net.add("source", leaky())
    net.add("target", rb.create(Broken, dtype=torch.float64))
    net.connect("source", "target", ([0], [0]), rb.synapse(Exponential))
    with pytest.raises(rb.errors.NonFiniteStateError) as caught:
        net({})
    assert "projection" not in str(caught.value)


def test_a_population_is_in_one_network() -> None:
    cells = leaky()
    first, second = rb.Network(identifier="first"), rb.Network(identifier="second")
    first.add("E", cells)
    with pytest.raises(
        rb.errors.ArgumentError, match=r"second: .*'I' is in another network, 'first', as 'E'"
    ):
        second.add("I", cells)
    assert cells.identifier == "E"
    second.add("I", copy.deepcopy(cells))
    for twin in (copy.deepcopy(first), pickle.loads(pickle.dumps(second))):
        with pytest.raises(rb.errors.ArgumentError, match="in another network"):
            rb.Network().add("again", next(iter(twin.populations.values())))
    del first
    gc.collect()
    rb.Network().add("again", cells)


def test_a_projection_and_its_network_stay_what_they_were_made_as() -> None:
    net = pair(rb.synapse(Pulse), weight=1.0)
    projection = net["source->target"]
    for name in (
        "sender",
        "receiver",
        "identifier",
        "input",
        "receptor",
        "recipe",
        "connectivity",
        "delays",
        "source",
    ):
        with pytest.raises(rb.errors.ArgumentError, match=f"source->target: {name} cannot be set"):
            setattr(projection, name, "other")
    with pytest.raises(rb.errors.ArgumentError, match="'target' cannot be removed"):
        del net.target
    with pytest.raises(rb.errors.ArgumentError, match="'target' cannot be replaced"):
        net.target = leaky()
    for parts in (net.populations, net.projections, net.views):
        with pytest.raises(TypeError):
            del parts["target"]  # type: ignore[attr-defined]
    assert list(net.populations) == ["source", "target"]
    assert [name for name, _ in net.named_children()] == ["source", "target", "source->target"]


def test_hooks_on_a_population_are_said_not_to_be_called() -> None:
    net = kicked(pair(rb.synapse(Pulse), weight=1.0))
    called = []
    net["target"].register_forward_hook(lambda *_: called.append("population"))
    net.register_forward_hook(lambda *_: called.append("network"))
    with pytest.warns(rb.errors.RheobaseWarning, match="hooks on the forward of target are not called"):
        net(driven())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net(driven())
    assert called == ["network", "network"]


def test_a_run_says_once_who_begins_at_or_above_the_threshold() -> None:
    net = rb.Network(identifier="both")
    net.add("some", rb.Ensemble.of(Leaky)(num_units=3, voltage=torch.tensor([14.0, 15.0, 16.0])))
    net.add("one", rb.Ensemble.of(Leaky)(num_units=2, voltage=torch.tensor([99.0, 0.0])))
    net.add("none", rb.create(Leaky, 2))
    said = "both: 2 of 3 units of 'some' and 1 of 2 units of 'one' begin at or above their threshold"
    with pytest.warns(rb.errors.RheobaseWarning) as caught:
        first = rb.simulate(net, duration=0.5)
    assert [str(each.message).startswith(said) for each in caught] == [True]
    assert [each.filename for each in caught] == [__file__]
    assert not len(first["some"].spikes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rb.simulate(net, duration=0.5)
    net.reset_state()
    with pytest.warns(rb.errors.RheobaseWarning, match="begin at or above their threshold"):
        net()


def test_the_kit_says_what_of_a_network_it_judges() -> None:
    with pytest.raises(rb.errors.ArgumentError, match="is a network, which is judged by its parts"):
        rb.conformance.check(pair(rb.synapse(Pulse), weight=1.0))


class InPicoampere(Leaky):
    """Says the unit of its input."""

    input_unit = "pA"


class InVolt(Exponential):
    """Gives another one."""

    unit = "mV"


def test_a_synapse_in_another_unit_than_the_input_is_refused() -> None:
    net = rb.Network()
    net.add("plain", leaky())
    net.add("told", rb.create(InPicoampere, dtype=torch.float64))
    with pytest.raises(
        rb.errors.ArgumentError, match="the synapse gives mV and the input of 'told' is in pA"
    ):
        net.connect("plain", "told", ([0], [0]), rb.synapse(InVolt))
    net.connect("plain", "told", ([0], [0]), rb.synapse(Exponential))
    net.connect("told", "plain", ([0], [0]), rb.synapse(InVolt))
    with pytest.raises(rb.errors.DeclarationError, match="input_unit"):

        class Wrong(Leaky):
            """Has a parameter of that name."""

            input_unit = rb.Parameter(1.0, unit="1")
