"""A case of spike_times.py: the worst error, and its time. Started by versions.py."""

from __future__ import annotations

import json
import sys
from typing import Any

import rheobase as rb
import torch
from spike_times import Cells
from support.turns import Stopwatch, serve


def main() -> None:
    """Serve the case that the command line has: units, integrator with its settings, dt."""
    case: dict[str, Any] = json.loads(sys.argv[1])
    torch.set_num_threads(case["threads"])
    cells = Cells(case["units"])
    integrator = rb.integrator(case["integrator"], **case["settings"])

    def round_() -> dict[str, Any]:
        clock = Stopwatch()
        worst = cells.worst(integrator, case["dt"])
        return {**clock.read(), "found": worst}

    serve({"round": round_})


if __name__ == "__main__":
    main()
