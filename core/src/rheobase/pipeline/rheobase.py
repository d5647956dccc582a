"""The rheobase of a neuron: the least constant input that makes it fire."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..engine.model.functions import ask
from ..engine.neuron.base import Neuron
from ..engine.step.field import ModelField
from ..engine.trace import affine, linear
from ..errors import ArgumentError, IntegrationError, StructureError, nearest, shown
from .alike import keep_units, kinds_of
from .prepared import PreparedRun, prepare
from .recorder import SPIKES

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = 1000.0
"""The time within which a spike counts, ms."""
LOWEST, HIGHEST = 2.0**-44, 2.0**31
"""The inputs among which it is looked for: 6e-14 to 2e9, amperes and picoamperes alike."""
TOLERANCE = 1e-4
"""How close an input that fires is above one that does not, relative to it."""

_FIRST_LOOK = 40.0
"""ms in which the ladder of all inputs is tried; nearly all that fires fires within."""
_PIECE = 50.0
"""ms between two looks at who has fired."""
_LANES, _MOST = 65_536, 64
"""Inputs are tried side by side, as rows of a batch: at most so many, of about so many units together."""
_OCTAVES = 6.0
"""How far below an input that fires at once the next are tried, in powers of two."""


def find_rheobase(neuron: Neuron, *, input: str | None = None) -> Tensor:  # noqa: A002
    """The least constant input that gives a spike within 1,000 ms, from the initial state.

    The neuron's own parameters, dt, event and integrator count; its state is left as it is. Units with the
    same parameters and initial states are tried once. Of a model of one variable that is linear, such as
    ``lif``, the input is computed, and tried at ``1 +- 1e-4`` times that: it is that with which the exact
    solution touches the threshold after 1,000 ms. Otherwise, and where dt is too coarse for that, it is
    bisected until an input that fires is within ``1e-4`` of one that does not, on the assumption that what
    fires also fires with a little more.

    Args:
        neuron: A spiking neuron or an ensemble, from :func:`rheobase.create`.
        input: The name of the input, for a model with several; the others are at their defaults. Default: the
            first.

    Returns:
        ``[units]``, in the input's unit, in the neuron's dtype: the least input found to fire. Zero for a
        unit that fires without; infinite for one that does not fire from 6e-14 to 2e9, as far as the input's
        domain allows that. Negative inputs are not tried.

    Raises:
        ArgumentError: If the neuron emits no spikes, or has no such input.

    Example:
        >>> import rheobase as rb
        >>> class Leaky(rb.SpikingNeuron):
        ...     '''A leak of 5 nS, and a threshold 20 mV above rest.'''
        ...     leak = rb.Parameter(5.0, unit="nS", above=0)
        ...     voltage = rb.State(0.0, unit="mV")
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": (data / params.leak - state.voltage) / 10.0}
        ...     @staticmethod
        ...     def threshold(state, params):
        ...         return state.voltage - 20.0
        ...     @staticmethod
        ...     def reset(state, params):
        ...         return {"voltage": 0.0 * params.leak}
        >>> rb.find_rheobase(rb.create(Leaky, num_units=2, leak=[5.0, 10.0]))
        tensor([100., 200.])
    """
    return search(neuron, input)


def search(
    neuron: Neuron,
    name: str | None = None,
    *,
    window: float = WINDOW,
    tolerance: float = TOLERANCE,
) -> Tensor:
    """The least constant input that fires within ``window`` ms, ``[units]``, to a relative ``tolerance``."""
    if not isinstance(neuron, Neuron) or "spiked" not in neuron.loggable_props:
        raise ArgumentError(f"neuron={shown(neuron)} emits no spikes; give a spiking neuron")
    inputs = tuple(neuron.schema.inputs)
    if name is not None and name not in inputs:
        raise ArgumentError(
            f"{neuron.identifier} has no input {name!r}{nearest(name, inputs)}; "
            f"its inputs are: {', '.join(inputs) or 'one without a name, so give none'}"
        )
    # A search for each kind; its result is spread over the units at the end.
    kinds = kinds_of(neuron)
    name = name or (inputs[0] if inputs else "")
    with torch.no_grad():
        try:
            return _Search(neuron, name, kinds.first, window, tolerance).result().to(neuron.dtype)[kinds.kind]
        except IntegrationError:
            if len(kinds.first) < neuron.num_units:
                # The unit that its message names is to be one of the neuron's, not of its kinds.
                _Search(neuron, name, torch.arange(neuron.num_units), window, tolerance).result()
            raise


class _Search:
    """One search, on copies of some units of the neuron."""

    def __init__(self, neuron: Neuron, name: str, units: Tensor, window: float, tolerance: float) -> None:
        self._window, self._tolerance = window, tolerance
        self._name, self._units, self._dtype = name, len(units), neuron.dtype
        declared = neuron.schema.inputs.get(name)
        self._contains: Callable[[Tensor], Tensor] = (
            torch.isfinite if declared is None else declared.domain.contains
        )
        # What those receive that are not asked.
        none = torch.zeros(1, dtype=torch.float64)
        self._idle = 0.0 if declared is None or bool(self._contains(none)) else float(declared.default)
        self._neuron = self._copy(neuron)
        keep_units(self._neuron, units)
        # For inputs of any size: what they make infinite is marked, and does not stop the others.
        self._bold = self._copy(self._neuron)
        self._bold.integrator = copy.copy(neuron.integrator)
        self._bold.integrator.on_failure = "mark"
        self._bold.reset_state()
        self._runs: dict[int, PreparedRun] = {}

    @staticmethod
    def _copy(neuron: Neuron) -> Any:
        twin: Any = copy.deepcopy(neuron)
        twin.reset_state()
        twin.keeps_graph = False
        return twin

    def result(self) -> Tensor:
        """The rheobase of each unit, float64 ``[units]``."""
        found = torch.full((self._units,), math.inf, dtype=torch.float64)
        none = torch.full((1, self._units), self._idle, dtype=torch.float64)
        found[self._fires(self._neuron, none, self._window)[0]] = 0.0
        exact, never = self._closed_form() or (None, torch.zeros(self._units, dtype=torch.bool))
        if exact is not None:
            # Where the dynamics agree with their exact solution, nothing is left to look for.
            # The closed form is that of exact dynamics. That it also holds for this dt and integrator is seen
            # from a run just below it and one just above.
            tried = torch.stack([exact * (1.0 - self._tolerance), exact * (1.0 + self._tolerance)])
            sure = (exact >= LOWEST) & (exact <= HIGHEST) & self._contains(tried).all(dim=0) & (found > 0)
            below, above = self._fires(self._neuron, torch.where(sure, tried, self._idle), self._window)
            found = torch.where(sure & ~below & above, exact, found)
        return self._bisected(found, found.isinf() & ~never)

    def _bisected(self, found: Tensor, open_: Tensor) -> Tensor:
        """The search for those of whom nothing is known."""
        if not bool(open_.any()):
            return found
        open_all, high = open_, self._ladder(open_)
        open_ = open_ & high.isfinite()
        # The ladder gives an input that fires soon; what fires late may do so octaves below.
        low = high * 2.0**-_OCTAVES
        count = max(2, min(_MOST, _LANES // self._units))
        while bool(open_.any()):
            # Those below: from the lower end, of which nothing is known, to just under the upper one.
            # Geometric steps: the tolerance is relative. ``count`` inputs at once divide the interval by that
            # in one run, where bisection would take log2(count) runs.
            share = torch.arange(count, dtype=torch.float64)[:, None] / count
            tried = torch.where(open_, low * (high / low) ** share, self._idle)
            fired = self._fires(self._neuron, tried, self._window) & open_
            # The first that fires; argmax() of booleans is not defined in torch, and of none it is 0.
            at = torch.where(fired.any(dim=0), fired.to(torch.int8).argmax(dim=0), count)
            rungs = torch.cat([tried, high[None]])
            new = rungs.gather(0, at[None])[0]
            under = rungs.gather(0, (at - 1).clamp(min=0)[None])[0]
            # Even the lowest fires: the interval moves down instead of being divided.
            deeper = at == 0
            high = torch.where(open_, new, high)
            low = torch.where(open_, torch.where(deeper, high * 2.0**-_OCTAVES, under), low)
            open_ = open_ & (deeper | (high - low > self._tolerance * high)) & (high > LOWEST)
        return torch.where(found.isinf() & open_all, high, found)

    def _ladder(self, open_: Tensor) -> Tensor:
        """An input at which each unit fires, to an octave the least that does so quickly; or infinity."""
        octaves = round(math.log2(HIGHEST / LOWEST))
        rungs = LOWEST * 2.0 ** torch.arange(octaves + 1, dtype=torch.float64)
        rungs = rungs[self._contains(rungs)]
        high = torch.full((self._units,), math.inf, dtype=torch.float64)
        size = max(1, _LANES // self._units)
        # Short runs first: most fire within, and only those that do not pay for the whole window.
        for window in (min(_FIRST_LOOK, self._window), self._window):
            for some in torch.split(rungs, size):
                left = open_ & high.isinf()
                if not bool(left.any()):
                    return high
                fired = self._fires(self._bold, torch.where(left, some[:, None], self._idle), window) & left
                first = some[fired.to(torch.int8).argmax(dim=0)]
                high = torch.where(fired.any(dim=0), first, high)
        return high

    def _fires(self, neuron: Any, currents: Tensor, window: float) -> Tensor:
        """Who fires, bool ``[rows, units]``, at currents ``[rows, units]``."""
        neuron.reset_state()
        # Both copies live as long as the search, so that an id is one of them.
        key = id(neuron)
        if key not in self._runs:
            self._runs[key] = prepare(neuron, record=SPIKES, grad=False)
        neuron._watch.told = True  # of inputs that nobody gave, nothing is to be said
        rows, dt = currents.to(self._dtype).to(neuron.device), neuron.dt
        fired = torch.zeros(currents.shape, dtype=torch.bool)
        left = max(1, round(window / dt))
        while left and not bool(fired.all()):
            steps = min(left, max(1, round(_PIECE / dt)))
            # A view: a row for each step, without memory for each.
            x = rows.expand(steps, *rows.shape)
            spikes = self._runs[key]({self._name: x} if self._name else x).spikes
            # The inputs that are tried side by side are the batch.
            fired[spikes.batch, spikes.units] = True
            left -= steps
        return fired

    def _closed_form(self) -> tuple[Tensor, Tensor] | None:
        """The input that ends the window at threshold, for one linear variable, and who never fires."""
        # In float64: the formula below takes differences of terms of like size.
        twin = self._copy(self._neuron).double()
        model = twin._model
        if model is None or len(twin.schema.states) != 1 or model.threshold is None:
            return None
        if self._name in twin.schema.jumps:
            return None  # What arrives in each step is no constant that a field has.
        (state,), shape = twin.schema.states, torch.Size((self._units,))
        y = getattr(twin, state).expand(shape)[None].clone()

        def field(value: float) -> ModelField:
            given = {
                name: torch.full(shape, float(each.default)).double()
                for name, each in twin.schema.inputs.items()
            }
            given[self._name] = torch.full(shape, value, dtype=torch.float64)
            named = twin.schema.inputs
            data = twin.schema.lasting(twin.schema.pack_data(**given)) if named else given[self._name]
            return ModelField(model, twin.params, data, shape)

        try:
            # Three inputs: two give the gain, the third shows that the response to the input is a straight
            # line.
            paths = [linear(field(value), 0.0, y) for value in (0.0, 1.0, 2.0)]
            gap = affine(lambda z: ask(model, "threshold", (z[0],), twin.params), y)
        except (StructureError, ArgumentError):
            return None
        rate, (at_zero, at_one, at_two) = paths[0].matrix[0, 0], (path.slopes[0] for path in paths)
        gain = at_one - at_zero
        affine_in_input = torch.allclose(at_two - at_one, gain) and torch.equal(paths[2].matrix[0, 0], rate)
        if not affine_in_input:
            return None
        x = rate * self._window
        # (e^x - 1) / x, which is 1 at x = 0; the inner where() keeps 0 / 0 out.
        reach = self._window * torch.where(x == 0, 1.0, torch.expm1(x) / torch.where(x == 0, 1.0, x))
        exact = (-gap.value / (gap.coefficients[0] * reach) - at_zero) / gain
        # More input moves away from the threshold. Steps longer than the time constant overshoot, and may
        # cross it all the same.
        never = (gap.coefficients[0] * gain <= 0) & (rate.abs() * twin.dt <= 1.0)
        return torch.where(exact.isfinite(), exact, math.inf).expand(shape).cpu(), never.expand(shape).cpu()
