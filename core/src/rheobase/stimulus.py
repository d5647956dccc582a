"""The stimuli, by their public name. See :mod:`rheobase.pipeline.stimulus`."""

from .pipeline.stimulus import Closed as Closed
from .pipeline.stimulus import Constant as Constant
from .pipeline.stimulus import Current as Current
from .pipeline.stimulus import File as File
from .pipeline.stimulus import Levels as Levels
from .pipeline.stimulus import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from .pipeline.stimulus import Pulses as Pulses
from .pipeline.stimulus import Ramp as Ramp
from .pipeline.stimulus import Samples as Samples
from .pipeline.stimulus import Sine as Sine
from .pipeline.stimulus import Step as Step
from .pipeline.stimulus import Stimulus as Stimulus
from .pipeline.stimulus import Sum as Sum
