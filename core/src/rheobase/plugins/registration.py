"""The undo of a registration at run time."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from .component import Registered


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
