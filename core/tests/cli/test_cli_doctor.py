"""``rheobase doctor`` and ``rheobase plugins``, in processes of their own, beside plugins of every sort."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HOOKS = """
from rheobase import AggregatorSpec, hookimpl

@hookimpl
def rheobase_aggregators():
    return [AggregatorSpec({name!r}, {target!r}, "a toy")]
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Publish = Callable[..., None]


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """Writes a distribution whose hook module begins with some text, and what it offers."""

    def write(
        distribution: str,
        before: str = "",
        *,
        target: str = "builtins:max",
        name: str = "",
        requires: str = "Requires-Dist: rheobase>=0.1\n",
        points: str = "",
        **modules: str,
    ) -> None:
        site = tmp_path / "site"
        module = distribution.replace("-", "_")
        info = site / f"{module}-1.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n{requires}"
        )
        (info / "entry_points.txt").write_text(f"[rheobase]\n{module} = {module}_hooks\n{points}")
        text = before + HOOKS.format(name=name or distribution, target=target)
        for each, content in {f"{module}_hooks": text, **modules}.items():
            (site / f"{each}.py").write_text(content)

    return write


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command in a process that sees these distributions alone, with an index of its own."""

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
        return subprocess.run(
            [sys.executable, "-m", "rheobase", *arguments],
            env={
                **os.environ,
                "PYTHONPATH": path.rstrip(os.pathsep),
                "PYTHONDONTWRITEBYTECODE": "1",
                "RHEOBASE_CACHE_DIR": str(tmp_path / "cache"),
                # What else is installed where the tests run has tests of its own.
                "RHEOBASE_ONLY": "well,ill",
                **environment,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The plugins of a report, by distribution."""
    return {each["distribution"]: each for each in json.loads(done.stdout)["plugins"]}


def test_a_plugin_that_works_is_well(publish: Publish, run: Run) -> None:
    publish("well")
    done = run("doctor", RHEOBASE_ONLY="well")
    assert done.returncode == 0, done.stderr
    assert "aggregator:well" in done.stdout
    assert "all is well" in done.stdout


@pytest.mark.parametrize(
    ("before", "model", "cause"),
    [
        ("raise OSError('no licence')\n", "", "OSError: no licence"),
        ("", "raise OSError('no weights')\ndef rule(): pass\n", "OSError: no weights"),
        ("", "rule = 3\n", "it is 3, not a class or a function"),
        ("", "import os\nos.abort()\ndef rule(): pass\n", "signal SIGABRT"),
        ("", "import sys\nsys.exit(7)\ndef rule(): pass\n", "SystemExit: 7"),
        ("", "import os\nos._exit(7)\ndef rule(): pass\n", "exit status 7"),
    ],
    ids=["hooks", "model", "no-function", "aborts", "exits", "ends"],
)
def test_a_plugin_or_a_model_that_cannot_be_loaded_is_unwell_and_the_other_is_well(
    publish: Publish, run: Run, before: str, model: str, cause: str
) -> None:
    publish("well")
    publish("ill", before, target="ill_rules:rule", ill_rules=model or "def rule(): pass\n")
    done = run("doctor", "--json")
    found = findings(done)
    assert done.returncode == 1
    assert found["well"]["status"] == "ok"
    assert found["ill"]["status"] == "broken"
    [problem] = found["ill"]["problems"]
    assert cause in problem["cause"]
    assert "pip uninstall ill" in problem["mend"]
    assert "RHEOBASE_DISABLE=ill" in problem["mend"]


def test_a_plugin_that_hangs_is_left_after_the_time_limit_with_the_line_where_it_hangs(
    publish: Publish, run: Run
) -> None:
    publish("well")
    publish("ill", "import time\ntime.sleep(600)\n")
    done = run("doctor", "--timeout", "2", "--verbose")
    assert done.returncode == 1
    assert "did not end within 2 s" in done.stdout
    assert "ill_hooks.py" in done.stdout
    assert "line 2" in done.stdout
    assert "aggregator:well" in done.stdout


def test_the_line_that_makes_the_first_listing_slow_is_named(publish: Publish, run: Run) -> None:
    publish("well", "\n\nimport pandas\n", pandas="")
    publish("ill", "import ill_rules\n", target="ill_rules:rule", ill_rules="def rule(): pass\n")
    done = run("doctor", "--json")
    assert done.returncode == 0, done.stdout
    found = findings(done)
    [advice] = found["well"]["advice"]
    assert "imports pandas" in advice
    assert "well_hooks.py, line 3" in advice
    [advice] = found["ill"]["advice"]
    assert "imports ill_rules" in advice
    assert "ill_hooks.py, line 1" in advice
    # It is advice, and an error only to those who want it so.
    assert run("doctor", "--strict").returncode == 1


def test_a_plugin_that_does_not_say_for_which_core_it_was_made_is_told_so(publish: Publish, run: Run) -> None:
    publish("well", requires="")
    done = run("doctor", RHEOBASE_ONLY="well")
    assert done.returncode == 0
    assert "do not say which core it was made for" in done.stdout


def test_names_in_conflict_are_named_with_both_distributions(publish: Publish, run: Run) -> None:
    publish("well", name="same")
    publish("ill", name="same", target="builtins:min")
    done = run("doctor")
    assert done.returncode == 0
    assert "aggregator 'same' is offered by ill and well" in done.stdout


def test_what_is_disabled_is_not_loaded_and_is_no_illness(publish: Publish, run: Run, tmp_path: Path) -> None:
    publish("well")
    publish("ill", f"open({str(tmp_path / 'executed')!r}, 'w').close()\n")
    done = run("doctor", "--json", RHEOBASE_DISABLE="ill")
    assert done.returncode == 0, done.stdout
    assert findings(done)["ill"]["status"] == "disabled"
    assert not (tmp_path / "executed").exists()


def test_a_plugin_made_for_another_core_is_unwell_and_is_not_loaded(
    publish: Publish, run: Run, tmp_path: Path
) -> None:
    publish("well")
    publish(
        "ill",
        f"open({str(tmp_path / 'executed')!r}, 'w').close()\n",
        requires="Requires-Dist: rheobase>=99\n",
    )
    done = run("doctor", "--json")
    assert done.returncode == 1
    [problem] = findings(done)["ill"]["problems"]
    assert "it needs rheobase>=99" in problem["cause"]
    assert not (tmp_path / "executed").exists()


def test_the_doctor_tries_again_what_failed_for_a_reason_that_no_file_shows(
    publish: Publish, run: Run
) -> None:
    publish("ill", "import os\nos.environ['ILL_KEY']\n")
    only = {"RHEOBASE_ONLY": "ill"}
    assert "KeyError" in run("list", **only).stdout
    assert run("doctor", **only, ILL_KEY="1").returncode == 0
    done = run("list", **only)
    assert "left out" not in done.stdout
    assert "a toy" in done.stdout


def test_plugins_are_shown_without_being_imported(publish: Publish, run: Run, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    publish("well", f"open({str(mark)!r}, 'w').close()\n")
    first = findings(run("plugins", "--json"))["well"]
    assert first["status"] == "not loaded yet"
    assert first["requires"] == ["rheobase>=0.1"]
    assert first["entry_point"] == 'well = "well_hooks"'
    assert not mark.exists()
    run("list", RHEOBASE_ONLY="well")
    mark.unlink()
    again = findings(run("plugins", "--json", RHEOBASE_ONLY="well"))["well"]
    assert (again["status"], again["components"]) == ("ok", ["aggregator:well"])
    assert not mark.exists()


def test_plugins_shows_who_is_left_out_and_why(publish: Publish, run: Run) -> None:
    publish("well")
    publish("ill", requires="Requires-Dist: rheobase<0.1\n")
    done = run("plugins", "--json", RHEOBASE_DISABLE="well")
    assert done.returncode == 0
    found = findings(done)
    assert (found["well"]["status"], found["well"]["cause"]) == ("disabled", "RHEOBASE_DISABLE")
    assert found["ill"]["status"] == "incompatible"
    assert "rheobase<0.1" in found["ill"]["cause"]
    strict = run("plugins", "--strict")
    assert strict.returncode == 2
    assert "incompatible" in strict.stderr


def test_a_spec_version_for_a_plugin_that_is_not_there_is_told_and_is_no_illness(
    publish: Publish, run: Run
) -> None:
    publish("well", points="[rheobase.spec]\nwell = v1\nwel = v1\n")
    done = run("doctor", RHEOBASE_ONLY="well")
    assert done.returncode == 0, done.stdout
    assert "a spec version for 'wel', and it has no plugin of that name" in done.stdout
    assert run("doctor", "--strict", RHEOBASE_ONLY="well").returncode == 1


def test_whoever_asks_to_see_what_is_disabled_is_told_so(publish: Publish, run: Run) -> None:
    publish("well")
    done = run("show", "well", RHEOBASE_DISABLE="well", RHEOBASE_ONLY="well")
    assert done.returncode == 2
    assert "plugin 'well' of well 1.5 (disabled: RHEOBASE_DISABLE)" in done.stderr
    assert run("show", "well", RHEOBASE_ONLY="well").returncode == 0


def test_an_index_that_nobody_has_used_for_long_is_dropped(
    publish: Publish, run: Run, tmp_path: Path
) -> None:
    publish("well")
    kept = tmp_path / "cache" / "plugins"
    kept.mkdir(parents=True)
    old, recent = kept / "0old.json", kept / "0recent.json"
    for path, days in (old, 61), (recent, 59):
        path.write_text("")
        then = time.time() - days * 86400
        os.utime(path, (then, then))
    assert run("list", RHEOBASE_ONLY="well").returncode == 0
    assert not old.exists()
    assert recent.exists()
    assert len(list(kept.iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="processes are signalled so on POSIX only")
@pytest.mark.parametrize("command", ["list", "doctor"])
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_no_process_outlives_a_command_that_is_ended(
    publish: Publish, tmp_path: Path, command: str, end: signal.Signals
) -> None:
    mark = tmp_path / "pid"
    publish("ill", f"import os, time\nopen({str(mark)!r}, 'w').write(f'{{os.getpid()}}.')\ntime.sleep(600)\n")
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    process = subprocess.Popen(
        [sys.executable, "-m", "rheobase", command],
        env={**os.environ, "PYTHONPATH": path, "RHEOBASE_ONLY": "ill", "RHEOBASE_CACHE_DIR": str(tmp_path)},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (mark.exists() and mark.read_text().endswith(".")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(end)
    said = process.communicate(timeout=20)[1]
    assert (process.returncode, said) == ((130, "interrupted\n") if end == signal.SIGINT else (-9, ""))
    child = int(mark.read_text().rstrip("."))
    for _ in range(200):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail(f"process {child} goes on")


def test_the_bare_name_is_shown_for_what_it_means(publish: Publish, run: Run) -> None:
    publish("well", name="same")
    publish("ill", name="same", target="builtins:min")
    both = run("list", "--kind", "aggregator").stdout
    assert "well:same" in both
    assert "ill:same" in both
    override = {"RHEOBASE_OVERRIDE": "aggregator:same=ill"}
    chosen = run("list", "--kind", "aggregator", **override).stdout
    assert " same " in chosen
    assert "well:same" in chosen
    assert "ill:same" not in chosen
    assert "conflict" in run("doctor").stdout
    assert "conflict" not in run("doctor", **override).stdout


def test_what_a_plugin_prints_does_not_get_into_the_json(publish: Publish, run: Run) -> None:
    publish("well", target="well_rules:rule", well_rules="print('HELLO')\ndef rule(): 'a rule'\n")
    done = run("show", "well", "--json", RHEOBASE_ONLY="well")
    assert json.loads(done.stdout)["doc"] == "a rule"
    assert done.stderr == "HELLO\n"
    assert run("show", "well", RHEOBASE_ONLY="well").stdout.startswith("HELLO\n")
