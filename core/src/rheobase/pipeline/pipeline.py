"""What a pipeline is: a script that builds components, drives them, and gathers what they return."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigurationError, nearest, shown


class Pipeline(abc.ABC):
    """The base of runtime scripts.

    A subclass names its settings in ``settings`` and defines :meth:`run`.

    Args:
        configuration: Setting -> value.

    Raises:
        ConfigurationError: If there is no such setting; the nearest one is named.

    Attributes:
        configuration: What was configured, setting -> value.

    Example:
        >>> from rheobase import Pipeline
        >>> class Greeter(Pipeline):
        ...     settings = ("name",)
        ...     def run(self):
        ...         return f"hello {self.configuration['name']}"
        >>> Greeter({"name": "axon"}).run()
        'hello axon'
    """

    settings: tuple[str, ...] = ()

    def __init__(self, configuration: Mapping[str, Any] | None = None) -> None:
        self.configuration: dict[str, Any] = {}
        if configuration is not None:
            self.configure(configuration)

    def configure(self, configuration: Mapping[str, Any]) -> None:
        """Add settings, or replace them.

        Args:
            configuration: Setting -> value.

        Raises:
            ConfigurationError: If there is no such setting. Nothing is changed then.
        """
        if not isinstance(configuration, Mapping):
            raise ConfigurationError(
                f"{type(self).__name__}: the configuration is {shown(configuration)}; "
                "give a mapping of settings"
            )
        check_keys(configuration, self._known({**self.configuration, **configuration}), type(self).__name__)
        self.configuration.update(configuration)

    @classmethod
    def _known(cls, configuration: Mapping[str, Any]) -> tuple[str, ...]:
        """The settings that there are beside those of a configuration: all of them, unless a class says less.

        Args:
            configuration: Setting -> value.
        """
        return cls.settings

    @abc.abstractmethod
    def run(self) -> Any:
        """Run the script, and return what it gathered."""


def check_keys(given: Mapping[Any, Any], known: tuple[str, ...], where: str) -> None:
    """Refuse keys that are not known; the error names the nearest known one, and all of them."""
    for key in given:
        if key not in known:
            raise ConfigurationError(
                f"{where}: unknown key {shown(key)}{nearest(str(key), known)}; "
                f"known keys are {', '.join(known)}"
            )
