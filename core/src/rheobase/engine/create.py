"""Making neurons, integrators and aggregators by name."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any, TypeVar, cast, overload

import torch

from ..errors import ArgumentError, ParameterError, RheobaseWarning, StepSizeWarning, nearest, shown
from ..specs import Provenance
from .aggregate import Aggregator
from .component import DT
from .ensemble import Ensemble
from .integrator import Integrator
from .neuron.base import Neuron
from .resolve import as_aggregator, as_integrator, load
from .step.stepsize import concerned

ModelT = TypeVar("ModelT", bound=Neuron)


@overload
def create(
    name_or_class: str,
    num_units: int = 1,
    *,
    preset: str | None = None,
    integrator: Integrator | str | None = None,
    aggregator: Aggregator | str | Mapping[str, Any] | None = None,
    event: str = "crossing",
    grad: bool = False,
    dt: float | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    seed: int | None = None,
    **params: Any,
) -> Ensemble: ...


@overload
def create(
    name_or_class: type[ModelT],
    num_units: int = 1,
    *,
    preset: str | None = None,
    integrator: Integrator | str | None = None,
    aggregator: Aggregator | str | Mapping[str, Any] | None = None,
    event: str = "crossing",
    grad: bool = False,
    dt: float | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    seed: int | None = None,
    **params: Any,
) -> ModelT: ...


def create(
    name_or_class: str | type[Neuron],
    num_units: int = 1,
    *,
    preset: str | None = None,
    integrator: Integrator | str | None = None,
    aggregator: Aggregator | str | Mapping[str, Any] | None = None,
    event: str = "crossing",
    grad: bool = False,
    dt: float | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    seed: int | None = None,
    **params: Any,
) -> Any:
    """Make an ensemble of an installed model, or of a model class.

    Args:
        name_or_class: The name of an installed model (``rheobase list``), or a subclass of ``Neuron``.
        num_units: The number of units.
        preset: The name of one of the model's presets.
        integrator: An integrator or the name of one; ``"rk4"`` by default.
        aggregator: The name of an aggregator, a callable ``(inputs, identifiers)``, or a mapping of these
            by input name or by pattern of identifiers. It goes before the model's own rule.
        event: "crossing" (the reset receives the state interpolated at the crossing), "step" (test and
            reset on the state at the end of the step) or "located" (each spike at its own time, to the
            integrator's precision, and the rest of the step from there).
        grad: Whether states keep their autograd graph from step to step.
        dt: The time step, ms. By default the preset's, else the smaller of ``DT`` (0.1) and the model's
            ``dt_max``, where that is a number.
        device: Where the tensors live.
        dtype: Their floating-point type; float32 by default.
        seed: The seed of what the model draws (:class:`~rheobase.Draw`), of distributions, of sweeps without
            one of their own, and of the generator of a stochastic model: an integer from 0 up. Two neurons of
            one identifier and one seed draw the same. None: 0, and the generator as torch makes it.
        **params: Parameters, options and initial states of the model: numbers, tensors ``[units]``, sweeps,
            or :class:`~rheobase.Uniform`, :class:`~rheobase.Normal`, :class:`~rheobase.LogNormal`.

    Returns:
        An ensemble of the model's class: it is an instance of both ``Ensemble`` and that class.

    Raises:
        ComponentError: If a name is unknown; it lists what is installed.
        ParameterError: If the model does not declare a name, or a value is outside its domain.
        ArgumentError: If another argument cannot be used.

    Warns:
        StepSizeWarning: If dt is larger than the model's ``dt_max``, where that is a number. Where it is a
            function, runs warn.
        RheobaseWarning: If the default initial state lies at or above the threshold.

    Example:
        >>> import rheobase as rb
        >>> neuron = rb.create("analog", num_units=2)
        >>> neuron(3.0)["voltage"]
        tensor([3., 3.])
    """
    if isinstance(name_or_class, str):
        model, source = load("neuron", name_or_class)
    else:
        model, source = name_or_class, None
    if not (inspect.isclass(model) and issubclass(model, Neuron)):
        raise ArgumentError(
            f"create: {name_or_class!r} is no neuron model; give a name or a subclass of rheobase.Neuron"
        )
    if not model.schema.declared:
        _refuse_undeclared(model, params)
    limit = model.schema.dt_max
    own = None if preset is None or preset not in model.schema.presets else model.schema.presets[preset].dt
    if dt is None and own is None and limit is not None:
        dt = min(DT, limit)
    if source is not None:
        # Named as it is installed, not as its class is, so that messages and draws go by what was asked for.
        params.setdefault("identifier", source.name)
    neuron = cast(Any, Ensemble.of(model))(
        num_units=num_units,
        preset=preset,
        integrator=integrator,
        aggregator=aggregator,
        event=event,
        grad=grad,
        dt=dt,
        device=device,
        dtype=dtype,
        seed=seed,
        **params,
    )
    neuron._name_given = name_or_class if source is not None else None
    neuron._model_source = source or Provenance("neuron", model.__name__)
    _warn_of_the_start(neuron)
    if limit is not None and neuron.dt > limit and concerned(neuron.integrator):
        warnings.warn(
            f"{neuron.identifier}: dt={neuron.dt:g} ms is larger than the model's dt_max={limit:g} "
            "ms, above which "
            f"{neuron.integrator!r} does not serve it; choose a smaller dt or an adaptive integrator",
            StepSizeWarning,
            stacklevel=2,
        )
    return neuron


def _warn_of_the_start(neuron: Any) -> None:
    """The default initial state lies below the threshold, unless parameters make the model silent."""
    armed = neuron.state.get("armed")
    if armed is None or armed.is_meta or neuron._initial or bool(armed.all()):
        return
    unit = int((~armed).reshape(-1, neuron.num_units).nonzero()[0, 1])
    warnings.warn(
        f"{neuron.identifier}: unit {unit} starts at or above its threshold and cannot spike before it "
        "has been below; choose other parameters or an initial state",
        RheobaseWarning,
        stacklevel=3,
    )


def _refuse_undeclared(model: type[Neuron], params: Mapping[str, Any]) -> None:
    """A class that declares nothing takes what its constructors name, and its states."""
    known = {"equation", "identifier", "configuration", *model.schema.states}
    for base in model.__mro__:
        if issubclass(base, Neuron) and base is not Neuron and "__init__" in vars(base):
            known |= set(inspect.signature(base.__init__).parameters) - {"self", "args", "kwargs"}
    for name in params:
        if name not in known:
            raise ParameterError(
                f"{model.__name__} takes no {shown(name)}{nearest(name, known)}; "
                f"it takes {', '.join(sorted(known))}"
            )


def integrator(name: str, **settings: Any) -> Integrator:
    """Make an installed integrator with settings of its own.

    Args:
        name: Its name (``rheobase list --kind integrator``).
        **settings: What it takes, such as tolerances. Every integrator takes ``on_failure``: ``"raise"``,
            the default, or ``"mark"``: the states of units whose integration fails become NaN, their
            ``status`` says why (:class:`~rheobase.Status`), and all other units go on.

    Returns:
        The integrator.

    Raises:
        ComponentError: If no integrator of that name is installed.
        ArgumentError: If it does not take a setting.

    Example:
        >>> import rheobase as rb
        >>> rb.integrator("rk2")
        RungeKutta(order=2)
    """
    return as_integrator(name, **settings)[0]


def aggregator(name: str) -> Aggregator:
    """Get an installed aggregator.

    Args:
        name: Its name (``rheobase list --kind aggregator``).

    Returns:
        The callable ``(inputs, identifiers) -> Tensor``.

    Raises:
        ComponentError: If no aggregator of that name is installed.

    Example:
        >>> import rheobase as rb, torch
        >>> rb.aggregator("mean")([torch.tensor([1.0]), torch.tensor([3.0])], None)
        tensor([2.])
    """
    rule, _ = as_aggregator(name)
    if rule is None:
        raise ArgumentError("aggregator: give the name of an aggregator")
    return rule
