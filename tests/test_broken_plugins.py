"""Whatever a stranger publishes, the host says what is wrong and all other plugins work.

Real wheels, which pip installs, and an environment of its own for each: five plugins that are as they should
be, and beside them one that is not.
"""

from __future__ import annotations

import csv
import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

HEALTHY = {
    ("neuron", "fresh-cell", "aardvark-cell", "1.2.0"),
    ("neuron", "second-cell", "Good_Cells.Extra", "0.3"),
    ("integrator", "heun", "good-heun", "2.0"),
    ("aggregator", "largest", "good-pick", "1!2.0"),
    ("aggregator", "smallest", "zebra-object", "2.1.dev3"),
}
PATH = list(filter(None, [os.environ.get("PYTHONPATH")]))
MARK = "from rheobase.hookspecs import hookimpl\n"
SPECS = MARK + "from rheobase.specs import BackendSpec, NeuronSpec\n"


def hook(body: str, arguments: str = "", name: str = "rheobase_neurons") -> str:
    """The text of a module with one hook."""
    return f"{SPECS}@hookimpl\ndef {name}({arguments}):\n    {body}\n"


# What ends an installation half-way, or a disk that fails, leaves of a distribution's metadata.


def empty(info: Path) -> None:
    for path in info.iterdir():
        path.unlink()


def without_metadata(info: Path) -> None:
    (info / "METADATA").unlink()


def garble_metadata(info: Path) -> None:
    (info / "METADATA").write_bytes(b"Metadata-Version: 2.1\nName: broken\nSummary: \xff\xfe\n")


def garble_entry_points(info: Path) -> None:
    (info / "entry_points.txt").write_bytes(b"[rheobase]\n\xff\xfe = x\n")


def entry_points_without_sign(info: Path) -> None:
    (info / "entry_points.txt").write_text("[rheobase]\ntoy broken_toy\n")


def entry_points_without_bracket(info: Path) -> None:
    (info / "entry_points.txt").write_text("[rheobase\ntoy = broken_toy\n")


@dataclass(frozen=True)
class Broken:
    """A plugin that cannot be used.

    Args:
        text: Its hook module.
        says: What the message says of the cause.
        point: Its entry point; ``{}`` stands for its module.
        shows: What ``--verbose`` shows beside the message.
        status: What it is called.
        requires: Its ``Requires-Dist`` lines.
        more: Further sections of its entry points.
        damage: What happens to its metadata after the installation.
        says_point: Whether the message can name the entry point.
        settings: Environment variables of the user.
    """

    text: str
    says: str
    point: str = "toy = {}"
    shows: str = ""
    status: str = "broken"
    requires: tuple[str, ...] = ("rheobase>=0.1",)
    more: str = ""
    damage: Callable[[Path], None] | None = None
    says_point: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)


LISTED = hook("return [NeuronSpec('broken-cell', 'collections:OrderedDict')]")

BROKEN = {
    "import-error": Broken(
        "import no_such_module_at_all",
        "ModuleNotFoundError: No module named 'no_such_module_at_all'",
        shows="import no_such_module_at_all",
    ),
    "syntax-error": Broken("def f(:", "SyntaxError: invalid syntax", shows="def f(:"),
    "system-exit": Broken("import sys\nsys.exit(3)", "SystemExit: 3", shows="sys.exit(3)"),
    "keyboard-interrupt": Broken("raise KeyboardInterrupt", "KeyboardInterrupt", shows="line 1, in <module>"),
    "base-exception": Broken(
        "class Odd(BaseException): pass\nraise Odd('first line\\nsecond line')",
        "Odd: first line (",
        shows="second line",
    ),
    "shy-exception": Broken(
        "class Shy(Exception):\n    def __str__(self): raise self\n__import__('sys').tracebacklimit = 0\n"
        "raise Shy",
        "Shy (",
    ),
    "endless-recursion": Broken("def f(): f()\nf()", "RecursionError", shows="in f"),
    "rude-message": Broken(
        "raise RuntimeError('\\x1b[2J\\x1b]0;title\\x07' + 'very ' * 100000)", "RuntimeError: "
    ),
    "malformed-value": Broken(
        "", 'its entry point is not of the form "package.module:object"', point="toy = {} is not a module!"
    ),
    "empty-value": Broken("", 'its entry point is not of the form "package.module:object"', point="toy ="),
    "no-module": Broken("", "ModuleNotFoundError: No module named 'broken_toy'", point="toy = broken_toy"),
    "missing-attribute": Broken(
        "", "has no attribute 'Plugin'", point="toy = {}:Plugin", shows="AttributeError"
    ),
    "wrong-object": Broken(
        "NUMBER = 42",
        "no hook was found in an object of type int",
        point="toy = {}:NUMBER",
        shows="Traceback",
    ),
    "no-hook": Broken("x = 1", "no hook was found in the module; mark functions named rheobase_neurons"),
    "malformed-entry-points": Broken(
        LISTED,
        "the line 'toy broken_toy'",
        status="unreadable",
        damage=entry_points_without_sign,
        says_point=False,
    ),
    "unclosed-entry-points": Broken(
        LISTED,
        "entry_points.txt has the line '[rheobase', which lacks its ']'",
        status="unreadable",
        damage=entry_points_without_bracket,
        says_point=False,
    ),
    "undecodable-entry-points": Broken(
        LISTED,
        "entry_points.txt cannot be read: UnicodeDecodeError",
        status="unreadable",
        damage=garble_entry_points,
        says_point=False,
    ),
    "empty-dist-info": Broken(
        LISTED, "its metadata are missing", status="unreadable", damage=empty, says_point=False
    ),
    "no-metadata": Broken(LISTED, "METADATA cannot be read", status="unreadable", damage=without_metadata),
    "undecodable-metadata": Broken(
        LISTED,
        "METADATA cannot be read: UnicodeDecodeError",
        status="unreadable",
        damage=garble_metadata,
    ),
    "hook-argument": Broken(
        hook("return []", "config"),
        "hook rheobase_neurons needs the argument 'config', which this host does not give: "
        "it is rheobase_neurons(config), and must be rheobase_neurons() -> Sequence[NeuronSpec]",
        shows="Traceback",
    ),
    "hook-raises": Broken(
        hook("return 1 / 0"),
        "hook rheobase_neurons raised ZeroDivisionError: division by zero",
        shows="return 1 / 0",
    ),
    "hook-leaves": Broken(hook("raise SystemExit"), "hook rheobase_neurons raised SystemExit"),
    "hook-interrupts": Broken(hook("raise KeyboardInterrupt"), "KeyboardInterrupt", shows="rheobase_neurons"),
    "hook-returns-none": Broken(
        hook("pass"), "hook rheobase_neurons returned None; it must return a list of NeuronSpec"
    ),
    "hook-returns-text": Broken(
        hook("return 'fresh-cell'"), "hook rheobase_neurons returned 'fresh-cell'; it must return a list"
    ),
    "hook-returns-other-spec": Broken(
        hook("return [BackendSpec('b', 'json:loads')]"), "each element must be a NeuronSpec"
    ),
    "target-module-absent": Broken(
        hook("return [NeuronSpec('broken-cell', 'broken_toy.cell:Cell')]"),
        "there is no module 'broken_toy'",
    ),
    "target-attribute-absent": Broken(
        hook("return [NeuronSpec('broken-cell', 'json.decoder:Cell')]"),
        "module 'json.decoder' has no 'Cell'",
    ),
    "reads-stdin": Broken("print(input('your name? '))", "EOFError", shows="your name?"),
    "hangs": Broken(
        "import time\ntime.sleep(1000)",
        "loading it did not end within 3 s (RHEOBASE_TIMEOUT sets the limit)",
        shows="line 2 in <module>",
        settings={"RHEOBASE_TIMEOUT": "3"},
    ),
    "exits": Broken("import os\nos._exit(0)", "loading it ended the interpreter: exit status 0"),
    "segfault": Broken(
        "import ctypes\nctypes.string_at(0)",
        "loading it ended the interpreter: signal SIGSEGV",
        shows="Segmentation fault",
    ),
    "killed": Broken(
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "loading it ended the interpreter: signal SIGKILL",
    ),
    "newer-core": Broken(
        LISTED,
        "it needs rheobase>=99, and this is rheobase",
        status="incompatible",
        requires=("rheobase>=99",),
    ),
    "newer-spec": Broken(
        LISTED,
        "it was made for spec version 99, and this host understands 1",
        status="incompatible",
        more="\n[rheobase.spec]\ntoy = v99\n",
    ),
}

# Plugins that work and are bad neighbours; whether they are listed themselves. Each does to the process in
# which it is loaded what would keep the next one from being loaded.
RUDE = {
    "prints-megabytes": (
        "import sys\nsys.stdout.write('x' * 5_000_000)\nsys.stderr.write('y' * 5_000_000)\n"
        "for _ in range(100_000): print('a line')",
        True,
    ),
    "leaves-a-thread": (
        "import threading\nthreading.Thread(target=threading.Event().wait).start()",
        True,
    ),
    "closes-the-streams": ("import os\nos.close(1)\nos.close(2)", True),
    "replaces-the-streams": ("import sys\nsys.stdout = sys.stderr = sys.stdin = None", True),
    "changes-the-path": ("import os, sys\nsys.path[:] = []\nos.chdir('/')", True),
    "changes-the-variables": ("import os\nos.environ.clear()\nos.environ['PYTHONHOME'] = '/'", True),
    "hides-a-module": ("import sys\nsys.modules.update(good_heun=None, zebra_object=None)", True),
    # After those that are imported at the same time: what they name is then looked for in vain.
    "removes-the-finders": ("import sys, sysconfig, time\ntime.sleep(0.3)\nsys.meta_path.clear()", None),
    "breaks-the-import": ("import importlib\nimportlib.import_module = None", True),
    "ends-the-process-later": (
        "import os, threading\nthreading.Timer(0.05, os._exit, [7]).start()",
        None,
    ),
    "keeps-the-process-busy": (
        "import threading\ndef spin():\n    while True: pass\n"
        "for _ in range(4): threading.Thread(target=spin, daemon=True).start()",
        True,
    ),
    "answers-for-others": (
        "import os\nfor handle in range(3, 20):\n"
        '    try: os.write(handle, b\'garbage\\n{"failure": ""}\\n\\x80 and no end of line\')\n'
        "    except OSError: pass",
        True,
    ),
    "closes-every-file": ("import os\nos.closerange(0, 100)", None),
    "leaves-a-process": (
        "import os, time\nif not os.fork():\n    time.sleep(100)\n    os._exit(0)",
        True,
    ),
    "is-there-twice": ("import os\nos.fork()", True),
    "is-there-twice-and-leaves": (
        "import os, sys, time\nif not os.fork():\n    sys.exit()\ntime.sleep(0.3)",
        True,
    ),
}
RUDE_CELL = hook("return [NeuronSpec('rude-cell', 'collections:OrderedDict')]") + "\n"


@dataclass(frozen=True)
class Published:
    """A plugin that was installed beside the healthy ones.

    Args:
        distribution: Its distribution.
        case: What it is.
        environment: Where.
        info: The folder of its metadata.
    """

    distribution: str
    case: Any
    environment: Any
    info: Path


@pytest.fixture(scope="session")
def installed(
    fresh_environment: Callable[..., Any], wheel: Callable[..., Path], healthy: tuple[Path, ...]
) -> Path:
    """Where pip, called once, has installed the healthy plugins and all that are broken or rude."""
    wheels = [_wheel_of(kind, wheel) for kind in (*BROKEN, *RUDE)]
    site: Path = fresh_environment([*healthy, *wheels]).site
    return site


def _copy(distribution: str, installed: Path, site: Path) -> None:
    """Copy all that pip has recorded of a distribution."""
    [record] = installed.glob(f"{distribution}-*.dist-info/RECORD")
    for name, *_ in csv.reader(record.read_text(encoding="utf-8").splitlines()):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(installed / name, site / name)


@pytest.fixture(scope="session")
def publish(
    fresh_environment: Callable[..., Any], healthy: tuple[Path, ...], installed: Path
) -> Callable[..., Any]:
    """Makes environments in which broken plugins are beside the healthy ones, as pip has left them; and
    damages them."""

    @functools.cache
    def make(*kinds: str) -> tuple[Any, dict[str, Path]]:
        environment = fresh_environment()
        for each in healthy:
            _copy(each.name.partition("-")[0], installed, environment.site)
        for kind in kinds:
            _copy(f"broken_{kind.replace('-', '_')}", installed, environment.site)
        infos = {}
        for kind in kinds:
            [infos[kind]] = environment.site.glob(f"broken_{kind.replace('-', '_')}-*.dist-info")
            if kind in BROKEN and (damage := BROKEN[kind].damage):
                damage(infos[kind])
        settings = {
            key: value for kind in kinds if kind in BROKEN for key, value in BROKEN[kind].settings.items()
        }
        return replace(environment, settings={**environment.settings, **settings}), infos

    return make


def _wheel_of(kind: str, wheel: Callable[..., Path]) -> Path:
    module = f"broken_{kind.replace('-', '_')}"
    case = BROKEN.get(kind) or Broken(RUDE_CELL + RUDE[kind][0], "")
    return wheel(
        f"broken-{kind}",
        {f"{module}.py": case.text},
        version="0.7",
        entry_points=f"[rheobase]\n{case.point.format(module)}\n{case.more}",
        requires=case.requires,
    )


@pytest.fixture(scope="module", params=BROKEN)
def broken(request: pytest.FixtureRequest, publish: Callable[..., Any]) -> Published:
    """One kind of broken plugin beside five healthy ones."""
    environment, infos = publish(request.param)
    return Published(f"broken-{request.param}", BROKEN[request.param], environment, infos[request.param])


@pytest.fixture(scope="module", params=RUDE)
def rude(request: pytest.FixtureRequest, publish: Callable[..., Any]) -> Published:
    """One kind of bad neighbour beside five healthy plugins."""
    environment, infos = publish(request.param)
    return Published(f"broken-{request.param}", RUDE[request.param], environment, infos[request.param])


def words_of(done: subprocess.CompletedProcess[str]) -> str:
    """What it says on stderr; but for whom it waits is a matter of the machine."""
    lines = done.stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("rheobase: waiting for plugin "))


def listing(environment: Any, *options: str, **variables: str) -> tuple[dict[str, Any], str]:
    """What ``rheobase list --json`` says, and stderr."""
    done = environment.rheobase("list", "--json", *options, **variables)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said, words_of(done)


@pytest.fixture(scope="module")
def first_listing(broken: Published) -> tuple[dict[str, Any], str]:
    """The first listing after the installation of a broken plugin."""
    return listing(broken.environment)


def components(said: Mapping[str, Any]) -> set[tuple[str, str, str, str]]:
    """Kind, name, distribution and version of what is on offer."""
    rows = said["components"]
    return {(row["kind"], row["name"], row["distribution"], row["version"]) for row in rows}


def entry_point(published: Published) -> str:
    """The entry point as messages have it."""
    module = published.distribution.replace("-", "_")
    name, _, value = published.case.point.format(module).partition("=")
    return f'entry point {name.strip()} = "{value.strip()}"'


def test_healthy_plugins_alone_are_listed_without_a_word(publish: Callable[..., Any]) -> None:
    environment, _ = publish()
    said, words = listing(environment)
    assert components(said) >= HEALTHY
    assert (said["broken"], said["warnings"], words) == ([], [], "")
    assert environment.rheobase("list", "--strict").returncode == 0


def test_a_broken_plugin_is_listed_as_broken_and_the_healthy_ones_are_there(
    broken: Published, first_listing: tuple[dict[str, Any], str]
) -> None:
    said, _ = first_listing
    assert components(said) >= HEALTHY
    [about] = said["broken"]
    assert (about["distribution"], about["version"]) == (broken.distribution, "0.7")
    assert about["status"] == broken.case.status
    assert broken.case.says.removesuffix(" (") in about["cause"]
    assert len(about["cause"].splitlines()) == 1


def test_the_message_names_distribution_version_entry_point_cause_and_command(
    broken: Published, first_listing: tuple[dict[str, Any], str]
) -> None:
    said, words = first_listing
    # One line for people, and the same for programs; nothing that the plugin printed.
    [line] = words.splitlines()
    assert said["warnings"] == [line.removeprefix("warning: ")]
    assert f"{broken.distribution} 0.7" in line
    assert "is left out, the others work" in line
    assert broken.case.says in line
    assert line.isprintable()
    assert len(line) < 1200
    assert f"RHEOBASE_DISABLE={broken.distribution}" in line
    if broken.case.status == "broken":
        assert f"pip uninstall {broken.distribution}" in line
    if broken.case.status == "unreadable":
        assert str(broken.info) in line
        assert f"pip install --no-deps {broken.distribution}==0.7" in line
    elif broken.case.status == "incompatible":
        assert "pip install --upgrade " in line
    if broken.case.says_point:
        assert entry_point(broken) in line


# What hangs is waited for, and alone: the others need not end within its limit.
@pytest.mark.parametrize("kinds", [["hangs"], [*BROKEN.keys() - {"hangs"}]], ids=["what hangs", "all others"])
def test_the_table_has_each_among_what_is_left_out_and_verbose_shows_its_traceback(
    kinds: list[str], publish: Callable[..., Any]
) -> None:
    environment, _ = publish(*sorted(kinds))
    done = environment.rheobase("list", "--verbose")
    assert done.returncode == 0
    offered, _, left_out = done.stdout.partition("left out\n")
    for _, name, distribution, version in HEALTHY:
        assert re.search(rf"^ {name} +{re.escape(f'{distribution} {version}')}", offered, re.MULTILINE)
    told = [each.partition("\n") for each in re.split(r"^warning: ", words_of(done), flags=re.MULTILINE)]
    for kind in kinds:
        assert re.search(rf" broken-{kind} 0.7 +{BROKEN[kind].status}: ", left_out)
        [detail] = [detail for message, _, detail in told if f" broken-{kind} 0.7" in message]
        assert BROKEN[kind].shows in detail


def test_once_disabled_none_is_spoken_of(publish: Callable[..., Any]) -> None:
    environment, _ = publish(*BROKEN)
    disabled = ",".join(f"broken-{kind}" for kind in BROKEN)
    said, words = listing(environment, "--strict", RHEOBASE_DISABLE=disabled)
    assert components(said) >= HEALTHY
    assert (said["broken"], words) == ([], "")


# For each way in which a plugin can be broken there is one; below, all of them are looked at at once.
EXAMINED = (
    "keyboard-interrupt",
    "empty-dist-info",
    "target-module-absent",
    "hangs",
    "segfault",
    "newer-core",
)


@pytest.mark.parametrize("kind", EXAMINED)
def test_strictness_makes_it_an_error(kind: str, publish: Callable[..., Any]) -> None:
    environment, _ = publish(kind)
    done = environment.rheobase("list", RHEOBASE_STRICT="1")
    assert (done.returncode, done.stdout) == (2, "")
    words = words_of(done)
    assert words.startswith("error: ")
    assert f"broken-{kind}" in words
    assert BROKEN[kind].says in words


@pytest.mark.parametrize("kind", ["empty-dist-info", "hangs", "newer-core"])
def test_doctor_reports_it_and_its_exit_code_says_so(kind: str, publish: Callable[..., Any]) -> None:
    environment, infos = publish(kind)
    broken = Published(f"broken-{kind}", BROKEN[kind], environment, infos[kind])
    done = broken.environment.rheobase("doctor", "--json", RHEOBASE_ONLY=broken.distribution)
    said = json.loads(done.stdout)
    assert (done.returncode, said["ok"]) == (1, False)
    problems = [*said["problems"], *(each for one in said["plugins"] for each in one["problems"])]
    [problem] = [each for each in problems if each["distribution"] == broken.distribution]
    assert problem["status"] == broken.case.status
    assert broken.case.says.removesuffix(" (") in problem["cause"]


# One process imports torch, which takes longer than all else, and becomes that of each environment in turn.
STEPS = """
import json, os, sys
import torch
import rheobase as rb
from rheobase.engine.integrator import rk4


class Warm(rb.AnalogNeuron):
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data}


# With objects instead of names: nothing is looked for, but all is imported that a model needs.
rb.create(Warm, integrator=rk4(), aggregator=lambda inputs, identifiers: inputs[0])(1.0)
here = next(folder for folder in sys.path if folder.startswith(sys.prefix) and "-packages" in folder)
for line in sys.stdin:
    wanted = json.loads(line)
    if not os.fork():
        os.environ.update(wanted["settings"])
        os.chdir(wanted["work"])
        sys.path = [wanted["site"] if folder == here else folder for folder in sys.path]
        sys.prefix, sys.executable = wanted["prefix"], wanted["python"]
        two = [torch.tensor([3.0, 5.0]), torch.tensor([4.0, 1.0])]
        made = {
            name: rb.create(name, num_units=2, integrator="heun", aggregator=aggregator, dt=0.5)
            for name, aggregator in (("fresh-cell", "largest"), ("second-cell", "smallest"))
        }
        voltages = {name: cell(two)["voltage"].tolist() for name, cell in made.items()}
        print(json.dumps([voltages, [name for name in sys.modules if name.startswith("broken")]]))
        sys.stdout.flush()
        os._exit(0)
    os.wait()
    print(flush=True)
"""


@pytest.fixture(scope="module")
def step(fresh_environment: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Creates both healthy models with the healthy integrator and aggregators, and takes one step."""
    base = fresh_environment()
    with subprocess.Popen(
        [str(base.python), "-c", STEPS],
        env=base.settings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def ask(environment: Any) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            wanted = {
                "settings": dict(environment.settings),
                "work": str(environment.work),
                "site": str(environment.site),
                "prefix": str(environment.folder),
                "python": str(environment.python),
            }
            process.stdin.write(json.dumps(wanted) + "\n")
            process.stdin.flush()
            said = "".join(iter(process.stdout.readline, "\n"))
            return json.loads(said)

        yield ask
        process.kill()


# dV/dt is the greater or the smaller of two inputs, and Heun's method is exact where that is constant:
# 0.5 ms of it from 0 mV.
STEPPED = {"fresh-cell": [2.0, 2.5], "second-cell": [1.5, 0.5]}


# When it is imported, torch looks for backends in everybody's entry points, and cannot be imported where one
# distribution's cannot be parsed. This tells it not to look.
WITHOUT_BACKENDS = {"TORCH_DEVICE_BACKEND_AUTOLOAD": "0"}


def test_all_five_healthy_ones_work_beside_a_broken_one(broken: Published, step: Callable[..., Any]) -> None:
    voltages, imported = step(broken.environment)
    assert voltages == STEPPED
    assert imported == []


@pytest.mark.parametrize("kind", ["hook-raises", "malformed-entry-points"])
def test_a_process_of_its_own_does_the_same_as_one_that_was_forked(
    kind: str, publish: Callable[..., Any]
) -> None:
    environment, _ = publish(kind)
    variables = WITHOUT_BACKENDS if "entry-points" in kind else {}
    script = (
        "import torch\nimport rheobase as rb\ntwo = [torch.tensor([3.0, 5.0]), torch.tensor([4.0, 1.0])]\n"
        "cell = rb.create('fresh-cell', num_units=2, integrator='heun', aggregator='largest', dt=0.5)\n"
        "print(cell(two)['voltage'].tolist())"
    )
    done = environment.run("-W", "ignore", "-c", script, **variables)
    assert (done.stdout, done.stderr) == (f"{STEPPED['fresh-cell']}\n", "")


def test_a_bad_neighbour_harms_no_other(rude: Published, step: Callable[..., Any]) -> None:
    said, words = listing(rude.environment)
    assert components(said) >= HEALTHY
    _, listed = rude.case
    if listed is not None:
        assert ("neuron", "rude-cell", rude.distribution, "0.7") in components(said)
        assert (said["broken"], words) == ([], "")
    assert {each["distribution"] for each in said["broken"]} <= {rude.distribution}
    voltages, imported = step(rude.environment)
    assert voltages == STEPPED
    assert imported == []


@pytest.mark.parametrize("kind", ["is-there-twice", "is-there-twice-and-leaves", "leaves-a-thread"])
def test_doctor_finds_well_what_works(kind: str, publish: Callable[..., Any]) -> None:
    environment, _ = publish(kind)
    done = environment.rheobase("doctor", "--json", RHEOBASE_ONLY=f"broken-{kind}")
    [said] = [each for each in json.loads(done.stdout)["plugins"] if each["distribution"] == f"broken-{kind}"]
    assert (done.returncode, said["status"], said["problems"]) == (0, "ok", [])
    assert said["components"] == ["neuron:rude-cell"]


def test_a_misspelt_hook_is_warned_of_and_the_plugins_other_hooks_work(
    fresh_environment: Callable[..., Any], wheel: Callable[..., Path], healthy: tuple[Path, ...]
) -> None:
    text = hook("return [NeuronSpec('odd-cell', 'collections:OrderedDict')]")
    text += "@hookimpl\ndef rheobase_integrator(): return []\n"
    odd = wheel("odd-hook", {"odd_hook.py": text}, entry_points="[rheobase]\nodd = odd_hook\n")
    environment = fresh_environment([*healthy, odd])
    said, words = listing(environment)
    assert components(said) >= HEALTHY | {("neuron", "odd-cell", "odd-hook", "1.0")}
    assert said["broken"] == []
    assert words == (
        "warning: plugin 'odd' of odd-hook 1.0: there is no hook 'rheobase_integrator'; did you mean "
        "'rheobase_integrators'?; the hooks are rheobase_neurons, rheobase_integrators, "
        "rheobase_aggregators, rheobase_backends, rheobase_synapses, rheobase_rules, rheobase_surrogates "
        '(entry point odd = "odd_hook"). Mend it, remove it: '
        "pip uninstall odd-hook, or disable it: RHEOBASE_DISABLE=odd-hook\n"
    )
    strict = environment.rheobase("list", "--strict")
    assert (strict.returncode, strict.stdout) == (2, "")
    assert "rheobase_integrator" in strict.stderr
    assert environment.rheobase("doctor", RHEOBASE_ONLY="odd-hook").returncode == 0
    assert environment.rheobase("doctor", "--strict", RHEOBASE_ONLY="odd-hook").returncode == 1


def command(words: str, beginning: str) -> list[str]:
    """The command in a message, without its first word."""
    found = re.search(rf"{beginning}[^,]*", words)
    assert found is not None
    return found[0].split()[1:]


def test_the_command_in_the_message_removes_a_broken_plugin(publish: Callable[..., Any]) -> None:
    environment, _ = publish("import-error", "hook-raises")
    _, words = listing(environment)
    for line in words.splitlines():
        what, name = command(line, "pip uninstall ")
        environment.pip(what, "--yes", name)
    said, words = listing(environment, "--strict")
    assert components(said) >= HEALTHY
    assert (said["broken"], words) == ([], "")


def test_the_command_in_the_message_mends_unreadable_metadata(
    publish: Callable[..., Any], wheel: Callable[..., Path]
) -> None:
    kinds = [kind for kind, case in BROKEN.items() if case.damage]
    environment, _ = publish(*kinds)
    _, words = listing(environment)
    assert len(words.splitlines()) == len(kinds) == 6
    sources = [f"--find-links={_wheel_of(kind, wheel).parent}" for kind in kinds]
    for line in words.splitlines():
        folder = Path(re.findall(r"in (\S+\.dist-info)\)", line)[-1])
        assert folder.is_relative_to(environment.site)
        shutil.rmtree(folder)
    wanted = [command(line, "pip install --no-deps ")[-1] for line in words.splitlines()]
    environment.pip("install", "--no-deps", *wanted, "--no-index", *sources)
    # Each offers a component of the same name; which that is nobody has asked for.
    said, words = listing(environment, "--strict")
    mended = {("neuron", "broken-cell", f"broken-{kind}", "0.7") for kind in kinds}
    assert components(said) >= HEALTHY | mended
    assert (said["broken"], words) == ([], "")


def test_the_healthy_ones_work_beside_all_that_is_broken_at_once(
    publish: Callable[..., Any], step: Callable[..., Any]
) -> None:
    environment, _ = publish(*BROKEN, *RUDE)
    said, words = listing(environment)
    assert components(said) >= HEALTHY
    found = {(each["distribution"], each["status"]) for each in said["broken"]}
    assert found >= {(f"broken-{kind}", case.status) for kind, case in BROKEN.items()}
    rude = {f"broken-{kind}" for kind, (_, listed) in RUDE.items() if listed is None}
    assert {name for name, _ in found} - rude == {f"broken-{kind}" for kind in BROKEN}
    assert len(words.splitlines()) == len(said["broken"])
    assert step(environment)[0] == STEPPED
    # Loading a model takes torch a second or more; what hangs need not hang that long.
    done = environment.rheobase(
        "doctor",
        *("--json", "--timeout", "60"),
        **WITHOUT_BACKENDS,
        RHEOBASE_DISABLE="broken-hangs,broken-keeps-the-process-busy",
        RHEOBASE_ONLY=",".join(
            [distribution for *_, distribution, _ in HEALTHY] + [f"broken-{kind}" for kind in BROKEN]
        ),
    )
    report = json.loads(done.stdout)
    assert (done.returncode, report["ok"]) == (1, False)
    status = {each["distribution"]: each["status"] for each in report["plugins"]}
    for each in report["plugins"]:
        if each["distribution"] in {distribution for *_, distribution, _ in HEALTHY}:
            assert (each["status"], each["problems"]) == ("ok", [])
    assert status["broken-hangs"] == "disabled"
    told = {each["distribution"] for each in report["problems"]} | {
        name for name, state in status.items() if state in ("broken", "incompatible")
    }
    assert told == {f"broken-{kind}" for kind in BROKEN} - {"broken-hangs"}
    problems = [*report["problems"], *(each for one in report["plugins"] for each in one["problems"])]
    for kind in BROKEN.keys() - {"hangs"}:
        [problem] = [each for each in problems if each["distribution"] == f"broken-{kind}"]
        assert problem["status"] == BROKEN[kind].status
        assert BROKEN[kind].says.removesuffix(" (") in problem["cause"]


TARGETS = {
    "raises": ("raise ImportError('no such GPU')", "ImportError: no such GPU"),
    "leaves": ("raise SystemExit(3)", "SystemExit: 3"),
    "exits": ("import os\nos._exit(3)", "loading it ended the interpreter: exit status 3"),
    "hangs": ("import time\ntime.sleep(1000)", "loading it did not end within 2 s"),
    "is-no-class": ("Cell = 3", "it is 3, not a class"),
}


@pytest.fixture(scope="module")
def odd(
    fresh_environment: Callable[..., Any],
    wheel: Callable[..., Path],
    hook_module: Callable[[str, str], str],
) -> Any:
    """An environment with a plugin for each way in which a model cannot be imported."""
    wheels = []
    for kind, (text, _) in TARGETS.items():
        module = f"odd_{kind.replace('-', '_')}"
        files = {
            f"{module}.py": hook_module("neurons", f"NeuronSpec('odd-{kind}', '{module}_model:Cell')"),
            f"{module}_model.py": f"Cell = object\n{text}\n",
        }
        wheels.append(wheel(f"odd-{kind}", files, entry_points=f"[rheobase]\nodd = {module}\n"))
    return fresh_environment(wheels)


def test_models_that_cannot_be_imported_are_listed(odd: Any) -> None:
    said, words = listing(odd, RHEOBASE_ONLY=",".join(f"odd-{kind}" for kind in TARGETS))  # imports no model
    assert components(said) >= {("neuron", f"odd-{kind}", f"odd-{kind}", "1.0") for kind in TARGETS}
    assert (said["broken"], words) == ([], "")


@pytest.mark.parametrize("kind", TARGETS)
def test_a_model_that_cannot_be_imported_is_found_by_doctor_and_by_who_uses_it(kind: str, odd: Any) -> None:
    name, cause = f"odd-{kind}", TARGETS[kind][1]
    done = odd.rheobase("doctor", "--timeout", "2", RHEOBASE_ONLY=name)
    assert done.returncode == 1
    told = " ".join(done.stdout.split())
    assert f"neuron model '{name}' of plugin 'odd' of {name} 1.0 is left out" in told
    assert cause in told
    assert f"pip uninstall {name}" in told
    assert "not all is well" in told
    if kind in ("raises", "leaves", "is-no-class"):  # the others are beyond any help in one's own process
        shown = odd.rheobase("show", name, RHEOBASE_ONLY=name)
        assert shown.returncode == 2
        assert f"neuron model '{name}' of {name} 1.0 cannot be loaded" in shown.stderr
        assert cause in shown.stderr
        assert f"pip uninstall {name}" in shown.stderr


def test_metadata_that_cannot_be_read_and_are_no_plugins_are_not_spoken_of(
    fresh_environment: Callable[..., Any], wheel: Callable[..., Path]
) -> None:
    foreign = wheel("foreign", {"foreign.py": ""}, entry_points="[console_scripts]\nforeign = foreign:main\n")
    environment = fresh_environment([foreign])
    [info] = environment.site.glob("foreign-1.0.dist-info")
    (info / "entry_points.txt").write_bytes(b"[console_scripts]\n\xff\xfe = foreign:main\n")
    garble_metadata(info)
    said, words = listing(environment, "--strict")
    assert (said["broken"], words) == ([], "")


def test_a_plugin_whose_folder_has_another_name_than_its_metadata_counts_once(
    fresh_environment: Callable[..., Any], wheel: Callable[..., Path]
) -> None:
    odd = wheel("odd-cell", {"odd_cell.py": LISTED}, entry_points="[rheobase]\nodd = odd_cell\n")
    environment = fresh_environment([odd])
    [info] = environment.site.glob("odd_cell-1.0.dist-info")
    renamed = info.rename(info.with_name("renamed-1.0.dist-info"))
    shutil.copytree(renamed, environment.work / renamed.name)
    said, words = listing(environment, PYTHONPATH=os.pathsep.join([str(environment.work), *PATH]))
    assert [row[2:] for row in components(said) if row[1] == "broken-cell"] == [("odd-cell", "1.0")]
    assert (said["broken"], words) == ([], "")
