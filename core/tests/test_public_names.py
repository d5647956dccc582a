"""The public names of ``rheobase``: what is offered, what it costs to import, and what catches all errors."""

from __future__ import annotations

import subprocess
import sys

import pytest
import rheobase as rb


def test_the_errors_are_public():
    assert {"errors", "RheobaseError", "RheobaseWarning"} <= set(rb.__all__)
    assert rb.RheobaseError is rb.errors.RheobaseError
    assert issubclass(rb.errors.StepSizeWarning, rb.RheobaseWarning)
    for wrong in (lambda: rb.create("nobody"), lambda: rb.create("analog", dt=-1.0)):
        with pytest.raises(rb.RheobaseError):
            wrong()


def test_only_public_names_are_offered_and_each_is_there():
    assert dir(rb) == rb.__all__ == sorted(set(rb.__all__))
    for name in rb.__all__:
        assert getattr(rb, name) is not None
    # What editors read from the file, where no function __dir__ runs.
    bound = {name for name in vars(rb) if not name.startswith("_")} - set(rb.__all__)
    submodules = {name for name in bound if f"rheobase.{name}" in sys.modules}
    assert bound - submodules == {"annotations"}
    assert "annotations" not in dir(rb)


def test_importing_it_and_catching_its_errors_imports_no_torch():
    lines = (
        "import sys, rheobase",
        "from rheobase import RheobaseError, errors",
        "assert issubclass(errors.InputError, RheobaseError)",
        "sys.exit('torch' in sys.modules)",
    )
    assert subprocess.run([sys.executable, "-c", "\n".join(lines)], timeout=60).returncode == 0


def test_a_misspelt_error_is_told():
    with pytest.raises(AttributeError, match="did you mean 'RheobaseError'"):
        rb.RheobaseErorr
