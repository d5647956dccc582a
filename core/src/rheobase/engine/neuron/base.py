"""The base class of all neurons: the reference API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from ...errors import ArgumentError, EventModeError, InputError, ParameterError, nearest
from ...html import html_table, in_short
from ...signal.signal import Signal
from ...specs import Provenance
from ...torch_state import first_not_finite
from ..aggregate import Aggregator, sum_inputs
from ..integrator import Integrator
from ..integrator.equation import times_of
from ..model.body import Declaring
from ..model.choice import Preset
from ..model.declaration import Input, State
from ..model.define import define
from ..model.distribution import Distribution
from ..model.sweep import Sweep, expand
from ..model.values import as_parameter, as_state, resolve_defaults
from ..provenance import provenance_of
from ..resolve import as_aggregator, as_integrator, input_rules
from .receive import receive
from .stepped import Stepped
from .threads import alone

EVENTS = ("crossing", "step", "located")


class Neuron(Stepped, metaclass=Declaring):
    """The base class of neurons.

    A model declares its parameters and states, and defines ``derivatives`` and, if it spikes,
    ``threshold`` and ``reset``; everything else follows. A class that declares nothing works as the
    reference API has it: it is given an ``equation``, or overrides :meth:`forward`.

    Args:
        equation: The right-hand side ``f(x, data)`` of the difference equation, without the present
            value and without dt; or a tuple of them, solved together, each of which receives the
            whole tuple ``x``, voltage first. Only for classes that declare nothing.
        integrator: An :class:`~rheobase.Integrator` or the name of one; Runge-Kutta of order 4 by
            default.
        aggregator: A callable ``(inputs, identifiers)``, the name of one, or a mapping of them by
            input or by pattern of identifiers. It goes before the class's own :meth:`aggregate`.
        preset: The name of a preset of the class.
        event: "crossing" (the reset receives the state interpolated at the crossing), "step" (test and
            reset on the state at the end of the step) or "located" (each spike at its own time, to the
            integrator's precision, and the rest of the step from there).
        grad: Whether the states keep their autograd graph from step to step.
        identifier: A name for this neuron.
        configuration: Attribute -> value, applied at the end of construction.
        dt: The time step, ms; ``DT`` (0.1) by default.
        device: Where the tensors live.
        dtype: Their floating-point type; float32 by default.
        seed: The seed of declared draws, of sweeps without one of their own, and of the generator of a
            stochastic model: an integer from 0 up. None: 0, and the generator as torch makes it.
        **kwargs: Values of declared parameters, options and initial states; for a class that declares
            nothing, further attributes.

    Raises:
        ArgumentError: If an argument cannot be used; a :class:`~rheobase.errors.ParameterError` for
            names that are not declared and values outside their domain.

    Attributes:
        input: The current received in the last step; a buffer, ``[*batch, units]``.
        voltage: The membrane state; a buffer, ``[*batch, units]``.
        schema: What the class declares.

    Example:
        >>> import torch
        >>> from rheobase import Neuron
        >>> class Leaky(Neuron):
        ...     def forward(self, data, identifiers=None):
        ...         self.voltage = self.integrate(data=data)
        ...         return self.loggable_state()
        >>> neuron = Leaky(equation=lambda x, data: (data - x) / 10.0, my_note="kept")
        >>> neuron(torch.ones(1))["voltage"]
        tensor([0.0100])
        >>> neuron.num_units, neuron.my_note
        (1, 'kept')
    """

    _framework = True

    loggable_props: tuple[str, ...] = ("input", "voltage")

    # For classes that declare nothing; a model has the states and inputs that it names.
    voltage = State(0.0, unit="mV", doc="membrane potential")
    input = Input(unit="pA", doc="the current received in this step")

    if TYPE_CHECKING:
        derivatives: ClassVar[Callable[..., Mapping[str, Any]]]
        threshold: ClassVar[Callable[..., Tensor]]
        reset: ClassVar[Callable[..., Mapping[str, Any]]]
        release: ClassVar[Callable[..., Mapping[str, Any]]]
        update: ClassVar[Callable[..., Any]]
        hazard: ClassVar[Callable[..., Tensor]]
        held: ClassVar[Sequence[str]]
        dt_max: ClassVar[float | Callable[..., Any]]
        differentiable: ClassVar[bool]
        discrete: ClassVar[bool]
        input_unit: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        define(cls)

    def __init__(
        self,
        equation: Callable[..., Any] | Sequence[Callable[..., Any]] | None = None,
        integrator: Integrator | str | None = None,
        *,
        aggregator: Aggregator | str | Mapping[str, Any] | None = None,
        preset: str | None = None,
        event: str = "crossing",
        grad: bool = False,
        identifier: str | None = None,
        configuration: Mapping[str, Any] | None = None,
        dt: float | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        chosen = self._find_preset(preset)
        super().__init__(
            identifier=identifier,
            configuration=configuration,
            dt=chosen.dt if dt is None and chosen is not None else dt,
            device=device,
            dtype=dtype,
            seed=seed,
        )
        self._preset = preset
        self._event = _check_event(event)
        self._model_source: Provenance | None = None
        self.keeps_graph = bool(grad)
        self.equation = self._check_equation(equation)
        self.integrator, self._integrator_source = as_integrator(integrator)
        chosen_rule = aggregator
        if self.schema.inputs:
            self._input_rules = input_rules(self.schema, aggregator, self.aggregate)
            aggregator = None if isinstance(aggregator, Mapping) else aggregator
        self.aggregator, self._aggregator_source = as_aggregator(aggregator)
        # What it was made with, for the settings of its runs.
        self._aggregator_given = chosen_rule, self.aggregator
        self._name_given: str | None = None
        given = {**chosen.params, **chosen.state, **kwargs} if chosen is not None else kwargs
        if self.schema.declared:
            self._take(given)
        else:
            for name, value in given.items():
                if name in self.schema.states:
                    if isinstance(value, Distribution):
                        self._spread[name] = value
                    self._initial[name] = as_state(self, self.schema.states[name], value, torch.Size())
                elif hasattr(type(self), name):
                    raise ParameterError(
                        f"{type(self).__name__}: {name!r} is a member of every neuron and cannot be set; "
                        "give the attribute another name"
                    )
                else:
                    setattr(self, name, value)
        self._begin()
        if self.configuration:
            self.configure()
        # From here on a new attribute whose name is nearly a declared one is an error.
        self._ready = True

    # --- the reference API -----------------------------------------------------------------------

    @staticmethod
    def aggregate(inputs: list[Tensor], identifiers: list[str] | None = None) -> Tensor:
        """Combine the inputs of several sources into one; their sum, unless a class overrides it.

        Args:
            inputs: Tensors whose shapes broadcast: ``[]``, ``[units]``, ``[*batch, units]``.
            identifiers: Their names, in the same order; or None.

        Returns:
            The combined input.

        Raises:
            InputError: If the list is empty, or the identifiers do not match it.

        Example:
            >>> import torch
            >>> from rheobase import Neuron
            >>> Neuron.aggregate([torch.ones(2, 3), torch.ones(3), torch.tensor(1.0)]).tolist()
            [[3.0, 3.0, 3.0], [3.0, 3.0, 3.0]]
        """
        return sum_inputs(inputs, identifiers)

    def forward(self, data: Any, identifiers: list[str] | None = None) -> dict[str, Tensor]:
        """One step of dt.

        Args:
            data: The input: a tensor whose last dimension is 1 or ``num_units`` and whose leading
                dimensions are a batch; a number; a :class:`~rheobase.Signal` on the neuron's clock, which
                may change within the step; a list of these, which goes through the aggregator;
                or a mapping of these by input name.
            identifiers: The names of the sources in a list, in its order.

        Returns:
            Loggable attribute -> its state after the step, as tensors of their own.

        Raises:
            InputError: If the input has a wrong type, shape or device, or is not finite.
            NonFiniteStateError: If a state is not finite after the step. The neuron stays as it was.
            NotImplementedError: If the class neither defines dynamics nor overrides this method.
        """
        if self._model is None:
            raise NotImplementedError(
                f"{type(self).__name__} has no dynamics: define derivatives, or override forward"
            )
        outputs, given = self.advance(self.prepare(data, identifiers)), {}
        for name in self.reported:
            if name in outputs:
                given[name] = outputs[name].clone()
        return given

    @alone
    def inject(self, current: Tensor | float) -> None:
        """Add to the voltage at once: a kick. One that lifts g above zero gives a spike in the next step.

        Args:
            current: What is added, mV; its last dimension is 1 or ``num_units``.

        Raises:
            InputError: If it has a wrong type or shape, or is not finite.
            ArgumentError: If the model has no state ``voltage``.
        """
        if "voltage" not in self.schema.states:
            raise ArgumentError(
                f"{self.identifier} has no voltage to inject into; its states are "
                f"{', '.join(self.schema.states)}"
            )
        kick = receive(self, current, "the injected kick")
        where = None if kick.is_meta else first_not_finite(kick)
        if where is not None:
            raise InputError(
                f"{self.identifier}: the injected kick is not finite, {float(kick[where])} for unit "
                f"{where[-1]}; give finite numbers, in mV"
            )
        self._keep("voltage", self._of("voltage") + kick)

    def integrate(self, **kwargs: Any) -> Any:
        """The voltage at t + dt, from ``equation``. Changes nothing; for use inside :meth:`forward`.

        Args:
            **kwargs: What the equation depends on; a :class:`~rheobase.Signal` is on the neuron's clock, or
                what :meth:`prepare` gave; the time that an equation with a parameter ``t`` is given is on it.

        Returns:
            A tensor for one equation; for a tuple of equations a tuple: the voltage, then
            ``auxiliary_1`` and so on, one for each further equation.

        Raises:
            ArgumentError: If the neuron was given no equation.
        """
        if self.equation is None:
            raise ArgumentError(
                f"{self.identifier} was given no equation to integrate; construct it with equation=..."
            )
        parts = [self._of(name) for name in ("voltage", *self.auxiliaries)]
        x = parts[0] if callable(self.equation) else parts
        kwargs = {
            name: value.out_of_step(self.time) if isinstance(value, Signal) else value
            for name, value in kwargs.items()
        }
        time = times_of(self, self.equation, kwargs)
        return self.integrator(x, self.equation, dt=self.dt, **{**time, **kwargs})

    @property
    def auxiliaries(self) -> tuple[str, ...]:
        """The buffers of the equations after the first, where a tuple of them was given."""
        count = 0 if self.equation is None or callable(self.equation) else len(self.equation) - 1
        return tuple(f"auxiliary_{index + 1}" for index in range(count))

    # --- identity --------------------------------------------------------------------------------

    @property
    def reported(self) -> tuple[str, ...]:
        """What a step gives: ``loggable_props``, and where spikes are located their number and times."""
        if self._event != "located" or "spiked" not in self.loggable_props:
            return self.loggable_props
        return (*self.loggable_props, "spike_count", "spike_times")

    @property
    def event(self) -> str:
        """How a crossing of the threshold is handled within a step."""
        return self._event

    @property
    def preset(self) -> Preset | None:
        """The preset that the neuron was made from."""
        return None if self._preset is None else self.schema.presets[self._preset]

    @property
    def provenance(self) -> dict[str, Provenance]:
        """Where the model, the integrator and the aggregator come from, by kind."""
        return provenance_of(self)

    def extra_repr(self) -> str:
        return (
            f"num_units={self.num_units}, dt={self.dt}, integrator={self.integrator!r}, event={self.event!r}"
        )

    def _repr_html_(self) -> str:
        schema = self.schema
        rows = [
            ("units", str(self.num_units)),
            ("time step", f"{self.dt:g} ms"),
            ("time", f"{self.time:g} ms"),
            ("integrator", repr(self.integrator)),
            ("event", self.event),
            *((name, in_short(self._of(name), each.unit)) for name, each in schema.parameters.items()),
            *((name, str(getattr(self, name))) for name in schema.options),
            *((name, in_short(self._of(name), each.unit)) for name, each in schema.states.items()),
        ]
        return html_table(self.identifier, rows)

    # --- construction ----------------------------------------------------------------------------

    def _take(self, given: Mapping[str, Any]) -> None:
        schema = self.schema
        for name in given:
            if name not in schema.settable:
                raise ParameterError(schema.unknown(name))
        sweeps = {name: value for name, value in given.items() if isinstance(value, Sweep)}
        values = {**given, **expand(sweeps, self.num_units, self._stream)}
        self._spread = {name: value for name, value in given.items() if isinstance(value, Distribution)}
        self._by_default = set(schema.parameters) - values.keys()
        # Options first: defaults of parameters may read them.
        for name in schema.options:
            if name in values:
                self._set_option(name, values[name])
        for name, state in schema.states.items():
            if name in values:
                self._initial[name] = as_state(self, state, values[name], torch.Size())
        tensors = {
            name: as_parameter(self, declared, values[name])
            for name, declared in schema.parameters.items()
            if name in values
        }
        for name, value in resolve_defaults(self, tensors).items():
            self._put_parameter(name, value)

    def _find_preset(self, name: str | None) -> Preset | None:
        if name is None:
            return None
        presets = self.schema.presets
        if name not in presets:
            raise ParameterError(
                f"{type(self).__name__} has no preset {name!r}{nearest(str(name), presets)}; "
                f"its presets are {', '.join(presets) or 'none'}"
            )
        return presets[name]

    def _check_equation(self, equation: Any) -> Any:
        if equation is None:
            return None
        if self.schema.declared:
            raise ArgumentError(
                f"{type(self).__name__} declares its dynamics, so equation= cannot be given; "
                "define derivatives in a subclass instead"
            )
        if callable(equation):
            return equation
        if isinstance(equation, Sequence) and equation and all(map(callable, equation)):
            return tuple(equation)
        raise ArgumentError(
            f"equation={equation!r} cannot be used; give a callable f(x, data) or a tuple of them"
        )


def _check_event(event: str) -> str:
    if event not in EVENTS:
        raise EventModeError(
            f"event={event!r} cannot be used; it must be one of "
            f"{', '.join(EVENTS)}{nearest(str(event), EVENTS)}"
        )
    return event


# ``__init_subclass__`` is not called for the class that has it.
define(Neuron)
