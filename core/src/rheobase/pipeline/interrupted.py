"""What Ctrl-C makes of a run."""

from __future__ import annotations

from typing import Any


class SimulationInterrupted(KeyboardInterrupt):
    """A run was interrupted; what it recorded so far is not lost.

    Args:
        recording: That of the steps that were run, of a neuron or of a network, marked incomplete.
        steps: The number of steps that were asked for.

    Attributes:
        recording: The same.
    """

    def __init__(self, recording: Any, steps: int) -> None:
        super().__init__(
            f"interrupted after {recording.steps} of {steps} steps ({recording.duration:g} ms); "
            "what was recorded is in .recording, marked incomplete"
        )
        self.recording = recording
        self._steps = steps

    def __reduce__(self) -> tuple[type[SimulationInterrupted], tuple[Any, int], dict[str, Any]]:
        # An exception is made again from its message, unless it says from what.
        return type(self), (self.recording, self._steps), self.__dict__
