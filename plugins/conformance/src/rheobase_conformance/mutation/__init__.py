"""Mutants of a neuron model: what the kit, and an author's own tests, see of a model that is wrong."""

from __future__ import annotations

from .judging import mutate
from .making import Mutant, mutants
from .report import Fate, Judged, MutationReport

__all__ = ["Fate", "Judged", "Mutant", "MutationReport", "mutants", "mutate"]
