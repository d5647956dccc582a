"""The process in which jobs are done, from its start to its end."""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import sys
import warnings

from . import child, guard, overseer
from .fingerprint import search_path


def main() -> None:
    """Do the jobs that are asked for on stdin, and answer on the pipe that was stdout, to the end."""
    guard.close()
    sys.path[:] = search_path()
    warnings.simplefilter("ignore")  # what a plugin's import warns of is its author's business
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    # Where it was forked, the parent may have put others there, and in those text may wait to be printed.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace", closefd=False)
    faulthandler.enable(file=2)
    gc.disable()  # it ends soon, and collecting takes a good part of its time
    if child.APART:
        faulthandler.register(child.WHERE, file=2)
        overseer.serve(requests, replies)
    else:
        with os.fdopen(requests, encoding="utf-8") as lines:
            request = json.loads(lines.readline())
            child.work(request, request["token"], replies)
    os._exit(0)  # neither threads that a plugin left running nor its exit handlers are waited for
