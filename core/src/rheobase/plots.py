"""Pictures of recordings and of models, by their public name (the ``plot`` extra).

Each draws into a new figure without a window, or into ``ax=``, axes of yours; gives the figure back; and
never shows it.
"""

from .pipeline.characterisation import Characterisation as Characterisation
from .pipeline.characterisation import characterise as characterise
from .pipeline.characterisation import plot_characterisation as plot_characterisation
from .pipeline.drawing import plot_raster as plot_raster
from .pipeline.fi import FICurve as FICurve
from .pipeline.fi import fi_curve as fi_curve
from .pipeline.networkplot import plot_network as plot_network
from .pipeline.phaseplane import plot_phase_plane as plot_phase_plane
from .pipeline.plots import plot_fi_curve as plot_fi_curve
from .pipeline.plots import plot_recording as plot_recording
from .pipeline.projectionplot import plot_delays as plot_delays
from .pipeline.projectionplot import plot_weights as plot_weights
