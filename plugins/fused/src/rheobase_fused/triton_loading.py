"""From the text of a Triton module to its kernel."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import tempfile
import types
from pathlib import Path
from typing import Any

import torch

from .refusal import Refusal
from .store import _check_own, kernel_folder


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
    folder = kernel_folder()
    name = f"rheobase_{hashlib.sha256(text.encode()).hexdigest()[:40]}"
    path = folder / f"{name}.py"
    if path.exists():
        _check_own(path)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        _write(path, text)
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
        raise Refusal("Triton is not installed; it comes with torch for CUDA, or by: pip install triton")
    if torch.version.hip is not None:
        raise Refusal("this is torch for ROCm, and kernels for GPUs are made for CUDA")
    options = importlib.import_module("triton.backends.nvidia.compiler").CUDAOptions
    if "enable_reflect_ftz" not in options.__dataclass_fields__:
        found = importlib.import_module("triton").__version__
        raise Refusal(
            f"Triton {found} takes numbers near zero for zero in exp and the like; take Triton 3.6 or later"
        )


def interpreted() -> bool:
    """Whether Triton runs kernels in its interpreter, on the CPU (``TRITON_INTERPRET=1``)."""
    return bool(importlib.import_module("triton").knobs.runtime.interpret)


def _write(path: Path, text: str) -> None:
    """A file that comes into being whole."""
    handle, work = tempfile.mkstemp(dir=path.parent, suffix=".py")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(work, path)
