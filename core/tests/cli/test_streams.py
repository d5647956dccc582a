"""Standard output that is full, closed or read by nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "rheobase"]
RUN = """
import sys
import rheobase as rb
from rheobase.cli import main
class Plugin:
    @rb.hookimpl
    def rheobase_neurons(self):
        return [rb.NeuronSpec("toy", "rheobase:AnalogNeuron")]
rb.register(Plugin())
main(prog_name="rheobase")
"""
TOY = ["run", "toy", "--current", "1", "--duration", "1"]


def said(command: list[str], **streams: object) -> tuple[int, str]:
    """The exit code and what goes to stderr."""
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **streams)
    return done.returncode, done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    "command", [[*COMMAND, "list", "--json"], [*COMMAND, "--help"]], ids=["list", "help"]
)
def test_a_full_standard_output_is_one_clear_error(command):
    with open("/dev/full", "w") as full:
        code, error = said(command, stdout=full)
    assert (code, error) == (2, "error: the standard output cannot be written: No space left on device\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
@pytest.mark.parametrize("option", [[], ["--json"]], ids=["table", "json"])
def test_a_run_whose_standard_output_is_full_has_saved_its_recording(tmp_path, option, warm):
    out = tmp_path / "run.npz"
    full = "import os\nos.dup2(os.open('/dev/full', os.O_WRONLY), 1)\n"
    done = warm.run("-c", full + RUN, *TOY, *option, "--out", out, "--backend", "eager")
    saved = f"The recording is in {out}."
    assert done.returncode == 2
    assert done.stderr == f"{saved}\nerror: the standard output cannot be written: No space left on device\n"
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


@pytest.mark.parametrize(
    "arguments", [["list", "--json"], ["list"], ["--help"]], ids=["json", "table", "help"]
)
def test_a_pipe_that_nobody_reads_ends_in_silence(arguments):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        assert said([*COMMAND, *arguments], stdout=pipe)[1] == ""


def test_a_closed_standard_output_hears_nothing_and_the_work_is_done(tmp_path: Path):
    command = " ".join(map(json.dumps, [*COMMAND, "new", "my-cell", "--path", str(tmp_path)]))
    code, error = said(["sh", "-c", f"{command} >&-"])
    assert code == 0, error
    assert (tmp_path / "my-cell" / "pyproject.toml").exists()


def test_an_error_of_another_file_is_not_told_as_one_of_the_output(monkeypatch):
    from rheobase.cli import app

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error", "a file")

    monkeypatch.setattr(app.Application, "invoke", fail)
    with pytest.raises(OSError, match="a file"):
        app.main(["list"])
