"""Wheels made on the fly, and fresh environments into which pip installs them, as a user would.

An environment is a virtual one of its own. What pip installs lies in it alone; Rheobase and what it needs
come from the interpreter that runs the tests, last on the path, so that nothing large is copied. Without
Rheobase, it has what Rheobase needs and no more, as links.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
collect_ignore = ["strangers"]  # a distribution of somebody else's, which a test installs

HOOKS = """
from rheobase.hookspecs import hookimpl
from rheobase.specs import AggregatorSpec, IntegratorSpec, NeuronSpec
"""

# Five plugins as they should be: a model with an integrator's and an aggregator's help is stepped in pure
# multiplications, so that every value is known by hand.
CELL = """
import rheobase as rb


class Cell(rb.AnalogNeuron):
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data}
"""
HEUN = """
import rheobase as rb


class Heun(rb.Integrator):
    order = 2

    def advance(self, field, y, t0, t1, *, carry=None):
        h = t1 - t0
        k1 = field(t0, y)
        return rb.Advance(y + h / 2 * (k1 + field(t1, y + h * k1)))
"""
PICK = """
import functools

import torch


def largest(inputs, identifiers):
    return functools.reduce(torch.maximum, inputs)


def smallest(inputs, identifiers):
    return functools.reduce(torch.minimum, inputs)
"""
OBJECT = """
class Offers:
    @hookimpl
    def rheobase_aggregators(self):
        return [AggregatorSpec("smallest", "zebra_object.pick:smallest")]


class PLUGIN:
    hooks = Offers()
"""


def offering(hook: str, spec: str) -> str:
    """The text of a hook module with one hook that returns one spec."""
    return f"{HOOKS}\n\n@hookimpl\ndef rheobase_{hook}():\n    return [{spec}]\n"


def write_wheel(
    folder: Path,
    distribution: str,
    files: Mapping[str, str],
    *,
    version: str = "1.0",
    entry_points: str = "",
    requires: Iterable[str] = ("rheobase>=0.1",),
) -> Path:
    """Write a wheel.

    Args:
        folder: Where it is to lie.
        distribution: The name of the distribution, as its author writes it.
        files: Path within the wheel -> text.
        version: The distribution's version.
        entry_points: The text of its entry_points.txt; none where it is empty.
        requires: Its ``Requires-Dist`` lines.
    """
    stem = f"{re.sub(r'[-_.]+', '_', distribution).lower()}-{version}"
    about = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
    about += [f"Requires-Dist: {line}" for line in requires]
    content = dict(files) | {
        f"{stem}.dist-info/METADATA": "\n".join(about) + "\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if entry_points:
        content[f"{stem}.dist-info/entry_points.txt"] = entry_points
    record = [f"{name},sha256={_digest(text)},{len(text.encode())}" for name, text in content.items()]
    record.append(f"{stem}.dist-info/RECORD,,")
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in content.items():
            wheel.writestr(name, text)
        wheel.writestr(f"{stem}.dist-info/RECORD", "\n".join(record) + "\n")
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Args:
        folder: Where it lies.
        settings: Environment variables of whatever runs in it.
        warm: Processes of its interpreter in which torch has been imported.
    """

    folder: Path
    settings: Mapping[str, str]
    warm: Any

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def site(self) -> Path:
        """Where pip puts packages."""
        base = str(self.folder)
        return Path(sysconfig.get_path("purelib", "venv", {"base": base, "platbase": base}))

    @property
    def work(self) -> Path:
        """The working folder of whatever runs in it: a user's project."""
        return self.folder / "work"

    def run_warm(self, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run its interpreter, for what needs torch: a process of its own in which that has been imported."""
        settings = {**self.settings, **variables}
        return self.warm.run(*arguments, cwd=self.work, env=settings, reads="a line that is the user's\n")  # type: ignore[no-any-return]

    def run(self, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run its interpreter.

        Args:
            *arguments: The arguments.
            **variables: Environment variables.
        """
        return subprocess.run(
            [str(self.python), *map(str, arguments)],
            cwd=self.work,
            env={**self.settings, **variables},
            input="a line that is the user's\n",
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=120,  # a test that hangs is a failure, and says so
            check=False,
        )

    def rheobase(self, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command in it."""
        return self.run("-m", "rheobase", *arguments, **variables)

    def pip(self, *arguments: object) -> str:
        """Run pip on it, without any index; gives what pip says."""
        done = self.run(
            "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input", "-q", *arguments
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="session")
def hook_module() -> Callable[[str, str], str]:
    """Makes the text of a hook module: the end of a hook's name, and the spec that it returns."""
    return offering


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a wheel: the distribution's name, its files, and more by keyword; see ``write_wheel``."""

    def make(distribution: str, files: Mapping[str, str], **more: object) -> Path:
        return write_wheel(tmp_path_factory.mktemp("wheel"), distribution, files, **more)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def healthy(wheel: Callable[..., Path]) -> tuple[Path, ...]:
    """The wheels of five plugins with which nothing is amiss.

    Two models, one of a distribution whose name has capitals and dots; an integrator; two aggregators, one
    offered by an object within a module.
    """
    return (
        wheel(
            "aardvark-cell",
            {
                "aardvark_cell/__init__.py": "",
                "aardvark_cell/plugin.py": offering(
                    "neurons", 'NeuronSpec("fresh-cell", "aardvark_cell.cell:Cell")'
                ),
                "aardvark_cell/cell.py": CELL,
            },
            version="1.2.0",
            entry_points="[rheobase]\ncell = aardvark_cell.plugin\n",
        ),
        wheel(
            "Good_Cells.Extra",
            {
                "good_cells_extra.py": offering(
                    "neurons", 'NeuronSpec("second-cell", "good_cells_extra_cell:Cell")'
                ),
                "good_cells_extra_cell.py": CELL,
            },
            version="0.3",
            entry_points="[rheobase]\nextra = good_cells_extra\n",
        ),
        wheel(
            "good-heun",
            {
                "good_heun.py": offering("integrators", 'IntegratorSpec("heun", "good_heun_method:Heun")'),
                "good_heun_method.py": HEUN,
            },
            version="2.0",
            entry_points="[rheobase]\nheun = good_heun\n",
        ),
        wheel(
            "good-pick",
            {
                "good_pick.py": offering("aggregators", 'AggregatorSpec("largest", "good_pick_max:largest")'),
                "good_pick_max.py": PICK,
            },
            version="1!2.0",
            entry_points="[rheobase]\npick = good_pick\n",
        ),
        wheel(
            "zebra-object",
            {
                "zebra_object/__init__.py": "",
                "zebra_object/offers.py": HOOKS + OBJECT,
                "zebra_object/pick.py": PICK,
            },
            version="2.1.dev3",
            entry_points="[rheobase]\nzebra = zebra_object.offers:PLUGIN.hooks\n",
        ),
    )


@pytest.fixture(scope="session")
def fresh_environment(
    tmp_path_factory: pytest.TempPathFactory, warm_of: Callable[..., Any]
) -> Callable[..., Environment]:
    """Makes a virtual environment, with Rheobase or without, and has pip install these wheels in it."""
    pytest.importorskip("pip", reason="pip is not installed")
    if os.name != "posix":
        pytest.skip("the folders of an environment are those of POSIX here")
    host = [folder for folder in sys.path if Path(folder).name in ("site-packages", "dist-packages")]
    settings = {key: value for key, value in os.environ.items() if not key.startswith(("RHEOBASE_", "PIP_"))}
    numbers = itertools.count()

    def make(wheels: Iterable[Path] = (), *, rheobase: bool = True) -> Environment:
        folder = tmp_path_factory.mktemp(f"environment{next(numbers)}-")
        variables = {**settings, "RHEOBASE_CACHE_DIR": str(folder / "cache")}
        made = Environment(folder, variables, warm_of(folder / "bin" / "python"))
        venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
        made.work.mkdir()
        others = host if rheobase else [str(_needed(host, folder / "needed"))]
        last = "; ".join(f"site.addsitedir({each!r})" for each in others)
        (made.site / "zz_of_the_tests.pth").write_text(f"import site; {last}\n")
        if wheels := list(wheels):
            made.pip("install", "--no-index", "--no-deps", "--no-compile", *wheels)
        return made

    return make


def _needed(host: Iterable[str], folder: Path) -> Path:
    """A folder of links to what lies in these, but for the distributions of this repository."""
    folder.mkdir()
    for path in (path for each in host for path in Path(each).iterdir()):
        link = folder / path.name
        if "rheobase" not in path.name and not link.is_symlink():
            link.symlink_to(path)
    return folder


@pytest.fixture(scope="session")
def mypy_strict(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs mypy in the root, for its settings, and one at a time: torch is analysed once for all of them."""
    pytest.importorskip("mypy", reason="mypy is not installed (extra 'dev')")
    fcntl = pytest.importorskip("fcntl", reason="files are locked as on POSIX")
    base = tmp_path_factory.getbasetemp()
    lock = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "mypy.lock"

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            return subprocess.run(
                [sys.executable, "-m", "mypy", "--strict", *map(str, arguments)],
                cwd=ROOT,
                capture_output=True,
                text=True,
            )

    return call
