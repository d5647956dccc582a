"""Rheobase: neuron models, integrators and aggregators as plugins, on PyTorch.

The public names are bound at first use, so that ``import rheobase`` imports neither torch nor any
plugin. (For pytest, which may start when this module is imported already: PYTEST_DONT_REWRITE.)
"""

from __future__ import annotations

# With an underscore, so that editors do not offer them among the public names.
import importlib as _importlib
import typing as _typing

from . import errors as errors
from .errors import RheobaseError as RheobaseError
from .errors import RheobaseWarning as RheobaseWarning

if _typing.TYPE_CHECKING:
    from . import conformance as conformance
    from . import plots as plots
    from . import spi as spi
    from . import stimulus as stimulus
    from . import training as training
    from .engine.component import DT as DT
    from .engine.component import Component as Component
    from .engine.create import aggregator as aggregator
    from .engine.create import create as create
    from .engine.create import integrator as integrator
    from .engine.ensemble import Ensemble as Ensemble
    from .engine.integrator import Advance as Advance
    from .engine.integrator import Event as Event
    from .engine.integrator import EventIntegrator as EventIntegrator
    from .engine.integrator import Integrator as Integrator
    from .engine.integrator import Located as Located
    from .engine.integrator import RungeKutta as RungeKutta
    from .engine.integrator import Status as Status
    from .engine.integrator import locate as locate
    from .engine.model.choice import Option as Option
    from .engine.model.choice import Preset as Preset
    from .engine.model.declaration import Input as Input
    from .engine.model.declaration import Parameter as Parameter
    from .engine.model.declaration import State as State
    from .engine.model.distribution import LogNormal as LogNormal
    from .engine.model.distribution import Normal as Normal
    from .engine.model.distribution import Uniform as Uniform
    from .engine.model.draw import Draw as Draw
    from .engine.model.expect import Expect as Expect
    from .engine.model.exprel import exprel as exprel
    from .engine.model.sweep import Sweep as Sweep
    from .engine.network.network import Network as Network
    from .engine.network.plasticity import Plasticity as Plasticity
    from .engine.network.recipe import rule as rule
    from .engine.network.recipe import synapse as synapse
    from .engine.network.reference import Projection as Projection
    from .engine.network.reference import Synapse as Synapse
    from .engine.neuron.analog import AnalogNeuron as AnalogNeuron
    from .engine.neuron.base import Neuron as Neuron
    from .engine.neuron.spiking import SpikingNeuron as SpikingNeuron
    from .engine.step.field import ModelField as ModelField
    from .engine.trace import conditionally_linear as conditionally_linear
    from .engine.trace import linear as linear
    from .marker import hookimpl as hookimpl
    from .pipeline.networkrecording import NetworkRecording as NetworkRecording
    from .pipeline.pipeline import Pipeline as Pipeline
    from .pipeline.prepared import PreparedRun as PreparedRun
    from .pipeline.prepared import prepare as prepare
    from .pipeline.protocols import Taken as Taken
    from .pipeline.recording import Recording as Recording
    from .pipeline.rheobase import find_rheobase as find_rheobase
    from .pipeline.simulate import SimulationInterrupted as SimulationInterrupted
    from .pipeline.simulate import simulate as simulate
    from .pipeline.simulator import SimpleSimulator as SimpleSimulator
    from .pipeline.watched import Piece as Piece
    from .pipeline.watched import watched as watched
    from .plugins.registry import list_components as list_components
    from .plugins.registry import register as register
    from .signal.signal import Signal as Signal
    from .specs import AggregatorSpec as AggregatorSpec
    from .specs import BackendSpec as BackendSpec
    from .specs import IntegratorSpec as IntegratorSpec
    from .specs import NeuronSpec as NeuronSpec
    from .specs import Provenance as Provenance
    from .specs import RuleSpec as RuleSpec
    from .specs import SurrogateSpec as SurrogateSpec
    from .specs import SynapseSpec as SynapseSpec
    from .training.layer import layer as layer
    from .training.module import Layer as Layer
    from .training.surrogate import surrogate as surrogate

_HOME = {
    "Advance": "engine.integrator",
    "AggregatorSpec": "specs",
    "AnalogNeuron": "engine.neuron.analog",
    "BackendSpec": "specs",
    "Component": "engine.component",
    "DT": "engine.component",
    "Draw": "engine.model.draw",
    "Ensemble": "engine.ensemble",
    "Event": "engine.integrator",
    "EventIntegrator": "engine.integrator",
    "Expect": "engine.model.expect",
    "Input": "engine.model.declaration",
    "Integrator": "engine.integrator",
    "IntegratorSpec": "specs",
    "Located": "engine.integrator",
    "Layer": "training.module",
    "LogNormal": "engine.model.distribution",
    "ModelField": "engine.step.field",
    "Network": "engine.network.network",
    "NetworkRecording": "pipeline.networkrecording",
    "Neuron": "engine.neuron.base",
    "NeuronSpec": "specs",
    "Normal": "engine.model.distribution",
    "Option": "engine.model.choice",
    "Parameter": "engine.model.declaration",
    "Piece": "pipeline.watched",
    "Pipeline": "pipeline.pipeline",
    "Preset": "engine.model.choice",
    "PreparedRun": "pipeline.prepared",
    "Plasticity": "engine.network.plasticity",
    "Projection": "engine.network.reference",
    "Provenance": "specs",
    "RuleSpec": "specs",
    "Synapse": "engine.network.reference",
    "SurrogateSpec": "specs",
    "SynapseSpec": "specs",
    "rule": "engine.network.recipe",
    "synapse": "engine.network.recipe",
    "Recording": "pipeline.recording",
    "RungeKutta": "engine.integrator",
    "Signal": "signal.signal",
    "SimpleSimulator": "pipeline.simulator",
    "SimulationInterrupted": "pipeline.simulate",
    "SpikingNeuron": "engine.neuron.spiking",
    "State": "engine.model.declaration",
    "Status": "engine.integrator",
    "Sweep": "engine.model.sweep",
    "Taken": "pipeline.protocols",
    "Uniform": "engine.model.distribution",
    "aggregator": "engine.create",
    "conditionally_linear": "engine.trace",
    "create": "engine.create",
    "exprel": "engine.model.exprel",
    "find_rheobase": "pipeline.rheobase",
    "hookimpl": "marker",
    "integrator": "engine.create",
    "layer": "training.layer",
    "linear": "engine.trace",
    "list_components": "plugins.registry",
    "locate": "engine.integrator",
    "prepare": "pipeline.prepared",
    "register": "plugins.registry",
    "simulate": "pipeline.simulate",
    "surrogate": "training.surrogate",
    "watched": "pipeline.watched",
}
"""Public name -> the module that defines it."""

_MODULES = ("conformance", "plots", "spi", "stimulus", "training")
_OF_OTHERS = ("conformance",)

_NAMES = sorted([*_HOME, *_MODULES, "RheobaseError", "RheobaseWarning", "errors"])


def _offered() -> list[str]:
    """The public names that are here: a module of another distribution is one where that is installed."""
    from .plugins.metadata import MODULES, extensions

    absent = {*_OF_OTHERS} - extensions(MODULES).keys()
    return [name for name in _NAMES if name not in absent]


def __getattr__(name: str) -> _typing.Any:
    value: _typing.Any
    if name == "__all__":  # bound at first use too: to look for what is installed takes a while
        value = _offered()
    elif name in _MODULES:
        try:
            value = _importlib.import_module(f".{name}", __name__)
        except errors.MissingError as missing:
            # What asks for attributes, such as hasattr, knows no other error. An import is told the first.
            raise errors.AbsentError(str(missing)) from missing
    elif name in _HOME:
        value = getattr(_importlib.import_module(f".{_HOME[name]}", __name__), name)
    else:
        raise AttributeError(f"module 'rheobase' has no attribute {name!r}{errors.nearest(name, _NAMES)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(globals().get("__all__") or __getattr__("__all__"))
