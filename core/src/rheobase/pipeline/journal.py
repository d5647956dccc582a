"""The journal of a run: what it recorded, kept beside its output about once a second, for when it is killed.

A run that ends in peace leaves its output and no journal. What kill -9 leaves is ``<output>.journal``, of
which :func:`recover` makes a recording, marked incomplete.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import stat
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, final

import numpy as np

from ..errors import ArgumentError, OutputError, RheobaseWarning
from ..files import reading
from .journalfile import MAGIC, append, records
from .recorder import check_record, narrowed
from .recording import Recording
from .sense import check_about
from .storage import TRACE, about_of, arrays_of, recording_of
from .watched import Piece, listening

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron

try:
    import fcntl
except ImportError:  # on Windows nobody is told of another run that is at it
    fcntl = None  # type: ignore[assignment]

SECONDS = 1.0
"""How often what is new is written. It is done beside the run, by a thread that mostly waits for the disk."""


def journal_of(out: str | os.PathLike[str]) -> Path:
    """Where the journal of an output lies."""
    return Path(f"{os.fspath(out)}.journal")


@contextlib.contextmanager
def journaling(
    out: str | os.PathLike[str] | None,
    neuron: Neuron,
    record: Sequence[str] | Mapping[str, Any],
    every: int = 1,
) -> Iterator[Journal | None]:
    """Keep a journal of the runs in this block, which is to end with :meth:`Journal.fold`; or None."""
    # What is no regular file, such as /dev/null, has no content to lose, and no place beside it.
    if out is None or (os.path.exists(out) and not stat.S_ISREG(os.stat(out).st_mode)):
        yield None
        return
    _set_aside(out)
    # After what an earlier run left is in a file of its own: the new journal goes to the same path.
    journal = Journal(out, neuron, record, every)
    try:
        with listening(journal):
            yield journal
    finally:
        journal.close()


@final
class Journal:
    """A listener that appends what a run recorded to ``<output>.journal``, as it goes."""

    def __init__(
        self,
        out: str | os.PathLike[str],
        neuron: Neuron,
        record: Sequence[str] | Mapping[str, Any],
        every: int,
    ) -> None:
        self.path = journal_of(out)
        self._neuron, self._every = neuron, every
        self._first_step = neuron.simulation_step
        self._record = check_record(neuron, record)
        self._file: BinaryIO | None = None
        self._writer: threading.Thread | None = None
        self._queue: queue.SimpleQueue[Callable[[], Piece] | None] = queue.SimpleQueue()
        self._busy = False
        self._failure: Exception | None = None
        self._new: Callable[[], Piece] | None = None
        self._due = time.monotonic() + SECONDS
        # Counted so that what the output lacks can be added at the end: the recording has all, the file a
        # beginning.
        self._spikes = self._steps = 0  # that are written

    def __call__(self, done: int, new: Callable[[], Piece]) -> None:
        """Take what is new, if it is time and the disk is ready."""
        self._new = new
        # One piece at a time: where the disk is slow, the next is larger, and the run does not wait.
        if self._busy or time.monotonic() < self._due or self._failure:
            return
        self._due = time.monotonic() + SECONDS
        if self._writer is None:
            # A daemon: an interpreter that ends without closing the journal does not wait for a disk.
            self._writer = threading.Thread(target=self._serve, daemon=True)
            self._writer.start()
        self._busy = True
        self._queue.put(new)

    def fold(self, recording: Recording, save: Callable[[], None]) -> None:
        """Save the recording by ``save()``, remove the journal; where that fails, complete the journal."""
        self._wait()
        if self._failure:
            warnings.warn(
                f"no journal of this run could be kept ({self._failure})",
                RheobaseWarning,
                stacklevel=2,
            )
            self._remove()  # its room may be wanted
        try:
            save()
        except OutputError as error:
            if self._file is None:
                raise
            with contextlib.suppress(OSError):
                self._take_rest(recording)
            if self._steps < recording.steps or not self.path.exists():
                raise
            # The journal has all of the run by here, so the error can say how to get at it.
            kept = OutputError(f"{error}. {_hint(self.path)}")
            kept.recording = recording
            raise kept from error
        self._remove()

    def close(self) -> None:
        """Let go of the file. Where there is one, of a run that failed, it takes what is new and stays."""
        # The file may be about to be made: it is the writer that tells whether there will be one.
        if self._writer is not None and self._new is not None:
            self._queue.put(self._new)
        self._wait()
        if self._file is not None:
            self._file.close()
            warnings.warn(_hint(self.path), RheobaseWarning, stacklevel=2)
            self._file = None

    def _recording(self, piece: Piece) -> Recording:
        traces = piece.traces
        batch = next((tuple(trace.shape[1:-1]) for trace in traces.values()), tuple(self._neuron.batch))
        recording = Recording.of(
            self._neuron,
            spikes=piece.spikes,
            traces=traces,
            steps=piece.last - piece.first,
            first_step=self._first_step + piece.first,
            batch_shape=batch,
            complete=False,
            every=self._every,
            trace_indices=piece.trace_indices,
        )
        return narrowed(recording, self._record)

    def _serve(self) -> None:
        while (new := self._queue.get()) is not None:
            try:
                if self._failure is None:
                    self._take(new())
            except Exception as error:  # told at the end: no reason to end a run
                self._failure = error
            self._busy = False

    def _take(self, piece: Piece) -> None:
        if piece.last == self._steps:
            return
        part = self._recording(piece)
        self._write(about_of(part), arrays_of(part))
        self._steps = piece.last
        self._spikes += len(part.spikes) if part.spikes.recorded else 0

    def _write(self, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        if self._file is None:
            self._file = _create(self.path)
        append(self._file, about, arrays)

    def _take_rest(self, recording: Recording) -> None:
        about, arrays = about_of(recording), arrays_of(recording)
        # Traces have a row for each stride and spikes one for each spike: each is cut where the file ends.
        rows = self._steps // self._every
        arrays = {
            name: array[rows if name.startswith(TRACE) else self._spikes :] for name, array in arrays.items()
        }
        about |= {"steps": recording.steps - self._steps, "first_step": self._first_step + self._steps}
        self._write(about, arrays)
        self._steps = recording.steps

    def _wait(self) -> None:
        if self._writer is not None:
            self._queue.put(None)
            self._writer.join()
            self._writer = None

    def _remove(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            with contextlib.suppress(OSError):
                self.path.unlink()


def save_journaled(recording: Recording, journal: Journal | None, out: str | os.PathLike[str]) -> None:
    """Save the recording of a run, of which a journal may have been kept."""
    if journal is None:
        recording.save(out)
    else:
        journal.fold(recording, lambda: recording.save(out))


def recover(out: str | os.PathLike[str]) -> tuple[Recording, Path]:
    """Make a recording of the journal that a run left; gives it, and the path where it was saved."""
    path = journal_of(out)
    recording = _read(path)
    if recording is None:
        raise ArgumentError(f"{path} has nothing in it: the run was killed at its beginning")
    return recording, _kept(recording, out)


def _kept(recording: Recording, out: str | os.PathLike[str]) -> Path:
    """Save what the journal of an output had, in the journal's place; where it was saved."""
    target = _free(Path(out))
    recording.save(target)
    journal_of(out).unlink()
    return target


def _read(path: Path) -> Recording | None:
    """The recording of a journal; None where it has no whole record."""
    mend = "give the output of a run that was killed"
    with reading(path, ArgumentError, "a journal", mend) as file:
        # Whoever writes has it locked; the kernel lets go of that with the process, also after kill -9.
        _lock(file, path)
        parts = list(records(file))
        if not parts:
            return None
        abouts = [about for about, _ in parts]
        arrays = {
            name: np.concatenate([each[name] for _, each in parts]) if len(parts) > 1 else array
            for name, array in parts[0][1].items()
        }
        # Steps from the first record to the last; pieces meet, so nothing lies between.
        about = abouts[-1] | {"first_step": abouts[0]["first_step"]}
        about["steps"] = abouts[-1]["first_step"] + abouts[-1]["steps"] - about["first_step"]
        return recording_of(Recording, check_about(about), arrays)


def _set_aside(out: str | os.PathLike[str]) -> None:
    """Make a file of a journal that an earlier run left, before another is begun."""
    path = journal_of(out)
    if not os.path.lexists(path):
        return
    try:
        recording = _read(path)
        if recording is None:
            path.unlink()
            return
        target = _kept(recording, out)
    except OutputError:
        raise
    except ArgumentError as error:
        raise OutputError(f"{error}; or move it, or give another output") from error
    warnings.warn(
        f"an earlier run to {out} was killed; the {recording.duration:g} ms that it recorded are in {target}",
        RheobaseWarning,
        stacklevel=4,
    )


def _free(out: Path) -> Path:
    """A path where nothing is: the output's own, else one beside it."""
    target, count = out, 1
    while os.path.lexists(target):
        target = out.with_name(f"{out.stem}.recovered{'' if count == 1 else f'-{count}'}{out.suffix}")
        count += 1
    return target


def _create(path: Path) -> BinaryIO:
    # O_EXCL: of two runs that begin at once, one makes the file and the other is told.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # Unbuffered: what was written is the kernel's, and outlives the process.
    file: BinaryIO = os.fdopen(os.open(path, flags, 0o666), "wb", buffering=0)
    if fcntl is not None:
        with contextlib.suppress(OSError):  # not every file system can
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    file.write(MAGIC)
    return file


def _lock(file: BinaryIO, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            raise OutputError(
                f"a run is writing to {path.with_suffix('')}; let it end, or give another path"
            ) from error


def _hint(path: Path) -> str:
    out = path.with_suffix("")
    return f"what was recorded is in {path}; make a file of it by: rheobase run --recover {out}"
