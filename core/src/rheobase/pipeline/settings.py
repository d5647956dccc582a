"""What a run was made of, in plain values: from these it can be run again, bit for bit.

====================  ==================================================================================
``model``             the name of the installed model; ``units``, ``identifier``, ``options``, ``event``
``parameters``        name -> tensor, as the model had them
``state``             name -> tensor: all that the run began from, clock and generator with it
``dt_ms``             the time step; ``dtype`` and ``device``
``integrator``        its name, and what it was made with
``aggregator``        its name, or names by pattern of identifiers; None: the model's own
``seed``              of what the model draws; None where none was given
``stimulus``          by input (``""`` where it has no name): ``type`` and arguments of one of
                      :mod:`rheobase.stimulus`, ``rows``, ``levels``, or ``sources`` of these
``record``            name -> True, or the units; ``every``, ``grad``
``steps``             how many were asked for; ``duration_ms``
``backend``           which one ran them
``unrepeatable``      why it cannot be run again from this, where it cannot
====================  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

from torch import Tensor


@final
class Settings(Mapping[str, Any]):
    """The settings of a run; see :mod:`rheobase.pipeline.settings`."""

    def __init__(self, values: Mapping[str, Any], watched: Sequence[tuple[str, Tensor, int]] = ()) -> None:
        self._values, self._watched = dict(values), tuple(watched)

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        if name != "unrepeatable":
            return value
        # Asked when it is read: tensors too large to copy are the run's own, and may be written to any time
        # after.
        changed = [what for what, tensor, version in self._watched if tensor._version != version]
        return [*value, *(f"{what} was written to after the run" for what in changed)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Settings({self._values!r})"

    def of(self, **more: Any) -> Settings:
        """The same, with more."""
        return Settings({**self._values, **more}, self._watched)
