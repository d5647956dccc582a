"""For authors' tests: a world in which nothing but theirs is installed; and where ``--rheobase`` comes from.

pytest loads this module in every run, of any project, where Rheobase is installed; so it imports nothing but
pytest. ``-p no:rheobase`` leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .plugins.registry import Registry

__all__ = ["pytest_load_initial_conftests", "rheobase_registry"]

_OPTION = "--rheobase"


@pytest.hookimpl(trylast=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: list[str]) -> None:
    """Say what brings ``--rheobase``, where nothing did: plugins are loaded by now."""
    given = [each.partition("=")[0] for each in args]
    asked = any(each == _OPTION or each.startswith(f"{_OPTION}-") for each in given)
    if asked and not hasattr(parser.parse_known_args(args), "rheobase"):
        raise pytest.UsageError(
            f"{_OPTION} comes with the conformance kit, which is not installed; "
            "install the extra: pip install 'rheobase[testing]'"
        )


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
