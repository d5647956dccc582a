"""What the user decides about plugins, by variables and in the project's settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import rheobase as rb
from rheobase.errors import ConfigurationError, PluginError, PluginWarning
from rheobase.plugins import installed
from rheobase.plugins.discovery import Scan
from rheobase.plugins.entry import Entry
from rheobase.plugins.examiner import Here
from rheobase.plugins.outcome import Outcome
from rheobase.plugins.registry import Registry
from rheobase.plugins.settings import LIMIT, Control, read

Settings = Callable[[str], Path]

TOY = Entry("Toy_Models", "1.2", "Toy.One", "toy_models.one")
TWO = Entry("Toy_Models", "1.2", "two", "toy_models.two")
LIF = Entry("rheobase-lif", "0.1", "lif", "rheobase_lif.plugin")


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Writes the project's settings; the working folder lies somewhere below them."""
    folder = tmp_path / "deep" / "below"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)

    def write(text: str) -> Path:
        path = tmp_path / "rheobase.toml"
        path.write_text(text)
        return path

    return write


def test_without_a_word_from_the_user_all_plugins_are_wanted() -> None:
    assert read({}) == Control()
    assert not Control().disabled(TOY)
    assert (Control().strict, Control().timeout) == (False, LIMIT)


@pytest.mark.parametrize(
    "name",
    [
        *("toy-models", "Toy_Models", "TOY.MODELS", "toy__models"),
        *("toy-one", "Toy.One", "toy_one"),
        *("toy-models:toy-one", "Toy_Models:Toy.One"),
    ],
)
@pytest.mark.parametrize("where", ["variable", "file"])
def test_a_plugin_may_be_named_in_any_spelling(name: str, where: str, settings: Settings) -> None:
    if where == "variable":
        disabling, allowing = read({"RHEOBASE_DISABLE": name}), read({"RHEOBASE_ONLY": name})
        said = ("RHEOBASE_DISABLE", "not in RHEOBASE_ONLY")
    else:
        path = settings(f"[plugins]\ndisable = [{name!r}]\n")
        disabling = read({})
        settings(f"[plugins]\nonly = [{name!r}]\n")
        allowing = read({})
        said = (f"{path}, disable", f"not in {path}, only")
    assert disabling.disabled(TOY) == said[0]
    assert not disabling.disabled(LIF)
    assert not allowing.disabled(TOY)
    assert allowing.disabled(LIF) == said[1]
    both = "one" not in name.lower()  # the distribution's name means all of its plugins
    assert bool(disabling.disabled(TWO)) == both
    assert bool(allowing.disabled(TWO)) != both
    assert disabling.unknown([TOY, LIF]) == allowing.unknown([TOY, LIF]) == []


def test_a_list_in_a_variable_may_have_spaces_and_empty_places() -> None:
    assert set(read({"RHEOBASE_DISABLE": " toy-one ,, lif,"}).disable) == {"toy-one", "lif"}
    assert read({"RHEOBASE_DISABLE": ""}) == Control()


def test_an_empty_list_of_allowed_plugins_allows_none(settings: Settings) -> None:
    assert read({"RHEOBASE_ONLY": ""}).disabled(TOY) == "not in RHEOBASE_ONLY"
    path = settings("[plugins]\nonly = []\n")
    assert read({}).disabled(TOY) == f"not in {path}, only"


def test_what_either_place_disables_is_disabled(settings: Settings) -> None:
    path = settings("[plugins]\ndisable = ['lif', 'two']\n")
    decided = read({"RHEOBASE_DISABLE": "toy-one,two"})
    assert decided.disabled(LIF) == f"{path}, disable"
    assert decided.disabled(TOY) == "RHEOBASE_DISABLE"
    assert decided.disabled(TWO) == "RHEOBASE_DISABLE"


def test_of_two_lists_of_allowed_plugins_the_variables_counts(settings: Settings) -> None:
    settings("[plugins]\nonly = ['lif']\n")
    decided = read({"RHEOBASE_ONLY": "two"})
    assert [entry.name for entry in (TOY, TWO, LIF) if not decided.disabled(entry)] == ["two"]


def test_what_is_disabled_is_not_allowed_by_the_list_of_allowed_plugins() -> None:
    decided = read({"RHEOBASE_ONLY": "toy-models", "RHEOBASE_DISABLE": "two"})
    assert [entry.name for entry in (TOY, TWO, LIF) if not decided.disabled(entry)] == ["Toy.One"]


@pytest.mark.parametrize("value", ["1", "true", "YES", " on "])
def test_a_flag_is_set_by_the_usual_words(value: str) -> None:
    assert read({"RHEOBASE_STRICT": value}).strict
    assert read({"RHEOBASE_NO_PLUGINS": value}).disabled(LIF) == "RHEOBASE_NO_PLUGINS"


@pytest.mark.parametrize("value", ["0", "false", "No", "off", ""])
def test_a_flag_is_not_set_by_their_opposites_whatever_the_file_says(value: str, settings: Settings) -> None:
    path = settings("[plugins]\nstrict = true\nnone = true\n")
    assert read({}).strict
    assert read({}).disabled(LIF) == f"{path}, none"
    decided = read({"RHEOBASE_STRICT": value, "RHEOBASE_NO_PLUGINS": value})
    assert not decided.strict
    assert not decided.disabled(LIF)


def test_the_variables_time_limit_counts_before_the_files(settings: Settings) -> None:
    settings("[plugins]\ntimeout = 7\n")
    assert read({}).timeout == 7.0
    assert read({"RHEOBASE_TIMEOUT": ""}).timeout == 7.0
    assert read({"RHEOBASE_TIMEOUT": "2.5"}).timeout == 2.5


def test_overrides_of_both_places_hold_and_of_one_name_the_variables(settings: Settings) -> None:
    settings("[plugins.override]\n'integrator:rk4' = 'Fast_RK'\n'neuron:lif' = 'labs'\n")
    assert read({}).override == {("integrator", "rk4"): "fast-rk", ("neuron", "lif"): "labs"}
    decided = read({"RHEOBASE_OVERRIDE": "neuron:lif = Other.Lab , aggregator:sum=x"})
    assert decided.override == {
        ("integrator", "rk4"): "fast-rk",
        ("neuron", "lif"): "other-lab",
        ("aggregator", "sum"): "x",
    }


def test_the_nearest_settings_upwards_count_and_no_other(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings("[plugins]\ntimeout = 7\nstrict = true\n")
    (tmp_path / "deep" / "rheobase.toml").write_text("[plugins]\ntimeout = 3\n")
    assert (read({}).timeout, read({}).strict) == (3.0, False)
    monkeypatch.chdir(tmp_path)
    assert (read({}).timeout, read({}).strict) == (7.0, True)
    (tmp_path / "deep" / "rheobase.toml").unlink()
    (tmp_path / "deep" / "rheobase.toml").mkdir()  # a folder of that name is no file
    monkeypatch.chdir(tmp_path / "deep" / "below")
    assert read({}).timeout == 7.0


def test_an_empty_file_and_an_empty_table_decide_nothing(settings: Settings) -> None:
    for text in ("", "# nothing\n", "[plugins]\n", "[plugins.override]\n"):
        settings(text)
        assert read({}) == Control()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[plugins", "cannot be read"),
        ("[plugins]\ndisable = toy\n", "cannot be read"),
        ("[plugins]\nstrict = true\nstrict = false\n", "cannot be read"),
        ("[plugin]\n", r"has \['plugin'\]; it may have one table, \[plugins\]"),
        ("strict = true\n", r"has \['strict'\]"),
        ("plugins = 3\n", "it may have one table"),
        ("[plugins]\ndisabled = []\n", "has 'disabled'.*did you mean 'disable'.*disable, only, none, strict"),
        ("[plugins]\ndisable = 'toy'\n", "disable is 'toy'; it must be a list of names"),
        ("[plugins]\ndisable = ['toy', 3]\n", r"disable is \['toy', 3\]; it must be a list"),
        ("[plugins]\nonly = true\n", "only is True; it must be a list"),
        ("[plugins]\nnone = 1\n", "none is 1; it must be true or false"),
        ("[plugins]\nstrict = 'yes'\n", "strict is 'yes'; it must be true or false"),
        ("[plugins]\ntimeout = 'soon'\n", "timeout is 'soon'; it must be a number of seconds above 0"),
        ("[plugins]\ntimeout = true\n", "timeout is True; it must be a number"),
        ("[plugins]\ntimeout = 0\n", "timeout is 0;"),
        ("[plugins]\ntimeout = nan\n", "timeout is nan;"),
        ("[plugins]\ntimeout = inf\n", "timeout is inf;"),
        ("[plugins]\ntimeout = [1]\n", r"timeout is \[1\];"),
        ("[plugins]\noverride = 'x'\n", "override is 'x'; it must have lines like"),
        ("[plugins.override]\n'integrator:rk4' = 4\n", "override is .*4.*; it must have lines like"),
        ("[plugins.override]\nrk4 = 'fast'\n", "override has 'rk4'; it must name a kind .neuron, integrator"),
        ("[plugins.override]\n'solver:rk4' = 'fast'\n", "override has 'solver:rk4'"),
        ("[plugins.override]\n'neuron:' = 'fast'\n", "override has 'neuron:'"),
    ],
)
def test_settings_that_cannot_be_used_are_an_error_that_names_file_and_key(
    text: str, said: str, settings: Settings
) -> None:
    path = settings(text)
    with pytest.raises(ConfigurationError, match=f"(?s){said}") as caught:
        read({})
    assert str(path) in str(caught.value)


def test_settings_that_are_no_text_are_an_error(settings: Settings) -> None:
    settings("").write_bytes(b"[plugins]\n# \xff\n")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read({})


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("RHEOBASE_STRICT", "maybe", "RHEOBASE_STRICT is 'maybe'; it must be 1 or 0"),
        ("RHEOBASE_NO_PLUGINS", "2", "RHEOBASE_NO_PLUGINS is '2'; it must be 1 or 0"),
        ("RHEOBASE_TIMEOUT", "soon", "RHEOBASE_TIMEOUT is 'soon'; it must be a number of seconds above 0"),
        ("RHEOBASE_TIMEOUT", "-1", "RHEOBASE_TIMEOUT is '-1'"),
        ("RHEOBASE_TIMEOUT", "0", "RHEOBASE_TIMEOUT is '0'"),
        ("RHEOBASE_TIMEOUT", "nan", "RHEOBASE_TIMEOUT is 'nan'"),
        ("RHEOBASE_TIMEOUT", "1e9", "RHEOBASE_TIMEOUT is '1e9'"),
        ("RHEOBASE_OVERRIDE", "rk4", "RHEOBASE_OVERRIDE is 'rk4'; write it as integrator:rk4=fast-rk"),
        ("RHEOBASE_OVERRIDE", "integrator:rk4=", "RHEOBASE_OVERRIDE is 'integrator:rk4='; write it as"),
        ("RHEOBASE_OVERRIDE", "neuron:a=b,=c", "RHEOBASE_OVERRIDE is 'neuron:a=b,=c'; write it as"),
        ("RHEOBASE_OVERRIDE", "rk4=fast", "RHEOBASE_OVERRIDE has 'rk4'; it must name a kind"),
    ],
)
def test_a_variable_that_cannot_be_used_is_an_error_that_names_it(
    variable: str, value: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read({variable: value})


# What follows from it.


def registry(monkeypatch: pytest.MonkeyPatch, *entries: Entry) -> Registry:
    """A registry in which each plugin offers a model of its own name, and one that is called broken none."""

    def examine_all(_: Here, found: list[Entry]) -> list[Outcome]:
        return [
            Outcome(failure="RuntimeError: it is broken", detail="the traceback")
            if "broken" in entry.name
            else Outcome((rb.NeuronSpec(entry.name.lower(), "a:b"),))
            for entry in found
        ]

    monkeypatch.setattr(Here, "examine_all", examine_all)
    return Registry(load=lambda: installed.load(Here(lambda: Scan(entries))))


def names(found: Registry) -> list[str]:
    """The models that are offered and not core's."""
    return [c.spec.name for c in found.components() if c.provenance.distribution != "rheobase"]


def test_names_that_no_plugin_has_are_told_each_with_its_place_and_the_nearest(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = settings("[plugins]\ndisable = ['quark']\n")
    monkeypatch.setenv("RHEOBASE_DISABLE", "toy-model,lif")
    monkeypatch.setenv("RHEOBASE_ONLY", "Toy_Models, toy-models:tow")
    found = registry(monkeypatch, TOY, TWO, LIF)
    with pytest.warns(PluginWarning) as caught:
        assert names(found) == ["toy.one", "two"]
    assert [str(each.message) for each in caught] == [
        f"plugins: {path}, disable names 'quark', and no plugin of that name is installed",
        "plugins: RHEOBASE_DISABLE names 'toy-model', and no plugin of that name is installed; "
        "did you mean 'toy-models'?",
        "plugins: RHEOBASE_ONLY names 'toy-models:tow', and no plugin of that name is installed; "
        "did you mean 'toy-models:two'?",
    ]


def test_a_disabled_plugin_is_not_loaded_and_whoever_asks_for_it_is_told_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RHEOBASE_DISABLE", "lif")
    loaded: list[str] = []
    found = registry(monkeypatch, LIF, TWO)
    examine_all = Here.examine_all
    monkeypatch.setattr(
        Here,
        "examine_all",
        lambda self, some: [loaded.extend(e.name for e in some), examine_all(self, some)][1],
    )
    assert names(found) == ["two"]
    assert loaded == ["two"]
    with pytest.raises(
        rb.errors.ComponentError, match=r"Left out: plugin 'lif' of rheobase-lif 0\.1 .disabled: RHEOBASE_DIS"
    ):
        found.resolve("neuron", "lif")


@pytest.mark.parametrize("where", ["variable", "file"])
def test_strictness_makes_every_call_an_error_with_all_that_is_amiss(
    where: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "variable":
        monkeypatch.setenv("RHEOBASE_STRICT", "1")
    else:
        settings("[plugins]\nstrict = true\n")
    monkeypatch.setenv("RHEOBASE_DISABLE", "quark")
    bad = [Entry("bad", version, f"broken-{version}", "bad") for version in ("1", "2")]
    unfit = Entry("late", "3", "late", "late", unfit="it was made for spec version 9", upgrade="Upgrade")
    found = registry(monkeypatch, *bad, unfit, LIF)
    for call in (
        found.components,
        lambda: found.resolve("neuron", "lif"),
        lambda: found.resolve("integrator", "rk4"),
    ):
        with pytest.raises(PluginError) as caught:
            call()
        lines = str(caught.value).splitlines()
        assert len(lines) == 5
        for part in ("strictly", "spec version 9", "quark", "broken-1", "broken-2"):
            assert sum(part in line for line in lines) == 1, part


def test_strictness_minds_nothing_where_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RHEOBASE_STRICT", "1")
    monkeypatch.setenv("RHEOBASE_DISABLE", "two")  # what the user decided is not amiss
    assert names(registry(monkeypatch, LIF, TWO)) == ["lif"]


def test_settings_that_cannot_be_used_are_an_error_at_every_call_until_they_are_mended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = registry(monkeypatch, LIF)
    settings("[plugins]\nstrikt = true\n")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="did you mean 'strict'"):
            found.components()
    settings("[plugins]\nstrict = true\n")
    assert names(found) == ["lif"]
