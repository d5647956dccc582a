"""The file of a journal: records that are appended, each with its length and checksum.

::

    b"rheobase journal 1\\n"
    length uint64, CRC-32 of that and of the content uint32 (little-endian), content      of each record

A content is a line of JSON, which lists arrays, and the bytes of these. What was torn when its process ended
is told by its checksum and left out; what stands before it is whole.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

MAGIC = b"rheobase journal 1\n"
_HEAD = struct.Struct("<QI")


def append(file: BinaryIO, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Append a record to a file that is unbuffered and at its end."""
    listed = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    line = json.dumps({**about, "arrays": listed}).encode() + b"\n"
    flat = [np.ascontiguousarray(array).reshape(-1).view(np.uint8).data for array in arrays.values()]
    length = len(line) + sum(map(len, flat))
    # The length is under the checksum, or a torn length would be trusted.
    check = zlib.crc32(line, zlib.crc32(struct.pack("<Q", length)))
    for part in flat:
        check = zlib.crc32(part, check)
    for part in (memoryview(_HEAD.pack(length, check) + line), *flat):
        # An unbuffered write may take a part only, on a full disk for instance.
        done = 0
        while done < len(part):
            done += file.write(part[done:]) or 0


def records(file: BinaryIO) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """The whole records of a journal, in order, up to the first that is torn."""
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError("it is no journal of a run")
    # Compared with each length before memory is taken for it: a torn one may say terabytes.
    left = os.fstat(file.fileno()).st_size - len(MAGIC)
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        length, check = _HEAD.unpack(head)
        left -= _HEAD.size
        if length > left:
            return
        content = bytearray(file.read(length))
        left -= length
        if zlib.crc32(content, zlib.crc32(struct.pack("<Q", length))) != check:
            return
        yield _parsed(content)


def _parsed(content: bytearray) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    end = content.index(b"\n") + 1
    about = json.loads(content[:end])
    arrays = {}
    for name, kind, shape in about.pop("arrays"):
        array = np.frombuffer(content, kind, int(np.prod(shape, dtype=np.int64)), end).reshape(shape)
        arrays[name] = array
        end += array.nbytes
    return about, arrays
