"""What cannot be connected, and the one error that says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import errors

from .models import Conductance, Exponential, Leaky, Pulse, leaky


def two() -> rb.Network:
    net = rb.Network(seed=1)
    net.add("E", leaky(4))
    net.add("I", leaky(2))
    return net


def connect(net: rb.Network, source: str = "E", target: str = "I", **given: Any) -> None:
    pairs = given.pop("rule", ([0, 1], [0, 1]))
    net.connect(source, target, pairs, given.pop("synapse", rb.synapse(Pulse)), **given)


class Gated(rb.SpikingNeuron):
    """With two inputs: C dV/dt = -V + drive, and a shunt that is a conductance."""

    drive = rb.Input(unit="pA")
    shunt = rb.Input(unit="nS")
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"voltage": data.drive - state.voltage * (1.0 + data.shunt)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0


class Stepping(rb.AnalogNeuron):
    """V(t + dt) = input."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        self.voltage = self.prepare(data, identifiers).expand(self.num_units)
        return self.loggable_state()


def ran(net: rb.Network) -> None:
    net()
    connect(net)


def dt_of_all(net: rb.Network) -> None:
    connect(net)
    for name in ("E", "I"):
        net[name].dt = 0.2
    net()


def twice(net: rb.Network) -> None:
    connect(net)
    connect(net)


def into(net: rb.Network, model: Any, synapse: Any, **given: Any) -> None:
    net.add("G", rb.create(model, 2, dtype=torch.float64))
    connect(net, "E", "G", synapse=synapse, **given)


def added_twice(net: rb.Network) -> None:
    net.add("F", net["E"])


def run_before(net: rb.Network) -> None:
    cells = leaky()
    cells(0.0)
    net.add("F", cells)


def ring(first: int, last: int, sources: int, targets: int, key: int, *, same: Any, positions: Any) -> Any:
    return torch.tensor([0, 1]), torch.tensor([0])


def elsewhere() -> Any:
    """Neurons that say that they are on another device, which not every machine has."""

    class Elsewhere(type(leaky())):  # type: ignore[misc]
        """As the others."""

        device = property(lambda self: torch.device("cuda:0"))

    cells = leaky()
    cells.__class__ = Elsewhere
    return cells


def giving(what: Any) -> Any:
    def rule(
        first: int, last: int, sources: int, targets: int, key: int, *, same: Any, positions: Any
    ) -> Any:
        return what

    return rule


CASES: dict[str, tuple[Callable[[rb.Network], object], str]] = {
    "population": (lambda net: connect(net, "E", "J"), "no population 'J'; there are E, I"),
    "sender": (lambda net: connect(net, "e", "I"), "no population 'e'; did you mean 'E'"),
    "twice": (twice, "there is a 'E->I' already; give another identifier"),
    "dot": (lambda net: net.add("a.b", leaky()), "the name 'a.b' cannot be used; give one without '.'"),
    "member": (lambda net: net.add("connect", leaky()), "'connect' is a member of every network"),
    "added twice": (added_twice, "the population 'F' is in the network already, as 'E'"),
    "stepped": (run_before, "the population 'F' has taken 1 steps; call its reset_state"),
    "no neuron": (lambda net: net.add("F", torch.nn.Linear(1, 1)), "'F' is Linear; a population is what"),
    "dt": (lambda net: net.add("F", leaky(dt=0.2)), "'F' has dt=0.2 ms and 'E' has 0.1 ms"),
    "dtype": (
        lambda net: net.add("F", leaky(dtype=torch.float32)),
        "'F' has dtype=torch.float32 and 'E' has",
    ),
    "device": (
        lambda net: net.add("F", elsewhere()),
        "'F' has device=cuda:0 and 'E' has cpu; all populations of a network have one device",
    ),
    "clock": (ran, "E->I: the clock has run; connect before the first step"),
    "long": (
        lambda net: connect(net, delay=1e9),
        r"E->I: the delay is 1e\+09 ms, which is more steps of dt = 0.1 ms than .* give less than 2",
    ),
    "endless": (
        lambda net: connect(net, delay=float("inf")),
        "E->I: the delay is inf ms, which is more steps",
    ),
    "short": (lambda net: connect(net, delay=0.05), "E->I: the delay is 0.05 ms; .* at least dt = 0.1 ms"),
    "negative": (
        lambda net: connect(net, delay=torch.tensor([0.2, -1.0])),
        "E->I: the delay of synapse 1 is -1 ms",
    ),
    "infinite": (lambda net: connect(net, delay=float("inf")), "E->I: the delay is inf ms"),
    "multiple": (
        lambda net: connect(net, delay=0.25),
        "E->I: the delay 0.25 ms is no multiple of dt = 0.1 ms; the nearest is 0.3 ms",
    ),
    "delays": (lambda net: connect(net, delay=[0.1] * 3), "E->I: delay has shape .3.; .* the 2 synapses"),
    "NaN weight": (
        lambda net: connect(net, weight=[1.0, float("nan")]),
        "E->I: the weight of synapse 1 is nan; give finite numbers",
    ),
    "weights": (lambda net: connect(net, weight=[1.0] * 3), "E->I: 3 weights in shape .3. were given for 2"),
    "word": (lambda net: connect(net, weight="strong"), "E->I: weight='strong'; give a number"),
    "index": (
        lambda net: connect(net, rule=([0, 1], [0, 2])),
        "E->I: target 2 of synapse 1 is no unit; there are 2, from 0 on",
    ),
    "negative index": (lambda net: connect(net, rule=([-1], [0])), "E->I: source -1 of synapse 0 is no unit"),
    "lengths": (lambda net: connect(net, rule=([0], [0, 1])), "E->I: 1 sources and 2 targets were given"),
    "real index": (lambda net: connect(net, rule=([0.5], [0])), "E->I: source is torch.float32 of shape .1."),
    "rule": (lambda net: connect(net, rule="all"), "E->I: rule='all'; give rheobase.rule"),
    "rule's name": (
        lambda net: connect(net, rule="bernoulli"),
        r"E->I: rule='bernoulli'; .* for the rule of that name rheobase\.rule\('bernoulli', \.\.\.\)",
    ),
    "dense": (
        lambda net: connect(net, rule=torch.ones(4, 2)),
        r"E->I: rule=(?s:.{,140}); give .* of torch or scipy: this one's to_sparse_csr\(\)",
    ),
    "population itself": (
        lambda net: connect(net, "E", net["I"]),  # type: ignore[arg-type]
        "is no name of a population; give its name, 'I'",
    ),
    "another's population": (
        lambda net: connect(net, "E", leaky()),
        "is no name of a population; give the name of one: E, I",
    ),
    "matrix": (
        lambda net: connect(net, rule=torch.ones(4, 3).to_sparse_csr()),
        r"E->I: the matrix has shape \[4, 3\]; .* \[4, 2\]",
    ),
    "rows": (lambda net: connect(net, rule=rb.rule(ring)), "E->I: the rule's indptr .* of 2 targets"),
    "synapse": (
        lambda net: connect(net, synapse="delta"),
        "E->I: synapse='delta'; give what rheobase.synapse",
    ),
    "no state": (
        lambda net: into(net, Named, rb.synapse(Pulse)),
        "E->G: the synapse adds to the state 'voltage', and 'G' has x",
    ),
    "input": (
        lambda net: into(net, Gated, rb.synapse(Exponential)),
        "E->G: input=None; 'G' has the inputs drive, shunt; name one",
    ),
    "unknown input": (
        lambda net: into(net, Gated, rb.synapse(Exponential), input="driven"),
        "E->G: input='driven'; 'G' has the inputs drive, shunt; name one",
    ),
    "unit": (
        lambda net: into(net, Gated, rb.synapse(Conductance), input="shunt"),
        "E->G: the synapse gives pA and the input 'shunt' of 'G' is in nS",
    ),
    "own step": (
        lambda net: into(net, Stepping, rb.synapse(Exponential)),
        "E->G: 'G' has a forward of its own, so no synapse can be integrated with it",
    ),
    "parameter": (lambda net: rb.synapse(Exponential, tua=1.0), "synapse 'Exponential': .* no 'tua'"),
    "domain": (
        lambda net: connect(net, synapse=rb.synapse(Exponential, tau=-1.0)),
        "E->I: the parameter 'tau' is -1; it must be > 0 ms",
    ),
    "rule's parameter": (lambda net: rb.rule(ring, p=0.1), "the rule 'ring' takes no 'p'"),
    "stimulus": (lambda net: net({"e": 1.0}), "no population 'e' to receive an input; did you mean 'E'"),
    "part": (lambda net: net["E->E"], "network has no part 'E->E'"),
    "seed": (lambda net: rb.Network(seed=-1), "Network: seed=-1 cannot be used"),
    "positions": (
        lambda net: net.add("F", leaky(3), positions=torch.zeros(2, 2)),
        r"F: positions have shape \[2, 2\]; give \[3, dimensions\]",
    ),
    "added late": (lambda net: (net(), net.add("F", leaky())), "the clock has run, so 'F' cannot be added"),
    "stepped alone": (lambda net: (net(), net["I"](0.0), net()), "'E' has taken 1 steps and 'I' 2"),
    "reset alone": (lambda net: (net(), net["I"].reset_state(), net()), "'E' has taken 1 steps and 'I' 0"),
    "weights that learn": (
        lambda net: connect(net, weight=torch.ones(2, requires_grad=True)),
        "E->I: the weights are to have a gradient",
    ),
    "delay later": (lambda net: (connect(net), setattr(net["E->I"], "delay", 2.0)), "delay cannot be set"),
    "no named input": (
        lambda net: connect(net, input="nope"),
        "E->I: input='nope' of 'I'; a spike of this synapse is added to a state",
    ),
    "two batches": (
        lambda net: net({"E": torch.zeros(3, 1).double(), "I": torch.zeros(2, 1).double()}),
        r"have the batches 'E' \[3\], 'I' \[2\]",
    ),
    "number": (lambda net: net(5.0), "the stimulus is 5.0; give a mapping by population"),
    "converted part": (
        lambda net: (net["I"].float(), net()),
        "'E' has dtype=torch.float64 and 'I' has torch.float32",
    ),
    "dt of a part": (lambda net: (setattr(net["I"], "dt", 0.2), net()), "'E' has dt=0.1 and 'I' has 0.2"),
    "dt under delays": (dt_of_all, "'E' has dt=0.2 and 'E->I' has 0.1; .* choose dt before you connect"),
    "dt later": (lambda net: (net(), setattr(net["E"], "dt", 0.2)), "dt cannot change from 0.1 to 0.2 ms"),
}


class Named(rb.SpikingNeuron):
    """dx/dt = input - x."""

    x = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"x": data - state.x}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.x - 1.0


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
@pytest.mark.parametrize(("act", "says"), CASES.values(), ids=list(CASES))
def test_what_does_not_fit_is_one_error_that_names_it(act: Callable[[rb.Network], object], says: str) -> None:
    with pytest.raises(rb.RheobaseError, match=says):
        act(two())


@pytest.mark.parametrize("name", ["unknown-synapse", "unknown-rule"])
def test_an_unknown_name_lists_what_is_installed(name: str) -> None:
    make = rb.synapse if name.endswith("synapse") else rb.rule
    with pytest.raises(errors.ComponentError, match=f"'{name}' is installed"):
        make(name)


def test_a_refused_part_leaves_the_network_as_it_was() -> None:
    net = two()
    with pytest.raises(errors.ArgumentError):
        connect(net, delay=0.25)
    assert list(net) == ["E", "I"]
    connect(net, delay=0.3)
    assert list(net) == ["E", "I", "E->I"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"into": "voltage", "state": rb.State(0.0, unit="mV")}, "can have neither states nor functions"),
        ({"state": rb.State(0.0, unit="mV")}, "defines no output"),
        ({}, "defines no output"),
        ({"weight": rb.Parameter(1.0, unit="pA")}, "weight: the name is reserved"),
        ({"unit": ""}, "unit is ''; give a string"),
        ({"data": rb.Input(unit="pA")}, "declares parameters, states and options"),
        ({"arrive": lambda state, params, weight: {}}, "arrive must be a @staticmethod"),
    ],
)
def test_a_synapse_that_cannot_work_is_refused_where_it_is_defined(body: dict[str, Any], says: str) -> None:
    with pytest.raises(errors.DeclarationError, match=says):
        type("Broken", (rb.Synapse,), body)


@pytest.mark.parametrize(
    "gave", [{"h": 1.0}, {}, None, torch.ones(2)], ids=["undeclared", "empty", "none", "tensor"]
)
def test_an_arrival_that_changes_no_state_is_told(gave: Any) -> None:
    class Idle(Exponential):
        @staticmethod
        def arrive(state: Any, params: Any, weight: Any) -> Any:
            return gave

    net = two()
    net["E"].threshold_at = 0.1
    connect(net, synapse=rb.synapse(Idle))
    net({"E": 1000.0})
    with pytest.raises(errors.DeclarationError, match=r"Idle\.arrive gave .*; give a mapping of new values"):
        rb.simulate(net, {"E": 1000.0}, duration=1.0)


def test_names_of_a_synapse_that_it_does_not_have_are_told_by_its_own_name() -> None:
    class Misspelt(Exponential):
        @staticmethod
        def derivatives(state: Any, params: Any) -> dict[str, Any]:
            return {"current": -state.curent / params.tau}

    net = two()
    connect(net, synapse=rb.synapse(Misspelt))
    with pytest.raises(
        errors.DeclarationError, match=r"Misspelt\.derivatives asks for 'curent'; did you mean"
    ):
        net()


def test_the_model_that_receives_is_not_known_to_be_composed() -> None:
    net = two()
    connect(net, synapse=rb.synapse(Exponential))
    assert type(net["I"]).schema is Leaky.schema or set(type(net["I"]).schema.states) == {"voltage"}
    assert set(net["I"].state_dict()) == set(leaky().state_dict())


def test_a_refused_state_dict_changes_nothing() -> None:
    saved, net = two(), two()
    connect(saved, delay=1.0)
    rb.simulate(saved, {"E": 2.0}, duration=20.0)
    connect(net, delay=2.0)
    rb.simulate(net, {"E": 1.5}, duration=11.0)
    before = {
        name: value.clone() for name, value in net.state_dict().items() if isinstance(value, torch.Tensor)
    }
    with pytest.raises(errors.ArgumentError, match="other synapses, or other delays"):
        net.load_state_dict(saved.state_dict())
    with pytest.raises(errors.ArgumentError, match=r"the state is of another network: (?s:.)*Missing key"):
        net.load_state_dict({})
    after = net.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert net.simulation_step == round(11.0 / net.dt)


class Scheme(rb.Synapse):
    """A weight is added, by one of two names for it."""

    weight_unit, into = "mV", "voltage"
    bounds = rb.Option("additive", "multiplicative")


def test_an_option_of_a_synapse_is_one_of_its_choices() -> None:
    with pytest.raises(
        errors.ParameterError, match=r"multiplicativ'.*one of additive, multiplicative.*did you"
    ):
        rb.synapse(Scheme, bounds="multiplicativ")
    with pytest.raises(errors.ParameterError, match="bounds' is 3"):
        rb.synapse(Scheme, bounds=3)


def test_a_network_where_one_neuron_is_wanted_is_told_in_one_line() -> None:
    net = rb.Network()
    net.add("E", leaky(2))
    with pytest.raises(
        rb.errors.ArgumentError, match=r"^a prepared run takes one neuron.* a Network; .*net\['E'\]"
    ) as told:
        rb.prepare(net)  # type: ignore[arg-type]
    assert "\n" not in str(told.value)
    with pytest.raises(rb.errors.ArgumentError, match=r"^neuron=\[Network\( \(E\): .*give a neuron") as told:
        rb.prepare([net])  # type: ignore[arg-type]
    assert "\n" not in str(told.value)
