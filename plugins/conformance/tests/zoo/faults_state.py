"""Models that are wrong in one way: in what they keep, and how."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

FAULTS = {
    "PlainState": "saved-and-loaded-in-mid-run",
    "NumberAsState": "saved-and-loaded-in-mid-run",
    "ParameterInAClosure": "copied-in-mid-run",
    "PlainParameter": "assigning-is-making",
    "RefractoryCounterLost": "saved-and-loaded-in-mid-run",
    "SharedListOfSpikes": "copied-in-mid-run",
    "CopyOfThePointer": "copied-in-mid-run",
    "EquationThatIsNotPickled": "pickled-in-mid-run",
    "SpikedAsFloat": "spiked-is-zero-or-one",
    "SpikedAsBool": "spiked-is-zero-or-one",
    "SpikedCounts": "spiked-is-zero-or-one",
    "SingleOutputs": "outputs-have-the-type-of-the-neuron",
    "DefaultTypeOutputs": "outputs-have-the-type-of-the-neuron",
    "StaysInSingle": "converts-in-mid-run",
    "ConstantsOnTheCpu": "meta-device",
    "BufferMadeOnTheCpu": "meta-device",
    "LiveBuffer": "outputs-are-copies",
    "MutatesItsInput": "inputs-are-left-alone",
    "MutatesTheList": "inputs-are-left-alone",
    "CollapsesTheBatch": "batches-are-kept",
    "StackThatNeedsOneShape": "batches-are-kept",
    "ForgetsToResetTheTrace": "reset-begins-anew",
    "ResetKeepsTheBatch": "reset-begins-anew",
    "ResetLeavesTheClock": "reset-begins-anew",
    "InjectsTwice": "inject-adds-to-the-voltage",
    "InjectsTheMean": "inject-adds-to-the-voltage",
    "StaleDecay": "assigning-is-making",
    "OneParameterForAll": "a-parameter-may-differ-by-unit",
    "SwallowsNaN": "input-that-is-not-finite-is-refused",
    "IgnoresNaN": "input-that-is-not-finite-is-refused",
    "KeepsTheGraph": "keeps-no-graph",
    "KeepsTheGraphOfItsTrace": "keeps-no-graph",
    "StepsTwice": "clock-counts-steps",
    "SharesItsInitialState": "given-tensors-are-copied",
    "RaisesBareErrors": "input-that-is-not-finite-is-refused",
    "ScalarInputOnly": "inputs-broadcast",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""

STANDARD = ["ConstantsOnTheCpu", "BufferMadeOnTheCpu"]
"""Those that the meta device shows, which the smoke profile leaves out."""


class _Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I; at 1 mV a spike, and V is 0: sound, and the ground of the faults."""

    tau = rb.Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
    volt_thresh = rb.Parameter(1.0, unit="mV", doc="threshold")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class PlainState(_Leaky):
    """A trace of the spikes is a plain tensor: neither saved nor converted nor reset."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._trace = torch.zeros(self.num_units, dtype=self.dtype)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data - self._trace, identifiers)
        self._trace = 0.9 * self._trace + out["spiked"].to(self.dtype)
        return out


class NumberAsState(_Leaky):
    """An adaptation is a Python number."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._adaptation = 0.0

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data - self._adaptation, identifiers)
        self._adaptation = 0.9 * self._adaptation + 0.1 * float(out["voltage"].mean())
        return out


class ParameterInAClosure(rb.AnalogNeuron):
    """The equation is a function that closed over its neuron: a copy reads the original's parameters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("rate", torch.full((), 0.1, dtype=self.dtype))
        self.equation = lambda x, data: self._rate() * (data - x)

    def _rate(self) -> Any:
        self._buffers["rate"] = 0.99 * self.get_buffer("rate")
        return self.get_buffer("rate")

    def reset_state(self) -> None:
        super().reset_state()
        self._buffers["rate"] = torch.full_like(self.get_buffer("rate"), 0.1)


class PlainParameter(_Leaky):
    """The threshold that is used is a plain tensor, made once: it is not loaded, and does not change."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gain = self.volt_thresh.detach().clone()

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        return super().forward(data / self._gain.to(self.dtype), identifiers)


class RefractoryCounterLost(_Leaky):
    """A refractory period of its own, counted in a plain tensor."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rest = torch.zeros(self.num_units, dtype=torch.int32)

    def reset_state(self) -> None:
        super().reset_state()
        self._rest = torch.zeros(self.num_units, dtype=torch.int32)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(torch.where(self._rest > 0, 0.0, data), identifiers)
        self._rest = torch.where(out["spiked"] > 0, 10, (self._rest - 1).clamp(min=0))
        return out


class _Traced(_Leaky):
    """A trace of the spikes in a buffer, which lowers the input: sound."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("trace", torch.zeros(self.num_units, dtype=self.dtype, device=self.device))

    def reset_state(self) -> None:
        super().reset_state()
        self._buffers["trace"] = torch.zeros(self.num_units, dtype=self.dtype, device=self.device)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data - self.get_buffer("trace"), identifiers)
        self._buffers["trace"] = 0.9 * self.get_buffer("trace") + out["spiked"].to(self.dtype)
        return out


class SharedListOfSpikes(_Leaky):
    """The last numbers of spikes are in a list that copies share."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._history: list[float] = []

    def __deepcopy__(self, memo: Any) -> Any:
        twin = type(self).__new__(type(self))
        twin.__dict__.update({**self.__getstate__(), "_history": self._history})
        return twin

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data - 0.1 * sum(self._history), identifiers)
        self._history.append(float(out["spiked"].sum()))
        return out


class CopyOfThePointer(_Traced):
    """A deep copy is a shallow one of the trace, which is written to in place."""

    def __deepcopy__(self, memo: Any) -> Any:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__getstate__())
        twin._buffers["trace"] = self.get_buffer("trace")
        return twin

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        trace = torch.broadcast_to(self.get_buffer("trace"), data.shape)
        if trace.shape != self.get_buffer("trace").shape:
            trace = self._buffers["trace"] = trace.clone()
        out = rb.SpikingNeuron.forward(self, data - trace, identifiers)
        self.get_buffer("trace").mul_(0.9).add_(out["spiked"])
        return out


class EquationThatIsNotPickled(rb.AnalogNeuron):
    """The equation is a lambda, which no pickle takes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.equation = lambda x, data: (data - x) / 10.0


class SpikedAsFloat(_Leaky):
    """``spiked`` is of floating-point numbers."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        return {**out, "spiked": out["spiked"].to(self.dtype)}


class SpikedAsBool(_Leaky):
    """``spiked`` is of truth values."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        return {**out, "spiked": out["spiked"].bool()}


class SpikedCounts(_Leaky):
    """``spiked`` is 2 in the step after a spike that follows another."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        return {**out, "spiked": out["spiked"] * 2}


class SingleOutputs(_Leaky):
    """Outputs are float32, also of a neuron in float64."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        self._buffers["voltage"] = self._buffers["voltage"].float().to(self.dtype)
        return {name: value.float() if value.is_floating_point() else value for name, value in out.items()}


class DefaultTypeOutputs(_Leaky):
    """An output is in torch's default type."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        return {**out, "input": out["input"].to(torch.get_default_dtype())}


class StaysInSingle(_Leaky):
    """A voltage of its own, in a plain tensor that no conversion reaches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._own = torch.zeros((), dtype=self.dtype)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        return {**out, "voltage": out["voltage"].to(self._own.dtype)}


_NODES = torch.tensor([-0.5, 0.0, 0.5])


class ConstantsOnTheCpu(_Leaky):
    """The derivatives add up over constants that stay on the CPU."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        nodes = _NODES.to(state.voltage.dtype)
        drive = (data.unsqueeze(-1) + 0.1 * nodes).mean(dim=-1)
        return {"voltage": (drive - state.voltage) / params.tau}


class BufferMadeOnTheCpu(_Leaky):
    """What a list of inputs is multiplied with is a plain tensor of the class, on the CPU."""

    gains = torch.ones(1)

    def prepare(self, data: Any, identifiers: Any = None) -> Any:
        current = super().prepare(data, identifiers)
        return current * self.gains.to(self.dtype).expand(self.num_units)


class LiveBuffer(_Leaky):
    """The output is the neuron's own tensor, which the next step writes to."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        held = self._buffers["voltage"]
        out = super().forward(data, identifiers)
        if held.shape == out["voltage"].shape:
            self._buffers["voltage"] = held.copy_(out["voltage"])
        return {**out, "voltage": self._buffers["voltage"]}


class MutatesItsInput(_Leaky):
    """Negative input is set to zero in the tensor of the caller."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        return super().forward(data.mul_(0.5), identifiers)


class MutatesTheList(_Leaky):
    """The sum of several inputs is worked out in the first of them."""

    @staticmethod
    def aggregate(inputs: Any, identifiers: Any = None) -> Any:
        total = inputs[0]
        for each in inputs[1:]:
            total += each
        return total


class CollapsesTheBatch(_Leaky):
    """Several inputs are stacked and summed over the first dimension: the trials are added up."""

    @staticmethod
    def aggregate(inputs: Any, identifiers: Any = None) -> Any:
        return torch.vstack([torch.atleast_2d(each).expand(-1, inputs[0].shape[-1]) for each in inputs]).sum(
            0
        )


class StackThatNeedsOneShape(_Leaky):
    """Several inputs are stacked, which fails where one is shared by all units."""

    @staticmethod
    def aggregate(inputs: Any, identifiers: Any = None) -> Any:
        return torch.stack(inputs).sum(dim=0)


class ForgetsToResetTheTrace(_Traced):
    """``reset_state`` leaves the trace as it is."""

    def reset_state(self) -> None:
        trace = self.get_buffer("trace")
        super().reset_state()
        self._buffers["trace"] = trace


class ResetKeepsTheBatch(_Leaky):
    """``reset_state`` sets the voltage to zero, and keeps its batch."""

    def reset_state(self) -> None:
        voltage = torch.zeros_like(self.voltage)
        super().reset_state()
        self._buffers["voltage"] = voltage


class ResetLeavesTheClock(_Leaky):
    """``reset_state`` leaves the clock as it is."""

    def reset_state(self) -> None:
        counter = self._buffers["step_count"]
        super().reset_state()
        self._buffers["step_count"] = counter


class InjectsTwice(_Leaky):
    """A kick is given twice."""

    def inject(self, current: Any) -> None:
        super().inject(current)
        super().inject(current)


class InjectsTheMean(_Leaky):
    """A kick for each unit is given to all alike."""

    def inject(self, current: Any) -> None:
        super().inject(float(torch.as_tensor(current).double().mean()))


class StaleDecay(_Leaky):
    """A decay is worked out from the time constant when the neuron is made, and never again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        decay = torch.exp(-self.dt / self.tau.detach())
        self.register_buffer("decay", decay.expand(self.num_units).clone())
        self.register_buffer("trace", torch.zeros(self.num_units, dtype=self.dtype, device=self.device))

    def reset_state(self) -> None:
        super().reset_state()
        self._buffers["trace"] = torch.zeros(self.num_units, dtype=self.dtype, device=self.device)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        self._buffers["trace"] = self.get_buffer("trace") * self.get_buffer("decay") + 0.1 * data
        return super().forward(self.get_buffer("trace"), identifiers)


class OneParameterForAll(_Leaky):
    """A time constant for each unit is taken for one number."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        return super().forward(data * (1.0 + 0.01 * float(self.tau)), identifiers)


class SwallowsNaN(_Leaky):
    """NaN in the input is replaced by zero, in silence."""

    def prepare(self, data: Any, identifiers: Any = None) -> Any:
        return super().prepare(data, identifiers).nan_to_num()


class IgnoresNaN(rb.AnalogNeuron):
    """A rectifier of its own that takes NaN for silence."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        self.input = torch.where(data > 0, data, torch.zeros_like(data))
        self.voltage = self.input
        return self.loggable_state()


class KeepsTheGraph(_Leaky):
    """A step's result is kept with its graph, and goes into the next step."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keeps_graph = True


class KeepsTheGraphOfItsTrace(_Leaky):
    """The input is filtered in a plain tensor, with the graph of all steps so far."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._filtered: Any = 0.0

    def reset_state(self) -> None:
        super().reset_state()
        self._filtered = 0.0

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        self._filtered = 0.5 * self._filtered + 0.5 * data
        return super().forward(self._filtered, identifiers)


class StepsTwice(_Leaky):
    """A step is taken in two, each of dt: the clock runs at double speed."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        super().forward(data, identifiers)
        return super().forward(data, identifiers)


class SharesItsInitialState(_Leaky):
    """The voltage that is given is kept as it is, and not copied."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        voltage = kwargs.get("voltage")
        super().__init__(*args, **kwargs)
        if isinstance(voltage, torch.Tensor) and voltage.shape == self.voltage.shape:
            self._buffers["voltage"] = voltage


class RaisesBareErrors(_Leaky):
    """NaN in the input is found, and told by an error of no name."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        if bool(data.isnan().any()):
            raise RuntimeError("bad input")
        return super().forward(data, identifiers)


class ScalarInputOnly(_Leaky):
    """One current for all units is given to the first one only."""

    def prepare(self, data: Any, identifiers: Any = None) -> Any:
        current = super().prepare(data, identifiers)
        if current.shape[-1] == 1 < self.num_units:
            current = torch.cat([current, current.new_zeros(*current.shape[:-1], self.num_units - 1)], dim=-1)
        return current
