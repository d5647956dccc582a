"""Neurons: the base class, and those that emit real numbers or spikes."""

from .analog import AnalogNeuron as AnalogNeuron
from .base import Neuron as Neuron
from .spiking import SpikingNeuron as SpikingNeuron
