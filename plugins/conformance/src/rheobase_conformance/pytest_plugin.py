"""``pytest --rheobase NAME``: components judged by pytest.

pytest loads this module in every run, of any project, where the kit is installed; so it imports nothing but
pytest. ``-p no:rheobase`` leaves it out, as it leaves out the fixture of Rheobase's own.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """The options of ``pytest --rheobase``."""
    if pluginmanager.is_blocked("rheobase"):
        return
    group = parser.getgroup("rheobase", "conformance kit of Rheobase")
    group.addoption(
        "--rheobase",
        action="append",
        metavar="NAME",
        help="judge a neuron model, integrator, aggregator, synapse or rule, each property as a test "
        "rheobase::NAME::PROPERTY: an installed name, module:Class, file.py:Class or a project's folder; "
        "repeatable. Without files or folders of tests, nothing else is run.",
    )
    group.addoption("--rheobase-profile", default="standard", help="smoke, standard (the default) or full")
    group.addoption("--rheobase-seed", type=int, default=0, help="seed of the cases; default: 0")
    group.addoption(
        "--rheobase-kind", help="neuron, integrator, aggregator, synapse or rule, where a name is of several"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find what is asked for; only then is the kit imported."""
    if not config.getoption("rheobase", default=None):
        return
    try:
        from . import extra  # noqa: F401 - first: it says what is missing
        from .collecting import Asked  # isort: skip
    except ValueError as error:  # a ConfigurationError: something that the kit needs is not installed
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(Asked(config), "rheobase-asked")
