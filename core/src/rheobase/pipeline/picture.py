"""A figure that shows itself in a notebook, whatever is said about matplotlib there."""

from __future__ import annotations

import io
from typing import final

from matplotlib.figure import Figure


@final
class Picture(Figure):
    """A matplotlib figure without a window; as the last value of a notebook's cell it is seen."""

    def _repr_png_(self) -> bytes:
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=100)
        return drawn.getvalue()
