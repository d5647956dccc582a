"""The process that each job is forked from: it has imported what jobs need, and never loads a plugin.

So what one plugin does to its process stays there. It watches over nothing but the ends of jobs: the user's
process reads their answers itself. On its socket it is sent a request, after its length, with the two pipes
of that job, and says ``began PID``, or ``failed ERRNO``, and later ``ended PID STATUS``.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import gc
import json
import os
import select
import signal
import socket
from typing import Any

from .. import examine
from .process import HEAD, WHERE, kill

MEMORY = 2 << 30
"""How many bytes of memory a job may have of its own. What it maps may be more: the libraries of torch for a
GPU are."""

PR_SET_CHILD_SUBREAPER = 36
"""The number by which Linux is asked for it (``prctl(2)``)."""

ROUNDS = 100
"""How often what is detached is looked for: each time may bring up what had been started by that."""


def main(handle: int) -> None:
    """Fork jobs as they are asked for on a socket, to its end."""
    examine.prepare_process()
    faulthandler.enable(file=2)
    faulthandler.register(WHERE, file=2)
    gc.disable()  # jobs end soon, and collecting takes a good part of their time
    _adopt()
    running: set[int] = set()
    with contextlib.suppress(OSError):
        _serve(socket.socket(fileno=handle), running)
    for pid in running:
        kill(pid)
    _end_orphans(set())
    os._exit(0)


def _serve(channel: socket.socket, running: set[int]) -> None:
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    poll = select.poll()
    for handle in (channel.fileno(), awake):
        poll.register(handle, select.POLLIN)
    limits = _limits()
    while True:
        ready = [handle for handle, _ in poll.poll()]
        if awake in ready:
            os.read(awake, 1 << 12)
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                kill(pid)  # what it left behind
                running.discard(pid)
                _end_orphans(running)
                channel.sendall(f"ended {pid} {os.waitstatus_to_exitcode(status)}\n".encode())
        if channel.fileno() in ready:
            request, pipes = _receive(channel)
            if not pipes or _limits() != limits:  # a job may set them, and the next would have them from here
                return
            _prepare(loads=request["do"] in ("core", "examine"))
            try:
                pid = os.fork()
            except OSError as error:
                channel.sendall(f"failed {error.errno}\n".encode())
            else:
                if pid == 0:
                    _do(request, pipes, (channel.fileno(), awake, wake))
                running.add(pid)
                channel.sendall(f"began {pid}\n".encode())
            for pipe in pipes:
                os.close(pipe)


def _adopt() -> None:
    """Become the parent of whatever a job starts and detaches, where the system has a way for that."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_orphans(running: set[int]) -> None:
    """End the children of this process that are no jobs, and theirs, which become its children by that."""
    for _ in range(ROUNDS):
        try:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                orphans = set(map(int, file.read().split())) - running
        except (OSError, ValueError):
            return
        if not orphans:
            return
        for pid in orphans:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """A request and its pipes; none at the end."""
    head, pipes, _, _ = socket.recv_fds(channel, HEAD, 2, socket.MSG_WAITALL)
    left, text = int.from_bytes(head, "big"), b""
    while left > len(text) and (more := channel.recv(left - len(text))):
        text += more
    return json.loads(text) if head else {}, pipes


@functools.cache
def _prepare(*, loads: bool) -> None:
    """Import once what each job would import anew."""
    import resource  # noqa: F401

    import importlib_metadata  # noqa: F401

    if loads:
        import traceback  # noqa: F401

        from .. import component, evidence, offers, targets  # noqa: F401

        evidence.site_folders()
        targets.way("no_such_module_at_all")  # lists the folders of the path
        # What is called for the first time fills caches, and each job would fill them anew.
        next(examine.answers({"do": "core"}))
    gc.freeze()  # or the first collection in a job would copy all of it


def _do(request: dict[str, Any], pipes: list[int], closed: tuple[int, ...]) -> None:
    """Do a job, in the process that was forked for it, which has no pipe but its own."""
    leave = os._exit  # a plugin may put something else there, and what is below must not be run in here
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _bound_memory()
        replies, noise = pipes
        os.dup2(noise, 1)
        os.dup2(noise, 2)
        for handle in (noise, *closed):
            os.close(handle)
        examine.work(request, replies)
        leave(0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        leave(1)


def _limits() -> list[tuple[int, int]]:
    import resource

    return [resource.getrlimit(getattr(resource, name)) for name in dir(resource) if "RLIMIT_" in name]


def _bound_memory() -> None:
    import resource

    for kind, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_AS, 16 * MEMORY)):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))
