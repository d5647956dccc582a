"""Ensembles: the same model, N units."""

from __future__ import annotations

import operator
from typing import Any

from ..errors import ArgumentError, ParameterError, nearest
from .model.distribution import Distribution
from .model.sweep import Sweep, expand
from .model.values import as_parameter
from .neuron.base import Neuron


class Ensemble(Neuron):
    """N units of one model, stepped together. Parameters may differ from unit to unit.

    ``rheobase.create`` makes one; :meth:`of` gives the class of ensembles of a model, which is a
    subclass of both.

    Args:
        num_units: The number of units, 1 or more.
        **kwargs: As for the model. Values of parameters and initial states may be tensors ``[units]``
            or sweeps or distributions.

    Raises:
        ArgumentError: If the number of units is not a whole number >= 1.

    Example:
        >>> from rheobase import AnalogNeuron, Ensemble
        >>> ensemble = Ensemble.of(AnalogNeuron)(num_units=3)
        >>> ensemble.num_units, isinstance(ensemble, AnalogNeuron)
        (3, True)
    """

    _framework = True

    def __init__(self, *args: Any, num_units: int = 1, **kwargs: Any) -> None:
        try:
            units = 0 if isinstance(num_units, bool) else operator.index(num_units)
        except TypeError:
            units = 0
        if units < 1:
            raise ArgumentError(f"num_units={num_units!r} cannot be used; give a whole number >= 1")
        # Before torch's own constructor: the tensors that follow have this size.
        self.__dict__["_num_units"] = units
        super().__init__(*args, **kwargs)

    @classmethod
    def of(cls, model: type[Neuron]) -> type[Ensemble]:
        """The class of ensembles of a model.

        Args:
            model: A subclass of ``Neuron``.

        Returns:
            A subclass of both ``Ensemble`` and the model; the same one at every call.
        """
        if issubclass(model, Ensemble):
            return model
        if model not in _CLASSES:
            names = {
                "__module__": model.__module__,
                "__doc__": model.__doc__,
                "__qualname__": model.__qualname__,
                "loggable_props": model.loggable_props,
            }
            # Two threads may both make the class; setdefault gives one of them to both.
            _CLASSES.setdefault(model, type(model.__name__, (Ensemble, model), names))
        return _CLASSES[model]

    def heterogenize(self, **sweeps: Sweep | Distribution) -> None:
        """Give parameters values that differ from unit to unit.

        Args:
            **sweeps: Parameter -> sweep or distribution. Grids combine in this order.

        Raises:
            ParameterError: If a name is not declared, a value is outside its domain, or the number of
                values is not the number of units. Nothing is changed then.

        Example:
            >>> from rheobase import Ensemble, Parameter, AnalogNeuron, State, Sweep
            >>> class Leaky(AnalogNeuron):
            ...     tau = Parameter(10.0, unit="ms", above=0)
            ...     voltage = State(0.0, unit="mV")
            ...     @staticmethod
            ...     def derivatives(state, params, data):
            ...         return {"voltage": (data - state.voltage) / params.tau}
            >>> leaky = Ensemble.of(Leaky)(num_units=3)
            >>> leaky.heterogenize(tau=Sweep.zipped([5.0, 10.0, 20.0]))
            >>> leaky.tau
            tensor([ 5., 10., 20.])
        """
        for name, sweep in sweeps.items():
            if name not in self.schema.parameters:
                near = nearest(name, self.schema.parameters)
                raise ParameterError(f"{self.identifier} has no parameter {name!r} to heterogenize{near}")
            if not isinstance(sweep, (Sweep, Distribution)):
                raise ParameterError(
                    f"heterogenize: {name}={sweep!r}; give a Sweep or a distribution, or assign the value"
                )
        grids = {name: sweep for name, sweep in sweeps.items() if isinstance(sweep, Sweep)}
        values = {**sweeps, **expand(grids, self.num_units, self._stream)}
        # All are checked before one is set.
        for name, value in values.items():
            as_parameter(self, self.schema.parameters[name], value)
        for name, value in values.items():
            setattr(self, name, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # A class made by of() cannot be found by its name, so it is found by way of its model.
        for model, cls in _CLASSES.items():
            if cls is type(self):
                return _blank, (model,), self.__getstate__()
        return super().__reduce_ex__(protocol)


_CLASSES: dict[type[Neuron], type[Ensemble]] = {}


def _blank(model: type[Neuron]) -> Ensemble:
    cls = Ensemble.of(model)
    return cls.__new__(cls)
