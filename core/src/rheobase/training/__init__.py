"""Training: models as layers with a derivative, and what stands before and behind them.

``rheobase.layer`` makes a layer and ``rheobase.surrogate`` chooses the derivative of its spikes; here is
what stands beside them.
"""

from .state import detach as detach

__all__ = ["detach"]
