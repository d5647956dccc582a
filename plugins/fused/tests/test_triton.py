"""The Triton form of kernels: its text, its machine code, and what it computes.

The text is looked at everywhere. Where Triton is installed it is compiled for a GPU, which need not be there,
and run: on a CUDA device, or else in Triton's interpreter, on the CPU.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import math
import os
import re
import subprocess
import sys
import time
from fractions import Fraction
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase import Parameter, SpikingNeuron, State, errors
from rheobase_fused import triton_call, triton_loading
from rheobase_fused.contract import Course, Outputs
from rheobase_fused.expression import Builder
from rheobase_fused.operations import OPERATIONS
from rheobase_fused.refusal import Refusal
from rheobase_fused.specialise import split
from rheobase_fused.tracing import Step, trace
from rheobase_fused.triton_source import triton_source_of

INSTALLED = importlib.util.find_spec("triton") is not None
INTERPRETED = INSTALLED and os.environ.get("TRITON_INTERPRET") == "1"
needs_triton = pytest.mark.skipif(
    not INSTALLED, reason="triton is not installed: its source is only generated here"
)

DTYPES = [torch.float32, torch.float64]
DT = 0.1  # ms


class Adex(SpikingNeuron):
    """C dV/dt = -g_L (V - E_L) + g_L D_T exp((V - V_T) / D_T) - w + I; tau_w dw/dt = a (V - E_L) - w."""

    c = Parameter(281.0, unit="pF", above=0, doc="membrane capacitance")
    g_l = Parameter(30.0, unit="nS", above=0, doc="leak conductance")
    e_l = Parameter(-70.6, unit="mV", doc="leak reversal potential")
    v_t = Parameter(-50.4, unit="mV", doc="threshold of the exponential")
    delta_t = Parameter(2.0, unit="mV", above=0, doc="slope of the exponential")
    a = Parameter(4.0, unit="nS", doc="subthreshold adaptation")
    b = Parameter(80.5, unit="pA", doc="spike-triggered adaptation")
    tau_w = Parameter(144.0, unit="ms", above=0, doc="adaptation time constant")
    v_peak = Parameter(20.0, unit="mV", doc="where a spike is counted")

    voltage = State("e_l", unit="mV", doc="membrane potential")
    w = State(0.0, unit="pA", doc="adaptation current")

    @staticmethod
    def derivatives(state, params, data):
        v, w = state.voltage, state.w
        upstroke = params.g_l * params.delta_t * torch.exp((v - params.v_t) / params.delta_t)
        return {
            "voltage": (-params.g_l * (v - params.e_l) + upstroke - w + data) / params.c,
            "w": (params.a * (v - params.e_l) - w) / params.tau_w,
        }

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.v_peak

    @staticmethod
    def reset(state, params):
        return {"voltage": params.e_l, "w": state.w + params.b}


class Squid(SpikingNeuron):
    """C dV/dt = I - g_Na m^3 h (V - 50) - g_K n^4 (V + 77) - 0.3 (V + 54.4); dx/dt = a_x (1 - x) - b_x x."""

    g_na = Parameter(120.0, unit="nS", at_least=0, doc="sodium conductance")
    g_k = Parameter(36.0, unit="nS", at_least=0, doc="potassium conductance")
    c = Parameter(1.0, unit="pF", above=0, doc="membrane capacitance")

    voltage = State(-65.0, unit="mV", doc="membrane potential")
    m = State(0.0529, unit="1", doc="sodium activation")
    h = State(0.5961, unit="1", doc="sodium inactivation")
    n = State(0.3177, unit="1", doc="potassium activation")

    @staticmethod
    def derivatives(state, params, data):
        v, m, h, n = state.voltage, state.m, state.h, state.n
        a_m, b_m = linoid((v + 40.0) / 10.0), 4.0 * torch.exp(-(v + 65.0) / 18.0)
        a_h, b_h = 0.07 * torch.exp(-(v + 65.0) / 20.0), torch.sigmoid((v + 35.0) / 10.0)
        a_n, b_n = 0.1 * linoid((v + 55.0) / 10.0), 0.125 * torch.exp(-(v + 65.0) / 80.0)
        current = params.g_na * m**3 * h * (v - 50.0) + params.g_k * n**4 * (v + 77.0) + 0.3 * (v + 54.4)
        return {
            "voltage": (data - current) / params.c,
            "m": a_m * (1.0 - m) - b_m * m,
            "h": a_h * (1.0 - h) - b_h * h,
            "n": a_n * (1.0 - n) - b_n * n,
        }

    @staticmethod
    def threshold(state, params):
        return state.voltage


def linoid(x):
    return torch.where(x.abs() < 1e-4, 1.0 + 0.5 * x, x / (1.0 - torch.exp(-x)))


MODELS = {"lif": "lif", "izhikevich": "izhikevich", "adex": Adex, "squid": Squid}
STEPS = {"lif": DT, "izhikevich": DT, "adex": DT, "squid": 0.05}  # ms; the squid's axon needs shorter ones
RANGES = {"lif": (80.0, 900.0), "izhikevich": (5.0, 60.0), "adex": (1500.0, 9000.0), "squid": (0.0, 60.0)}
"""Inputs at which some units spike within 40 steps and others do not."""


def currents(*shape):
    """Currents (pA) under each of which a lif spikes in 25 steps."""
    return 500.0 + 700.0 * torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(6))


def source(neuron, constant=frozenset()):
    step = trace(neuron)
    return triton_source_of(step, split(step), single=neuron.dtype == torch.float32, constant=constant)


# --- the text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", MODELS)
def test_the_source_is_a_python_module_with_one_function(name, dtype):
    text = source(rb.create(MODELS[name], 2, dtype=dtype, dt=DT))
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions] == ["kernel"]
    # A number of the other type anywhere would make the rest of its formula one.
    other = "tl.float64" if dtype == torch.float32 else "tl.float32"
    assert other not in text


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_source_has_each_operation_of_the_table(dtype):
    step, nodes = everything(dtype)
    text = triton_source_of(step, split(step), single=dtype == torch.float32, constant=frozenset())
    ast.parse(text)
    assert set(nodes) == set(OPERATIONS) - OF_LAYERS
    for name, node in nodes.items():
        form = OPERATIONS[name].triton.format(*(f"v{part.number}" for part in node.parts))
        assert f"v{node.number} = {form}\n" in text, name


def test_an_operation_without_a_form_in_triton_is_refused_by_its_name(monkeypatch):
    neuron = rb.create(Adex, 2)
    monkeypatch.setitem(OPERATIONS, "exp", dataclasses.replace(OPERATIONS["exp"], triton=""))
    with pytest.raises(Refusal, match="operation exp has no form in Triton"):
        source(neuron)


def test_constants_are_written_to_the_bit():
    builder = Builder()
    values = [-0.0, 0.0, 0.1, 1e300, 5e-324, math.inf, -math.inf, math.nan]
    states = {f"c{k}": builder.constant(value, "f") for k, value in enumerate(values)}
    step = Step(builder, states, None, (), frozenset(), ())
    text = triton_source_of(step, split(step), single=False, constant=frozenset())
    # As in releases of Triton in which what equals zero is zero.
    fake = SimpleNamespace(full=lambda shape, value, dtype: np.float64(value or 0.0), float64="f", int64="i")
    scope = {"tl": fake, "BLOCK": 1}
    for line in re.findall(r"^ +(v\d+ = tl\.full.*)$", text, flags=re.MULTILINE):
        exec(line, scope)
    for value, node in zip(values, states.values(), strict=True):
        assert np.float64(scope[f"v{node.number}"]).tobytes() == np.float64(value).tobytes(), value


def test_numbers_held_in_float32_are_selected_as_those_of_float64():
    builder = Builder()
    x, one, other = builder.read("s_x", "f"), builder.constant(0.5, "h"), builder.constant(0.25, "h")
    chosen = builder.make("cast", "f", builder.make("where", "h", builder.make("lt", "b", x, x), one, other))
    step = Step(builder, {"x": chosen}, None, (), frozenset(), ())
    assert "float32" not in triton_source_of(step, split(step), single=False, constant=frozenset())


def test_what_does_not_change_in_a_run_is_worked_out_before_the_loop():
    neuron = rb.create("lif", 2)
    before = source(neuron, constant=frozenset({"input"})).partition("for _ in range")[0]
    assert "tl.load(x0" in before
    assert before.count("libdevice.div_rn") > source(neuron).partition("for _ in range")[0].count(
        "libdevice.div_rn"
    )


# --- loading -----------------------------------------------------------------------------------------


def test_without_triton_the_refusal_says_where_it_comes_from(monkeypatch):
    monkeypatch.setattr(triton_loading.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Refusal, match="Triton is not installed"):
        triton_call.triton_kernel_of(rb.create("lif", 2), frozenset())


@needs_triton
def test_a_triton_that_loses_small_numbers_is_refused(monkeypatch):
    import triton.backends.nvidia.compiler as compiler

    known = {k: v for k, v in compiler.CUDAOptions.__dataclass_fields__.items() if k != "enable_reflect_ftz"}
    monkeypatch.setattr(compiler.CUDAOptions, "__dataclass_fields__", known)
    with pytest.raises(Refusal, match=r"near zero for zero.*3\.6"):
        triton_call.triton_kernel_of(rb.create("lif", 2), frozenset())


@needs_triton
@pytest.mark.skipif(INTERPRETED, reason="the interpreter takes neurons on the CPU")
def test_a_neuron_on_the_cpu_is_refused():
    with pytest.raises(Refusal, match="the neuron is on cpu"):
        triton_call.triton_kernel_of(rb.create("lif", 2), frozenset())


@needs_triton
def test_spikes_within_their_steps_are_refused():
    with pytest.raises(Refusal, match="event='located'"):
        triton_call.triton_kernel_of(rb.create("lif", 2, event="located"), frozenset())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RHEOBASE_CACHE_DIR", str(tmp_path))
    return tmp_path / "kernels"


@needs_triton
def test_a_module_on_disk_that_says_something_else_is_replaced(folder):
    text = source(rb.create("lif", 2))
    triton_loading.load_kernel(text)
    (path,) = folder.iterdir()  # and no bytecode beside it, which would be run unseen
    path.write_text("raise SystemExit('somebody was here')")
    triton_loading.load_kernel(text)
    assert path.read_text() == text


def test_where_a_module_is_written_those_that_nobody_used_for_long_go(tmp_path):
    for name, days in (("used.py", 1), ("unused.py", 91), ("unused.so", 91), ("tmpleft.py", 2)):
        (tmp_path / name).touch()
        then = time.time() - days * 86_400
        os.utime(tmp_path / name, (then, then))
    triton_loading._written(tmp_path / "new.py", "kernel = None")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.py", "used.py"]


@needs_triton
@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs the rights of POSIX files")
def test_a_module_that_others_may_write_is_refused(folder):
    text = source(rb.create("lif", 2))
    triton_loading.load_kernel(text)
    (path,) = folder.iterdir()
    path.chmod(0o666)
    with pytest.raises(Refusal, match="can be written by others"):
        triton_loading.load_kernel(text)


# --- machine code for a GPU that need not be there ---------------------------------------------------


def machine_code(step, dtype, tmp_path, monkeypatch):
    """The PTX of a step for compute capability 8.0."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "triton"))
    single = dtype == torch.float32
    kernel = triton_loading.load_kernel(
        triton_source_of(step, split(step), single=single, constant=frozenset())
    )
    real = "*fp32" if single else "*fp64"
    known = {"raster": "*u8", "spiked": "*u8", "events": "*i64", "words": "*i64", "BLOCK": "constexpr"}
    kinds = {"f": real, "b": "*u8", "i": "*i32"}
    letters = {"p": real, "x": real, "t": real}
    for k, node in enumerate(step.states.values()):
        known |= {f"s{k}": kinds[node.type], f"n{k}": kinds[node.type]}
    signature = {
        name: known.get(name) or letters.get(name.rstrip("0123456789"), "i32") for name in kernel.arg_names
    }
    made = ASTSource(kernel, signature, {"BLOCK": triton_call.BLOCK})
    return triton.compile(made, target=GPUTarget("cuda", 80, 32), options=triton_call.OPTIONS).asm["ptx"]


@needs_triton
@pytest.mark.skipif(INTERPRETED, reason="the interpreter compiles nothing")
@pytest.mark.filterwarnings("default")
class TestMachineCode:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_each_operation_of_the_table_compiles(self, dtype, folder, tmp_path, monkeypatch):
        step, _ = everything(dtype)
        assert ".entry kernel" in machine_code(step, dtype, tmp_path, monkeypatch)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_division_and_root_are_rounded_and_keep_small_numbers(self, dtype, folder, tmp_path, monkeypatch):
        step, _ = everything(dtype, set(OPERATIONS) - FUNCTIONS)
        ptx = machine_code(step, dtype, tmp_path, monkeypatch)
        for name in ("div.rn", "sqrt.rn"):
            assert f"{name}.f{torch.finfo(dtype).bits}" in ptx
        for name in ("approx", ".ftz", "div.full"):
            assert name not in ptx

    def test_functions_keep_small_numbers(self, folder, tmp_path, monkeypatch):
        step, _ = everything(torch.float32, {"exp", "log", "tanh", "isfinite"})
        # What is near zero is kept or lost in the multiplications of their series.
        assert "fma.rn.ftz" not in machine_code(step, torch.float32, tmp_path, monkeypatch)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_a_product_and_a_sum_are_rounded_both(self, dtype, folder, tmp_path, monkeypatch):
        step = trace(rb.create("izhikevich", 2, dtype=dtype, dt=DT))
        fused = [node for node in nodes_of(step) if node.operation == "fma"]
        ptx = machine_code(step, dtype, tmp_path, monkeypatch)
        # Each thread works on two units.
        assert len(re.findall(r"\bfma\.rn\.f", ptx)) == 2 * len(fused)
        assert "mad" not in re.findall(r"\b(\w+)\.rn\.f", ptx)

    def test_nothing_in_a_step_waits_for_another_warp(self, folder, tmp_path, monkeypatch):
        ptx = machine_code(trace(rb.create("lif", 2, dt=DT)), torch.float32, tmp_path, monkeypatch)
        assert "bar.sync" not in ptx


def nodes_of(step):
    from rheobase_fused.expression import ordered

    roots = [*step.states.values(), *([] if step.spiked is None else [step.spiked])]
    return ordered([*roots, *split(step).finite.values()])


# --- what it computes --------------------------------------------------------------------------------


@needs_triton
@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="this is the interpreter")
@pytest.mark.skipif(torch.cuda.is_available(), reason="the tests run on the CUDA device")
def test_the_interpreter_agrees_with_eager():
    """All of the class below, in a process whose Triton interprets: it is decided when Triton is imported."""
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-rs", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"{__file__}::{TestOnDevice.__name__}"],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    assert re.search(r"^\d+ passed in", done.stdout, flags=re.MULTILINE), done.stdout[-2000:]


@pytest.fixture
def device():
    if INTERPRETED:
        return "cpu"
    if not INSTALLED:
        pytest.skip("triton is not installed: its source is only generated here")
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device: these run in Triton's interpreter, in a process of their own")
    return "cuda"


def run(neuron, given, steps, *, every=1, raster=False, constant=False, parts=None):
    """Steps of a kernel from the neuron's present state, which stays as it is."""
    constants = frozenset({"input"}) if constant else frozenset()
    kernel = triton_call.triton_kernel_of(neuron, constants)
    shape = torch.broadcast_shapes((*neuron.batch, neuron.num_units), given.shape[1:])
    states = {name: neuron.state[name].expand(shape).clone() for name in kernel.states}
    params = {
        name: value for name, value in neuron.params._asdict().items() if isinstance(value, torch.Tensor)
    }
    real = [name for name, value in states.items() if value.is_floating_point()]
    kept = steps // every
    new = {"dtype": torch.uint8, "device": neuron.device}
    traces = {name: torch.empty(kept, *shape, dtype=neuron.dtype, device=neuron.device) for name in real}
    marked = torch.zeros(kept, *shape, **new) if raster else None
    last, events, failed, done = torch.zeros(shape, **new), [], -1, 0
    for count in parts or [steps]:
        rows = given if constant else given[done : done + count]
        here = slice(done // every, (done + count) // every)
        outputs = Outputs(
            every,
            {name: values[here] for name, values in traces.items()},
            None if marked is None else marked[here],
            last if done + count == steps else None,
        )
        happened = kernel(states, params, {"input": Course(rows.contiguous(), constant)}, count, outputs)
        states = happened.states
        events += list(zip((happened.steps + done).tolist(), happened.lanes.tolist(), strict=True))
        failed = happened.failed + done if happened.failed >= 0 and failed < 0 else failed
        done += count
    return SimpleNamespace(
        states=states, traces=traces, raster=marked, last=last, events=events, failed=failed
    )


def eager(neuron, given, steps, **options):
    """The same in eager, with the spikes as the kernel gives them."""
    names = [name for name in neuron.schema.states if name in neuron.loggable_props]
    recording = rb.simulate(
        neuron,
        given,
        steps * neuron.dt,
        backend="eager",
        record=("spikes", "spiked", *names),
        progress=False,
        **options,
    )
    spikes, units = recording.spikes, neuron.num_units
    at = (spikes.times / neuron.dt).round().long() - 1
    lanes = spikes.units if spikes.batch is None else spikes.batch * units + spikes.units
    return SimpleNamespace(
        traces=recording.traces, events=sorted(zip(at.tolist(), lanes.tolist(), strict=True)), neuron=neuron
    )


def compare(ours, theirs, dtype):
    if dtype == torch.float64:
        assert ours.events == theirs.events
        for state, values in ours.traces.items():
            # The promise for float64, relative to the largest number of a trace.
            scale = theirs.traces[state].abs().max().item()
            torch.testing.assert_close(values, theirs.traces[state], rtol=0, atol=1e-12 * scale)
    else:
        counts = [np.bincount([lane for _, lane in each.events], minlength=1) for each in (ours, theirs)]
        np.testing.assert_array_equal(*counts)


class TestOnDevice:
    """On the CUDA device; without one, in the interpreter, by the test above."""

    UNITS: ClassVar[int] = 40

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("name", MODELS)
    def test_a_run_agrees_with_eager(self, name, dtype, device):
        new = {"dtype": dtype, "device": device}
        neuron = rb.create(MODELS[name], self.UNITS, dt=STEPS[name], **new)
        given = torch.linspace(*RANGES[name], self.UNITS, **new)
        ours = run(neuron, given[None], 40, constant=True)
        theirs = eager(neuron, given, 40)
        units = {unit for _, unit in theirs.events}
        assert 0 < len(units) < self.UNITS  # else nothing is compared
        assert ours.failed == -1
        compare(ours, theirs, dtype)
        for state, value in ours.states.items():
            if not value.is_floating_point():
                assert torch.equal(value, neuron.state[state]), state

    @pytest.mark.parametrize("shape", [(1,), (UNITS,)], ids=["shared", "each unit's own"])
    @pytest.mark.parametrize("constant", [True, False], ids=["constant", "in each step"])
    def test_an_input_is_read_by_its_strides(self, constant, shape, device):
        neuron = rb.create("lif", self.UNITS, dt=DT, dtype=torch.float64, device=device)
        steps = 1 if constant else 30
        given = currents(steps, *shape).to(device)
        ours = run(neuron, given, 30, constant=constant)
        compare(ours, eager(neuron, given.expand(30, *shape), 30), torch.float64)
        assert ours.events

    def test_parameters_may_differ_from_unit_to_unit(self, device):
        tau = torch.linspace(2.0, 20.0, self.UNITS, dtype=torch.float64)
        neuron = rb.create("lif", self.UNITS, tau_mem=tau, dt=DT, dtype=torch.float64, device=device)
        given = torch.full((1, 1), 700.0, dtype=torch.float64, device=device)
        ours = run(neuron, given, 40, constant=True)
        compare(ours, eager(neuron, given.expand(40, 1), 40), torch.float64)
        assert len({unit for _, unit in ours.events}) > 1

    def test_a_batch_has_rows_of_units_that_share_parameters(self, device, monkeypatch):
        # Blocks that begin and end within a row, and one that is not full.
        monkeypatch.setattr(triton_call, "BLOCK", 32)
        tau = torch.linspace(2.0, 20.0, 13, dtype=torch.float64)
        neuron = rb.create("lif", 13, tau_mem=tau, dt=DT, dtype=torch.float64, device=device)
        given = currents(25, 3, 13).to(device)
        ours = run(neuron, given, 25)
        compare(ours, eager(neuron, given, 25), torch.float64)
        assert len(ours.events) > 13

    @pytest.mark.parametrize("every", [4, 40])
    def test_traces_and_the_raster_keep_one_step_of_so_many(self, every, device):
        neuron = rb.create("izhikevich", self.UNITS, dt=DT, dtype=torch.float64, device=device)
        given = torch.linspace(100.0, 2000.0, self.UNITS, dtype=torch.float64, device=device)
        ours = run(neuron, given[None], 40, every=every, raster=True, constant=True)
        theirs = eager(neuron, given, 40, every=every)
        compare(ours, theirs, torch.float64)
        assert torch.equal(ours.raster.to(torch.int8), theirs.traces["spiked"].to(torch.int8))
        assert ours.raster.any()
        assert torch.equal(ours.last.bool(), neuron.spiked.bool())

    def test_two_calls_go_on_from_one_another(self, device):
        neuron = rb.create("lif", self.UNITS, dt=DT, dtype=torch.float64, device=device)
        given = currents(30, self.UNITS).to(device)
        ours = run(neuron, given, 30, parts=[12, 18], raster=True)
        theirs = eager(neuron, given, 30)
        compare(ours, theirs, torch.float64)
        assert torch.equal(ours.raster.to(torch.int8), theirs.traces["spiked"].to(torch.int8))
        assert ours.events

    def test_the_spikes_of_the_last_step_are_marked(self, device):
        neuron = rb.create("lif", self.UNITS, dt=DT, dtype=torch.float64, device=device, tau_ref=0.0)
        given = torch.linspace(0.0, 9000.0, self.UNITS, dtype=torch.float64, device=device)
        ours = run(neuron, given[None], 5, constant=True)
        eager(neuron, given, 5)
        assert 0 < int(ours.last.sum()) < self.UNITS
        assert torch.equal(ours.last.bool(), neuron.spiked.bool())

    def test_more_spikes_than_there_is_room_for_are_all_there(self, device):
        # 6 nA lift the membrane over its threshold in each step.
        neuron = rb.create("lif", self.UNITS, dt=DT, dtype=torch.float64, device=device, tau_ref=0.0)
        given = torch.full((1, 1), 6000.0, dtype=torch.float64, device=device)
        kernel = triton_call.triton_kernel_of(neuron, frozenset({"input"}))
        kernel._rate = 1 / 50
        assert kernel._room(50 * self.UNITS) < 50 * self.UNITS
        ours = run(neuron, given, 50, constant=True)
        assert ours.events == [(step, unit) for step in range(50) for unit in range(self.UNITS)]
        assert kernel._room(50 * self.UNITS) == 50 * self.UNITS  # the next run has room at once

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_the_first_step_that_is_not_finite_is_named(self, bad, device):
        neuron = rb.create("lif", self.UNITS, dt=DT, dtype=torch.float64, device=device)
        given = torch.full((20, self.UNITS), 300.0, dtype=torch.float64, device=device)
        given[11, 7] = given[9, 33] = bad
        assert run(neuron, given, 20).failed == 9

    def test_a_state_fails_in_the_step_in_which_it_does_in_eager(self, device):
        neuron = rb.create("leaky-integrator", 3, tau_mem=1e-3, dt=DT, dtype=torch.float64, device=device)
        given = torch.tensor([[0.0, 1.0, 2.0]], dtype=torch.float64, device=device)
        before = {name: value.clone() for name, value in neuron.state_dict().items()}
        # An explicit method at 100 times its stable step: the voltage grows some 4e6 times in a step.
        ours = run(neuron, given, 60, constant=True)
        assert 5 < ours.failed < 59
        rb.simulate(neuron, given[0], ours.failed * DT, backend="eager", progress=False, record=())
        assert neuron.simulation_step == ours.failed
        with pytest.raises(errors.NonFiniteStateError):
            rb.simulate(neuron, given[0], DT, backend="eager", progress=False, record=())
        neuron.load_state_dict(before)

    def test_a_unit_that_overflows_on_its_way_to_a_spike_does_as_in_eager(self, device):
        # From 0 mV the exponential is 1e10 nA, and in the next stage beyond all numbers: yet it spikes.
        neuron = rb.create(Adex, 4, dt=DT, dtype=torch.float32, device=device)
        neuron.load_state_dict({"voltage": torch.tensor([-70.0, 0.0, 15.0, -40.0])}, strict=False)
        given = torch.full((1, 1), 500.0, device=device)
        ours = run(neuron, given, 6, constant=True)
        theirs = eager(neuron, given.expand(6, 1), 6)
        assert (0, 1) in theirs.events
        assert ours.events == theirs.events
        assert ours.failed == -1
        for state, values in ours.traces.items():
            # The rounding of float32, as the exponential amplifies it over six steps.
            torch.testing.assert_close(values, theirs.traces[state], rtol=1e-4, atol=1e-3)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_each_operation_is_that_of_torch(self, dtype, device):
        step, _ = everything(dtype)
        x, y, k = (value.to(device) for value in samples(dtype))
        kernel = triton_call.TritonKernel(
            triton_source_of(step, split(step), single=dtype == torch.float32, constant=frozenset()),
            step,
            1.0,
        )
        states = {}
        for name, node in step.states.items():
            kind = {"f": dtype, "b": torch.bool, "i": torch.int32}[node.type]
            states[name] = torch.zeros(len(x), dtype=kind, device=device)
        states |= {"x": x.clone(), "y": y.clone(), "k": k.clone()}
        states = kernel(states, {}, {}, 1, Outputs(1, {}, None, None)).states
        for name, expected in TRUTH.items():
            # Functions of another library may differ by a few units in the last place; the rest is exact.
            exact = name not in FUNCTIONS or device == "cpu"
            near = {"rtol": 0, "atol": 0} if exact else {"rtol": 8 * torch.finfo(dtype).eps, "atol": 0}
            found = states[name]
            torch.testing.assert_close(
                found,
                expected(x, y, k).to(found),
                **near,
                equal_nan=True,
                msg=lambda m, name=name: f"{name}: {m}",
            )


# --- each operation of the table ---------------------------------------------------------------------


def samples(dtype):
    """Numbers of all sizes, near zero and beyond what a function takes; and integers."""
    few = [0.0, 0.3, -0.3, 0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 3.7, -7.2, 20.0, 95.0, 800.0, -800.0, 1e-3, -1e-9]
    few += [torch.finfo(dtype).tiny / 8, math.inf, -math.inf, math.nan]
    x = torch.tensor(few, dtype=dtype).repeat_interleave(len(few))
    y = torch.tensor(few, dtype=dtype).repeat(len(few))
    return x, y, torch.arange(len(x), dtype=torch.int32) - 200


OF_LAYERS = {name for name, operation in OPERATIONS.items() if not operation.triton}


def everything(dtype, names=frozenset(OPERATIONS)):
    """A step whose states are each what one operation gives; those that it reads stay as they are."""
    builder = Builder()
    x, y, k = builder.read("s_x", "f"), builder.read("s_y", "f"), builder.read("s_k", "i")
    below, odd = builder.make("lt", "b", x, y), builder.make("ne", "b", x, x)
    two = builder.constant(0.75, "f")
    parts = {
        **dict.fromkeys(OPERATIONS, (x, y)),
        **dict.fromkeys(("and", "or", "xor"), (below, odd)),
        **{
            "fma": (x, y, two),
            "times_add": (x, y, two),
            "not": (below,),
            "where": (below, x, y),
            "absi": (k,),
            "lt": (x, y),
        },
        **dict.fromkeys(("neg", "abs", "sqrt", "floor", "ceil", "trunc", "round", "isfinite"), (x,)),
        **dict.fromkeys(FUNCTIONS - {"pow", "atan2", "fmod"}, (x,)),
    }
    conditions = ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "xor", "not", "isfinite")
    nodes = {
        name: builder.make(name, "b" if name in conditions else "i" if name == "absi" else "f", *parts[name])
        for name in OPERATIONS
        if name in names - OF_LAYERS
    }
    states = {**nodes, "x": x, "y": y, "k": k}
    # And what is no operation: types that change.
    states |= {
        "real": builder.make("cast", "f", k),
        "whole": builder.make("cast", "i", builder.make("where", "f", nodes["isfinite"], x, two)),
        "set": builder.make("cast", "b", k),
        "count": builder.make("cast", "i", below),
    }
    return Step(builder, states, None, (), frozenset(), ()), nodes


FUNCTIONS = {
    *("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "erf", "erfc", "pow", "atan2", "fmod"),
}


def one_rounding(x, y, k):
    """x y + 0.75, rounded once. (In float32 over float64: no sum here lies so that it would matter.)"""

    def single(a, b):
        finite = math.isfinite(a) and math.isfinite(b)
        return float(Fraction(a) * Fraction(b) + Fraction(3, 4)) if finite else a * b + 0.75

    return torch.tensor([single(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)], dtype=x.dtype)


TRUTH = {
    "add": lambda x, y, k: x + y,
    "sub": lambda x, y, k: x - y,
    "mul": lambda x, y, k: x * y,
    "div": lambda x, y, k: x / y,
    "fma": one_rounding,
    "neg": lambda x, y, k: -x,
    "abs": lambda x, y, k: x.abs(),
    "absi": lambda x, y, k: k.abs(),
    "sqrt": lambda x, y, k: x.sqrt(),
    "floor": lambda x, y, k: x.floor(),
    "ceil": lambda x, y, k: x.ceil(),
    "trunc": lambda x, y, k: x.trunc(),
    "round": lambda x, y, k: x.round(),
    "minimum": lambda x, y, k: torch.minimum(x, y),
    "maximum": lambda x, y, k: torch.maximum(x, y),
    **{
        name: lambda x, y, k, name=name: getattr(torch, name)(x)
        for name in FUNCTIONS - {"pow", "atan2", "fmod"}
    },
    "pow": lambda x, y, k: x**y,
    "atan2": lambda x, y, k: torch.atan2(x, y),
    "fmod": lambda x, y, k: torch.fmod(x, y),
    "lt": lambda x, y, k: x < y,
    "le": lambda x, y, k: x <= y,
    "gt": lambda x, y, k: x > y,
    "ge": lambda x, y, k: x >= y,
    "eq": lambda x, y, k: x == y,
    "ne": lambda x, y, k: x != y,
    "and": lambda x, y, k: (x < y) & (x != x),
    "or": lambda x, y, k: (x < y) | (x != x),
    "xor": lambda x, y, k: (x < y) ^ (x != x),
    "not": lambda x, y, k: ~(x < y),
    "where": lambda x, y, k: torch.where(x < y, x, y),
    "isfinite": lambda x, y, k: x.isfinite(),
    "real": lambda x, y, k: k,
    "whole": lambda x, y, k: torch.where(x.isfinite(), x, 0.75).int(),
    "set": lambda x, y, k: k != 0,
    "count": lambda x, y, k: x < y,
}
