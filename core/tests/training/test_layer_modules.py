"""A layer is a module of torch as any other: copied, pickled, saved, converted, compiled, distributed."""

from __future__ import annotations

import copy
import io
import pickle
import socket
import sys
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, EventModeError
from torch import Tensor, nn


def made(model: Any = "lif", units: Any = 3, **given: Any) -> rb.Layer:
    values: dict[str, Any] = {
        "tau_mem": rb.Uniform(5.0, 20.0),
        "learn": ("tau_mem", "volt_thresh"),
        "tau_ref": 2.0,
    }
    return rb.layer(model, units, dt=1.0, **{**values, **given})


def sequence(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(*shape, dtype=dtype, generator=torch.Generator().manual_seed(2))


def trained(layer: nn.Module) -> None:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter += 0.05


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copy_is_a_layer_of_its_own_with_the_same_output(twin_of: Any) -> None:
    layer, x = made(recurrent=nn.Linear(3, 3)), sequence(20, 2, 3)
    trained(layer)
    before = layer(x)
    before.sum().backward()
    twin = twin_of(layer)
    assert torch.equal(twin(x), before)
    trained(twin)
    assert torch.equal(layer(x), before)
    assert not torch.equal(twin.values["tau_mem"], layer.values["tau_mem"])


def test_saved_values_are_physical_and_what_is_loaded_has_the_same_output() -> None:
    layer, x = made(), sequence(20, 2, 3)
    trained(layer)
    saved = layer.state_dict()
    beside = {"volt_rest", "volt_reset", "leak_gl", "tau_ref", "scale", "rheobase"}
    learnt = {
        "tau_mem",
        "raw.tau_mem",
        "start.tau_mem",
        "volt_thresh",
        "raw.volt_thresh",
        "start.volt_thresh",
    }
    assert set(saved) == beside | learnt | {"size.volt_thresh"}
    torch.testing.assert_close(saved["tau_mem"], saved["start.tau_mem"] * 1.05)
    file = io.BytesIO()
    torch.save(saved, file)
    file.seek(0)
    # Of other values at the start.
    other = made(tau_mem=rb.Uniform(30.0, 40.0), volt_thresh=-60.0, leak_gl=7.0)
    assert not torch.equal(other(x), layer(x))
    other.load_state_dict(torch.load(file))
    assert torch.equal(other(x), layer(x))
    for name, value in layer.values.items():
        assert torch.equal(other.values[name], value), name


def test_checkpoint_is_loaded_into_another_type() -> None:
    layer, x = made(dtype=torch.float64), sequence(20, 2, 3, dtype=torch.float64)
    trained(layer)
    single = made()
    single.load_state_dict(layer.state_dict())
    assert {value.dtype for value in single.values.values()} == {torch.float32}
    torch.testing.assert_close(single.values["tau_mem"].double(), layer.values["tau_mem"], rtol=1e-6, atol=0)
    assert torch.equal(single(x.float()).double(), layer(x))
    double = made(dtype=torch.float64)
    double.load_state_dict(single.state_dict())
    assert double.values["tau_mem"].dtype == torch.float64


def test_converted_layer_has_one_type_throughout() -> None:
    layer = made().double()
    x = sequence(20, 2, 3, dtype=torch.float64)
    output, state = layer(x, return_state=True)
    assert output.dtype == state["voltage"].dtype == layer.neuron.dtype == torch.float64
    assert layer.neuron.voltage.dtype == torch.float64


def test_the_neuron_has_the_values_of_now_and_is_no_part_of_the_module() -> None:
    layer = made()
    trained(layer)
    neuron = layer.neuron
    assert torch.equal(neuron.tau_mem, layer.values["tau_mem"].detach())
    assert not any(isinstance(each, rb.Neuron) for each in layer.modules())
    neuron.tau_mem = 7.0
    assert layer.neuron.tau_mem[0] != 7.0
    assert {name for name, _ in layer.named_parameters()} == {"raw.tau_mem", "raw.volt_thresh"}


def test_units_of_any_shape_are_units_in_a_row() -> None:
    x = sequence(20, 5, 2, 3)
    one = made(units=(2, 3))
    row = made(units=6)
    assert torch.equal(one(x).flatten(2), row(x.flatten(2)))
    output, state = one(x, return_state=True)
    assert state["voltage"].shape == state["armed"].shape == (5, 2, 3)
    assert torch.equal(one(x[10:], state=one(x[:10], return_state=True)[1]), output[10:])
    # Without a batch, and with one of two dimensions.
    assert torch.equal(one(x[:, 0]), output[:, 0])
    assert torch.equal(one(x.view(20, 5, 1, 2, 3))[:, :, 0], output)


def test_batch_comes_first_where_time_is_second() -> None:
    x = sequence(20, 5, 3)
    assert torch.equal(made(time="second")(x.transpose(0, 1)).transpose(0, 1), made()(x))


def test_no_steps_give_an_empty_sequence_and_the_state_unchanged() -> None:
    layer = made()
    output, state = layer(torch.zeros(0, 2, 3), return_state=True)
    assert output.shape == (0, 2, 3)
    assert torch.equal(state["voltage"], torch.full((2, 3), -75.0))
    later = layer(sequence(7, 2, 3), return_state=True)[1]
    kept = layer(torch.zeros(0, 2, 3), state=later, return_state=True)[1]
    assert all(torch.equal(kept[name], later[name]) for name in later)


def test_sparse_numbers_of_other_types_are_taken_as_they_are() -> None:
    layer = made()
    x = (sequence(20, 2, 3) > 0.5).float()
    for kind in (torch.bool, torch.uint8, torch.int64, torch.bfloat16):
        assert torch.equal(layer(x.to(kind)), layer(x))


def test_what_is_not_contiguous_has_the_same_output() -> None:
    layer, x = made(), sequence(2, 20, 3).transpose(0, 1)
    assert not x.is_contiguous()
    assert torch.equal(layer(x), layer(x.contiguous()))


def test_inference_mode_has_the_same_output_and_training_goes_on_after() -> None:
    layer, x = made(), sequence(20, 2, 3)
    with torch.inference_mode():
        told = layer(x)
    output = layer(x)
    assert torch.equal(told, output)
    output.sum().backward()
    assert layer.raw.tau_mem.grad is not None
    assert layer.raw.tau_mem.grad.any()


def test_a_layer_made_in_inference_mode_has_the_same_output() -> None:
    x = sequence(20, 2, 3)
    with torch.inference_mode():
        told = made()(x)
        with pytest.raises(ArgumentError, match="has the derivative 0 at u = 0"):
            made(surrogate=lambda u: 0.0 * u)
    assert torch.equal(told, made()(x))


def test_recurrent_layer_is_the_loop_that_is_written_down() -> None:
    inner = nn.Linear(3, 3, bias=False)
    layer, x = made(recurrent=inner), sequence(20, 2, 3).requires_grad_()
    output = layer(x)
    plain = made()
    last, state, rows = torch.zeros(2, 3), None, []
    for row in x:
        out, state = plain((row + inner(last))[None], state=state, return_state=True)
        last = out[0]
        rows.append(last)
    looped = torch.stack(rows)
    assert torch.equal(output, looped)
    assert output.sum() > 0
    weights = sequence(20, 2, 3)
    found = torch.autograd.grad((weights * output).sum(), [x, inner.weight])
    expected = torch.autograd.grad((weights * looped).sum(), [x, inner.weight])
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    # What the last spikes give counts across two calls.
    cut = int(output.flatten(1).any(1).nonzero()[0]) + 1
    state = layer(x[:cut], return_state=True)[1]
    assert state["spikes"].any()
    assert torch.equal(layer(x[cut:], state=state), output[cut:])


def gradients(layer: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    output = layer(x)
    weights = sequence(*output.shape)
    return (output.detach(), *torch.autograd.grad((weights * output).sum(), [x, *layer.parameters()]))


@pytest.mark.parametrize("event", ["step", "crossing"])
def test_compiled_layer_is_one_graph_with_the_same_output_and_gradient(event: str) -> None:
    layer, x = made(event=event), sequence(2, 2, 3).mul(2).requires_grad_()
    torch.compiler.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    found, expected = gradients(compiled, x), gradients(layer, x)
    assert expected[0].sum() > 0
    assert torch.equal(found[0], expected[0])
    for one, other in zip(found[1:], expected[1:], strict=True):
        torch.testing.assert_close(one, other)


class Around(nn.Module):
    """A layer of spike times between modules that torch can compile."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Linear(5, 3)
        self.layer = rb.layer("lif", 3, dt=1.0, learn="tau_mem", gradient="times", input="rheobase")

    def forward(self, x: Tensor) -> Tensor:
        times = self.layer(3.0 + self.w(x), return_state=True)[0]
        return torch.exp(-times / 10.0).nansum(-1)


# Torch itself says so, of any module between two graphs.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_layer_of_times_breaks_the_graph_that_is_compiled_and_says_so_where_it_must_not() -> None:
    torch.manual_seed(0)
    net, x, graphs = Around(), sequence(20, 4, 5).requires_grad_(), []

    def seen(graph: Any, inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    torch.compiler.reset()
    found, expected = gradients(torch.compile(net, backend=seen), x), gradients(net, x)
    assert len(graphs) == 2  # what comes before it, and what comes after
    assert expected[0].sum() > 0
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)
    torch.compiler.reset()
    with pytest.raises(RuntimeError, match=r"gradient='times' looks at values .*leave fullgraph=True out"):
        torch.compile(net, fullgraph=True, backend="eager")(x)


@pytest.mark.parametrize(
    "seen",
    [
        lambda layer, x: torch.func.vmap(layer, in_dims=1)(x),
        lambda layer, x: torch.func.grad(lambda given: layer(given).nansum())(x),
        lambda layer, x: torch.export.export(layer, (x,)),
        lambda layer, x: layer(x.to("meta")),
    ],
    ids=["vmap", "grad", "export", "meta"],
)
def test_where_values_cannot_be_seen_a_layer_of_times_says_so(seen: Any) -> None:
    layer = rb.layer("lif", 3, dt=1.0, gradient="times", input="rheobase")
    with pytest.raises(EventModeError, match=r"lif: gradient='times' looks at values, .* gradient='surr"):
        seen(layer, 2.0 + sequence(20, 4, 3))


def test_gradient_for_each_row_by_vmap_is_that_of_the_row_alone() -> None:
    layer, x = made(), sequence(20, 4, 3).mul(2)
    parameters = {name: value.detach() for name, value in layer.named_parameters()}

    def loss(values: dict[str, Tensor], row: Tensor) -> Tensor:
        return torch.func.functional_call(layer, values, (row,)).sum()

    rows = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 1))(parameters, x)
    for at in range(4):
        alone = torch.func.grad(loss)(parameters, x[:, at])
        for name, value in alone.items():
            torch.testing.assert_close(rows[name][at], value)


def _of_two_kinds() -> dict[str, tuple[Any, Tensor]]:
    """A layer of rows, and one of spike times, with what each hears."""
    timed = rb.layer("lif", 3, dt=1.0, learn="tau_mem", gradient="times", input="native")
    return {"rows": (made(), sequence(20, 4, 3).mul(2)), "times": (timed, 300.0 + 200.0 * sequence(20, 4, 3))}


def _summed(out: Tensor) -> Tensor:
    return out.nan_to_num(nan=0.0).sum()


def _one_of_two(rank: int, port: int, answers: Any) -> None:
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    torch.distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    try:
        found = {}
        for kind, (layer, x) in _of_two_kinds().items():
            spread = nn.parallel.DistributedDataParallel(layer)
            _summed(spread(x[:, 2 * rank : 2 * rank + 2])).backward()
            found[kind] = {name: value.grad.tolist() for name, value in layer.named_parameters()}
        answers.put((rank, found))
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without torch.distributed")
def test_two_processes_have_the_mean_of_their_gradients() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Both begin where this has been imported.
    context = torch.multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    context.set_forkserver_preload([__name__, "torch.nn.parallel.distributed", "torch._dynamo"])
    answers = context.Queue()
    processes = [context.Process(target=_one_of_two, args=(rank, port, answers)) for rank in range(2)]
    for process in processes:
        process.start()
    try:
        found = dict(answers.get(timeout=60) for _ in processes)
    finally:
        for process in processes:
            process.join(20)
            process.kill()
    for kind, (layer, x) in _of_two_kinds().items():
        _summed(layer(x)).backward()
        for name, value in layer.named_parameters():
            assert value.grad is not None
            assert value.grad.abs().sum() > 0
            for rank in range(2):
                torch.testing.assert_close(2 * torch.tensor(found[rank][kind][name]), value.grad)
