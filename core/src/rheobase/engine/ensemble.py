"""Ensembles: the same model, N units."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError, ParameterError
from .neuron.base import Neuron
from .sweep import Sweep, expand


class Ensemble(Neuron):
    """N units of one model, stepped together. Parameters may differ from unit to unit.

    ``rheobase.create`` makes one; :meth:`of` gives the class of ensembles of a model, which is a
    subclass of both.

    Args:
        num_units: The number of units, 1 or more.
        **kwargs: As for the model. Values of parameters and initial states may be tensors ``[units]``
            or sweeps.

    Raises:
        ArgumentError: If the number of units is not a whole number >= 1.

    Example:
        >>> from rheobase import AnalogNeuron, Ensemble
        >>> ensemble = Ensemble.of(AnalogNeuron)(num_units=3)
        >>> ensemble.num_units, isinstance(ensemble, AnalogNeuron)
        (3, True)
    """

    def __init__(self, *args: Any, num_units: int = 1, **kwargs: Any) -> None:
        if isinstance(num_units, bool) or not isinstance(num_units, int) or num_units < 1:
            raise ArgumentError(f"num_units={num_units!r} cannot be used; give a whole number >= 1")
        # Before torch's own constructor: the tensors that follow have this size.
        self.__dict__["_num_units"] = num_units
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
            }
            _CLASSES.setdefault(model, type(model.__name__, (Ensemble, model), names))
        return _CLASSES[model]

    def heterogenize(self, **sweeps: Sweep) -> None:
        """Give parameters values that differ from unit to unit.

        Args:
            **sweeps: Parameter -> sweep. Grids combine in this order.

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
                raise ParameterError(self.schema.unknown(name))
            if not isinstance(sweep, Sweep):
                raise ParameterError(f"heterogenize: {name}={sweep!r}; give a Sweep, or assign the value")
        before = {name: self._of(name) for name in sweeps}
        try:
            for name, values in expand(sweeps, self.num_units).items():
                setattr(self, name, values)
        except ParameterError:
            for name, value in before.items():
                self._keep(name, value)
            raise

    def __reduce__(self) -> Any:
        # The class is made at run time, so it is found again by way of its model.
        model = next(base for base in type(self).__mro__[1:] if not issubclass(base, Ensemble))
        return _blank, (model,), self.__getstate__()


_CLASSES: dict[type[Neuron], type[Ensemble]] = {}


def _blank(model: type[Neuron]) -> Ensemble:
    cls = Ensemble.of(model)
    return cls.__new__(cls)
