"""A run, again: from the settings of its recording, to the last bit."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from ..engine.create import create
from ..engine.create import integrator as make_integrator
from ..errors import ArgumentError, RheobaseError, RheobaseWarning, shortened, shown
from ..signal.signal import Signal
from ..specs import Provenance
from .simulate import simulate
from .taking import KINDS

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron
    from .recording import Recording


class Run(NamedTuple):
    """A run that is about to begin: ``simulate(neuron, stimulus, duration, **how)``, duration in ms."""

    neuron: Neuron
    stimulus: Any
    duration: float | None
    how: dict[str, Any]

    def take(self) -> Recording:
        """Run it."""
        recording: Recording = simulate(self.neuron, self.stimulus, self.duration, **self.how)
        return recording


def again(recording: Recording) -> Run:
    """The run of a recording, to be taken again to the last bit; warns where a component has changed."""
    settings = recording.settings
    if not settings:
        raise ArgumentError(
            "this recording does not say how it was made: it was written by an earlier version, made of the "
            "journal of a run that was killed, or by a prepared run"
        )
    reasons = settings["unrepeatable"]
    if reasons:
        raise ArgumentError(f"this run cannot be run again from its recording: {'; '.join(reasons)}")
    try:
        return _run(recording, settings)
    except RheobaseError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        # A file may be whole and still be written by hand, or its components may take other arguments:
        # whatever they raise, the user hears what was tried.
        raise ArgumentError(
            f"the settings of this recording make no sense here ({type(error).__name__}: "
            f"{shortened(str(error))}); the components may have changed since"
        ) from error


def _run(recording: Recording, settings: Mapping[str, Any]) -> Run:
    neuron = _neuron(settings)
    now = neuron.provenance
    told = [
        f"{origin.name} was of {_source(origin)}, and is of {_source(now[part])} now"
        for part, origin in recording.provenance.items()
        if part in now and now[part] != origin
    ]
    if told:
        warnings.warn(f"the result may differ: {'; '.join(told)}", RheobaseWarning, stacklevel=3)
    stimulus = {name: _input(part, neuron.device) for name, part in settings["stimulus"].items()}
    steps, dt = settings["steps"], neuron.dt
    if type(steps) is not int or not 0 < steps * dt < math.inf:
        raise ArgumentError(f"the settings have {shown(steps)} steps of {dt!r} ms")
    how = {
        "record": settings["record"],
        "every": settings["every"],
        "grad": settings["grad"],
        "backend": settings["backend"],
    }
    return Run(neuron, stimulus.get("", stimulus), steps * dt, how)


def _source(origin: Provenance) -> str:
    return " ".join(filter(None, (origin.distribution, origin.version))) or "no distribution"


def _neuron(settings: Mapping[str, Any]) -> Neuron:
    integrator = settings["integrator"]
    method = make_integrator(
        integrator["name"], **integrator["settings"], on_failure=integrator["on_failure"]
    )
    made = integrator["made"]
    # A repr with an address tells objects apart, and not methods; any other has to be the same.
    if " at 0x" not in made and repr(method) != made:
        raise ArgumentError(
            f"the integrator was {made} when it ran, and {method!r} is what its settings make"
        )
    neuron: Neuron = create(
        settings["model"],
        settings["units"],
        integrator=method,
        aggregator=settings["aggregator"],
        event=settings["event"],
        dt=settings["dt_ms"],
        dtype=getattr(torch, settings["dtype"]),
        device=settings["device"],
        seed=settings["seed"],
        identifier=settings["identifier"],
        **settings["options"],
        **settings["parameters"],
    )
    state = {**settings["parameters"], **settings["state"]}
    missing = {*neuron.schema.parameters, *neuron.schema.states} - state.keys()
    if missing:
        raise ArgumentError(f"the settings have no {sorted(missing)[0]!r}; the model has changed since")
    neuron.load_state_dict({name: value.to(neuron.device) for name, value in state.items()}, strict=False)
    return neuron


def _input(given: Mapping[str, Any], device: torch.device) -> Any:
    if "sources" not in given:
        return _stimulus(given, device)
    sources = [(each["identifier"], _stimulus(each["source"], device)) for each in given["sources"]]
    return dict(sources) if sources[0][0] is not None else [source for _, source in sources]


def _stimulus(given: Mapping[str, Any], device: torch.device) -> Any:
    if "rows" in given:
        return given["rows"].to(device)
    if "type" not in given:
        # Row 0 of the table is what holds before the first time.
        levels = given["levels"]
        table: Tensor = levels["table"].to(device)
        return Signal.levels(levels["times"], table[1:], before=table[0], until=levels["until"])
    arguments = {name: value for name, value in given.items() if name not in ("type", "file")}
    if given["type"] == "Sum":
        arguments["parts"] = tuple(_stimulus(part, device) for part in arguments["parts"])
    arguments = {name: _tuples(value) for name, value in arguments.items()}
    return KINDS[given["type"]](**arguments)


def _tuples(value: Any) -> Any:
    # Settings have lists where arguments were tuples, which JSON does not know.
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
