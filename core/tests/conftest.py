"""What tests share: models written as a stranger would write them, and distributions as an installer would.

Test modules cannot import each other, so fixtures return the classes. They stand at the module's top
level, where pickle finds them.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import importlib_metadata
import pytest
import rheobase as rb
import torch
from rheobase.plugins.entry import Entry
from rheobase.plugins.locking import check, lockfile

OURS = sorted({entry.name for entry in importlib_metadata.entry_points(group="rheobase")})
"""The entry points of the plugins that are installed beside the core; its own tests leave them out."""


class LIFNeuron(rb.SpikingNeuron):
    """Leaky integrate-and-fire: tau_mem dV/dt = -(V - V_rest) + I / g_L  (Lapicque 1907)."""

    volt_thresh = rb.Parameter(-55.0, unit="mV", doc="spike threshold")
    volt_rest = rb.Parameter(-75.0, unit="mV", doc="resting potential")
    volt_reset = rb.Parameter("volt_rest", unit="mV", doc="potential after a spike")
    leak_gl = rb.Parameter(5.0, unit="nS", above=0, doc="leak conductance")
    tau_mem = rb.Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
    tau_ref = rb.Parameter(1.0, unit="ms", at_least=0, doc="refractory period")

    voltage = rb.State("volt_rest", unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (params.volt_rest - state.voltage + data / params.leak_gl) / params.tau_mem}

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state, params):
        return {"voltage": params.volt_reset}


class CoupledNeuron(rb.SpikingNeuron):
    """Two coupled equations with nothing but + - * / (after Izhikevich 2003), and a refractory period."""

    a = rb.Parameter(0.02, unit="1/ms")
    b = rb.Parameter(0.2, unit="1/ms")
    c = rb.Parameter(-65.0, unit="mV")
    d = rb.Parameter(8.0, unit="mV/ms")
    volt_peak = rb.Parameter(30.0, unit="mV")
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)

    voltage = rb.State("c", unit="mV")
    recovery = rb.State(lambda p: p.b * p.c, unit="mV/ms")

    @staticmethod
    def derivatives(state, params, data):
        v, u = state.voltage, state.recovery
        return {
            "voltage": 0.04 * v * v + 5 * v + 140 - u + data,
            "recovery": params.a * (params.b * v - u),
        }

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.volt_peak

    @staticmethod
    def reset(state, params):
        return {"voltage": params.c, "recovery": state.recovery + params.d}


class AdExNeuron(rb.SpikingNeuron):
    """C dV/dt = -g (V - E) + g D exp((V - T) / D) - w + I;  tau_w dw/dt = a (V - E) - w  (Brette 2005)."""

    capacitance = rb.Parameter(281.0, unit="pF", above=0)
    leak = rb.Parameter(30.0, unit="nS", above=0)
    rest = rb.Parameter(-70.6, unit="mV")
    rheobase_voltage = rb.Parameter(-50.4, unit="mV")
    slope = rb.Parameter(2.0, unit="mV", above=0)
    tau_w = rb.Parameter(144.0, unit="ms", above=0)
    a = rb.Parameter(4.0, unit="nS")
    b = rb.Parameter(80.5, unit="pA")
    volt_reset = rb.Parameter(-60.0, unit="mV")
    volt_peak = rb.Parameter(20.0, unit="mV")

    voltage = rb.State("rest", unit="mV")
    adaptation = rb.State(0.0, unit="pA")

    @staticmethod
    def derivatives(state, params, data):
        v, w = state.voltage, state.adaptation
        upstroke = params.leak * params.slope * torch.exp((v - params.rheobase_voltage) / params.slope)
        return {
            "voltage": (params.leak * (params.rest - v) + upstroke - w + data) / params.capacitance,
            "adaptation": (params.a * (v - params.rest) - w) / params.tau_w,
        }

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.volt_peak

    @staticmethod
    def reset(state, params):
        return {"voltage": params.volt_reset, "adaptation": state.adaptation + params.b}


class RampNeuron(rb.SpikingNeuron):
    """dV/dt = I and dw/dt = rate, spike at 10 mV: straight lines, so every value is known by hand."""

    rate = rb.Parameter(1.0, unit="1/ms")
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)

    voltage = rb.State(0.0, unit="mV", at_rest=True)
    trace = rb.State(0.0, unit="1")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data, "trace": params.rate}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 10.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}


class TwoInputNeuron(rb.AnalogNeuron):
    """C dV/dt = g_e (E_e - V) + g_i (E_i - V): conductances of two kinds."""

    excitation = rb.Input(unit="nS", aggregator="sum")
    inhibition = rb.Input(unit="nS", aggregator="mean", default=1.0)
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        drive = data.excitation * (0.0 - state.voltage) + data.inhibition * (-80.0 - state.voltage)
        return {"voltage": drive / 100.0}


class CountingIntegrator(rb.Integrator):
    """Euler's method, which carries the number of its calls for each unit."""

    order = 1

    def advance(self, field, y, t0, t1, *, carry=None):
        calls = torch.zeros_like(y[0]) if carry is None else carry["calls"]
        return rb.Advance(y + (t1 - t0) * field(t0, y), {"calls": calls + 1})


@pytest.fixture(scope="session")
def lif():
    return LIFNeuron


@pytest.fixture(scope="session")
def coupled():
    return CoupledNeuron


@pytest.fixture(scope="session")
def adex():
    return AdExNeuron


@pytest.fixture(scope="session")
def ramp():
    return RampNeuron


@pytest.fixture(scope="session")
def two_inputs():
    return TwoInputNeuron


@pytest.fixture(scope="session")
def counting():
    return CountingIntegrator


@pytest.fixture
def offer(rheobase_registry, monkeypatch):
    """Installs functions as backends under their names, for the test alone."""

    def install(**runs):
        module = types.ModuleType("toy_backends")
        for name, run in runs.items():
            setattr(module, name, run)
        monkeypatch.setitem(sys.modules, "toy_backends", module)
        plugin = types.ModuleType("toy_plugin")
        specs = [rb.BackendSpec(name, f"toy_backends:{name}") for name in runs]
        plugin.rheobase_backends = rb.hookimpl(lambda: specs)
        rb.register(plugin)

    return install


HOOK_MODULE = """
from rheobase.hookspecs import hookimpl
from rheobase.specs import NeuronSpec

@hookimpl
def rheobase_neurons():
    return [NeuronSpec(name, "{module}_model:Model", "a toy") for name in {names!r}]
"""

LISTING = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import rheobase
    found = rheobase.list_components()
answer = {
    "found": [[c.spec.kind, c.spec.name, c.provenance.distribution, c.provenance.version] for c in found],
    "warnings": [str(each.message) for each in caught],
    "modules": sorted(sys.modules),
}
print(json.dumps(answer))
"""


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., Path]:
    """Writes a distribution with one plugin into a folder, as an installer would."""

    def write(
        distribution: str,
        text: str | None = None,
        *,
        names: Sequence[str] = ("toy",),
        version: str = "1.0",
        entry: str | None = None,
        folder: str = "site",
        metadata: str | None = None,
        requires: Sequence[str] = (),
        spec: str = "",
    ) -> Path:
        module = distribution.replace("-", "_")
        site = tmp_path / folder
        info = site / f"{module}-{version}.dist-info"
        info.mkdir(parents=True)
        (site / f"{module}.py").write_text(
            HOOK_MODULE.format(module=module, names=list(names)) if text is None else text
        )
        (site / f"{module}_model.py").write_text("class Model: pass\nraise RuntimeError('it was imported')\n")
        plain = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        plain += "".join(f"Requires-Dist: {line}\n" for line in requires)
        (info / "METADATA").write_text(plain if metadata is None else metadata)
        points = f"[rheobase]\n{entry or f'toy = {module}'}\n"
        (info / "entry_points.txt").write_text(f"{points}[rheobase.spec]\ntoy = {spec}\n" if spec else points)
        return site

    return write


@pytest.fixture
def ours() -> str:
    """The plugins that are installed beside the core, as ``RHEOBASE_DISABLE`` takes them."""
    return ",".join(OURS)


@pytest.fixture
def listing() -> str:
    """The script that ``listed`` runs, for what is to come before it."""
    return LISTING


@pytest.fixture
def listed(tmp_path: Path, ours: str) -> Callable[..., dict[str, Any]]:
    """What a fresh process lists, warns of and imports, with these folders first on its path.

    None of our plugins are there, which would be loaded into each new cache.
    """

    def call(
        *sites: Path,
        seed: str = "0",
        cache: str = "cache",
        env: Mapping[str, str] | None = None,
        script: str = LISTING,
    ) -> dict[str, Any]:
        path = os.pathsep.join([*map(str, sites), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={
                **os.environ,
                "RHEOBASE_CACHE_DIR": str(tmp_path / cache),
                "PYTHONPATH": path,
                "PYTHONHASHSEED": seed,
                "RHEOBASE_DISABLE": ours,
                **(env or {}),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    return call


TOY = Entry("toy-models", "1.0", "toy", "toy_models.hooks")

TRACKED = """
import os, pathlib
pathlib.Path(os.environ["TRACES"]).open("a").write(__name__ + "\\n")
"""


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., Path]:
    """Installs a distribution of one package into a folder, with a RECORD of its files, as pip would.

    Its modules write a line to the file that the variable TRACES names, whenever they are run.
    """

    def write(
        distribution: str,
        files: Mapping[str, str] | None = None,
        *,
        version: str = "1.0",
        folder: str = "site",
        package: str = "",
        point: str = "",
    ) -> Path:
        package = package or distribution.replace("-", "_")
        site = tmp_path / folder
        info = f"{distribution.replace('-', '_')}-{version}.dist-info"
        hooks = (
            "from rheobase import AggregatorSpec, hookimpl\n@hookimpl\ndef rheobase_aggregators():\n"
            f"    return [AggregatorSpec('{distribution}', '{package}.model:largest')]\n"
        )
        if files is None:
            files = {
                f"{package}/__init__.py": TRACKED,
                f"{package}/hooks.py": TRACKED + hooks,
                f"{package}/model.py": TRACKED + "largest = max\n",
                f"{package}/table.csv": "1,2\n",
            }
        files = {
            **files,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n",
            f"{info}/entry_points.txt": f"[rheobase]\ntoy = {point or f'{package}.hooks'}\n",
        }
        rows = []
        for name, text in files.items():
            path = site / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={digest},{len(text.encode())}")
        (site / info / "RECORD").write_text("\n".join([*rows, f"{info}/RECORD,,", ""]))
        return site

    return write


@pytest.fixture
def rheobase(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command, in a process of its own, with what was installed into ``site`` and none of our plugins."""

    def call(
        *arguments: str, folder: str = "", path: Sequence[str] = ("site",), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        # Given and empty: nothing is disabled. Otherwise ours are, and what is given.
        disabled = environment.get("RHEOBASE_DISABLE")
        sites = [*(str(tmp_path / each) for each in path), os.environ.get("PYTHONPATH", "")]
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            [sys.executable, "-m", "rheobase", *arguments],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sites).rstrip(os.pathsep),
                "PYTHONDONTWRITEBYTECODE": "1",
                "RHEOBASE_CACHE_DIR": str(tmp_path / "cache"),
                "TRACES": str(tmp_path / "traces"),
                **environment,
                "RHEOBASE_DISABLE": "" if disabled == "" else ",".join([*OURS, *filter(None, [disabled])]),
            },
            cwd=tmp_path / folder,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture
def lock_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where a lock file is to be, with a cache folder beside it."""
    monkeypatch.setenv("RHEOBASE_CACHE_DIR", str(tmp_path / "cache"))
    return str(tmp_path / "rheobase.lock")


@pytest.fixture
def put_on_path(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Puts a folder first on the path of this process, for tests that import nothing from it."""

    def put(folder: object) -> None:
        monkeypatch.syspath_prepend(str(folder))

    return put


@pytest.fixture
def locking(lock_path: str) -> Callable[..., None]:
    """Locks a plugin as it is; default: the one that ``install("toy-models")`` installs."""

    def call(entry: Entry = TOY) -> None:
        importlib.invalidate_caches()
        importlib_metadata.MetadataPathFinder.invalidate_caches()
        taken = check.take([entry])
        assert not taken.unread
        lockfile.write(lock_path, taken.plugins)

    return call


@pytest.fixture
def refused(lock_path: str) -> Callable[..., str]:
    """Why a plugin is refused; empty: it is not. Makes sure that nothing of it was imported."""

    def call(entry: Entry = TOY) -> str:
        importlib.invalidate_caches()
        importlib_metadata.MetadataPathFinder.invalidate_caches()
        assert not {name for name in sys.modules if name.startswith("toy_models")}
        return check.judge(lock_path, [entry])[0].get(entry, "")

    return call
