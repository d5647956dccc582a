"""The conformance kit: does a neuron model, an integrator or an aggregator keep its promises?

Three doors, one suite: ``rheobase validate NAME``, :func:`check`, and in a package's own tests a class that
derives from :class:`Suite`, or ``pytest --rheobase NAME``. For tests of your own there are the strategy
:func:`runs` and the state machine :func:`machine`. It needs the extra: ``pip install
'rheobase[testing]'``.
"""

from __future__ import annotations

from . import extra as _extra  # noqa: F401 - first

# isort: split
from .aggregators.case import AggregatorCase
from .catalogue import properties
from .checking import check, reproduce
from .integrators.case import IntegratorCase
from .mutation import Fate, Judged, Mutant, MutationReport, mutants, mutate
from .neurons.case import NeuronCase
from .property import FAMILIES, Property
from .report import Report
from .result import Result, Verdict
from .stateful import NeuronMachine, machine
from .strategies import runs
from .suite import Suite
from .violation import Violation

__all__ = [
    "FAMILIES",
    "AggregatorCase",
    "Fate",
    "IntegratorCase",
    "Judged",
    "Mutant",
    "MutationReport",
    "NeuronCase",
    "NeuronMachine",
    "Property",
    "Report",
    "Result",
    "Suite",
    "Verdict",
    "Violation",
    "check",
    "machine",
    "mutants",
    "mutate",
    "properties",
    "reproduce",
    "runs",
]
