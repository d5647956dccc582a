"""The recording of a network: that of each of its parts, by name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from ..errors import ArgumentError, nearest
from ..html import html_table
from ..specs import Provenance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@final
@dataclass(frozen=True, eq=False)
class NetworkRecording(Mapping[str, Any]):
    """The recordings of the parts of a network, by name, made by :func:`rheobase.simulate`.

    Args:
        parts: Population or projection -> its :class:`~rheobase.Recording`.
        warnings: What the run had to say.
        settings: Those of the file that it was run from, with ``"folder"``, from which it can be run again;
            empty where a network was made in Python.

    Attributes:
        provenance: Part -> which distribution gave what it is made of, and the backend.
        complete: False where the run was interrupted.

    Example:
        >>> import rheobase as rb
        >>> net = rb.Network(seed=1)
        >>> cells = net.add("cells", rb.create("analog", 2, dt=1.0))
        >>> recording = rb.simulate(net, {"cells": 3.0}, duration=4.0, record={"cells": "voltage"})
        >>> recording["cells"].traces["voltage"][-1]
        tensor([3., 3.])
    """

    parts: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        if name not in self.parts:
            raise ArgumentError(
                f"nothing was recorded of {name!r}{nearest(str(name), self.parts)}; there are "
                f"{', '.join(self.parts) or 'none'}"
            )
        return self.parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __contains__(self, name: object) -> bool:
        return name in self.parts

    @property
    def provenance(self) -> dict[str, Mapping[str, Provenance]]:
        """Part -> where what it is made of comes from."""
        return {name: part.provenance for name, part in self.parts.items()}

    @property
    def complete(self) -> bool:
        """Whether the run went to its end."""
        return all(part.complete for part in self.parts.values())

    @property
    def steps(self) -> int:
        """The number of steps that were run."""
        return next((part.steps for part in self.parts.values()), 0)

    @property
    def duration(self) -> float:
        """How long the run was, ms."""
        return next((part.duration for part in self.parts.values()), 0.0)

    def plot(self, path: str | os.PathLike[str] | None = None, *, ax: Sequence[Axes] | None = None) -> Figure:
        """Draw a raster of the spikes by population, with the rate of each below it.

        Args:
            path: Where to write the picture; its ending says the kind. Default: nowhere.
            ax: Where to draw, in a figure of your own: two axes, of the raster and of the rates. Default: a
                new figure.

        Returns:
            The figure.

        Raises:
            RheobaseError: If matplotlib is missing.
            OutputError: If the path cannot be written.
        """
        from .networkplot import plot_network

        return plot_network(self, path, ax=ax)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all parts into one NPZ file, which :meth:`Recording.load` reads.

        Args:
            path: The file; it is written under exactly this name, over what was there.

        Raises:
            OutputError: If the path cannot be written.
        """
        from .networkstorage import save_network

        save_network(self, self.warnings, self.settings, path)

    def __repr__(self) -> str:
        end = "" if self.complete else ", interrupted"
        told = ", ".join(
            f"{name}: {len(part.spikes)} spikes" if part.spikes.recorded else name
            for name, part in self.parts.items()
        )
        return f"<NetworkRecording: {self.duration:g} ms, {told}{end}>"

    def _repr_html_(self) -> str:
        rows = [(name, repr(part).strip("<>")) for name, part in self.parts.items()]
        return html_table("Recording of a network", rows)
