"""Pipelines: stimuli, runs, recordings, plots."""

from .interrupted import SimulationInterrupted as SimulationInterrupted
from .pipeline import Pipeline as Pipeline
from .recording import Recording as Recording
from .simulator import SimpleSimulator as SimpleSimulator
