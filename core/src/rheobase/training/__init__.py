"""Training: models as layers with a derivative, and what stands before and behind them.

``rheobase.layer`` makes a layer and ``rheobase.surrogate`` chooses the derivative of its spikes. Here are
``detach`` for truncated backpropagation through time; the readouts ``count``, ``rate``, ``first_spike`` and
``largest``; and the encoders ``poisson`` and ``latency``. Losses, optimizers and data are torch's own.
"""

from .encoders import latency as latency
from .encoders import poisson as poisson
from .readouts import count as count
from .readouts import first_spike as first_spike
from .readouts import largest as largest
from .readouts import rate as rate
from .state import detach as detach

__all__ = ["count", "detach", "first_spike", "largest", "latency", "poisson", "rate"]
