"""What the documents tell a reader to type is typed here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path

import pytest
import rheobase as rb

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    "README.md",
    "core/README.md",
    *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("plugins/*/README.md"))),
]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def rheobase(*arguments: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a fresh process, with further packages on the path if need be."""
    environment = {**os.environ, "COLUMNS": "100"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    command = [sys.executable, "-m", "rheobase", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = blocks(page, "python")
    assert code, f"{page} shows no example"
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in code:
        exec(compile(block, page, "exec"), names)


@pytest.mark.parametrize("page", PAGES)
def test_the_rheobase_commands_of_a_page_run(page: str, tmp_path: Path) -> None:
    for block in blocks(page, "sh"):
        for line in block.splitlines():
            if line.startswith("rheobase "):
                answer = rheobase(*shlex.split(line)[1:], cwd=tmp_path)
                assert answer.returncode == 0, f"{line}\n{answer.stdout}{answer.stderr}"


def test_the_readme_names_every_distribution_in_both_commands() -> None:
    commands = [
        line for block in blocks("README.md", "sh") for line in block.splitlines() if "pip install" in line
    ]
    assert len(commands) == 2
    for command in commands:
        assert "-c constraints.txt" in command
        for folder in sorted(ROOT.glob("plugins/*/pyproject.toml")):
            assert f"-e ./plugins/{folder.parent.name}" in command
    assert "'./core[plot]'" in commands[0]
    assert commands[0].endswith(".venv/bin/rheobase demo")
    assert commands[1].endswith(".venv/bin/python -m pytest")


def test_the_package_of_contributing_builds_installs_fires_and_is_tested(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed (extra 'dev')")
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    files = re.findall(r"^`(adex-model/[^`]+)`.*?^```\w+\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert len(files) == 4
    for name, content in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=tmp_path / "adex-model",
        check=True,
        capture_output=True,
    )
    site = tmp_path / "site"
    wheel = next(tmp_path.glob("*.whl"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)],
        check=True,
        capture_output=True,
    )
    commands = [line for block in blocks("CONTRIBUTING.md", "sh") for line in block.splitlines()]
    shown = [shlex.split(line)[1:] for line in commands if line.startswith("rheobase ")]
    assert len(shown) == 3
    answers = [rheobase(*command, cwd=tmp_path, path=site) for command in shown]
    for command, answer in zip(shown, answers, strict=True):
        assert answer.returncode == 0, f"{command}\n{answer.stdout}{answer.stderr}"
    assert "adex" in answers[0].stdout
    assert "adaptation time constant" in answers[1].stdout
    fired = rheobase(*shown[2], "--json", cwd=tmp_path, path=site)
    # 800 pA for 200 ms; an event-exact integration of these equations (DOP853 at 1e-10) fires 5 times.
    assert '"count": 5' in fired.stdout, fired.stdout
    # Its own test needs no entry point: the sources are enough, also beside what is installed.
    sources = {**os.environ, "PYTHONPATH": str(tmp_path / "adex-model" / "src")}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path / "adex-model",
        env=sources,
        capture_output=True,
        text=True,
    )
    assert "1 passed" in tested.stdout, tested.stdout + tested.stderr


def test_the_hook_in_the_other_form_is_understood() -> None:
    from rheobase.plugins.hooks import collect

    (code,) = [block for block in blocks("CONTRIBUTING.md", "python") if "specname" in block]
    names: dict[str, object] = {"NeuronSpec": rb.NeuronSpec, "hookimpl": rb.hookimpl}
    exec(code, names)
    plugin = types.SimpleNamespace(models=names["models"])
    assert [spec.name for spec in collect(plugin, "adex-model").specs] == ["adex"]
