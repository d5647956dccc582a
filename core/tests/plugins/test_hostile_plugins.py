"""What one plugin does, of malice or by mistake, changes nothing of what another one offers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rheobase.plugins.outcome import Outcome

Publish = Callable[..., Path]
Listed = Callable[..., dict[str, Any]]

posix = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="elsewhere each plugin has an interpreter of its own"
)

LISTING = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import rheobase
    found = rheobase.list_components()
print(json.dumps({
    "found": [[c.spec.name, c.spec.target, c.spec.summary, c.provenance.distribution] for c in found],
    "warnings": [str(each.message) for each in caught],
}))
"""

HOOK = """
from rheobase.hookspecs import hookimpl
from rheobase.specs import NeuronSpec

@hookimpl
def rheobase_neurons():
    return [NeuronSpec({name!r}, "{module}_model:Model")]
"""

FORGED = """
import json, os, sys
spec = {"kind": "neuron", "name": "forged", "target": "evil:Evil", "summary": ""}
plain = {"specs": [spec], "complaints": [], "unusable": [], "failure": "", "detail": "", "heavy": ""}
plain |= {"seconds": 0.0, "files": [], "sought": [], "folders": [], "limit": 0.0}
def forge(*numbers):
    for handle in range(3, 12):
        for number in numbers:
            for says in (plain, {"specs": 3}):
                line = b"\\n" + json.dumps({"to": number, "says": says}).encode() + b"\\n"
                try: os.write(handle, line)
                except OSError: pass
"""

# Each makes others' components its own where it shares a process with them.
WAYS = {
    "post-init": (
        "from rheobase.specs import ComponentSpec\n"
        "def __post_init__(self): object.__setattr__(self, 'target', 'evil:Evil')\n"
        "ComponentSpec.__post_init__ = __post_init__\n"
    ),
    "to-plain": (
        "from rheobase.plugins.outcome import Outcome\n"
        "true = Outcome.to_plain\n"
        "def to_plain(self):\n"
        "    plain = true(self)\n"
        "    for spec in plain['specs']: spec['target'] = 'evil:Evil'\n"
        "    return plain\n"
        "Outcome.to_plain = to_plain\n"
    ),
    "finder": (
        "import importlib.abc, importlib.util, sys\n"
        "class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.endswith('_good'): return importlib.util.spec_from_loader(name, self)\n"
        "    def exec_module(self, module):\n"
        "        from rheobase.hookspecs import hookimpl\n"
        "        from rheobase.specs import NeuronSpec\n"
        "        module.rheobase_neurons = hookimpl(lambda: [NeuronSpec('evil', 'evil:Evil')])\n"
        "sys.meta_path.insert(0, Finder())\n"
    ),
    "json": (
        "import json\n"
        "true = json.dumps\n"
        "evil = lambda text: text.replace('_good_model:Model', '_good_model:Evil')\n"
        "json.dumps = lambda *given, **how: evil(true(*given, **how))\n"
    ),
    "modules": (
        "import sys, types\n"
        "from rheobase.hookspecs import hookimpl\n"
        "from rheobase.specs import NeuronSpec as Spec\n"
        "for place in range(100):\n"
        "    for name in (f'n{place:02}_good', 'good'):\n"
        "        module = sys.modules[name] = types.ModuleType(name)\n"
        "        module.rheobase_neurons = hookimpl(lambda: [Spec('evil', 'evil:Evil')])\n"
    ),
    "hooks": (
        "from rheobase.plugins import offers\n"
        "from rheobase.specs import NeuronSpec as Spec\n"
        "true = offers.collect\n"
        "def collect(plugin, label, **how):\n"
        "    offer = true(plugin, label, **how)\n"
        "    return offer._replace(specs=tuple(Spec(spec.name, 'evil:Evil') for spec in offer.specs))\n"
        "offers.collect = collect\n"
    ),
    "class": (
        "import gc\n"
        "from rheobase.plugins.entry import Entry\n"
        "class Mine(Entry):\n"
        "    @classmethod\n"
        "    def from_plain(cls, plain): return Entry(**{**plain, 'value': __name__, 'requires': ()})\n"
        "Entry.from_plain = Mine.from_plain\n"
    ),
}


def name_of(way: str) -> str:
    """The name of the model that a plugin offers."""
    return f"{way}-cell"


@pytest.fixture
def crowd(publish: Publish) -> Callable[..., Path]:
    """Installs that many good plugins, and among them those that go certain ways."""

    def install(good: int, *ways: str) -> Path:
        for place in range(good):
            module = f"n{place:02}_good"
            site = publish(module.replace("_", "-"), HOOK.format(name=f"good-{place}", module=module))
        for number, way in enumerate(ways):
            # Their names lie among those of the others.
            module = f"n{7 * number % good:02}_rude_{way.replace('-', '_')}"
            text = WAYS[way] + HOOK.format(name=name_of(way), module=module)
            publish(module.replace("_", "-"), text)
        (site / "evil.py").write_text("class Evil: pass\n")
        return site

    return install


def good_ones(said: dict[str, Any]) -> list[list[str]]:
    """What the good ones offer, as it is listed."""
    return sorted(row for row in said["found"] if str(row[3]).endswith("-good"))


def expected(good: int) -> list[list[str]]:
    """What they do offer."""
    places = range(good)
    return sorted([f"good-{each}", f"n{each:02}_good_model:Model", "", f"n{each:02}-good"] for each in places)


@pytest.mark.parametrize("good", [3, 30], ids=["few", "many"])
def test_no_plugin_replaces_what_another_distribution_offers(
    good: int, crowd: Callable[..., Path], listed: Listed
) -> None:
    site = crowd(good, *WAYS)
    for _ in range(2):  # without an index, and with one
        said = listed(site, script=LISTING)
        assert good_ones(said) == expected(good)
        assert not [row for row in said["found"] if row[0] == "evil" and "rude" not in row[3]]


def test_no_two_distributions_are_loaded_in_one_process(publish: Publish, listed: Listed) -> None:
    for number in range(20):
        module = f"n{number:02}_good"
        count = "import sys\nsys.all_loaded = getattr(sys, 'all_loaded', 0) + 1\nassert sys.all_loaded == 1\n"
        site = publish(module.replace("_", "-"), count + HOOK.format(name=f"good-{number}", module=module))
    assert listed(site, script=LISTING)["warnings"] == []


@posix
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_whoever_answers_unasked_has_written_no_answer(late: bool, publish: Publish, listed: Listed) -> None:
    forge = "forge(*range(40), *map(str, range(40)), None, [], {})\n"
    if late:
        forge = f"import atexit\natexit.register(lambda: {forge.strip()})\n"
    publish("a-forger", FORGED + forge + HOOK.format(name="own", module="a_forger"))
    site = publish("z-good", HOOK.format(name="good-0", module="z_good"))
    said = listed(site, script=LISTING)
    assert ["good-0", "z_good_model:Model", "", "z-good"] in said["found"]
    assert "forged" not in [row[0] for row in said["found"]]
    if late:  # its own answer was there by then
        assert ["own", "a_forger_model:Model", "", "a-forger"] in said["found"]
    else:
        [warning] = said["warnings"]
        assert warning.startswith(
            "plugin 'toy' of a-forger 1.0 is left out, the others work: it wrote what is no"
        )


# Well-formed, with the right token, which a plugin can find in its own process; and no answer.
MALFORMED = {
    "number": "3",
    "no fields": "{}",
    "specs": "{**true, 'specs': 3}",
    "spec": "{**true, 'specs': [3]}",
    "spec fields": "{**true, 'specs': [{'kind': 'neuron'}]}",
    "spec kind": "{**true, 'specs': [{**true['specs'][0], 'kind': 'nerve'}]}",
    "spec value": "{**true, 'specs': [{**true['specs'][0], 'summary': {}}]}",
    "spec name": "{**true, 'specs': [{**true['specs'][0], 'name': 'A B'}]}",
    "failure": "{**true, 'failure': None}",
    "seconds": "{**true, 'seconds': 'long'}",
    "endless seconds": "{**true, 'seconds': float('nan')}",
    "files": "{**true, 'files': [['a', 'b']]}",
    "pairs": "{**true, 'unusable': [['a', 'b']]}",
    "one more field": "{**true, 'more': 1}",
}


def test_an_answer_of_the_wrong_form_is_its_plugins_failure(publish: Publish, listed: Listed) -> None:
    for number, value in enumerate(MALFORMED.values()):
        text = (
            "from rheobase.plugins.outcome import Outcome\n"
            "was = Outcome.to_plain\n"
            "def to_plain(self):\n"
            "    true = was(self)\n"
            f"    return {value}\n"
            "Outcome.to_plain = to_plain\n"
        )
        publish(f"m{number:02}", text + HOOK.format(name=f"m{number}", module=f"m{number:02}"))
    site = publish("z-good", HOOK.format(name="good-0", module="z_good"))
    said = listed(site, script=LISTING)
    assert ["good-0", "z_good_model:Model", "", "z-good"] in said["found"]
    for number, case in enumerate(MALFORMED):
        named = [text for text in said["warnings"] if f"of m{number:02} 1.0 is left out" in text]
        assert len(named) == 1, case
        assert "it wrote what is no answer" in named[0], case


def test_an_outcome_of_the_wrong_form_is_no_outcome() -> None:
    true = Outcome().to_plain()
    for field in true:
        for value in (None, 3j, {"a": 1}, [[[]]], object()):
            with pytest.raises(ValueError, match=r"it is no|unpack"):
                Outcome.from_plain({**true, field: value})
        with pytest.raises(ValueError, match="it is no outcome"):
            Outcome.from_plain({key: each for key, each in true.items() if key != field})


@posix
def test_a_plugin_that_answers_without_end_is_stopped(publish: Publish, listed: Listed) -> None:
    flood = (
        "import os, stat\n"
        "for pipe in range(3, 60):\n"
        "    try:\n"
        "        while stat.S_ISFIFO(os.fstat(pipe).st_mode): os.write(pipe, b'x' * 65536)\n"
        "    except OSError: pass\n"
    )
    publish("a-flood", flood + HOOK.format(name="own", module="a_flood"))
    site = publish("z-good", HOOK.format(name="good-0", module="z_good"))
    said = listed(site, script=LISTING)
    assert ["good-0", "z_good_model:Model", "", "z-good"] in said["found"]
    assert "it wrote more than 1 MiB for an answer" in said["warnings"][0]


@posix
def test_a_plugin_that_ends_the_process_above_it_is_named(publish: Publish, listed: Listed) -> None:
    for name in ("a-good", "z-good"):
        site = publish(name, HOOK.format(name=f"{name[0]}0", module=name.replace("-", "_")))
    kill = (
        "import os, signal, time\ntime.sleep(0.2)\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(600)\n"
    )
    publish("m-killer", kill + HOOK.format(name="own", module="m_killer"))
    since = time.monotonic()
    said = listed(site, script=LISTING)
    assert {"a0", "z0"} <= {row[0] for row in said["found"]}
    [warning] = said["warnings"]
    assert "plugin 'toy' of m-killer 1.0 is left out" in warning
    assert "it ended the process that watches over it: signal SIGKILL" in warning
    assert time.monotonic() - since < 25  # and is not waited for
