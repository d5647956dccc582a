"""Runs with several sources, against single calls of the neuron with the same list."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from rheobase import stimulus
from rheobase.errors import InputError, RheobaseError, StimulusError

NOISE = stimulus.OrnsteinUhlenbeck(mean=200.0, std=80.0, tau=5.0, seed=3)
PULSE = stimulus.Step(0.5, start=1.0, stop=3.0)
ROWS = torch.linspace(0.0, 60.0, 50).reshape(50, 1)


def by_hand(neuron, sources, identifiers, steps=50):
    """The voltage of so many single calls."""
    rows = [
        each.rows(0, steps, neuron.dt, neuron.num_units) if isinstance(each, stimulus.Stimulus) else each
        for each in sources
    ]
    return torch.stack([neuron([row[n] for row in rows], identifiers)["voltage"] for n in range(steps)])


@pytest.mark.parametrize(
    ("aggregator", "given"),
    [
        (None, [NOISE, ROWS]),
        ("mean", [NOISE, ROWS, PULSE]),
        ("shunting", {"soma": NOISE, "shunt:axon": PULSE}),
        ({"gate*": "product"}, {"gate1": PULSE, "x": NOISE, "gate2": ROWS}),
        (lambda inputs, identifiers: inputs[0] - inputs[1], (NOISE, ROWS)),
    ],
    ids=["list", "mean", "shunting", "groups", "callable"],
)
@pytest.mark.parametrize("units", [1, 3])
def test_a_run_on_several_sources_is_the_calls_with_their_list(lif, aggregator, given, units):
    sources, identifiers = (
        (list(given.values()), list(given)) if isinstance(given, dict) else (list(given), None)
    )
    expected = by_hand(rb.create(lif, units, aggregator=aggregator), sources, identifiers)
    run = rb.simulate(rb.create(lif, units, aggregator=aggregator), given, 5.0, record="voltage")
    assert torch.equal(run.traces["voltage"], expected)
    assert expected.std() > 0


def test_constants_of_several_sources_and_a_batch_of_rows():
    constant = rb.simulate(rb.create(Ramp, dt=1.0), [stimulus.Constant(2.0), 3.0], 2.0, record="voltage")
    assert constant.traces["voltage"].flatten().tolist() == [5.0, 10.0]
    batch = torch.tensor([[[1.0], [2.0]], [[3.0], [4.0]]])
    rec = rb.simulate(
        rb.create(Ramp, 2, dt=1.0), {"a": batch, "b": torch.tensor([10.0, 20.0])}, record="voltage"
    )
    assert rec.traces["voltage"][0].tolist() == [[11.0, 21.0], [12.0, 22.0]]
    assert rec.traces["voltage"][1].tolist() == [[24.0, 44.0], [26.0, 46.0]]


class Ramp(rb.AnalogNeuron):
    """dV/dt = I."""

    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data + 0 * state.voltage}


class TwoInputs(rb.AnalogNeuron):
    """dV/dt = excitation - inhibition, with sources of each."""

    excitation = rb.Input(unit="mV/ms")
    inhibition = rb.Input(unit="mV/ms", aggregator="product")
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data.excitation - data.inhibition + 0 * state.voltage}


class OneNamed(rb.AnalogNeuron):
    """dV/dt = 3 drive."""

    drive = rb.Input(unit="mV/ms")
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": 3.0 * data.drive + 0 * state.voltage}


def test_a_model_with_several_inputs_takes_sources_of_each():
    given = {
        "excitation": {"a": 5.0, "b": torch.tensor(2.0)},
        "inhibition": [torch.tensor(2.0), stimulus.Constant(1.5)],
    }
    rec = rb.simulate(rb.create(TwoInputs, dt=1.0), given, 2.0, record=("voltage", "inhibition"))
    assert rec.traces["voltage"].flatten().tolist() == [4.0, 8.0]
    assert rec.traces["inhibition"].flatten().tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    "given", [{"drive": 2.0}, {"drive": {"a": 0.5, "b": 1.5}}, {"a": 0.5, "b": 1.5}, [torch.tensor(2.0)]]
)
def test_a_model_with_one_named_input_takes_its_name_or_identifiers(given):
    rec = rb.simulate(rb.create(OneNamed, dt=1.0), given, 1.0, record="voltage")
    assert rec.traces["voltage"].item() == 6.0


def test_a_signal_among_the_sources_still_changes_within_the_step():
    # 4 mV/ms from 0.25 ms on, in one step of 1 ms, beside 1 mV/ms: 4 (1 - 0.25) + 1
    signal = rb.Signal.levels([0.25], [4.0])
    rec = rb.simulate(rb.create(Ramp, 2, dt=1.0), [signal, torch.tensor([1.0, 2.0])], 2.0, record="voltage")
    assert torch.allclose(rec.traces["voltage"], torch.tensor([[4.0, 5.0], [9.0, 11.0]]))
    divided = rb.create(Ramp, dt=1.0, aggregator="shunting")
    rec = rb.simulate(
        divided, {"soma": signal, "shunt": stimulus.Step(1.0, start=1.0)}, 2.0, record="voltage"
    )
    assert torch.allclose(rec.traces["voltage"].flatten(), torch.tensor([3.0, 5.0]))


class Own(rb.SpikingNeuron):
    """A forward that does as it likes with its sources."""

    def forward(self, data, identifiers=None):
        assert identifiers == ["up", "down"]
        self.voltage = self.voltage + data[0] - 2 * data[1]
        return self.loggable_state()


def test_a_forward_of_a_class_of_its_own_is_given_the_sources_apart():
    rec = rb.simulate(rb.create(Own, dt=1.0), {"up": ROWS[:3] + 1.0, "down": 0.25}, record="voltage")
    assert torch.allclose(
        rec.traces["voltage"].flatten(),
        ((ROWS[:3] + 1.0).cumsum(0) - torch.tensor([[0.5], [1.0], [1.5]])).flatten(),
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "no sources"),
        ({}, "no sources"),
        ([1.0, 2.0], r"list of numbers.*torch.tensor.*mapping, {\"soma\": .*stimuli, \[stimulus.Constant"),
        ({"a": "strong"}, "a: .*type str"),
        ({3: 1.0}, "identifier 3 is no text"),
        ({"a": torch.ones(5, 4), "b": 1.0}, r"a: .*\[5, 4\].*3 units"),
        ([torch.ones(5, 3), torch.ones(6, 3)], "5 and 6 rows"),
        ([torch.ones(5, 2, 3), torch.ones(5, 4, 3)], r"list of shapes \[2, 3\], \[4, 3\]"),
        (
            [torch.ones(5, 3), torch.tensor([[1.0]] * 4 + [[float("nan")]])],
            "source 1: .*nan for every unit in step 4",
        ),
        ({"a": stimulus.Samples(torch.ones(3, 2), 1.0)}, "a: Samples is made for 2 units"),
    ],
    ids=str,
)
def test_sources_that_cannot_be_used_are_named_before_a_step_is_taken(lif, given, words):
    neuron = rb.create(lif, 3)
    with pytest.raises((InputError, StimulusError), match=words):
        rb.simulate(neuron, given, None if isinstance(given, list) and len(given) == 2 else 1.0)
    assert neuron.simulation_step == 0


def test_an_aggregator_that_needs_identifiers_says_so_before_a_step_is_taken(lif):
    neuron = rb.create(lif, aggregator="shunting")
    told = 'was given no identifiers.* give simulate a mapping, {"dendrite": a, "shunt": b}'
    for given in ([NOISE, PULSE], [torch.ones(1), torch.ones(1)]):
        with pytest.raises(RheobaseError, match=told):
            rb.simulate(neuron, given, 1.0)
        assert neuron.simulation_step == 0
    grouped = rb.create(lif, aggregator={"gate*": "product"})
    with pytest.raises(RheobaseError, match=r'give simulate a mapping, \{"gate_1": a, "soma": b\}'):
        rb.simulate(grouped, [NOISE, PULSE], 1.0)


def test_what_the_messages_on_sources_say_works(lif):
    shunted = rb.simulate(rb.create(lif, aggregator="shunting"), {"dendrite": 300.0, "shunt": 1.0}, 20.0)
    halved = rb.simulate(rb.create(lif), 150.0, 20.0)
    assert shunted.spikes.times.tolist() == halved.spikes.times.tolist() != []
    several = [{"soma": 300.0, "dendrite": 20.0}, [stimulus.Constant(300.0), stimulus.Constant(20.0)]]
    one, other = (rb.simulate(rb.create(lif), given, 20.0) for given in several)
    assert one.spikes.times.tolist() == other.spikes.times.tolist() != []
    assert one.counts() > halved.counts()


def test_an_aggregator_whose_result_does_not_fit_is_told_before_a_step_is_taken(lif):
    wide = rb.create(lif, 3, aggregator=lambda inputs, identifiers: inputs[0].expand(5))
    with pytest.raises(InputError, match=r"has shape \[5\]"):
        rb.simulate(wide, [stimulus.Constant(1.0), PULSE], 1.0)
    assert wide.simulation_step == 0


def test_several_inputs_take_no_list_and_one_takes_no_name_beside_identifiers():
    with pytest.raises(InputError, match=r"list of sources.*excitation, inhibition.*mapping"):
        rb.simulate(rb.create(TwoInputs), [torch.tensor(1.0)], 1.0, record="voltage")
    with pytest.raises(InputError, match=r"'drive' beside other sources.*identifier"):
        rb.simulate(rb.create(OneNamed), {"drive": 1.0, "b": 1.0}, 1.0, record="voltage")


def test_two_runs_on_several_sources_are_one_long_run(lif):
    parts, whole = rb.create(lif, 2), rb.create(lif, 2)
    given = {"a": NOISE, "b": stimulus.Step(100.0, start=4.0)}
    runs = [rb.simulate(parts, given, 5.0, record="voltage").traces["voltage"] for _ in range(2)]
    assert torch.equal(torch.cat(runs), rb.simulate(whole, given, 10.0, record="voltage").traces["voltage"])


def test_a_run_with_grad_reaches_every_source():
    one, other = (torch.full((4, 1), value, requires_grad=True) for value in (2.0, 3.0))
    rec = rb.simulate(
        rb.create(Ramp, dt=1.0, aggregator="product"), [one, other], record="voltage", grad=True
    )
    rec.traces["voltage"][-1].sum().backward()
    assert one.grad.flatten().tolist() == [3.0] * 4
    assert other.grad.flatten().tolist() == [2.0] * 4


@pytest.mark.parametrize("begins", [0.0, 2.0], ids=["from the start", "later"])
@pytest.mark.parametrize("network", [False, True], ids=["neuron", "network"])
def test_an_aggregator_that_divides_by_zero_is_named_with_its_sources(lif, begins, network):
    shunt = stimulus.Step(-1.0, start=begins) if begins else stimulus.Constant(-1.0)
    neuron, given = rb.create(lif, aggregator="shunting", dt=0.1), {"soma": 100.0, "shunt": shunt}
    net = rb.Network()
    net.add("out", neuron)
    with pytest.raises(InputError) as caught:
        rb.simulate(net, {"out": given}, 5.0) if network else rb.simulate(neuron, given, 5.0)
    told = "; the sources 'soma', 'shunt' are finite, and what the aggregator 'shunting' makes of them is not"
    assert str(caught.value).endswith(told)
    assert str(caught.value).count(told) == 1
    assert neuron.simulation_step == round(begins / 0.1)


def test_a_source_that_is_not_finite_is_not_blamed_on_the_aggregator(lif):
    class Endless(stimulus.Stimulus):
        def rows(self, first, count, dt, num_units, *, dtype=torch.float32, device=None):
            return torch.full((count, 1), float("inf"), dtype=dtype)

    neuron = rb.create(lif, aggregator="shunting", dt=0.1)
    with pytest.raises(InputError, match=r"give finite numbers$"):
        rb.simulate(neuron, {"soma": Endless(), "shunt": 0.5}, 5.0)
