"""The run of a network, again: from the settings of the file that it was run from."""

from __future__ import annotations

from ..errors import ArgumentError
from .networkrecording import NetworkRecording
from .networksettings import FOLDER
from .simulator import SimpleSimulator


def again_network(recording: NetworkRecording) -> SimpleSimulator:
    """The run of a recording, to be taken again to the last bit.

    Raises:
        ArgumentError: If the recording does not say how it was made.
    """
    settings = dict(recording.settings)
    if not settings:
        raise ArgumentError(
            "this recording does not say how it was made: its network was made in Python, or it was written "
            "by an earlier version; run the script again, or a file of settings"
        )
    return SimpleSimulator(settings, folder=settings.pop(FOLDER))
