"""What the documents tell a reader to type is typed here."""

from __future__ import annotations

import importlib
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rheobase.specs import SPEC_VERSION

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = sorted(ROOT.glob("plugins/*/pyproject.toml"))
PAGES = [
    "README.md",
    "core/README.md",
    *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("plugins/*/README.md"))),
    *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/*.md"))),
]
EXAMPLES = sorted(ROOT.glob("examples/*.py"))
SMALL = {"cuba": ("0.05", "40"), "coba": ("0.05", "20"), "brunel": ("0.02", "20")}
"""Examples that are large -> the part of their neurons, and the ms, that they are given here."""
NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = blocks(page, "python")
    assert code, f"{page} shows no example"
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in code:
        exec(compile(block, page, "exec"), names)


@pytest.mark.parametrize("page", PAGES)
def test_the_rheobase_commands_of_a_page_run(page: str, tmp_path: Path, warm: Any) -> None:
    for block in blocks(page, "sh"):
        for line in block.splitlines():
            if line.startswith("rheobase "):
                answer = warm.run(
                    "-m", *shlex.split(line), cwd=tmp_path, env={**os.environ, "COLUMNS": "100"}
                )
                assert answer.returncode == 0, f"{line}\n{answer.stdout}{answer.stderr}"


def test_the_readme_names_every_distribution_in_both_commands() -> None:
    commands = [
        line for block in blocks("README.md", "sh") for line in block.splitlines() if "pip install" in line
    ]
    assert len(commands) == 2
    for command in commands:
        assert "-c constraints.txt" in command
        for folder in PLUGINS:
            assert f"-e ./plugins/{folder.parent.name}" in command
    assert "'./core[plot]'" in commands[0]
    assert commands[0].endswith(".venv/bin/rheobase demo")
    assert commands[1].endswith(".venv/bin/python -m pytest")


def test_the_readme_says_how_many_plugins_there_are() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    offering = [path for path in PLUGINS if "[project.entry-points.rheobase]" in path.read_text("utf-8")]
    assert len(offering) == len(PLUGINS) - 1
    assert f"the core, {NUMBERS[len(offering)]} plugins and the conformance kit" in text


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_the_figures_of_the_readme_are_those_of_the_benchmarks() -> None:
    number = r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?"
    sections = (ROOT / "benchmarks/README.md").read_text(encoding="utf-8").split("\n## ")
    found = re.findall(
        r"^\| (.+) \| `\.venv/bin/python benchmarks/(\w+\.py)` \|$",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert len(found) == 3
    for figures, script in found:
        assert (ROOT / "benchmarks" / script).is_file()
        (section,) = [each for each in sections if each.startswith(f"{script}:")]
        measured = set(re.findall(number, section))
        assert len(re.findall(number, figures)) >= 3
        for figure in re.findall(number, figures):
            assert figure in measured, f"{figure} is not in the section on {script}"


@pytest.mark.parametrize(
    ("page", "model"),
    [("README.md", "QIF"), ("docs/models.md", "Conductances"), ("docs/conformance.md", "NoisyLeaky")],
)
def test_the_model_of_a_page_is_sound_and_does_as_it_says(page: str, model: str) -> None:
    import rheobase as rb

    (code,) = [block for block in blocks(page, "python") if f"class {model}(SpikingNeuron)" in block]
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, page, "exec"), names)
    if model == "QIF":
        assert names["rec"].counts().tolist() == [0, 1]
    elif model == "Conductances":  # of 10 nS at -70 mV, 5 at 0, and 5 at -90; tau is 50 / 20 ms
        assert names["out"]["voltage"][0].item() == pytest.approx(-57.5, abs=0.05)
    report = rb.conformance.check(names[model], "smoke")
    assert report.ok, report


MODELS = [
    (page, model, block)
    for page in PAGES
    for block in blocks(page, "python")
    for model in re.findall(r"^class (\w+)\(", block, flags=re.MULTILINE)
]


@pytest.mark.parametrize(
    ("page", "model", "code"), MODELS, ids=[f"{page}-{model}" for page, model, _ in MODELS]
)
def test_a_block_that_defines_a_model_is_a_file_that_stands_alone(
    page: str, model: str, code: str, tmp_path: Path, warm: Any
) -> None:
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    answer = warm.run(
        "-m", "rheobase", "show", f"mine.py:{model}", cwd=tmp_path, env={**os.environ, "COLUMNS": "100"}
    )
    assert answer.returncode == 0, f"{page}\n{answer.stdout}{answer.stderr}"
    assert answer.stdout.startswith(f"{model}: ")


def test_every_page_that_defines_a_model_was_found() -> None:
    assert {"README.md", "core/README.md", "docs/models.md"} <= {page for page, _, _ in MODELS}


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md", "benchmarks/README.md", *PAGES]
)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_of_the_docs_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in ROOT.glob("docs/*"):
        assert f"](docs/{path.name})" in text


# Lightning calls what is deprecated in torch, and tells of the workers of a loader.
@pytest.mark.filterwarnings("ignore::Warning:lightning")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_draws_its_picture(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    image = pytest.importorskip("matplotlib.image", reason="matplotlib is not installed (extra 'plot')")
    if "from sklearn" in path.read_text(encoding="utf-8"):
        pytest.importorskip("sklearn", reason="scikit-learn, which has the digits, is not installed")
    if "import lightning" in path.read_text(encoding="utf-8"):
        pytest.importorskip(
            "lightning", reason="Lightning, whose trainer this example is for, is not installed"
        )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path), *SMALL.get(path.stem, ())])
    names = runpy.run_path(str(path), run_name="__main__")
    assert [each.name for each in tmp_path.iterdir()] == [f"{path.stem}.png"]
    assert f"the picture is in {path.stem}.png" in capsys.readouterr().out
    assert f"writes {path.stem}.png" in path.read_text(encoding="utf-8")
    picture = image.imread(f"{path.stem}.png")[..., :3]
    assert picture.std() > 0.05, "nothing is drawn"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 50
    if path.stem == "fi_curve":  # whole spikes of one second are counted
        assert names["worst"] <= 1.0
        assert names["rates"].max() > 200.0
    if path.stem == "own_aggregator":  # divided by 1 + shunt: 600 pA with a shunt of 2 are 200 pA without one
        assert names["rec"].counts()[3, 60] == names["rec"].counts()[0, 20] > 0
    if path.stem in SMALL:
        assert min(names["rates"].values()) > 0.0, "it is silent"
    if path.stem == "digits":  # chance is 10 %
        assert names["accuracy"] > 0.9
    if path.stem == "delayed_match":  # chance is 50 %
        assert names["right"] > 0.9
    if path.stem == "yin_yang":  # chance is 33 %
        assert (names["told"] == names["labels"]).float().mean() > 0.75
    if path.stem == "lightning_module":  # chance is 50 %
        assert names["right"] > 0.9


def test_the_example_for_lightning_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra 'plot')")
    monkeypatch.setitem(sys.modules, "lightning", None)
    with pytest.raises(SystemExit, match="pip install lightning"):
        runpy.run_path(str(ROOT / "examples" / "lightning_module.py"), run_name="__main__")


def test_the_eleven_examples_are_there() -> None:
    networks, training = {*SMALL}, {"delayed_match", "digits", "lightning_module", "yin_yang"}
    others = {"fi_curve", "fire", "own_aggregator", "own_model"}
    assert {path.stem for path in EXAMPLES} == networks | training | others


@dataclass(frozen=True)
class Block:
    """A fenced block of CONTRIBUTING.

    Args:
        language: What is written behind the fence.
        code: What is in it.
        file: The file that it is, by the name with which the paragraph before it begins; or empty.
    """

    language: str
    code: str
    file: str


def read_blocks() -> list[Block]:
    """The blocks of CONTRIBUTING, in order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = []
    for fence in re.finditer(r"^ *```(\w+)\n(.*?)^ *```$", text, flags=re.DOTALL | re.MULTILINE):
        paragraph = text[: fence.start()].rstrip().rpartition("\n\n")[2]
        file = re.match(r"`([\w./-]+\.py)`", paragraph)
        found.append(Block(fence[1], fence[2], file[1] if file else ""))
    return found


COMMANDS = {
    "pip": "from pip._internal.cli.main import main",
    "pytest": "from pytest import main",
    "rheobase": "from rheobase.cli import main",
}
"""What a reader types -> how a script of pip's would begin."""

NEED_TORCH = ("pytest", "rheobase run ", "rheobase show ", "rheobase validate ")

FOR_TIME = {
    "rheobase validate adex --profile smoke": " --only documented",
    "rheobase validate adex --badge": " --profile smoke",
}
"""Lines of which the whole takes longest -> what is typed behind them; by hand, nothing."""

# By way of the shell: the path of an interpreter may be too long for a first line. To Python the next two
# lines are a string.
SCRIPT = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys
{start}

sys.exit(main())
"""

# Every snippet in a namespace of its own.
SNIPPETS = """
import json, sys

for code in json.load(sys.stdin):
    exec(compile(code, "CONTRIBUTING.md", "exec"), {"__name__": "snippet"})
"""


class Walk:
    """A reader of CONTRIBUTING with a clone, who does what it says in an environment of their own.

    Nothing of this repository is in it, and there is no index: what is installed is what was built.
    """

    def __init__(self, environment: Any) -> None:
        self.environment = environment
        self.folder: Path = environment.work / "rheobase"
        for part in ("core", "plugins"):
            shutil.copytree(ROOT / part, self.folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        self.said: dict[str, str] = {}
        self.all_said: dict[str, list[str]] = {}
        self.settings = {
            **environment.settings,
            "PATH": os.pathsep.join([str(environment.python.parent), os.environ["PATH"]]),
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it so: no isolation
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "COLUMNS": "100",
            # `rheobase validate` tries all properties of the same suite; here a few of them, for time.
            "PYTEST_ADDOPTS": "-k 'five_spikes or documented or run-splits or add_their_weights or my_ring'",
        }
        for name, start in COMMANDS.items():
            script = environment.python.parent / name
            script.write_text(SCRIPT.format(python=environment.python, start=start))
            script.chmod(0o755)

    def write(self, block: Block) -> None:
        """Write a file, over the one that is there."""
        path = self.folder / block.file
        assert path.exists(), f"{block.file} is no file of {self.folder.name}"
        path.write_text(block.code, encoding="utf-8")

    def type(self, line: str) -> None:
        """Type a line of the shell."""
        if line.startswith("cd "):
            self.folder = (self.folder / line[3:]).resolve()
            return
        how: dict[str, Any] = {"cwd": self.folder, "env": self.settings, "timeout": 300}
        if export := re.match(r"export (\w+)=", line):
            said = subprocess.run(
                ["sh", "-c", f'{line}; printf %s "${export[1]}"'],
                capture_output=True, text=True, check=True, **how,
            )  # fmt: skip
            self.settings[export[1]] = said.stdout
            return
        if line.startswith(NEED_TORCH):
            typed = line + FOR_TIME.get(line, "")
            done = self.environment.warm.run("-m", *shlex.split(typed), **how)
        else:
            done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, **how)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        self.said[line] = done.stdout
        self.all_said.setdefault(line, []).append(done.stdout)


@pytest.fixture(scope="module")
def walk(fresh_environment: Callable[..., Any]) -> Walk:
    """The whole of CONTRIBUTING, done in its order: files written, commands typed."""
    pytest.importorskip("hatchling", reason="hatchling is not installed (extra 'dev')")
    made = Walk(fresh_environment(rheobase=False))
    for block in read_blocks():
        if block.file:
            made.write(block)
        elif block.language == "sh":
            for line in block.code.splitlines():
                made.type(line)
    return made


def test_the_walk_has_the_wheels_of_the_clone_alone(walk: Walk) -> None:
    ask = (
        "import importlib.metadata as m, rheobase; print(rheobase.__file__); "
        "print(*sorted(d.name for d in m.distributions() if 'rheobase' in d.name))"
    )
    where, installed = walk.environment.run("-c", ask).stdout.splitlines()
    assert Path(where) == walk.environment.site / "rheobase" / "__init__.py"
    assert installed == "rheobase rheobase-conformance"  # as the extra wants it
    built = {path.name.partition("-")[0] for path in (walk.environment.work / "rheobase/wheels").iterdir()}
    assert built == {"rheobase", *(f"rheobase_{path.parent.name}" for path in PLUGINS)}


def test_the_walk_ends_with_a_wheel_that_is_installed_and_listed(walk: Walk) -> None:
    wheel = walk.environment.work / "adex-model" / "dist" / "adex_model-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as content:
        model = content.read("adex_model/neuron.py").decode()
    assert "Brette and Gerstner" in model
    assert re.search(r"adex +adex-model 0.1.0", walk.said["rheobase list"])
    assert "adaptation time constant" in walk.said["rheobase show adex"]
    # The wheel took the place of the folder that was installed for editing.
    assert (walk.environment.site / "adex_model" / "neuron.py").read_text(encoding="utf-8") == model


def test_the_model_of_the_walk_fires_as_an_independent_solver_has_it(walk: Walk) -> None:
    # An event-exact integration of these equations (DOP853 at 1e-10) fires 5 times in 200 ms at 800 pA.
    (run,) = [
        said for line, said in walk.said.items() if line.startswith("rheobase run") and "heun" not in line
    ]
    assert re.search(r"spikes +5\b", run)
    assert "3 passed" in walk.said["pytest"]


def test_the_walk_ends_with_a_badge(walk: Walk) -> None:
    (badge,) = [said for line, said in walk.said.items() if "--badge" in line]
    assert re.search(r"!\[rheobase conformance\]\(https://\S+-brightgreen\)", badge)


@pytest.mark.by_hand
def test_the_model_of_the_walk_passes_all_that_is_tried_of_it(walk: Walk) -> None:
    how: dict[str, Any] = {"cwd": walk.environment.work / "adex-model", "env": walk.settings}
    for line in FOR_TIME:
        assert line in walk.said
        done = walk.environment.warm.run("-m", *shlex.split(line), **how)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_integrator_of_contributing_is_used(walk: Walk) -> None:
    (run,) = [said for line, said in walk.said.items() if "--integrator my-heun" in line]
    assert re.search(r"my-heun +\(my-heun 0.1.0\)", run) or "my-heun (my-heun 0.1.0)" in run


def test_the_synapse_and_the_rule_of_contributing_pass_the_tests_that_came_with_them(walk: Walk) -> None:
    said = walk.all_said["pytest tests"]
    synapse, rule = (int(re.findall(r"(\d+) passed", each)[-1]) for each in said)
    assert (synapse >= 1, rule >= 5) == (True, True)
    assert "weights are in pA; its output is in pA" in walk.said["rheobase show my-synapse"]


def test_the_snippets_of_contributing_run(walk: Walk) -> None:
    snippets = [block.code for block in read_blocks() if block.language == "python" and not block.file]
    plain = [code for code in snippets if "def test_" not in code]
    assert len(plain) == 3
    work = walk.environment.work
    done = walk.environment.warm.run("-c", SNIPPETS, cwd=work, env=walk.settings, reads=json.dumps(plain))
    assert done.returncode == 0, done.stdout + done.stderr
    tests = work / "test_snippets.py"
    (code,) = [code for code in snippets if "def test_" in code]
    tests.write_text(code, encoding="utf-8")
    tested = walk.environment.run_warm("-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
    assert "1 passed" in tested.stdout, tested.stdout + tested.stderr


def test_every_block_of_contributing_is_tried() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = read_blocks()
    assert 2 * len(found) == text.count("```")
    assert {block.language for block in found} == {"sh", "python", "toml"}
    assert len([block for block in found if block.file]) == 11


def test_the_tables_of_contributing_are_those_that_are_read() -> None:
    from rheobase.conformance import properties

    toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    spec, expected = (toml.loads(block.code) for block in read_blocks() if block.language == "toml")
    assert spec == {"project": {"entry-points": {"rheobase.spec": {"adex_model": f"v{SPEC_VERSION}"}}}}
    excuses = expected["tool"]["rheobase"]["expected"]["adex"]
    assert set(excuses) <= {prop.name for prop in properties("neuron")}
    assert len(properties("neuron")) > 60


def test_the_guide_says_what_its_last_block_needs_and_where_gradients_of_spike_times_come_from() -> None:
    sections = (ROOT / "docs/guide.md").read_text(encoding="utf-8").split("\n## ")
    (validating,) = [each for each in sections if each.startswith("Validating")]
    words, _, code = validating.partition("```python")
    assert "extra `testing`" in words
    assert "conformance.check" in code
    assert "rb.conformance" not in "".join(each for each in sections if each is not validating)
    (module,) = [each for each in sections if each.startswith("A neuron is a module")]
    assert "](events.md#fit-a-parameter-to-spike-times)" in module


def test_what_contributing_builds_in_the_clone_is_ignored() -> None:
    (folder,) = [
        re.search(r" -w (\w+) ", line)
        for block in blocks("CONTRIBUTING.md", "sh")
        for line in block.splitlines()
        if line.startswith("pip wheel") and "./core" in line
    ]
    assert folder
    assert f"/{folder[1]}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_contributing_says_what_a_new_environment_fetches() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    before, _, after = text.partition("pip install 'rheobase[testing]'")
    paragraph = before.rpartition("```sh")[0].rstrip().rpartition("\n\n")[2]
    assert after
    assert "CPU build" in paragraph
    assert "-c rheobase/constraints.txt" in paragraph  # after the `cd ..` of the block before
    assert (ROOT / "constraints.txt").is_file()
    named = re.findall(r"pip install (rheobase-\w+)", paragraph)
    assert named
    assert {*named} <= {f"rheobase-{path.parent.name}" for path in PLUGINS}


def test_the_file_of_a_network_is_run(tmp_path: Path, warm: Any) -> None:
    (text,) = blocks("docs/networks.md", "yaml")
    (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
    done = warm.run("-m", "rheobase", "run", "net.yaml", "--json", cwd=tmp_path, env={**os.environ})
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert set(said["populations"]) == {"E", "I"}
    assert said["populations"]["E"]["spikes"]["count"] > 100


def test_contributing_is_read_in_fifteen_minutes() -> None:
    # At 170 words a minute, slow for a text with code in it.
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split()) < 15 * 170


def test_the_hook_in_the_other_form_is_understood() -> None:
    from rheobase.plugins.offers import collect

    (code,) = [block for block in blocks("docs/plugins.md", "python") if "specname" in block]
    names: dict[str, object] = {}
    exec(code, names)
    plugin = types.SimpleNamespace(models=names["models"])
    assert [spec.name for spec in collect(plugin, "adex-model").specs] == ["adex"]
