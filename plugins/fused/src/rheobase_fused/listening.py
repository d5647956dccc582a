"""Whether a step does what it did before: the operations it consists of, on what, without their meaning.

That costs a fraction of following them with rules, and tells as much: two steps of the same operations on the
same tensors are the same step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .tracing import name_of

if TYPE_CHECKING:
    from .setting import Setting


def heard(setting: Setting) -> tuple[Any, ...]:
    """What the step of a few units consists of; equal for equal steps, and hashable.

    Raises:
        Refusal: If it cannot be followed.
    """
    listener = _Listener()
    read = []
    for name, value in setting.tensors():
        listener.know(value)
        read.append((name, value.ndim, repr(value.dtype)))
    given = [
        (name, None if out is None else listener.pattern(out))
        for name, out in setting.given(listener).items()
    ]
    return (*read, *listener.calls, *given)


class _Listener(TorchDispatchMode):
    """Notes each operation, and which of the tensors so far it was done on.

    Attributes:
        calls: The operations.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Any] = []
        # The tensor itself beside its place: while it lives, no other has its identity.
        self._places: dict[int, tuple[int, Tensor]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def know(self, tensor: Tensor) -> None:
        """Give a tensor the next place."""
        self._places[id(tensor)] = (len(self._places), tensor)

    def pattern(self, value: Any) -> Any:
        """A tensor as its place, or its values where the step did not compute it; anything else in words."""
        if isinstance(value, Tensor):
            found = self._places.get(id(value))
            if found is not None:
                return found[0]
            return repr(value.dtype), tuple(value.shape), value.detach().cpu().contiguous().numpy().tobytes()
        if isinstance(value, (list, tuple)):
            return tuple(map(self.pattern, value))
        return repr(value)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name_of(func)
        out = func(*args, **(kwargs or {}))
        options = tuple((name, self.pattern(value)) for name, value in kwargs.items()) if kwargs else ()
        self.calls.append((func, tuple(map(self.pattern, args)), options))
        if isinstance(out, Tensor):
            self.know(out)
        else:
            for tensor in tree_leaves(out):
                self.know(tensor)
        return out
