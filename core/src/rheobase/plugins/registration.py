"""What a process registers without an entry point: the handle that undoes it, and what a plugin is called."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from ..errors import PluginError
from .component import Registered
from .problem import first_line


class Registration:
    """A registration at run time: call it to undo it, or use it in a ``with`` statement.

    Example:
        >>> import rheobase as rb
        >>> class Toy:
        ...     @rb.hookimpl
        ...     def rheobase_aggregators(self):
        ...         return [rb.AggregatorSpec("largest", "builtins:max")]
        >>> with rb.register(Toy()):
        ...     "largest" in [component.spec.name for component in rb.list_components("aggregator")]
        True
        >>> "largest" in [component.spec.name for component in rb.list_components("aggregator")]
        False
    """

    def __init__(self, components: tuple[Registered, ...], undo: Callable[[], None]) -> None:
        self.components = components
        self._undo = undo

    def __call__(self) -> None:
        """Undo the registration; a second call does nothing."""
        self._undo()

    def __enter__(self) -> Registration:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._undo()


def name_of(plugin: object) -> str:
    """What messages and provenance call a plugin without a distribution."""
    try:
        name = getattr(plugin, "__name__", None)
        # A plain string, also where it is of a class with an == of its own.
        return str.__str__(name) if isinstance(name, str) and name else type(plugin).__name__
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(
            f"a plugin whose __name__ raises {first_line(error)} cannot be registered; register a module, or "
            "an object with functions marked by @rheobase.hookimpl"
        ) from error
