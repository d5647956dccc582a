"""Whether numbers rise evenly, as times of samples do."""

from __future__ import annotations

import numpy as np


def uneven(times: np.ndarray) -> tuple[float, int | None]:
    """The mean interval of two or more numbers, and the first place that departs from it, or None."""
    # Times are often printed with three or four digits: a thousandth of the interval is still even.
    with np.errstate(all="ignore"):  # numbers that overflow are not evenly spaced
        interval = float(times[-1] - times[0]) / (len(times) - 1)
        # Not >: what is no number departs too.
        off = np.flatnonzero(~(np.abs(np.diff(times) - interval) <= 1e-3 * abs(interval)))
    if len(off):
        return interval, int(off[0])
    return interval, None if interval > 0 else 0


def look_like_times(column: np.ndarray) -> bool:
    """Whether numbers that nobody named rise evenly; two always do, so it takes three."""
    return len(column) > 2 and uneven(column)[1] is None
