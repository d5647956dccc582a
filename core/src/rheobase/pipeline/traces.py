"""Traces by name: a dictionary that says of a name that it lacks how it would have been recorded."""

from __future__ import annotations

from typing import NoReturn, final

from torch import Tensor

from ..engine.neuron.named import as_tree
from ..errors import TraceError, nearest, shown


@final
class Traces(dict[str, Tensor]):
    """Name -> values ``[steps // every, *batch, units]``.

    Pickle and ``torch.save`` write it as an ordered dictionary, which is read without Rheobase.

    Raises:
        TraceError: For a name that was not recorded; it is a KeyError too.

    Example:
        >>> import torch
        >>> traces = Traces(voltage=torch.tensor([[-75.0]]))
        >>> traces["volt"]
        Traceback (most recent call last):
        rheobase.errors.TraceError: the trace 'volt' was not recorded; did you mean 'voltage'?; recorded: \
voltage; what a run records is its argument record=("spikes", "voltage")
    """

    __slots__ = ()

    def __missing__(self, name: object) -> NoReturn:
        if name == "spikes":
            raise TraceError("the spikes are no trace: they are recording.spikes")
        meant = nearest(str(name), self)
        missing = [] if meant or not isinstance(name, str) else [name]
        names = ", ".join(f'"{each}"' for each in ("spikes", *self, *missing))
        raise TraceError(
            f"the trace {shown(name)} was not recorded{meant}; recorded: {', '.join(self) or 'none'}; "
            f"what a run records is its argument record=({names})"
        )


as_tree(Traces)
