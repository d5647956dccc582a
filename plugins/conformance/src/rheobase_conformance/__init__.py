"""The conformance kit: does a component keep its promises?

Three doors, one suite: ``rheobase validate NAME``, :func:`check`, and in a package's own tests a class that
derives from :class:`Suite`, or ``pytest --rheobase NAME``. For tests of your own there are the strategy
:func:`runs` and the state machine :func:`machine`. Users say ``rheobase.conformance``, which is this package
under another name; it comes with the extra: ``pip install 'rheobase[testing]'``.

The public names are bound at first use, as pytest imports this package in every run.
(PYTEST_DONT_REWRITE: it may be imported already.)
"""

from __future__ import annotations

# With an underscore, so that editors do not offer them among the public names.
import importlib as _importlib
import typing as _typing

if _typing.TYPE_CHECKING:
    from .aggregators.case import AggregatorCase as AggregatorCase
    from .catalogue import properties as properties
    from .checking import check as check
    from .checking import reproduce as reproduce
    from .integrators.case import IntegratorCase as IntegratorCase
    from .mutation import Fate as Fate
    from .mutation import Judged as Judged
    from .mutation import Mutant as Mutant
    from .mutation import MutationReport as MutationReport
    from .mutation import mutants as mutants
    from .mutation import mutate as mutate
    from .neurons.case import NeuronCase as NeuronCase
    from .property import FAMILIES as FAMILIES
    from .property import Property as Property
    from .report import Report as Report
    from .result import Result as Result
    from .result import Verdict as Verdict
    from .rules.case import RuleCase as RuleCase
    from .stateful import NeuronMachine as NeuronMachine
    from .stateful import machine as machine
    from .strategies import runs as runs
    from .suite import Suite as Suite
    from .synapses.case import SynapseCase as SynapseCase
    from .violation import Violation as Violation

_HOME = {
    "FAMILIES": "property",
    "AggregatorCase": "aggregators.case",
    "Fate": "mutation",
    "IntegratorCase": "integrators.case",
    "Judged": "mutation",
    "Mutant": "mutation",
    "MutationReport": "mutation",
    "NeuronCase": "neurons.case",
    "NeuronMachine": "stateful",
    "Property": "property",
    "Report": "report",
    "Result": "result",
    "RuleCase": "rules.case",
    "Suite": "suite",
    "SynapseCase": "synapses.case",
    "Verdict": "result",
    "Violation": "violation",
    "check": "checking",
    "machine": "stateful",
    "mutants": "mutation",
    "mutate": "mutation",
    "properties": "catalogue",
    "reproduce": "checking",
    "runs": "strategies",
}
"""Public name -> the module that defines it."""

# Written out, for type checkers: rheobase.conformance imports all of them.
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
    "RuleCase",
    "Suite",
    "SynapseCase",
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


def __getattr__(name: str) -> _typing.Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _importlib.import_module(".extra", __name__)  # first: it says what is missing
    value = getattr(_importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
