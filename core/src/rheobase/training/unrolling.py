"""What a layer does from step to step, as a pure function; and what may take all of its steps at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from ..engine.model.functions import Model
from ..engine.neuron.base import Neuron
from ..engine.step.arrivals import Arrivals
from ..engine.step.ends import Surrogate
from ..engine.step.grid import Report, step
from ..engine.step.slopes import forgotten
from ..engine.step.table import StepState


class Unrolling(NamedTuple):
    """What a layer does in a step: all that follows from how it was made.

    Attributes:
        neuron: The neuron that it is of.
        model: Its pure functions, with those of a synapse that hears events.
        function: S(u), which stands for the derivative of a spike.
        attached: Whether the reset is differentiated by the spike that made it.
        voltage: Whether the output is the first state, less what it began with, by the scale; else spikes.
        learn: The names of the parameters of which a derivative is asked for, also of those tied to others.
        store: Whether what a derivative needs is kept for each step, and not computed once more.
    """

    neuron: Neuron
    model: Model
    function: Callable[[Tensor], Tensor]
    attached: bool
    voltage: bool
    learn: tuple[str, ...]
    store: bool

    def surrogate(self, scale: Tensor, *, smooth: bool = False) -> Surrogate | None:
        """What stands for the derivative of a spike; None for a model that has no spikes."""
        if self.model.threshold is None:
            return None
        return Surrogate(self.function, scale, self.attached, smooth)

    def __call__(
        self,
        now: StepState,
        params: Any,
        data: Mapping[str, Tensor],
        scale: Tensor,
        begin: Tensor | None,
        surrogate: Surrogate | None,
        arrivals: Arrivals | None = None,
    ) -> tuple[StepState, Report, Tensor]:
        """The state after a step, what the step says of itself, and the output.

        Args:
            now: The state before it.
            params: The parameters and options by name.
            data: Each input ``[*batch, N]``, in the model's unit, by name; ``""`` where it has none.
            scale: The size of g, or of the output, ``[N]``.
            begin: The first state at the start of the sequence, where it is the output.
            surrogate: What stands for the derivative of a spike; None without a derivative.
            arrivals: The events that arrive within the step, with ``gradient="times"``.
        """
        neuron, given = self.neuron, neuron_data(self.neuron, data)
        after, report = step(
            self.model,
            neuron.integrator,
            neuron.event,
            now._replace(carry=forgotten(now.carry, True)),
            params,
            given,
            neuron.dt,
            surrogate=surrogate,
            arrivals=arrivals,
        )
        if self.voltage and begin is not None:
            return after, report, (after.y[0] - begin) / scale
        if report.spike is not None:
            return after, report, report.spike
        if after.spiked is None:
            return after, report, after.y[0]
        return after, report, after.spiked.to(scale.dtype)


def neuron_data(neuron: Neuron, data: Mapping[str, Tensor]) -> Any:
    """Inputs by name as the model takes them."""
    return neuron.schema.pack_data(**data) if neuron.schema.inputs else data[""]


class Trainer(Protocol):
    """Takes all steps of a layer's call at once, with a derivative; what a backend's ``train`` gives."""

    def __call__(
        self,
        x: Mapping[str, Tensor],
        sizes: Tensor,
        values: Mapping[str, Tensor],
        scale: Tensor,
        begin: Tensor | None,
        now: StepState,
    ) -> tuple[Tensor, StepState, bool]:
        """The output of each step, the state at the end, and whether inputs and that are known to be finite.

        Args:
            x: Each input ``[T, *batch, N]``, as the layer was given it, by name.
            sizes: What x = 1 stands for, ``[inputs, N]``.
            values: The parameters by name, ``[]`` or ``[N]``. The same mapping is given again only if nothing
                in it, nor in ``sizes`` and ``scale``, was changed.
            scale: As for a step.
            begin: As for a step, ``[]`` or ``[N]``.
            now: The state to go on from.
        """


class Trains(Protocol):
    """A backend that takes the steps of layers; another is not asked."""

    def train(
        self,
        unrolling: Unrolling,
        sizes: Tensor,
        values: Mapping[str, Tensor],
        scale: Tensor,
        begin: Tensor | None,
        now: StepState,
    ) -> Trainer:
        """What takes them; whatever has to be compiled is compiled here, if the calls will be of this kind.

        Args:
            unrolling: What a step does.
            sizes: As in a call of what it gives, and all others too, with the values of now.
            values: See there.
            scale: See there.
            begin: See there.
            now: The initial state, without a batch.

        Raises:
            NotImplementedError: If it does not take this layer, with the reason. Where there is something
                that the user should mend it has ``amiss = True``.
        """
