"""A layer in a kernel has the output, the state and the gradients of the same layer stepped in PyTorch."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, BackendError, InputError, NonFiniteStateError
from rheobase_fused.operations import OPERATIONS
from rheobase_fused.training import kernel
from rheobase_fused.training.partials import PARTIALS
from torch import Tensor, nn

STEPS, ROWS, UNITS = 50, 3, 21
"""More steps than a segment has, and no whole number of vectors."""


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def layers(model: Any, **given: Any) -> tuple[rb.Layer, rb.Layer]:
    how: dict[str, Any] = {"dt": 1.0, "dtype": torch.float64, **given}
    how.setdefault("seed", 1)
    eager, fused = (rb.layer(model, UNITS, backend=backend, **how) for backend in ("eager", "fused"))
    return eager, fused


def differentiated(layer: rb.Layer, x: Any, **given: Any) -> dict[str, Tensor]:
    """The output, the state at the end, and the gradients of a weighted sum of them."""
    parts = x if isinstance(x, dict) else {"x": x}
    leaves = {name: value.detach().clone().requires_grad_() for name, value in parts.items()}
    layer.zero_grad()
    out, state = layer(leaves if isinstance(x, dict) else leaves["x"], return_state=True, **given)
    total = (out * (numbers(*out.shape, seed=9, dtype=out.dtype) - 0.3)).sum()
    for name, value in state.items():
        if value.requires_grad and name != "spikes":
            total = total + (value * numbers(*value.shape, seed=8, dtype=out.dtype)).sum()
    total.backward()
    found = {
        "output": out.detach(),
        **{f"state {name}": value.detach().double() for name, value in state.items()},
    }
    for name, value in leaves.items():
        assert value.grad is not None
        found[f"gradient {name}"] = value.grad
    for name, parameter in layer.named_parameters():
        if parameter.grad is not None:
            found[f"gradient {name}"] = parameter.grad.clone()
    return found


def agree(eager: dict[str, Tensor], fused: dict[str, Tensor]) -> None:
    assert eager.keys() == fused.keys()
    assert eager["output"].abs().sum() > 0
    for name, expected in eager.items():
        size = float(expected.abs().max()) if expected.numel() else 0.0
        # Rounding grows as the gradient does: by the largest product of state Jacobians.
        room = 1e-12 * max(1.0, size) * max(1.0, size if name.startswith("gradient") else 1.0)
        far = float((fused[name].double() - expected.double()).abs().max())
        assert far <= room, f"{name}: {far:.3g} of {size:.3g}"


IZHIKEVICH: dict[str, Any] = {"dt": 0.5, "learn": "a", "input": "native"}
ADEX: dict[str, Any] = {"dt": 0.1, "learn": ("delta_t", "tau_w"), "reset": "attached", "input": "native"}
# The largest input and the rest. Where it is in the model's own unit, no rheobase is looked for.
CASES: dict[str, tuple[Any, float, dict[str, Any]]] = {
    "lif": ("lif", 1.5, {"tau_ref": 0.0}),
    "lif-refractory": ("lif", 830.0, {"tau_ref": 2.0, "reset": "attached", "input": "native"}),
    "lif-learning": (
        *("lif", 1.5),
        {"tau_ref": 0.0, "tau_mem": rb.Uniform(5.0, 30.0), "learn": ("tau_mem", "volt_thresh", "volt_rest")},
    ),
    "lif-euler": (
        *("lif", 750.0),
        {"integrator": "rk1", "surrogate": "triangle", "memory": "store", "input": "native"},
    ),
    "izhikevich": ("izhikevich", 180.0, IZHIKEVICH),
    "adex": ("adex", 1.7e5, ADEX),
    "squid": ("squid", 4900.0, {"dt": 0.02, "learn": "capacitance", "input": "native"}),
    "izhikevich-crossing": (
        *("izhikevich", 180.0),
        {
            **{"dt": 0.5, "event": "crossing", "learn": ("a", "d"), "voltage": rb.Uniform(-70.0, -60.0)},
            **{"a": rb.Uniform(0.02, 0.1), "b": rb.Uniform(0.2, 0.25), "d": rb.Uniform(2.0, 8.0)},
            "input": "native",
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_kernel_has_the_output_the_state_and_the_gradients_of_eager(case: str, squid: Any) -> None:
    model, largest, given = CASES[case]
    eager, fused = layers(squid if model == "squid" else model, **given)
    x = largest * numbers(STEPS, ROWS, UNITS)
    agree(differentiated(eager, x), differentiated(fused, x))


@pytest.mark.parametrize("model", ["squid", "lif"])
def test_what_is_kept_of_the_steps_of_a_segment_changes_no_bit(
    model: str, squid: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []

    def noted(*given: Any, **how: Any) -> str:
        texts.append(layer_source(*given, **how))
        return texts[-1]

    layer_source = kernel.layer_source
    monkeypatch.setattr(kernel, "layer_source", noted)
    found = []
    for memory in ("recompute", "store"):
        _, fused = layers(squid if model == "squid" else model, dt=0.02, memory=memory)
        found.append(differentiated(fused, 1.5 * numbers(STEPS, ROWS, UNITS)))
    # Where each step is kept as it was none is taken again; and a step of LIF has nothing dear.
    assert ["#define TAPED 0" not in text for text in texts] == [model == "squid", False]
    assert found[0]["gradient x"].abs().max() > 0
    for name, value in found[0].items():
        assert torch.equal(value, found[1][name]), name


# Stepped at 0.02 ms they are followed on their way to a spike, and do not explode.
FEW_STEPS = ("rulkov",)
"""A map that is chaotic: rounding is all that is left of a state after a few more."""
SMALL_STEPS = ("hodgkin-huxley", "morris-lecar", "traub-miles", "wang-buzsaki")


@pytest.mark.by_hand
@pytest.mark.parametrize("name", [component.spec.name for component in rb.list_components("neuron")])
@pytest.mark.parametrize("reset", ["detached", "attached"])
def test_every_installed_model_has_the_gradients_of_eager(name: str, reset: str) -> None:
    for output in ("spikes", "voltage"):
        try:
            eager, fused = layers(
                name, dt=0.02 if name in SMALL_STEPS else 0.1, reset=reset, output=output, memory="store"
            )
        except (ArgumentError, BackendError) as error:
            if "this layer" in str(error):
                raise
            continue
        x = (0.1 if name == "morris-lecar" else 1.5) * numbers(8 if name in FEW_STEPS else 30, ROWS, UNITS)
        agree(differentiated(eager, x), differentiated(fused, x))


# Each with numbers within its domain, and a kink where there is one.
FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "powers": lambda v: v**2 + 0.1 * v**3 + (v.abs() + 0.1) ** 1.3 + 1.0 / (2.0 + v),
    "exponentials": lambda v: torch.exp(v) + torch.expm1(v) + torch.log(3.0 + v) + torch.log1p(v.abs()),
    "bends": lambda v: v.clamp(-0.2, 0.3) + torch.relu(v) + v.abs() + torch.minimum(v, v * v),
    "more_bends": lambda v: torch.maximum(v, 0.5 * v) + torch.nn.functional.softplus(v) + torch.sign(v),
    "sigmoids": lambda v: torch.tanh(v) + torch.sigmoid(2.0 * v) + torch.erf(v) + torch.erfc(0.5 * v),
    "rates": lambda v: (1.0 - v) / rb.exprel(3.0 * v) + 1.0 / rb.exprel(-30.0 * v) + rb.exprel(v),
    "circles": lambda v: torch.sin(v) + torch.cos(v) + torch.tan(v) + torch.atan(v) + torch.atan2(v, v + 3.0),
    "others": lambda v: torch.asin(0.3 * v) + torch.acos(0.3 * v) + torch.sinh(v) + torch.cosh(v),
    "rests": lambda v: torch.fmod(v, 0.7) + torch.sqrt(3.0 + v) + torch.floor(v) + torch.pow(1.5, v),
}


def slopes(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
    """Each state follows its function and an input of its own."""
    return {
        name: 0.1 * function(getattr(state, name).clamp(-1.5, 1.5))
        - getattr(state, name)
        + getattr(data, f"to_{name}")
        for name, function in FUNCTIONS.items()
    }


Functions = type(
    "Functions",
    (rb.SpikingNeuron,),
    {
        "__doc__": "dy/dt = f(y) / 10 - y + I, for each function f; a spike where the first y is 1.",
        **{name: rb.State(0.1, unit="mV") for name in FUNCTIONS},
        **{f"to_{name}": rb.Input(unit="mV/ms") for name in FUNCTIONS},
        "derivatives": staticmethod(slopes),
        "threshold": staticmethod(lambda state, params: state.powers - 1.0),
        "reset": staticmethod(lambda state, params: dict.fromkeys(FUNCTIONS, -0.5)),
    },
)


def test_functions_have_in_a_kernel_the_derivative_that_autograd_has_of_them() -> None:
    eager, fused = layers(Functions, dt=0.5, input="native", integrator="rk1", event="step")
    x = {f"to_{name}": 4.0 * numbers(STEPS, ROWS, UNITS, seed=at) - 1.0 for at, name in enumerate(FUNCTIONS)}
    # One name for each function: its state, and the gradient by its input.
    agree(differentiated(eager, x), differentiated(fused, x))


NAMED = ("sigmoid", "fast-sigmoid", "super-spike", "gaussian", "rectangle")
SURROGATES: dict[str, Any] = {
    "a name": "gaussian",
    "those of names": lambda u: sum(rb.surrogate(name)(u) for name in NAMED),
    "narrow": rb.surrogate("triangle", width=0.4, height=0.7),
    "functions": lambda u: (
        torch.tanh(2.0 * u)
        + torch.nn.functional.softplus(u, beta=3.0)
        + torch.nn.functional.hardtanh(u, -0.5, 0.5)
    ),
    # Whose derivative is its own, and not that of its value.
    "own": lambda u: Straight.apply(u),
}


class Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        return (u >= 0).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, c: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        return c / (1.0 + u.abs()) ** 2


@pytest.mark.parametrize("name", SURROGATES)
def test_any_surrogate_has_in_a_kernel_the_derivative_that_autograd_has_of_it(name: str) -> None:
    # A sum has the sum of the derivatives.
    eager, fused = layers("lif", tau_ref=0.0, surrogate=SURROGATES[name])
    x = 1.2 * numbers(STEPS, ROWS, UNITS)
    agree(differentiated(eager, x), differentiated(fused, x))


def test_a_voltage_that_is_the_output_has_the_gradient_of_what_it_began_with() -> None:
    eager, fused = layers("lif", output="voltage", tau_ref=0.0, learn=("tau_mem", "volt_rest"))
    x = numbers(STEPS, ROWS, UNITS)
    agree(differentiated(eager, x), differentiated(fused, x))


def test_analog_units_are_stepped_in_a_kernel_too() -> None:
    eager, fused = layers("leaky-integrator", output="voltage", learn="tau_mem")
    x = numbers(STEPS, ROWS, UNITS)
    agree(differentiated(eager, x), differentiated(fused, x))


def test_several_inputs_by_name_and_those_left_at_their_defaults(two_inputs: Any) -> None:
    eager, fused = layers(two_inputs, learn="tau")
    x = 3.0 * numbers(STEPS, ROWS, UNITS)
    agree(differentiated(eager, {"excitation": x}), differentiated(fused, {"excitation": x}))
    both = {"excitation": x, "inhibition": numbers(STEPS, ROWS, UNITS, seed=3)}
    agree(differentiated(eager, both), differentiated(fused, both))


def test_what_comes_out_goes_in_again_in_a_recurrent_layer() -> None:
    torch.manual_seed(3)
    eager, fused = layers("lif", tau_ref=0.0, recurrent=nn.Linear(UNITS, UNITS).double(), learn="tau_mem")
    x = numbers(12, ROWS, UNITS)
    agree(differentiated(eager, x), differentiated(fused, x))


def test_state_goes_in_and_out_with_its_gradient() -> None:
    eager, fused = layers("lif", tau_ref=2.0)
    x, found = numbers(STEPS, ROWS, UNITS), []
    for layer in (eager, fused):
        first = x.clone().requires_grad_()
        out, state = layer(first[:20], return_state=True)
        later = layer(first[20:], state=state)
        (torch.cat([out, later]) * numbers(*x.shape, seed=2)).sum().backward()
        found.append((torch.cat([out, later]).detach(), first.grad))
    assert torch.equal(found[0][0], found[1][0])
    torch.testing.assert_close(found[0][1], found[1][1], rtol=0, atol=1e-12)
    # One run is two.
    whole = x.clone().requires_grad_()
    (fused(whole) * numbers(*x.shape, seed=2)).sum().backward()
    assert torch.equal(whole.grad, found[1][1])


def test_a_refractory_state_is_heeded_by_a_layer_that_never_is() -> None:
    eager, fused = layers("lif", tau_ref=0.0)
    x, (_, state) = numbers(STEPS, ROWS, UNITS), eager(numbers(1, ROWS, UNITS), return_state=True)
    state = {**rb.training.detach(state), "hold": torch.full((ROWS, UNITS), 7, dtype=torch.int32)}
    agree(differentiated(eager, x, state=state), differentiated(fused, x, state=state))
    assert not fused(x, state=state)[:6].any()


LEARNING: dict[str, Any] = {
    "tau_ref": 0.0,
    "tau_mem": rb.Uniform(5.0, 30.0),
    "learn": ("tau_mem", "volt_thresh"),
}
"""A layer of several tests, which have one kernel so."""


def test_a_row_has_the_same_gradient_alone_to_the_bit() -> None:
    _, fused = layers("lif", dtype=torch.float32, **LEARNING)
    x = numbers(STEPS, 70, UNITS, dtype=torch.float32)
    grads = []
    for part in (x, x[:, 37:38]):
        given = part.clone().requires_grad_()
        fused(given).sum().backward()
        grads.append(given.grad)
    assert torch.equal(grads[0][:, 37], grads[1][:, 0])


@pytest.mark.parametrize("name", ["adex", "izhikevich"])
def test_units_beside_others_that_overflow_have_the_same_gradient_to_the_bit(name: str) -> None:
    # What overflows, or spikes, takes another form of the step than what does not.
    _, largest, given = CASES[name]
    fused = rb.layer(name, UNITS, dtype=torch.float64, backend="fused", seed=1, **given)
    x = 0.2 * largest * numbers(STEPS, ROWS, UNITS)

    def gradient(given: Tensor) -> tuple[Tensor, Tensor]:
        given = given.clone().requires_grad_()
        out = fused(given)
        out.sum().backward()
        assert given.grad is not None
        return out.detach(), given.grad

    out, grad = gradient(x[:, :1])
    assert out.sum() > 0
    for size in (1.0, 10.0, 1e3, 1e60):  # the last overflows within one step of either
        x[:, 1:] = size * x[:, :1]
        x[:, 2, ::5] = 0.0
        beside, other = gradient(x)
        assert torch.equal(beside[:, :1], out)
        assert torch.equal(other[:, :1], grad)


@pytest.mark.parametrize("threads", [1, 2])
def test_gradients_of_parameters_do_not_depend_on_threads(threads: int, few_threads: Any) -> None:
    _, fused = layers("lif", dtype=torch.float32, **LEARNING)
    few_threads(threads)
    x = numbers(60, 500, UNITS, dtype=torch.float32)
    grads = []
    for _ in range(2):
        fused.zero_grad()
        fused(x).sum().backward()
        grads.append(fused.raw.tau_mem.grad.clone())
    few_threads(1)
    fused.zero_grad()
    fused(x).sum().backward()
    assert torch.equal(grads[0], grads[1])
    assert torch.equal(grads[0], fused.raw.tau_mem.grad)


@pytest.fixture
def few_threads() -> Any:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_inputs_that_are_still_or_lie_otherwise_are_taken_as_they_are() -> None:
    _, fused = layers("lif", tau_ref=0.0)
    row = 1.5 * numbers(ROWS, UNITS)
    for x in (row.expand(STEPS, ROWS, UNITS), numbers(ROWS, STEPS, UNITS).transpose(0, 1)):
        given = [each.detach().requires_grad_() for each in (x, x.clone().contiguous())]
        for each in given:
            fused(each).sum().backward()
        assert torch.equal(given[0].grad, given[1].grad)
        assert torch.equal(fused(given[0]), fused(given[1]))


def test_no_steps_and_no_rows_give_nothing() -> None:
    _, fused = layers("lif")
    assert fused(numbers(0, ROWS, UNITS)).shape == (0, ROWS, UNITS)
    assert fused(numbers(STEPS, 0, UNITS)).shape == (STEPS, 0, UNITS)
    assert torch.equal(fused(numbers(STEPS, UNITS)), fused(numbers(STEPS, 1, UNITS))[:, 0])


def test_a_call_leaves_nothing_behind_and_backward_can_be_repeated() -> None:
    _, fused = layers("lif", learn="tau_mem")
    x = numbers(STEPS, ROWS, UNITS).requires_grad_()
    first = fused(x)
    assert torch.equal(first, fused(x))
    one = torch.autograd.grad(first.sum(), x, retain_graph=True)[0]
    assert torch.equal(one, torch.autograd.grad(first.sum(), x)[0])
    assert not any(buffer.requires_grad for buffer in fused.buffers())


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_inputs_that_are_not_finite_are_named(bad: float) -> None:
    _, fused = layers("lif")
    x = numbers(STEPS, ROWS, UNITS)
    x[7, 2, 5] = bad
    with pytest.raises(InputError, match=rf"x is {bad} at t = 7, row 2, unit 5"):
        fused(x)


def _leaky(tau: str) -> type[rb.SpikingNeuron]:
    """A leaky unit whose time constant has this name."""

    class Leaky(rb.SpikingNeuron):
        voltage = rb.State(0.0, unit="mV")
        locals()[tau] = rb.Parameter(10.0, unit="ms", above=0)

        @staticmethod
        def derivatives(state: Any, params: Any, data: Any) -> Any:
            return {"voltage": (data - state.voltage) / getattr(params, tau)}

        @staticmethod
        def threshold(state: Any, params: Any) -> Any:
            return state.voltage - 1.0

        @staticmethod
        def reset(state: Any, params: Any) -> Any:
            return {"voltage": 0.0}

    return Leaky


def test_models_that_differ_in_names_alone_have_each_their_own_gradients() -> None:
    for tau in ("tau_first", "tau_other"):
        eager, fused = layers(_leaky(tau), learn=tau)
        x = 1.5 * numbers(STEPS, ROWS, UNITS)
        expected = differentiated(eager, x)
        assert f"gradient raw.{tau}" in expected
        agree(expected, differentiated(fused, x))


@pytest.mark.parametrize("size", [1e200, -1e200])
def test_what_overflows_on_its_way_to_a_spike_has_the_gradient_of_eager(size: float) -> None:
    eager, fused = layers("izhikevich", input="native", learn="a")
    x = torch.full((5, 2, UNITS), 5.0, dtype=torch.float64)
    x[1, 0, ::2] = size
    expected = differentiated(eager, x)
    assert all(value.isfinite().all() for value in expected.values())
    agree(expected, differentiated(fused, x))


class Growing(rb.SpikingNeuron):
    """dV/dt = V^2 + I, which is infinite soon, and no spike before."""

    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": state.voltage**2 + data}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return -1e3 - state.voltage


def test_a_state_that_explodes_is_the_named_error() -> None:
    _, fused = layers(Growing, dt=0.5, input="native")
    with pytest.raises(NonFiniteStateError, match=r"unit 0, row .0. is not finite after 50 steps"):
        fused(100.0 * numbers(STEPS, ROWS, UNITS))


def test_there_is_no_second_derivative_and_the_error_says_what_to_do() -> None:
    _, fused = layers("lif")
    x = numbers(STEPS, ROWS, UNITS).requires_grad_()
    with pytest.raises(BackendError, match=r"no second .create_graph=True.; make it with backend='eager'"):
        torch.autograd.grad(fused(x).sum(), x, create_graph=True)


@pytest.mark.parametrize(
    ("given", "lengths"),
    [
        # Another length is another call of the same graph, or of one more.
        (LEARNING, (STEPS, 23)),
        ({"tau_ref": 2.0, "output": "voltage", "learn": "volt_rest"}, (STEPS,)),
    ],
)
def test_compiled_graph_has_the_kernel_as_one_operation(
    given: dict[str, Any], lengths: tuple[int, ...]
) -> None:
    _, fused = layers("lif", dtype=torch.float32, **given)
    graphs = []

    def seen(graph: Any, inputs: Any) -> Any:
        graphs.append([str(node.target) for node in graph.graph.nodes])
        return torch._dynamo.lookup_backend("aot_eager")(graph, inputs)

    compiled = torch.compile(fused, fullgraph=True, backend=seen)
    for steps in lengths:
        x = 1.2 * numbers(steps, ROWS, UNITS, dtype=torch.float32)
        plain, whole = differentiated_briefly(fused, fused, x), differentiated_briefly(compiled, fused, x)
        for one, other in zip(plain, whole, strict=True):
            assert torch.equal(one, other)
        with torch.no_grad():
            assert torch.equal(compiled(x), plain[0])
    assert all(names.count("rheobase_fused.unrolled") == 1 for names in graphs)


def differentiated_briefly(run: Any, layer: rb.Layer, x: Tensor) -> list[Tensor]:
    """The output, and gradients by x and what learns."""
    given = x.clone().requires_grad_()
    layer.zero_grad()
    out = run(given)
    (out * numbers(*out.shape, seed=5, dtype=out.dtype)).sum().backward()
    assert given.grad is not None
    return [out.detach(), given.grad, *(each.grad.clone() for each in layer.parameters())]


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_have_kernels_of_their_own_values(twin_of: Any) -> None:
    _, fused = layers("lif", learn="tau_mem", tau_ref=2.0)
    x = numbers(STEPS, ROWS, UNITS)
    before = fused(x)
    twin = twin_of(fused)
    assert "Unrolled" in str([twin(x).grad_fn, twin(x).grad_fn.next_functions])
    assert torch.equal(twin(x), before)
    with torch.no_grad():
        twin.raw.tau_mem += 0.5
        twin.tau_ref.zero_()
    assert not torch.equal(twin(x), before)
    agree(differentiated(rebuilt(twin), x), differentiated(twin, x))
    assert torch.equal(fused(x), before)


def rebuilt(layer: rb.Layer) -> rb.Layer:
    """The same values, in eager."""
    eager, _ = layers("lif", learn="tau_mem", tau_ref=2.0)
    eager.load_state_dict(layer.state_dict())
    return eager


def test_values_that_are_loaded_or_converted_are_those_of_the_kernel() -> None:
    eager, fused = layers("lif", learn="tau_mem", tau_ref=0.0)
    given = {"learn": "tau_mem", "tau_ref": 3.0, "tau_mem": 11.0, "volt_rest": -70.0}
    other = rb.layer("lif", UNITS, backend="eager", dt=1.0, dtype=torch.float64, **given)
    for layer in (eager, fused):
        layer.load_state_dict(other.state_dict())
    x = numbers(STEPS, ROWS, UNITS)
    agree(differentiated(eager, x), differentiated(fused, x))
    single = fused.float()
    assert single(x.float()).dtype == torch.float32
    assert torch.equal(single(x.float()).double(), eager.float()(x.float()).double())


def test_a_kernel_that_is_made_in_inference_mode_has_the_same_output() -> None:
    x = numbers(STEPS, ROWS, UNITS)
    with torch.inference_mode():
        told = layers("lif", tau_mem=rb.Uniform(5.0, 30.0))[1](x)
    assert told.any()
    assert torch.equal(told, layers("lif", tau_mem=rb.Uniform(5.0, 30.0))[1](x))


def test_in_a_function_transform_a_kernel_gives_way_or_says_so() -> None:
    _, fused = layers("lif")
    auto = rb.layer("lif", 70, dt=1.0, dtype=torch.float64)
    x = numbers(4, 10, 70)
    rows = torch.func.vmap(auto, in_dims=0)(x)
    torch.testing.assert_close(rows, torch.stack([auto(row) for row in x]))
    with pytest.raises(BackendError, match="within a function transform"):
        torch.func.vmap(fused)(numbers(4, 10, UNITS))


def test_a_layer_on_a_gpu_has_the_output_of_one_on_the_cpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    x = numbers(STEPS, ROWS, 70, dtype=torch.float32)
    there = rb.layer("lif", 70, dt=1.0, device="cuda")
    assert torch.equal(there(x.cuda()).cpu(), rb.layer("lif", 70, dt=1.0, backend="eager")(x))
    with pytest.raises(BackendError, match="kernels for layers are made for the CPU"):
        rb.layer("lif", 70, dt=1.0, device="cuda", backend="fused")


FLAT = ("floor", "ceil", "trunc", "round")
"""Operations on numbers whose derivative is 0."""
SLOPES = ("rate_slope",)
"""Those that are the derivative of another, of which there is no second."""
CONDITIONS = ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "xor", "not", "isfinite")
WHOLE = ("absi",)


def test_each_operation_on_numbers_has_a_derivative() -> None:
    assert {*OPERATIONS} - {*PARTIALS} == {*FLAT, *SLOPES, *CONDITIONS, *WHOLE}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "adaptive": ({"integrator": "rk45"}, "chooses its own steps"),
    "looks": ({"integrator": "exact"}, "looks at values"),
    "type": ({"dtype": torch.bfloat16}, "bfloat16"),
    "surrogate": ({"surrogate": lambda u: torch.special.log_ndtr(u)}, "special_log_ndtr"),
}


class Third(torch.autograd.Function):
    """As it is, with a third of its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, c: Tensor) -> Tensor:
        return c / 3.0


def smaller(x: Tensor) -> Tensor:
    return Third.apply(x)  # type: ignore[no-any-return, no-untyped-call]


def without(x: Tensor) -> Tensor:
    with torch.no_grad():
        return x.clone()


def looking(x: Tensor) -> Tensor:
    return 0.9 * x if x.requires_grad else x


@pytest.mark.parametrize("other", [smaller, without, looking])
@pytest.mark.parametrize("where", ["derivatives", "threshold"])
def test_what_has_another_derivative_than_its_operations_is_refused(
    other: Any, where: str, two_inputs: Any
) -> None:
    class Other(two_inputs):  # type: ignore[misc]
        pass

    own = getattr(two_inputs, where)
    if where == "threshold":
        Other.threshold = staticmethod(lambda state, params: other(own(state, params)))
    else:
        Other.derivatives = staticmethod(
            lambda state, params, data: {"voltage": other(own(state, params, data)["voltage"])}
        )
    layers(two_inputs, input="native")
    with pytest.raises(BackendError, match="something has a derivative of its own"):
        layers(Other, input="native")


@pytest.mark.parametrize("why", REFUSED)
def test_refusals_say_why_and_auto_goes_on_in_eager(why: str) -> None:
    given, said = REFUSED[why]
    with pytest.raises(BackendError, match=f"the backend 'fused' refuses this layer of lif .*{said}"):
        rb.layer("lif", 70, dt=1.0, backend="fused", **given)
    x = numbers(5, 70).to(given.get("dtype", torch.float32))
    assert torch.equal(
        rb.layer("lif", 70, dt=1.0, **given)(x), rb.layer("lif", 70, dt=1.0, backend="eager", **given)(x)
    )


def test_auto_takes_a_kernel_for_many_units() -> None:
    def in_one(units: int) -> bool:
        out = rb.layer("lif", units, dt=1.0)(numbers(20, 2, units, dtype=torch.float32).requires_grad_())
        return "Unrolled" in str([out.grad_fn, out.grad_fn.next_functions])

    assert [in_one(units) for units in (63, 64)] == [False, True]
