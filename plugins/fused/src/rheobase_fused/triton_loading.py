"""From the text of a Triton module to its kernel."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import tempfile
import types
from pathlib import Path
from typing import Any

import torch

from .folders import drop_unused, kernel_folder, sweep, used
from .refusal import Amiss
from .trusted import check_own


def load_kernel(text: str) -> Any:
    """The kernel of a module's text.

    Triton reads a function's source from a file, so the text is put into one. What is run is the text, not
    what lies on disk: no bytecode is written or read, and a file that says something else is replaced.

    Args:
        text: What :func:`rheobase_fused.triton_source.triton_source_of` gives.

    Raises:
        Refusal: If there is no Triton, or the folder is not safe.
    """
    check_triton()
    name = f"rheobase_{hashlib.sha256(text.encode()).hexdigest()[:40]}"
    try:
        path = _written(kernel_folder() / f"{name}.py", text)
    except OSError as error:
        raise Amiss(f"there is no place for its kernel: {error}") from error
    module = types.ModuleType(name)
    module.__file__ = os.fspath(path)
    exec(compile(text, os.fspath(path), "exec"), module.__dict__)
    return module.kernel


def check_triton() -> None:
    """Refuse where there is no Triton whose numbers can be those of ``eager``.

    Raises:
        Refusal: With the reason.
    """
    if importlib.util.find_spec("triton") is None:
        raise Amiss("Triton is not installed; it comes with torch for CUDA, or by: pip install triton")
    if torch.version.hip is not None:
        raise Amiss("this is torch for ROCm, and kernels for GPUs are made for CUDA")
    options = importlib.import_module("triton.backends.nvidia.compiler").CUDAOptions
    if "enable_reflect_ftz" not in options.__dataclass_fields__:
        found = importlib.import_module("triton").__version__
        raise Amiss(
            f"Triton {found} takes numbers near zero for zero in exp and the like; take Triton 3.6 or later"
        )


def interpreted() -> bool:
    """Whether Triton runs kernels in its interpreter, on the CPU (``TRITON_INTERPRET=1``)."""
    return bool(importlib.import_module("triton").knobs.runtime.interpret)


def _written(path: Path, text: str) -> Path:
    """A file that says this, and comes into being whole."""
    if os.path.lexists(path):
        check_own(path)
        if path.is_file() and path.read_bytes() == text.encode():
            used(path)
            return path
    handle, work = tempfile.mkstemp(dir=path.parent, suffix=".py")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(work, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(work)
        raise
    sweep(path.parent)
    drop_unused(path.parent)
    return path
