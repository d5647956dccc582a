"""The parts depend on each other in one direction only, and plugins use the public door."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from pathlib import Path
from types import FrameType, ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "core" / "src" / "rheobase"
KIT = ROOT / "plugins" / "conformance" / "src" / "rheobase_conformance"
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").exists())

# Part -> the parts that it may import. A part is a top-level module or package of rheobase, or a room of the
# engine, such as engine.step. ARCHITECTURE.md tells what each is for.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "cache": set(),
    "philox": set(),
    "torch_state": set(),
    "html": set(),
    "deferral": set(),
    "files": {"errors"},
    "specs": {"errors"},
    "kinds": {"specs"},
    "marker": {"errors", "specs"},
    "hookspecs": {"marker", "specs"},
    "builtin": {"hookspecs", "specs"},
    "synonyms": {"kinds"},
    "plugins": {"builtin", "cache", "errors", "files", "hookspecs", "kinds", "marker", "specs", "synonyms"},
    "pointing": {"errors", "plugins", "specs", "synonyms"},
    "signal": {"errors", "files", "philox", "torch_state"},
    "stimulus": {"signal"},
    "engine": set(),
    "engine.aggregate": {"errors"},
    "engine.model": {"errors", "philox", "specs", "torch_state"},
    "engine.component": {"engine.model", "errors"},
    "engine.integrator": {"engine.model", "errors", "signal", "specs", "torch_state"},
    "engine.step": {"engine.integrator", "engine.model", "errors", "philox", "signal", "torch_state"},
    "engine.trace": {"engine.integrator", "engine.model", "engine.step", "errors", "torch_state"},
    # The one room of the engine that resolves a name.
    "engine.resolve": {"engine.aggregate", "engine.integrator", "engine.model", "errors", "plugins", "specs"},
    "engine.provenance": {"engine.model", "engine.resolve", "specs"},
    "engine.neuron": {"engine.aggregate", "engine.component", "engine.integrator", "engine.model"}
    | {"engine.provenance", "engine.resolve", "engine.step"}
    | {"errors", "html", "philox", "signal", "specs", "torch_state"},
    "engine.ensemble": {"engine.model", "engine.neuron", "errors"},
    "engine.network": {
        "engine.aggregate",
        "engine.integrator",
        "engine.model",
        "engine.neuron",
        "engine.resolve",
        "engine.step",
        "signal",
    }
    | {"errors", "philox", "specs", "torch_state"},
    "engine.create": {"engine.aggregate", "engine.component", "engine.ensemble", "engine.integrator"}
    | {"engine.neuron", "engine.resolve", "engine.step", "errors", "specs"},
    "pipeline": {"deferral", "errors", "files", "html", "plugins", "pointing", "signal", "specs", "stimulus"}
    | {"engine.aggregate", "engine.create", "engine.model", "engine.network", "engine.neuron"}
    | {"engine.step", "engine.trace", "kinds", "torch_state"},
    "plots": {"pipeline"},
    "training": {"engine.create", "engine.integrator", "engine.model", "engine.neuron", "engine.step"}
    | {"engine.network", "engine.resolve", "engine.trace", "errors", "pipeline", "plugins", "torch_state"},
    "conformance": {"errors", "plugins"},
    "pytest_plugin": {"plugins"},
    "spi": {
        "cli",
        "engine.integrator",
        "engine.model",
        "engine.neuron",
        "engine.step",
        "engine.trace",
        "errors",
    }
    | {"philox", "pipeline", "plugins", "pointing", "specs", "training"},
    "scaffold": {"errors", "kinds", "plugins", "specs"},
    "cli": {
        "deferral",
        "engine.create",
        "engine.model",
        "engine.network",
        "engine.neuron",
        "errors",
        "files",
        "pipeline",
    }
    | {"plugins", "pointing", "scaffold", "specs", "stimulus", "synonyms", "engine.resolve", "kinds"},
    "__main__": {"cli"},
}
# Modules that import each other, in whatever order and however late -> why that cannot be helped.
CIRCLES: dict[frozenset[str], str] = {}
# The modules that users and authors of plugins import by their names. Every other may move.
PUBLIC_MODULES = (
    "rheobase",
    "rheobase.conformance",
    "rheobase.errors",
    "rheobase.plots",
    "rheobase.spi",
    "rheobase.stimulus",
    "rheobase.training",
    "rheobase.pipeline.plots",  # an older name of rheobase.plots
)


def core_files() -> list[Path]:
    return [path for path in sorted(CORE.rglob("*.py")) if path != CORE / "__init__.py"]


def module_of(path: Path) -> str:
    parts = ["rheobase", *path.relative_to(CORE).with_suffix("").parts]
    return ".".join(parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in core_files()}


def part_of(module: str) -> str:
    """``rheobase.engine.step.field`` -> ``engine.step``; ``rheobase.pipeline.drive`` -> ``pipeline``."""
    parts = module.split(".")[1:]
    return ".".join(parts[: 2 if parts[0] == "engine" else 1])


def imports_of(path: Path) -> set[str]:
    """The modules of the core that a file imports: at its top, in a function, or for annotations alone."""
    module = module_of(path)
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            names = {f"{whole}.{alias.name}" for alias in node.names}
            # A name is a module of the package, or something that the package or module has.
            found |= {name if name in MODULES else whole for name in names}
    found = {name for name in found if name.partition(".")[0] == "rheobase" and name != module}
    assert found <= MODULES.keys(), f"{module} imports what is no module of the core"
    return found


@pytest.mark.parametrize("module", MODULES)
def test_imports_of_the_core_point_down(module: str) -> None:
    part = part_of(module)
    wrong = {part_of(name) for name in imports_of(MODULES[module])} - {part} - ALLOWED[part]
    assert not wrong, f"{module} imports {sorted(wrong)}; {part} may import {sorted(ALLOWED[part])}"


def test_the_arrows_are_those_that_are_there() -> None:
    drawn: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        drawn.setdefault(part_of(module), set()).update(
            part_of(name) for name in imports_of(path) if part_of(name) != part_of(module)
        )
    assert drawn == ALLOWED


def circles(edges: dict[str, set[str]]) -> set[frozenset[str]]:
    """The largest sets of two or more that reach each other."""
    reached: dict[str, set[str]] = {}
    for start in edges:
        pending, seen = [start], set[str]()
        while pending:
            for target in edges.get(pending.pop(), set()) - seen:
                seen.add(target)
                pending.append(target)
        reached[start] = seen
    return {
        frozenset(other for other in reached[name] if name in reached.get(other, set()))
        for name in edges
        if name in reached[name]
    }


def test_circles_are_found() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}, "e": {"f"}, "f": {"g"}, "g": {"e", "a"}}
    assert circles(edges) == {frozenset("bc"), frozenset("efg")}


def test_parts_have_no_circle() -> None:
    assert circles(ALLOWED) == set()


def test_modules_have_no_circle_but_those_that_have_a_reason() -> None:
    """Imports within functions and for annotations count too; a reason whose circle was cut is to go."""
    edges = {module: imports_of(path) for module, path in MODULES.items()}
    assert circles(edges) == set(CIRCLES)
    assert all(CIRCLES.values())


PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| `([\w.]+)` \| .+ \| (.*) \|$", PAGE.partition("## Three walks")[0], flags=re.MULTILINE
)
WALKS = re.split(r"^### ", PAGE.partition("## Where")[0], flags=re.MULTILINE)[1:]


def test_the_page_draws_the_arrows_and_they_point_down() -> None:
    leaves = {part for part, others in ALLOWED.items() if not others}
    drawn = {part: set(re.findall(r"`([\w.]+)`", others)) for part, others in ROWS}
    assert drawn == {part: others - leaves for part, others in ALLOWED.items()}
    order = [part for part, _ in ROWS]
    for place, part in enumerate(order):
        assert ALLOWED[part] <= set(order[place + 1 :]), part


def names_in(path: Path) -> set[str]:
    """What a file defines: ``function``, ``Class``, ``Class.method``, ``CONSTANT``."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
        if isinstance(node, ast.Assign):
            names |= {ast.unparse(target) for target in node.targets}
        if isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
    return names


@pytest.mark.parametrize(
    ("file", "name"), sorted(set(re.findall(r"`([\w/.-]+\.(?:py|md))(?::([\w.]+))?`", PAGE)))
)
def test_what_the_page_names_is_there(file: str, name: str) -> None:
    path = next((folder / file for folder in (CORE, KIT, ROOT) if (folder / file).is_file()), None)
    assert path is not None
    assert not name or name in names_in(path)


def test_each_walk_is_a_list_of_functions() -> None:
    for walk in WALKS:
        lines = re.findall(r"^(\d+)\. `[\w/]+\.py:[\w.]+` - \S", walk, flags=re.MULTILINE)
        assert lines == [str(1 + place) for place in range(len(lines))]
        assert 5 < len(lines) == len(re.findall(r"^\d", walk, flags=re.MULTILINE))
    assert len(WALKS) == 3


def test_a_step_walks_as_the_page_says() -> None:
    import rheobase
    import torch

    neuron, current = rheobase.create("lif", 4), torch.full((4,), 300.0)
    neuron(current)
    called: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            called.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")

    sys.setprofile(note)
    try:
        neuron(current)
    finally:
        sys.setprofile(None)
    walk = next(walk for walk in WALKS if "neuron(current)" in walk)
    place = 0
    for file, name in re.findall(r"^\d+\. `([\w/.]+):([\w.]+)`", walk, flags=re.MULTILINE):
        wanted = f"{CORE / file}:{name.rpartition('.')[2]}"
        assert wanted in called[place:], f"{file}:{name} is not called, or not there in the walk"
        place = called.index(wanted, place)


def root(module: str | None) -> str:
    return (module or "").partition(".")[0]


DOORS = ("rheobase", "rheobase.errors", "rheobase.stimulus", "rheobase.spi")
# What a named tuple calls its own, with an underscore so that no field has the name.
OF_NAMED_TUPLES = {"_asdict", "_fields", "_replace"}
# Private names of others that a plugin takes -> why.
TAKEN = {
    "rheobase_conformance/worker.py: os._exit": "a public name of Python's, for all its underscore",
    "rheobase_fused/training/trainer.py: value._version": "torch's count of changes has no public name",
}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugins_come_in_by_the_two_doors(plugin: Path) -> None:
    for path in sorted((plugin / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    assert not alias.name.startswith("rheobase."), f"{path.name} imports {alias.name}"
            elif isinstance(node, ast.ImportFrom) and not node.level and root(node.module) == "rheobase":
                assert node.module in DOORS, f"{path.name} imports from {node.module}; {DOORS} are the doors"
                door = importlib.import_module(node.module)
                unknown = {alias.name for alias in node.names} - {*getattr(door, "__all__", dir(door))}
                assert not unknown, f"{path.name} imports {unknown}, which {node.module} does not offer"


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugins_take_no_private_name_of_another(plugin: Path) -> None:
    """A private name belongs to the file that gives it."""
    for path in sorted((plugin / "src").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        own = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or not re.match(r"_[a-z]", node.attr):
                continue
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                continue
            said = f"{path.relative_to(plugin / 'src')}: {ast.unparse(node)}"
            assert node.attr in own | OF_NAMED_TUPLES or said in TAKEN, said


# Where the core may say the name of a component that a plugin offers -> why.
NAMING = {
    "engine/model/draw.py": "exponential is what a draw is distributed as",
    "engine/model/drawing.py": "the same",
    "engine/model/hazard.py": "the same",
    "synonyms.py": "words that people have for a method; one is suggested only where it is installed",
}


def strings_of(path: Path) -> set[str]:
    """The strings of a file's code, without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in lone
    }


def bound_in(path: Path) -> set[str]:
    """The names of a file's functions and classes, and of what it imports."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def test_the_core_names_no_plugin() -> None:
    import rheobase
    from rheobase.kinds import HOOKS, KINDS

    found = [component for kind in KINDS for component in rheobase.list_components(kind)]
    offered = {each.spec.name for each in found if each.provenance.distribution != "rheobase"}
    assert {"lif", "rk45", "fused"} <= offered
    of_plugins = [name for path in PLUGINS for name in (f"rheobase_{path.name}", f"rheobase-{path.name}")]
    named = {}
    for path in core_files():
        # A hook and a plugin may have one name: that of the kind that both are about. And what a file calls
        # something of its own is not a plugin's.
        said = strings_of(path) - set(HOOKS) - bound_in(path)
        wrong = said & offered | {text for text in said if any(name in text for name in of_plugins)}
        if wrong:
            named[path.relative_to(CORE).as_posix()] = sorted(wrong)
    assert named.keys() == NAMING.keys(), named


@pytest.mark.parametrize("name", PUBLIC_MODULES)
def test_public_modules_have_the_names_that_users_import(name: str) -> None:
    importlib.import_module(name)


def test_a_public_module_is_bound_by_the_package() -> None:
    import rheobase

    modules = {name for name in rheobase.__all__ if isinstance(getattr(rheobase, name), ModuleType)}
    assert modules == {name.split(".")[1] for name in PUBLIC_MODULES if name.count(".") == 1}


def test_init_modules_define_nothing() -> None:
    for path in sorted(CORE.rglob("__init__.py")):
        if path.parent == CORE:
            continue  # binds the public names lazily
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            names = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            assert docstring or names or isinstance(node, (ast.Import, ast.ImportFrom)), (
                f"{path.relative_to(CORE)} line {node.lineno} defines something"
            )


def collected() -> list[Path]:
    """The files of tests that pytest imports by itself, with nothing but what is installed on the path."""
    folders = [ROOT / "tests", ROOT / "core/tests", *(plugin / "tests" for plugin in PLUGINS)]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    ignored: set[Path] = set()
    for conftest in (path for path in files if path.name == "conftest.py"):
        for node in ast.parse(conftest.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").startswith(
                "collect_ignore"
            ):
                for pattern in ast.literal_eval(node.value):
                    found = list(conftest.parent.glob(pattern))
                    assert found, f"{conftest}: {pattern!r} is nothing"
                    ignored.update(found)
    return [path for path in files if not ignored & {path, *path.parents}]


def test_a_folder_of_tests_is_collected_alone_as_among_others() -> None:
    # One that imports its neighbour by a bare name finds it only where somebody put the folder on the path.
    for path in collected():
        beside = {each.stem for each in path.parent.glob("*.py")}
        asked = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            asked |= {name.partition(".")[0] for name in names}
        assert not beside & asked, f"{path}: {sorted(beside & asked)}"


def test_importing_rheobase_imports_no_torch() -> None:
    import subprocess

    code = "import sys, rheobase; print([m for m in ('torch', 'numpy', 'pluggy') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
