"""Mutants: each is the model with one slip, and the kit and the author's tests see what can be seen of it."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
from click.testing import CliRunner, Result
from rheobase.cli import main
from rheobase.conformance import Fate, Property, catalogue, check, mutants, mutate
from rheobase.conformance.apart import FORK
from rheobase.conformance.finding import find_one
from rheobase.conformance.mutation import own_tests
from rheobase.conformance.mutation.judging import judge_mutants
from rheobase.conformance.mutation.loading import forget, loaded
from rheobase.conformance.mutation.source import home
from rheobase.conformance.mutation.values import same_values
from rheobase.conformance.neurons.subject import NeuronSubject
from rheobase.conformance.vacuous import vacuous
from rheobase.conformance.violation import require
from rheobase.errors import ArgumentError

FORKED = pytest.mark.skipif(not FORK, reason="processes are not forked here")
REST = "rest-is-a-fixed-point"

LEAKY = '''
from rheobase import AnalogNeuron, Parameter, State


class Leaky(AnalogNeuron):
    """tau dV/dt = -(V - V_rest) + R I; the µ is here as it takes two bytes."""

    rest = Parameter(-70.0, unit="mV", doc="resting potential, not -65")
    tau = Parameter(10.0, unit="ms", above=0, doc="time constant")
    resistance = Parameter(0.5, unit="GOhm", above=0, doc="membrane resistance")
    voltage = State("rest", unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state, params, data):
        µ = params.rest - state.voltage + params.resistance * data  # not 3.0 + 4.0
        return {"voltage": µ / params.tau}
'''

# Numbers as a paper would have them, on plain numbers: the leak, the input, the time constant.
CHECK = """
import sys
import types

stub = types.ModuleType("rheobase")
stub.AnalogNeuron, stub.Parameter, stub.State = object, *[lambda *_, **__: None] * 2
sys.modules["rheobase"] = stub
import leaky

params = types.SimpleNamespace(rest=-70.0, tau=10.0, resistance=0.5)
slope = leaky.Leaky.derivatives(types.SimpleNamespace(voltage=-60.0), params, 40.0)["voltage"]
assert slope == 1.0, f"the slope is {slope} mV/ms"
"""

EVERYTHING = """
import torch
from rheobase import Option, Parameter, SpikingNeuron, State

RATE = 0.0
UNUSED = 7.0


def pull(v, p):
    v += p.low
    return torch.where(v > p.high, -v, v ** 3)


def unused(v):
    return v + 1.0


class Cell(SpikingNeuron):
    low = Parameter(1.0, unit="mV")
    high = Parameter(2.0, unit="mV")
    gain = Parameter(3.0, unit="1")
    voltage = State(0.0, unit="mV")
    kind = Option("one", "other")

    @staticmethod
    def derivatives(state, params, data):
        v = state.voltage[..., 0:] if params.kind == "other" else state.voltage
        return {
            "voltage": RATE
            * (
                data
                - pull(v, params)
            )
        }

    @staticmethod
    def threshold(state, params):
        if not state.voltage.numel():
            raise ValueError(f"{1 + 1} units")
        return state.voltage - 4 / params.gain
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a module into a folder that is searched, and forgets it at the end."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    yield write
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def rests(subject: NeuronSubject) -> None:
    """Nothing moves at rest without input."""
    params = types.SimpleNamespace(**subject.defaults, way="plain")
    slope = subject.model.derivatives(types.SimpleNamespace(voltage=-70.0), params, 0.0)["voltage"]
    require(slope == 0.0, f"at rest the voltage moves by {slope:g} mV/ms")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kit of one property, which takes no time."""
    prop = Property(REST, "neuron", "numerics", "It rests.", "so it is", rests)
    monkeypatch.setattr(catalogue, "PROPERTIES", {("neuron", REST): prop})
    monkeypatch.setattr(catalogue, "MODULES", ())


QUICK = pytest.mark.usefixtures("quick")


def command(*words: str) -> Result:
    return CliRunner().invoke(main, words, prog_name="rheobase")


def slips(file: Path) -> list[tuple[int, str, str, str, str]]:
    return [(each.line, each.function, each.operation, each.before, each.after) for each in mutants(file)]


def test_the_mutants_of_a_small_model_are_these(model: Callable[..., Path]) -> None:
    whole = "params.rest - state.voltage + params.resistance * data"
    assert slips(model(LEAKY, "leaky.py")) == [
        (15, "derivatives", "term dropped", whole, "-state.voltage + params.resistance * data"),
        (15, "derivatives", "term dropped", whole, "params.rest + params.resistance * data"),
        (15, "derivatives", "term dropped", whole, "params.rest - state.voltage"),
        (15, "derivatives", "sign flipped", whole, "params.rest + state.voltage + params.resistance * data"),
        (15, "derivatives", "sign flipped", whole, "params.rest - state.voltage - params.resistance * data"),
        (15, "derivatives", "factor dropped", "params.resistance * data", "data"),
        (15, "derivatives", "factor dropped", "params.resistance * data", "params.resistance"),
        (16, "derivatives", "factor dropped", "μ / params.tau", "1.0 / params.tau"),
        (16, "derivatives", "factor dropped", "μ / params.tau", "μ"),
    ]


def test_every_operation_is_tried_in_what_the_functions_call_and_read_and_nowhere_else(
    model: Callable[..., Path],
) -> None:
    product = "RATE * (data - pull(v, params))"
    assert slips(model(EVERYTHING, "everything.py")) == [
        (5, "RATE", "number off", "0.0", "1.0"),
        (9, "pull", "parameters swapped", "p.low, p.high", "p.high, p.low"),
        (10, "pull", "term dropped", "v += p.low", "v = p.low"),
        (10, "pull", "term dropped", "v += p.low", "v = v"),
        (10, "pull", "sign flipped", "v += p.low", "v = v - p.low"),
        (11, "pull", "comparison turned", "v > p.high", "v < p.high"),
        (11, "pull", "comparison turned", "v > p.high", "v >= p.high"),
        (11, "pull", "sign flipped", "-v", "v"),
        (11, "pull", "factor dropped", "v ** 3", "v"),
        (11, "pull", "number off", "3", "6"),
        (27, "derivatives", "comparison turned", "params.kind == 'other'", "params.kind != 'other'"),
        (29, "derivatives", "factor dropped", product, "data - pull(v, params)"),
        (29, "derivatives", "factor dropped", product, "RATE"),
        (31, "derivatives", "term dropped", "data - pull(v, params)", "-pull(v, params)"),
        (31, "derivatives", "term dropped", "data - pull(v, params)", "data"),
        (31, "derivatives", "sign flipped", "data - pull(v, params)", "data + pull(v, params)"),
        (40, "threshold", "term dropped", "state.voltage - 4 / params.gain", "-(4 / params.gain)"),
        (40, "threshold", "term dropped", "state.voltage - 4 / params.gain", "state.voltage"),
        (
            *(40, "threshold", "sign flipped"),
            *("state.voltage - 4 / params.gain", "state.voltage + 4 / params.gain"),
        ),
        (40, "threshold", "factor dropped", "4 / params.gain", "1.0 / params.gain"),
        (40, "threshold", "factor dropped", "4 / params.gain", "4"),
        (40, "threshold", "number off", "4", "8"),
    ]


@pytest.mark.parametrize(("text", "name"), [(LEAKY, "leaky.py"), (EVERYTHING, "everything.py")])
def test_a_mutant_is_the_whole_module_with_its_own_lines_alone_changed(
    text: str, name: str, model: Callable[..., Path]
) -> None:
    made = mutants(model(text, name))
    assert len({each.text for each in made}) == len(made)
    for each in made:
        own, other = text.split("\n"), each.text.split("\n")
        assert len(own) == len(other)
        changed = [number for number, (a, b) in enumerate(zip(own, other, strict=True), 1) if a != b]
        assert changed
        swapped = each.operation == "parameters swapped"
        assert changed == [10, 11] if swapped else changed[0] >= each.line, each
        assert changed[-1] <= each.line + 7
        try:
            cls = loaded(each)
            assert cls.__name__ in ("Leaky", "Cell")
            assert each.number == int(cls.__module__.rpartition("_")[2])
        finally:
            forget(each)


def test_the_kit_sees_a_model_without_its_leak_and_not_one_with_another_sign_of_its_input(
    model: Callable[..., Path],
) -> None:
    file = model(LEAKY, "leaky.py")
    before = dict(sys.modules)
    report = mutate(file, only=[REST, "declarations-are-used"], timeout=60.0)
    fates = {each.mutant.after: (each.fate, each.by) for each in report.judged}
    assert report.ok
    assert fates == {
        "params.rest - state.voltage - params.resistance * data": (Fate.SURVIVED, ""),
        "-state.voltage + params.resistance * data": (Fate.KIT, REST),
        "params.rest + params.resistance * data": (Fate.KIT, REST),
        "params.rest - state.voltage": (Fate.KIT, "declarations-are-used"),
        "params.rest + state.voltage + params.resistance * data": (Fate.KIT, REST),
        "data": (Fate.KIT, "declarations-are-used"),
        "params.resistance": (Fate.KIT, REST),
        "1.0 / params.tau": (Fate.KIT, REST),
        "μ": (Fate.KIT, "declarations-are-used"),
    }
    assert report.judged[0].fate is Fate.SURVIVED
    assert report.counts == {
        "mutants": 9, "survived": 1, "the same": 0, "killed by the kit": 8, "killed by the tests": 0
    }  # fmt: skip
    assert "9 mutants: 1 survived, 8 killed by the kit" in str(report)
    assert not [name for name in set(sys.modules) - set(before) if "_mutant_" in name]


def test_a_mutant_that_falls_silent_is_seen_by_the_kit(
    model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def moves(subject: NeuronSubject) -> None:
        """It moves under an input."""
        at_rest = types.SimpleNamespace(voltage=-70.0)
        if (
            not subject.model.derivatives(at_rest, types.SimpleNamespace(**subject.defaults), 1.0)["voltage"]
            > 0
        ):
            vacuous("it never moves")

    file = model(LEAKY, "leaky.py")
    for vital, fate in (("never moves", Fate.KIT), ("", Fate.SURVIVED)):
        prop = Property("moves", "neuron", "numerics", "It moves.", "so it is", moves, vital=vital)
        monkeypatch.setattr(catalogue, "PROPERTIES", {("neuron", "moves"): prop})
        monkeypatch.setattr(catalogue, "MODULES", ())
        report = mutate(file)
        (still,) = [each for each in report.judged if each.mutant.after == "params.rest - state.voltage"]
        assert still.fate is fate


@QUICK
def test_a_mutant_with_the_values_of_the_model_is_not_counted_as_a_survivor(
    model: Callable[..., Path],
) -> None:
    text = LEAKY.replace("µ / params.tau", "1.0 * µ / (params.tau if 2 else 0)")
    report = mutate(model(text, "idle.py"), only=[REST])
    same = {(each.mutant.before, each.mutant.after): each.seen for each in report.of(Fate.SAME)}
    assert same == {
        ("1.0 * μ / (params.tau if 2 else 0)", "μ / (params.tau if 2 else 0)"): "values at 50 points",
        ("2", "4"): "code",
        ("0", "1"): "code",
    }


def test_what_differs_in_another_option_or_for_other_parameters_is_not_the_same(
    model: Callable[..., Path],
) -> None:
    text = LEAKY.replace("rest = ", 'other = Parameter(-70.0, unit="mV")\n    rest = ').replace(
        "µ / params.tau", "µ / params.tau + (params.rest - params.other) * 0.1"
    )
    text = text.replace("    voltage =", '    way = Option("plain", "odd")\n    voltage =')
    text = text.replace("import ", "import Option, ").replace(
        "return", 'µ = µ + 1.0 if params.way == "odd" else µ\n        return'
    )
    file = model(text, "options.py")
    subject = find_one(file)
    for each in mutants(file):
        try:
            assert not same_values(subject, loaded(each), seed=0), each
        finally:
            forget(each)


def test_values_are_compared_of_models_with_draws_and_several_inputs(model: Callable[..., Path]) -> None:
    text = """
from rheobase import AnalogNeuron, Draw, Input, State


class Noisy(AnalogNeuron):
    noise = Draw("normal")
    pull, push = Input(unit="nS", at_least=0), Input(unit="nS", at_least=0)
    voltage = State(0.0, unit="mV")

    @staticmethod
    def update(state, params, data, dt):
        return {"voltage": state.voltage + params.noise + 1.0 * data.pull - data.push}
"""
    file = model(text, "noisy.py")
    subject = find_one(file)
    same = []
    for each in mutants(file):
        try:
            same += [each.after] if same_values(subject, loaded(each), seed=0) else []
        finally:
            forget(each)
    assert same == ["data.pull"]


@QUICK
def test_the_tests_of_an_author_kill_what_the_kit_lets_pass_and_his_file_is_left_as_it_is(
    model: Callable[..., Path], tmp_path: Path
) -> None:
    file = model(LEAKY, "leaky.py")
    model(CHECK, "check.py")
    mutants(file)  # imports it, so that what Python compiles of it is there
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("leaky*")}
    command = f"{shlex.quote(sys.executable)} check.py"
    report = mutate(file, only=[REST], tests=command)
    killed = {each.mutant.after: each.seen for each in report.of(Fate.TESTS)}
    assert killed["params.rest - state.voltage - params.resistance * data"] == (
        "they ended with the exit code 1: AssertionError: the slope is -3.0 mV/ms"
    )
    assert set(killed) == {
        "params.rest - state.voltage - params.resistance * data", "params.rest - state.voltage", "data", "μ",
    }  # fmt: skip
    assert not report.of(Fate.SURVIVED)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


@QUICK
def test_a_mutant_reaches_the_processes_of_the_tests_and_nothing_else_is_kept_from_them(
    model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model("import sys\n\nsys.customized = sys.path[1:]\n", "site/sitecustomize.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    model(CHECK, "check.py")
    text = "import subprocess, sys\nassert not any('mutants' in each for each in sys.customized)\n"
    text += "sys.exit(subprocess.call([sys.executable, 'check.py']))\n"
    model(text, "within.py")
    file = model(LEAKY, "leaky.py")
    report = mutate(file, tests=f"{shlex.quote(sys.executable)} within.py")
    assert report.counts["killed by the tests"] == 4
    assert not report.of(Fate.SURVIVED)


@QUICK
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("PYTHON fails.py", r"must pass on the model as it is, .* code 3; they said:\n5 of 7"),
        ("PYTHON -c pass", "pass without loading .*leaky.py"),
        ("PYTHON -I check.py", "they ended with the exit code 1; they said:(.|\n)*No module named 'leaky'"),
        ("no-such-program-at-all tests", "cannot be run: No such file"),
        ("", "is empty"),
        ("pytest 'tests", "is no command"),
    ],
)
def test_tests_that_can_say_nothing_are_refused(command: str, said: str, model: Callable[..., Path]) -> None:
    model(CHECK, "check.py")
    model("print('5 of 7')\nraise SystemExit(3)", "fails.py")
    file = model(LEAKY, "leaky.py")
    command = command.replace("PYTHON", shlex.quote(sys.executable))
    with pytest.raises(ArgumentError, match=said):
        mutate(file, only=[REST], tests=command)


def test_tests_that_hang_on_a_mutant_are_ended_with_what_they_started(
    model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_tests, "LEAST", 0.5)
    monkeypatch.setattr(own_tests, "TIMES", 0.0)
    file = model(LEAKY, "leaky.py")
    model(CHECK.replace("assert slope", "while slope != 1.0:\n    pass\nassert slope"), "check.py")
    with own_tests.OwnTests(f"{shlex.quote(sys.executable)} check.py", home(find_one(file))) as own:
        own.begin()
        flipped = next(each for each in mutants(file) if each.operation == "sign flipped")
        began = time.monotonic()
        ran = own.run(flipped.text)
        assert (ran.passed, ran.told()) == (False, "they did not end within 0.5 s")
        assert time.monotonic() - began < 30


@QUICK
def test_tests_that_hang_on_the_model_itself_are_ended_and_told(
    model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_tests, "LEAST", 0.3)
    model(LEAKY, "leaky.py")
    model("import time, leaky\ntime.sleep(60.0)", "hangs.py")
    tests = f"{shlex.quote(sys.executable)} hangs.py"
    asked = ("validate", "leaky.py", "--mutate", "--tests", tests, "--timeout")
    began = time.monotonic()
    # Of two limits the longer: one case may take less than all of somebody's tests.
    done = command(*asked, "0.1", "--json")
    assert done.exit_code == 2
    assert f"running the tests on the model as it is: {tests}" in done.stderr
    assert re.search(r"did not end within 0\.3 s on the model as it is.* --timeout SECONDS", done.stderr)
    assert time.monotonic() - began < 30
    monkeypatch.setattr(own_tests, "LEAST", 0.1)
    assert "did not end within 0.6 s on the model" in command(*asked, "0.6").stderr


@QUICK
@FORKED
def test_a_mutant_that_loops_is_killed_wherever_it_loops(model: Callable[..., Path]) -> None:
    # At the end of the countdown, both where the module is loaded and where a step is made.
    counted = LEAKY.replace(
        "class Leaky", "def down(n):\n    while n > 0:\n        n = n - 1\n    return n\n\n\nclass Leaky"
    ).replace("µ / params.tau", "µ / params.tau + down(2)")
    for text in (counted, counted + "\n\ndown(3)\n"):
        file = model(text, f"loops_{len(text)}.py")
        made = [each for each in mutants(file) if each.function == "down" and each.after == "n + 1"]
        assert len(made) == 1
        subject = find_one(file)
        report = check(file, only=[REST])
        judged = judge_mutants(made, subject, report, only=[REST], timeout=1.0).judged
        assert [(each.fate, each.by) for each in judged] == [(Fate.KIT, REST)]
        assert re.match(r"(while its cases were drawn, )?it did not end within 1 s", judged[0].seen)
        assert ("line 6" in judged[0].seen) or ("line 7" in judged[0].seen)


def test_a_mutant_is_loaded_within_its_package(model: Callable[..., Path]) -> None:
    model("", "cells/__init__.py")
    model("GAIN = 2.0\n", "cells/numbers.py")
    text = LEAKY.replace("class Leaky", "from .numbers import GAIN\n\nclass Leaky").replace(
        "µ / p", "GAIN * µ / p"
    )
    made = mutants(model(text, "cells/leaky.py"))
    assert "GAIN" not in {each.function for each in made}  # it is another module's
    assert made[0].home.elsewhere == ("cells.numbers:GAIN",)
    for each in made:
        try:
            assert loaded(each).derivatives is not None
        finally:
            forget(each)


@QUICK
def test_functions_of_another_module_are_told_and_not_mutated(model: Callable[..., Path]) -> None:
    model(LEAKY, "leaky.py")
    text = "import leaky\n\nclass Strong(leaky.Leaky):\n    pass\n"
    with pytest.raises(
        ArgumentError, match=r"holds none .*; name a class that has them: leaky:Leaky\.derivatives"
    ):
        mutants(f"{model(text, 'strong.py')}:Strong")
    text += "    @staticmethod\n    def dt_max(state, params, data):\n        return 0.1 * params.tau\n"
    report = mutate(f"{model(text, 'stronger.py')}:Strong", only=[REST])
    assert {each.mutant.function for each in report.judged} == {"dt_max"}
    assert report.elsewhere == ("leaky:Leaky.derivatives",)
    assert str(report).endswith(
        "not mutated, as the model's module does not define them: leaky:Leaky.derivatives"
    )


SHARED = """
class Ours:
    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (params.rest - state.voltage + data) / params.tau}
"""

DECLARING = """
from rheobase import AnalogNeuron, Parameter, State


class Cell(Ours, AnalogNeuron):
    rest = Parameter(-70.0, unit="mV")
    tau = Parameter(10.0, unit="ms", above=0)
    voltage = State("rest", unit="mV", at_rest=True)
"""


def test_functions_that_a_class_beside_the_model_lends_are_mutated(model: Callable[..., Path]) -> None:
    made = mutants(model(SHARED + DECLARING, "lent.py"))
    assert {each.function for each in made} == {"derivatives"}
    assert made[0].home.elsewhere == ()


def test_functions_that_another_modules_class_lends_are_told(model: Callable[..., Path]) -> None:
    model(SHARED, "ours.py")
    text = "from ours import Ours\n" + DECLARING
    text += "    @staticmethod\n    def dt_max(state, params, data):\n        return 0.1 * params.tau\n"
    made = mutants(f"{model(text, 'lender.py')}:Cell")
    assert {each.function for each in made} == {"dt_max"}
    assert made[0].home.elsewhere == ("ours:Ours.derivatives",)


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("from helpers import slope", "slope"),
        ("from helpers import slope as how", "how"),
        ("import helpers", "helpers.slope"),
        ("import helpers as h", "h.slope"),
    ],
)
def test_what_is_called_of_another_module_is_told(
    model: Callable[..., Path], imports: str, call: str
) -> None:
    model("def slope(v, rest, tau):\n    return (rest - v) / tau\n", "helpers.py")
    text = f"import torch\n{imports}\n" + LEAKY.replace(
        'return {"voltage": µ / params.tau}',
        f'return {{"voltage": torch.abs(µ) + {call}(state.voltage, params.rest, params.tau)}}',
    )
    made = mutants(model(text, "helped.py"))
    assert made[0].home.elsewhere == ("helpers:slope",)


def test_a_forward_reads_declarations_which_are_no_constants_of_it(model: Callable[..., Path]) -> None:
    text = """
from rheobase import AnalogNeuron, Parameter, State


class Own(AnalogNeuron):
    GAIN = 2.0
    rest = Parameter(-70.0, unit="mV")
    tau = Parameter(10.0, unit="ms", above=0)
    voltage = State("rest", unit="mV", at_rest=True)

    def forward(self, data, identifiers=None):
        current = self.prepare(data, identifiers)
        self.voltage = self.voltage + self.dt * (self.rest - self.voltage + self.GAIN * current) / self.tau
        return {"voltage": self.voltage}
"""
    made = mutants(model(text, "own.py"))
    assert {each.function for each in made} == {"forward", "GAIN"}


def test_functions_that_are_given_to_a_class_later_are_told_and_not_mutated(
    model: Callable[..., Path],
) -> None:
    text = LEAKY + "\n\ndef dt_max(state, params, data):\n    return 0.1 * params.tau\n"
    text += "\n\nLate = type('Late', (Leaky,), {'dt_max': staticmethod(dt_max)})\n"
    made = mutants(f"{model(text, 'late.py')}:Late")
    assert made[0].home.elsewhere == ("late:Late.dt_max",)
    assert {each.function for each in made} == {"derivatives"}


def test_what_has_no_source_or_is_no_neuron_is_refused() -> None:
    class Local(rb.AnalogNeuron):
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data - state.voltage}

    with pytest.raises(ArgumentError, match="cannot be read: it is defined within a function;") as refused:
        mutants(Local)
    assert str(refused.value).count("Local") == 1
    typed: dict[str, Any] = {"__name__": "no_such_module"}
    exec(LEAKY, typed)
    with pytest.raises(ArgumentError, match=r"no_such_module:Leaky cannot be read.* top level of a module"):
        mutants(typed["Leaky"])
    with pytest.raises(ArgumentError, match="'sum' is an aggregator; mutants are made of neuron models"):
        mutants("sum")


@QUICK
def test_where_the_model_itself_fails_no_mutant_is_judged(model: Callable[..., Path]) -> None:
    report = mutate(
        model(LEAKY.replace("- state", "+ state"), "faulty.py"), only=[REST], tests="no-such-program"
    )
    assert not report.ok
    assert report.judged == ()
    assert str(report) == f"no mutant was judged, as the model itself fails: {REST}"


@QUICK
def test_the_command_prints_survivors_first_and_exits_with_0(model: Callable[..., Path]) -> None:
    model(LEAKY.replace(" + params.resistance * data", ""), "leaky.py")
    model(CHECK.replace("== 1.0", "== -1.0"), "check.py")
    asked = ("validate", "leaky.py", "--mutate", "--only", REST)
    done = command(*asked)
    assert done.exit_code == 0
    assert "profile smoke" in done.output
    lines = [line for line in done.output.splitlines() if line.startswith("leaky.py:")]
    assert [line.rpartition(": ")[2].partition(" (")[0] for line in lines] == [
        "survived", *["killed by the kit"] * 4
    ]  # fmt: skip
    assert done.output.splitlines()[-1].startswith("5 mutants: 1 survived, 4 killed by the kit; ")

    tests = f"{shlex.quote(sys.executable)} check.py"
    done = command(*asked, "--tests", tests, "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["ok"]
    assert told["reports"][0]["profile"] == "smoke"
    mutation = told["mutation"]
    assert set(mutation) == {"tests", "counts", "elsewhere", "seconds", "mutants"}
    assert (mutation["tests"], mutation["elsewhere"]) == (tests, [])
    assert mutation["counts"] == {
        "mutants": 5, "survived": 0, "the same": 0, "killed by the kit": 4, "killed by the tests": 1
    }  # fmt: skip
    assert set(mutation["mutants"][0]) == {
        *("number", "file", "line", "function", "operation", "before", "after"),
        *("fate", "property", "seen", "seconds"),
    }
    assert Path(mutation["mutants"][0]["file"]) == Path("leaky.py").absolute()

    model(LEAKY.replace("- state", "+ state"), "faulty.py")
    done = command("validate", "faulty.py", "--mutate", "--only", REST, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["mutation"]["mutants"] == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--all", "--mutate"), "about one neuron model"),
        (("sum", "mean", "--mutate"), "about one neuron model"),
        (("--mutate",), "about one neuron model"),
        (("sum", "--mutate"), "'sum' is an aggregator"),
        (("two.py", "--mutate"), r"these were found: neuron two.py:Leaky, neuron two.py:Other"),
        (("sum", "--tests", "pytest"), "add --mutate"),
    ],
)
def test_what_cannot_be_mutated_is_refused_by_the_command(
    asked: tuple[str, ...], said: str, model: Callable[..., Path]
) -> None:
    model(f"{LEAKY}\n\n{LEAKY.replace('class Leaky', 'class Other')}", "two.py")
    done = command("validate", *asked)
    assert done.exit_code == 2
    assert re.search(said, done.output)


@QUICK
def test_the_model_and_its_mutants_are_of_the_profile_that_was_asked_for(model: Callable[..., Path]) -> None:
    model(LEAKY, "leaky.py")
    done = command("validate", "leaky.py", "--mutate", "--only", REST, "--profile", "standard")
    assert "profile standard" in done.output
