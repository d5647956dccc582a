"""Pictures of recordings and f-I curves, by their public name (the ``plot`` extra)."""

from .pipeline.fi import FICurve as FICurve
from .pipeline.fi import fi_curve as fi_curve
from .pipeline.plots import plot_fi_curve as plot_fi_curve
from .pipeline.plots import plot_recording as plot_recording
