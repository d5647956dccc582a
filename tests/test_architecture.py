"""The parts depend on each other in one direction only, and plugins use the public door."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "core" / "src" / "rheobase"
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").exists())

# Part -> the parts that it may import. A part is a top-level module or package of rheobase.
ALLOWED = {
    "errors": set(),
    "cache": set(),
    "philox": set(),
    "torch_state": set(),
    "html": set(),
    "deferral": set(),
    "files": {"errors"},
    "specs": {"errors"},
    "marker": {"specs", "errors"},
    "hookspecs": {"specs", "marker"},
    "builtin": {"specs", "hookspecs"},
    "plugins": {"specs", "errors", "marker", "hookspecs", "builtin", "cache", "files"},
    "pytest_plugin": {"plugins", "conformance", "errors"},
    "signal": {"errors", "files", "philox", "torch_state"},
    "stimulus": {"signal"},
    "engine": {"signal", "specs", "errors", "philox", "torch_state", "html"},
    "pipeline": {"engine", "stimulus", "signal", "plugins", "files", "specs", "errors", "html"}
    | {"deferral"},
    "conformance": {"pipeline", "engine", "plugins", "specs", "errors"},
    "scaffold": {"plugins", "specs", "errors"},
    "cli": {"scaffold", "conformance", "pipeline", "engine", "plugins", "files", "specs", "errors"}
    | {"hookspecs", "stimulus", "deferral"},
    "plots": {"pipeline"},
    "__main__": {"cli"},
}
# The one function of the engine that resolves a name.
EXCEPTIONS = {("engine/resolve.py", "plugins")}
# The modules that users and authors of plugins import by their names. Every other may move.
PUBLIC_MODULES = (
    "rheobase",
    "rheobase.conformance",
    "rheobase.errors",
    "rheobase.plots",
    "rheobase.stimulus",
    "rheobase.pipeline.plots",  # an older name of rheobase.plots
)


def imports_of(path: Path) -> set[str]:
    """The absolute names of the modules that a file of the core imports, at any depth of the file."""
    package = ["rheobase", *path.relative_to(CORE).with_suffix("").parts[:-1]]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1]
                module = ".".join([*base, *([node.module] if node.module else [])])
                found |= {f"{module}.{alias.name}" for alias in node.names} if not node.module else {module}
            elif node.module:
                found |= (
                    {f"rheobase.{a.name}" for a in node.names} if node.module == "rheobase" else {node.module}
                )
    return found


def core_files() -> list[Path]:
    return [path for path in sorted(CORE.rglob("*.py")) if path != CORE / "__init__.py"]


@pytest.mark.parametrize("path", core_files(), ids=lambda path: str(path.relative_to(CORE)))
def test_imports_of_the_core_point_down(path: Path) -> None:
    relative = path.relative_to(CORE)
    part = relative.parts[0].removesuffix(".py")
    targets = {name.split(".")[1] for name in imports_of(path) if name.startswith("rheobase.")}
    # A public name that is bound lazily may be imported from the package itself only above the engine.
    wrong = {
        target
        for target in targets - {part} - ALLOWED[part]
        if (relative.as_posix(), target) not in EXCEPTIONS
    }
    assert not wrong, f"{relative} imports {sorted(wrong)}; {part} may import {sorted(ALLOWED[part])}"


def test_the_core_has_no_import_cycles() -> None:
    names = {
        ".".join(["rheobase", *path.relative_to(CORE).with_suffix("").parts]): path for path in core_files()
    }
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}
    edges = {}
    for name, path in names.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        # Only what runs when the module is imported: not function bodies, not TYPE_CHECKING blocks.
        edges[name] = {
            target for target in _imported_on_load(tree, path) if target in names and target != name
        }
    state: dict[str, int] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert state.get(name) != 1, f"cycle: {' -> '.join([*trail[trail.index(name) :], name])}"
        if state.get(name) == 2:
            return
        state[name] = 1
        for target in sorted(edges[name]):
            visit(target, (*trail, name))
        state[name] = 2

    for name in edges:
        visit(name, ())


def _imported_on_load(tree: ast.Module, path: Path) -> set[str]:
    package = ["rheobase", *path.relative_to(CORE).with_suffix("").parts[:-1]]
    found: set[str] = set()
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            pending += node.body
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    # A package's own __init__ only re-exports what lies below it.
    return {name for name in found if name != ".".join(package)}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_plugins_import_only_public_names_of_rheobase(plugin: Path) -> None:
    import rheobase

    for path in sorted((plugin / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    assert not alias.name.startswith("rheobase."), f"{path.name} imports {alias.name}"
            elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "rheobase":
                assert node.module in ("rheobase", "rheobase.errors", "rheobase.stimulus"), (
                    f"{path.name} imports from {node.module}; plugins use the public names of rheobase"
                )
                if node.module == "rheobase":
                    unknown = {alias.name for alias in node.names} - set(rheobase.__all__)
                    assert not unknown, f"{path.name} imports {unknown}, which rheobase does not offer"


def test_the_engine_and_the_pipeline_name_no_plugin() -> None:
    for part in ("engine", "pipeline", "plugins"):
        for path in sorted((CORE / part).rglob("*.py")):
            for plugin in PLUGINS:
                module = next((plugin / "src").iterdir()).name
                assert module not in path.read_text(encoding="utf-8"), f"{path} names {module}"


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


def test_importing_rheobase_imports_no_torch() -> None:
    import subprocess

    code = "import sys, rheobase; print([m for m in ('torch', 'numpy', 'pluggy') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
