"""Recordings of networks on disk: NPZ, each part as it would be saved alone, under a number of its own."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ..errors import ArgumentError
from ..files import reading, replacing
from ..files.npy import Archive
from . import storage
from .results import Results

Made = TypeVar("Made", bound=Results)

MEMBER = "network"
FORMAT = 1


def save_network(
    recording: Mapping[str, Results],
    warnings: Sequence[str],
    settings: Mapping[str, Any],
    path: str | os.PathLike[str],
) -> None:
    """See :meth:`NetworkRecording.save`."""
    about = {"rheobase_network": FORMAT, "parts": list(recording), "warnings": list(warnings)}
    about["settings"] = dict(settings)
    arrays: dict[str, Any] = {MEMBER: np.array(json.dumps(about))}
    for place, part in enumerate(recording.values()):
        inner = io.BytesIO()
        storage.write(part, inner)
        arrays[f"part_{place}"] = np.frombuffer(inner.getvalue(), dtype=np.uint8)
    with replacing(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_network(
    kind: type[Made], path: str | os.PathLike[str]
) -> tuple[dict[str, Made], list[str], dict[str, Any]] | None:
    """The parts of a network's recording in a file, its warnings and settings; None: it is no network's."""
    with reading(path, ArgumentError, "a recording", "give a file that Recording.save wrote") as file:
        archive = Archive(file)
        if MEMBER not in archive.names:
            return None
        about = json.loads(str(archive.read(MEMBER)))
        if about["rheobase_network"] != FORMAT:
            raise ArgumentError(
                f"{os.fspath(path)!r} is a network's recording of format {about['rheobase_network']}, this "
                f"is Rheobase for format {FORMAT}; install the version that wrote it"
            )
        parts = {}
        for place, name in enumerate(about["parts"]):
            inner = io.BytesIO(archive.read(f"part_{place}").tobytes())
            parts[str(name)] = storage.read(kind, inner, str(name))
        return parts, [str(each) for each in about["warnings"]], dict(about.get("settings", {}))
