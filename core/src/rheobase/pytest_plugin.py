"""For authors' tests: ``pytest --rheobase NAME``, and a world in which nothing but theirs is installed.

pytest loads this module in every run, of any project, where Rheobase is installed; so it imports nothing but
pytest. ``-p no:rheobase`` leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .plugins.registry import Registry

__all__ = ["rheobase_registry"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of ``pytest --rheobase``."""
    group = parser.getgroup("rheobase", "conformance kit of Rheobase")
    group.addoption(
        "--rheobase",
        action="append",
        metavar="NAME",
        help="judge a neuron model, integrator or aggregator, each property as a test "
        "rheobase::NAME::PROPERTY: an installed name, module:Class, file.py:Class or a project's folder; "
        "repeatable. Without files or folders of tests, nothing else is run.",
    )
    group.addoption("--rheobase-profile", default="standard", help="smoke, standard (the default) or full")
    group.addoption("--rheobase-seed", type=int, default=0, help="seed of the cases; default: 0")
    group.addoption("--rheobase-kind", help="neuron, integrator or aggregator, where a name is of several")


def pytest_configure(config: pytest.Config) -> None:
    """Find what is asked for; only then is the kit imported."""
    if not config.getoption("rheobase"):
        return
    try:
        from .conformance.collecting import Asked
    except ValueError as error:  # a ConfigurationError: something that the kit needs is not installed
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(Asked(config), "rheobase-asked")


@pytest.fixture
def rheobase_registry() -> Iterator[Registry]:
    """A registry with core's components and whatever the test registers, and nothing else.

    While the test runs, ``rheobase.create``, ``list_components``, ``register`` and all the rest use it. The
    plugins that are installed are not looked for; settings and ``rheobase.toml`` count for nothing. After
    the test everything is as before::

        def test_my_model_is_offered(rheobase_registry):
            rheobase_registry.register(my_package.plugin)
            neuron = rheobase.create("my-model")
    """
    from .plugins import installed, registry

    with registry.use(registry.Registry(load=installed.core)) as alone:
        yield alone
