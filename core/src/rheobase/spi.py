"""The second door, for those who build on Rheobase from without: its service-provider interface.

Users and authors of neuron models need ``rheobase`` alone. Here is what else integrators, backends, commands
and tools such as the conformance kit are made of; ``docs/spi.md`` has an example of each. A name keeps its
meaning within a minor version. As in ``rheobase``, names are bound at first use: what needs no torch imports
none.
"""

from __future__ import annotations

import importlib as _importlib
import typing as _typing

from . import errors as _errors

if _typing.TYPE_CHECKING:
    from .cli.interrupts import import_undisturbed as import_undisturbed
    from .cli.interrupts import terminable as terminable
    from .cli.judging import judged as judged
    from .cli.messages import json_option as json_option
    from .cli.messages import print_json as print_json
    from .engine.integrator.contract import Field as Field
    from .engine.integrator.contract import Time as Time
    from .engine.integrator.equation import Equation as Equation
    from .engine.integrator.event import PROBE as PROBE
    from .engine.integrator.phi import phi1 as phi1
    from .engine.integrator.status import Failure as Failure
    from .engine.integrator.status import failure as failure
    from .engine.integrator.status import name_units as name_units
    from .engine.model.branching import called as called
    from .engine.model.declaration import Quantity as Quantity
    from .engine.model.domain import Domain as Domain
    from .engine.model.framework import of_framework as of_framework
    from .engine.model.functions import Model as Model
    from .engine.model.functions import after_reset as after_reset
    from .engine.model.functions import own_update as own_update
    from .engine.model.owner import Owner as Owner
    from .engine.model.schema import FUNCTIONS as FUNCTIONS
    from .engine.model.schema import Schema as Schema
    from .engine.neuron.base import EVENTS as EVENTS
    from .engine.neuron.randomness import GENERATOR_STATE as GENERATOR_STATE
    from .engine.neuron.tensors import Tensors as Tensors
    from .engine.neuron.tensors import carried as carried
    from .engine.neuron.tensors import functions_of as functions_of
    from .engine.neuron.tensors import is_hooked as is_hooked
    from .engine.neuron.tensors import put_tensors as put_tensors
    from .engine.neuron.tensors import tensors as tensors
    from .engine.step.events import LimitedField as LimitedField
    from .engine.step.field import ModelGap as ModelGap
    from .engine.step.table import BESIDE as BESIDE
    from .engine.step.table import SLOTS as SLOTS
    from .engine.step.table import TIMES as TIMES
    from .engine.step.table import Slot as Slot
    from .engine.step.table import StepState as StepState
    from .engine.trace.dispatch import Trace as Trace
    from .engine.trace.dispatch import trace as trace
    from .engine.trace.graph import Node as Node
    from .philox import key_of as key_of
    from .philox import uniform as uniform
    from .philox import words as words
    from .pipeline.pointed import in_file as in_file
    from .pipeline.pointed import kind_of as kind_of
    from .pipeline.pointed import loaded as loaded
    from .pipeline.protocols import Backend as Backend
    from .pipeline.protocols import Drive as Drive
    from .pipeline.protocols import Pays as Pays
    from .pipeline.protocols import Prepares as Prepares
    from .pipeline.protocols import Steppable as Steppable
    from .pipeline.protocols import Take as Take
    from .pipeline.sources import Sources as Sources
    from .pipeline.spikes import Spikes as Spikes
    from .plugins.component import Registered as Registered
    from .plugins.component import imported as imported
    from .plugins.metadata import text_of as text_of
    from .plugins.registry import resolve as resolve
    from .plugins.worker.process import ending as ending
    from .pointing import folder_specs as folder_specs
    from .pointing import hook_module as hook_module
    from .pointing import is_in_module as is_in_module
    from .pointing import is_path as is_path
    from .pointing import object_in_module as object_in_module
    from .pointing import read_toml as read_toml
    from .pointing import refuse_missing as refuse_missing
    from .pointing import split as split
    from .specs import VERSION as VERSION
    from .specs import ComponentSpec as ComponentSpec
    from .training.unrolling import Trainer as Trainer
    from .training.unrolling import Trains as Trains
    from .training.unrolling import Unrolling as Unrolling

_HOME = {
    # For authors of integrators.
    "Equation": "engine.integrator.equation",
    "Failure": "engine.integrator.status",
    "Field": "engine.integrator.contract",
    "LimitedField": "engine.step.events",
    "ModelGap": "engine.step.field",
    "PROBE": "engine.integrator.event",
    "Time": "engine.integrator.contract",
    "failure": "engine.integrator.status",
    "name_units": "engine.integrator.status",
    "phi1": "engine.integrator.phi",
    # For authors of backends.
    "BESIDE": "engine.step.table",
    "Backend": "pipeline.protocols",
    "Drive": "pipeline.protocols",
    "Node": "engine.trace.graph",
    "Pays": "pipeline.protocols",
    "Prepares": "pipeline.protocols",
    "SLOTS": "engine.step.table",
    "Slot": "engine.step.table",
    "Sources": "pipeline.sources",
    "Spikes": "pipeline.spikes",
    "StepState": "engine.step.table",
    "Steppable": "pipeline.protocols",
    "TIMES": "engine.step.table",
    "Take": "pipeline.protocols",
    "Tensors": "engine.neuron.tensors",
    "Trace": "engine.trace.dispatch",
    "Trainer": "training.unrolling",
    "Trains": "training.unrolling",
    "Unrolling": "training.unrolling",
    "carried": "engine.neuron.tensors",
    "functions_of": "engine.neuron.tensors",
    "is_hooked": "engine.neuron.tensors",
    "put_tensors": "engine.neuron.tensors",
    "tensors": "engine.neuron.tensors",
    "trace": "engine.trace.dispatch",
    # For authors of connection rules.
    "key_of": "philox",
    "uniform": "philox",
    "words": "philox",
    # What a model declares.
    "Domain": "engine.model.domain",
    "EVENTS": "engine.neuron.base",
    "FUNCTIONS": "engine.model.schema",
    "GENERATOR_STATE": "engine.neuron.randomness",
    "Model": "engine.model.functions",
    "Owner": "engine.model.owner",
    "Quantity": "engine.model.declaration",
    "Schema": "engine.model.schema",
    "after_reset": "engine.model.functions",
    "called": "engine.model.branching",
    "of_framework": "engine.model.framework",
    "own_update": "engine.model.functions",
    # For tools that are given components by what a user calls them.
    "ComponentSpec": "specs",
    "Registered": "plugins.component",
    "VERSION": "specs",
    "ending": "plugins.worker.process",
    "folder_specs": "pointing",
    "hook_module": "pointing",
    "imported": "plugins.component",
    "in_file": "pipeline.pointed",
    "is_in_module": "pointing",
    "is_path": "pointing",
    "kind_of": "pipeline.pointed",
    "loaded": "pipeline.pointed",
    "object_in_module": "pointing",
    "read_toml": "pointing",
    "refuse_missing": "pointing",
    "resolve": "plugins.registry",
    "split": "pointing",
    "text_of": "plugins.metadata",
    # For authors of commands.
    "import_undisturbed": "cli.interrupts",
    "json_option": "cli.messages",
    "judged": "cli.judging",
    "print_json": "cli.messages",
    "terminable": "cli.interrupts",
}
"""Name -> the module that defines it."""

__all__ = sorted(_HOME)


def __getattr__(name: str) -> _typing.Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{_errors.nearest(name, __all__)}")
    value = getattr(_importlib.import_module(f".{_HOME[name]}", __package__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
