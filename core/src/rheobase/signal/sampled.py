"""Stimuli that were recorded: values at equal intervals, each held until the next."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ..errors import StimulusError
from ..torch_state import first_not_finite
from .description import Held
from .reading import read_current
from .stimulus import Described
from .values import check_number


@final
@dataclass(frozen=True, eq=False)
class Samples(Described):
    """Recorded values, each held for one interval: I(t) = scale * values[floor(t / sample_dt)].

    A step receives the sample that is held when it starts, found by integer arithmetic, so that
    dt = 0.05 ms in intervals of 0.25 ms gives each sample to exactly five steps. The values end where
    they end: a longer run is refused before it starts.

    Args:
        values: A tensor or array ``[n]``, the same for all units, or ``[n, units]``, of a real
            floating-point type.
        sample_dt: The interval in ms, above 0.
        scale: A factor, applied in the type of the values; 1000 turns nA into pA. Default 1.

    Raises:
        StimulusError: If the values are empty, not finite, or of another type or shape; later, if a run asks
            for a step beyond the last sample, or for a type that does not hold a value.

    Example:
        >>> import torch
        >>> from rheobase import stimulus
        >>> held = stimulus.Samples(torch.tensor([0.1, 0.3]), sample_dt=0.5, scale=1000.0)
        >>> held.rows(0, 4, dt=0.25, num_units=1).flatten()
        tensor([100., 100., 300., 300.])
        >>> held.duration
        1.0
    """

    values: Tensor
    sample_dt: float
    scale: float = 1.0
    _held: Held = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_number(self, "sample_dt", self.sample_dt, above=0.0)
        check_number(self, "scale", self.scale)
        values = _as_tensor(self.values)
        object.__setattr__(self, "values", values)
        scaled = values if self.scale == 1.0 else values * float(self.scale)
        scaled = scaled[:, None] if scaled.dim() == 1 else scaled
        bad = first_not_finite(scaled)
        if bad is not None:
            sample, column = bad
            value = values.detach().reshape(len(values), -1)[sample, column].item()
            raise StimulusError(
                f"Samples: sample {sample} of column {column} is {value}"
                f" (times {self.scale:g}); give finite values"
            )
        object.__setattr__(self, "_held", Held(scaled, self.sample_dt))

    def __repr__(self) -> str:
        shape = list(self.values.shape)
        return f"Samples(values={shape}, sample_dt={self.sample_dt!r}, scale={self.scale!r})"

    @property
    def description(self) -> Held:
        """See :class:`Described`."""
        return self._held


@final
@dataclass(frozen=True, eq=False)
class File(Described):
    """A recorded current read from a CSV, TSV, NPY or NPZ file; afterwards as :class:`Samples`.

    One column of current, or one for each unit, at equal intervals, whose length the file gives or
    ``dt`` does:

    - **NPZ**: one array of current ``[n]`` or ``[n, units]`` under any name, and the interval in ms as
      the number ``dt_ms`` (or times in ms as ``t_ms`` or ``time_ms``).
    - **NPY**: one such array; the interval comes from ``dt``.
    - **CSV**, **TSV**: a column for each unit, separated by commas, semicolons or tabs, with or without one
      line of names (needed where the first of several columns rises evenly, as times do). The interval is
      given by a column ``t_ms`` or ``time_ms`` of evenly spaced times, by a column ``dt_ms``, by a line
      ``# dt_ms = 0.25``, or by ``dt``.

    The file is read when the stimulus is made, and its values keep the file's own precision, also when
    they are scaled. A CSV is read as float64.

    Args:
        path: The file.
        dt: The interval between samples in ms, for a file that does not give it.
        scale: A factor, applied in the type of the values; 1000 turns nA into pA. Default 1.

    Raises:
        StimulusError: If the file is missing, empty, ragged, has text or NaN among its numbers, or if the
            interval is not given, or given twice and differently.

    Example:
        >>> import pathlib, tempfile
        >>> from rheobase import stimulus
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name, "current.csv")
        >>> _ = path.write_text("t_ms,current\\n0.0,1.5\\n0.5,2.5\\n")
        >>> stimulus.File(path).rows(0, 4, dt=0.25, num_units=1).flatten()
        tensor([1.5000, 1.5000, 2.5000, 2.5000])
        >>> folder.cleanup()
    """

    path: str | os.PathLike[str]
    dt: float | None = None
    scale: float = 1.0
    samples: Samples = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.dt is not None:
            check_number(self, "dt", self.dt, above=0.0)
        check_number(self, "scale", self.scale)
        values, sample_dt = read_current(Path(self.path), self.dt)
        try:
            samples = Samples(torch.from_numpy(values), sample_dt, float(self.scale))
        except StimulusError as error:
            raise StimulusError(f"{os.fspath(self.path)}: {error}") from error
        object.__setattr__(self, "samples", samples)

    @property
    def description(self) -> Held:
        """See :class:`Samples`."""
        return self.samples.description


def _as_tensor(values: Any) -> Tensor:
    """The values as a real floating-point tensor [n] or [n, units] with something in it."""
    if not isinstance(values, Tensor):
        try:
            values = torch.as_tensor(np.asarray(values) if isinstance(values, (list, tuple)) else values)
        except (TypeError, ValueError, RuntimeError) as error:
            raise StimulusError(
                f"Samples: values of type {type(values).__name__} cannot be used ({error}); "
                "give a tensor or an array of numbers [n] or [n, units]"
            ) from error
    if not values.is_floating_point():
        raise StimulusError(
            f"Samples: values of {values.dtype} cannot be used; give a real floating-point type, "
            "for instance values.float()"
        )
    if values.dim() not in (1, 2) or values.numel() == 0:
        raise StimulusError(
            f"Samples: values of shape {list(values.shape)} cannot be used; give [n] or [n, units] "
            "with at least one sample"
        )
    tensor: Tensor = values
    return tensor
