"""Arrays in NPY and NPZ files: of numbers or text, as long as their headers say, and no longer than is read.

``numpy.load`` reads every member of an archive, however far it unpacks, and takes an array's shape on trust.
Here the header is read first, its size is compared with that of the file, and only then is memory taken.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from typing import IO, BinaryIO, final

import numpy as np
from numpy.lib import format as npy

MOST_UNPACKED = 2**30
"""Bytes that the compressed members of an archive may unpack to; others are as large as the file is."""
_KINDS = "biufcMmUS"
_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npy(file: BinaryIO) -> np.ndarray:
    """The array of an NPY file, of numbers or text, which is exactly as long as its header says."""
    return _array(file, os.fstat(file.fileno()).st_size)


@final
class Archive:
    """An NPZ file, whose members are read one by one."""

    def __init__(self, file: IO[bytes]) -> None:
        self._size = file.seek(0, os.SEEK_END)
        self._zip = zipfile.ZipFile(file)
        members = self._zip.infolist()
        self._members = {info.filename.removesuffix(".npy"): info for info in members}
        if len(self._members) < len(members):
            raise ValueError("two of its members have one name")
        self._packed = self._unpacked = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its arrays, in the file's order."""
        return tuple(self._members)

    def read(self, name: str) -> np.ndarray:
        """One of its arrays."""
        if name not in self._members:
            raise ValueError(f"it has no {name}")
        info = self._members[name]
        # Members that lie over each other would unpack one piece of the file many times.
        self._packed += info.compress_size
        if self._packed > self._size:
            raise ValueError("its members are larger than the file")
        if info.compress_type != zipfile.ZIP_STORED:
            self._unpacked += info.file_size
        if self._unpacked > MOST_UNPACKED:
            raise ValueError(
                f"its compressed arrays unpack to over {MOST_UNPACKED} bytes; "
                "save so many without compression"
            )
        with self._zip.open(info) as member:
            array = _array(member, info.file_size)
            if member.read(1):  # at the end the checksum is looked at, too
                raise ValueError(f"{name} is longer than it says")
        return array


def _array(file: IO[bytes], size: int) -> np.ndarray:
    """The array of a stream of so many bytes."""
    version = npy.read_magic(file)
    if version not in _READERS:
        raise ValueError(f"its NPY format is {version}, and 1.0 and 2.0 are read")
    shape, in_columns, dtype = _READERS[version](file)
    if dtype.kind not in _KINDS:
        raise ValueError(f"it has the type {dtype}, which is neither numbers nor text")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"it has the shape {shape}")
    there, said = size - file.tell(), math.prod(shape) * dtype.itemsize
    if there != said:
        raise ValueError(f"its header says {said} bytes of numbers, and there are {there}")
    array: np.ndarray = np.empty(shape, dtype, order="F" if in_columns else "C")
    if said:
        # The transpose of what lies in columns lies in rows, so that it can be filled in place as one buffer.
        _fill(file, array.T if in_columns else array)
    return array


def _fill(file: IO[bytes], array: np.ndarray) -> None:
    room = array.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(room):
        # In pieces: a stream that is cut makes no memory of its promised size.
        got = file.read(min(len(room) - done, io.DEFAULT_BUFFER_SIZE * 128))
        if not got:
            raise EOFError("it ends too early")
        room[done : done + len(got)] = got
        done += len(got)
