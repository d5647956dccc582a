"""The stimuli: currents over time, in pA, and spikes that arrive. Public as ``rheobase.stimulus``.

Each is a pure function of the step's number, so that runs can be continued and repeated; see
:class:`Stimulus` for the contract, and for a stimulus of your own. ``first + second`` is their sum.
"""

from __future__ import annotations

from .signal.noise import OrnsteinUhlenbeck
from .signal.sampled import File, Samples
from .signal.stimulus import Constant, Stimulus, Sum
from .signal.timing import Closed
from .signal.trains import Events
from .signal.values import Current
from .signal.waves import Ramp, Sine
from .signal.windows import Levels, Pulses, Step

__all__ = [
    "Closed",
    "Constant",
    "Current",
    "Events",
    "File",
    "Levels",
    "OrnsteinUhlenbeck",
    "Pulses",
    "Ramp",
    "Samples",
    "Sine",
    "Step",
    "Stimulus",
    "Sum",
]
