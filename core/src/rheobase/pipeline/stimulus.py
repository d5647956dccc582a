"""The stimuli: currents over time, in pA. Public as ``rheobase.stimulus``.

Each is a pure function of the step's number, so that runs can be continued and repeated; see
:class:`Stimulus` for the contract, and for a stimulus of your own. ``first + second`` is their sum.
"""

from __future__ import annotations

from .stimuli.base import Stimulus, Sum
from .stimuli.constant import Constant
from .stimuli.noise import OrnsteinUhlenbeck
from .stimuli.sampled import File, Samples
from .stimuli.timing import Closed
from .stimuli.values import Current
from .stimuli.waves import Ramp, Sine
from .stimuli.windows import Levels, Pulses, Step

__all__ = [
    "Closed",
    "Constant",
    "Current",
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
