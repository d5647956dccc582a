"""The exact propagator of linear models."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import rheobase as rb
import torch
from rheobase import Advance, EventIntegrator, Status, errors
from torch import Tensor

from .crossing import cross
from .parts import search
from .paths import Paths
from .propagator import change, fastest
from .residue import LOST, STATE, given_back, lost
from .stride import Stride


class ExactPropagator(EventIntegrator):
    r"""The exact solution of linear models, and their spike times.

    For y' = A y + b, whose coefficients do not change within a step,

    .. math::

        y(t + h) = y + h \varphi_1(A h) (A y + b), \qquad \varphi_1(x) = (e^x - 1) / x

    at any h, to rounding. The coefficients are found from the model's own text
    (:func:`rheobase.linear`); a model that is not linear is refused, with the reason. The input is held
    at what it is at the start of the step.

    With one variable, and a threshold that is linear too, as for the leaky integrate-and-fire neuron, the
    time of a spike is a logarithm: right to rounding, whatever dt. With several, crossings are searched
    for in parts of the step that resolve the fastest variable (1/2 of its time constant), with the exact
    solution as the step, so that a potential that rises above the threshold and falls again within a step
    is seen; the time is right to rounding too.

    Paper: S. Rotter & M. Diesmann (1999), Exact digital simulation of time-invariant linear systems with
    applications to neuronal modeling, Biological Cybernetics 81, 381-402, doi:10.1007/s004220050570.

    Raises:
        StructureError: At a call, if the field is not linear.
        ArgumentError: At a call, if ``t1`` is before ``t0``.

    Example:
        1,000 ms in one step:

        >>> import torch
        >>> from rheobase_exact import ExactPropagator
        >>> tau = torch.tensor([5.0, 500.0])
        >>> ExactPropagator().advance(lambda t, y: (1.0 - y) / tau, torch.zeros(1, 2), 0.0, 1000.0).y
        tensor([[1.0000, 0.8647]])
    """

    order = 1
    field = "linear"
    adaptive = False

    def __init__(self) -> None:
        # Of the last call, since the next is mostly one of the same model: its coefficients, and its step.
        self._path: rb.Linear | None = None
        self._stride: Stride | None = None
        self._paths: Paths | None = None

    def __repr__(self) -> str:
        return "ExactPropagator()"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_path": None, "_stride": None, "_paths": None}

    def advance(
        self,
        field: Callable[[Any, Tensor], Tensor],
        y: Tensor,
        t0: float | Tensor,
        t1: float | Tensor,
        *,
        event: rb.Event | None = None,
        carry: Mapping[str, Tensor] | None = None,
    ) -> Advance:
        """See :meth:`rheobase.EventIntegrator.advance`."""
        if not y.is_floating_point():
            raise errors.ArgumentError(
                f"{self}: a state of {y.dtype} cannot be integrated; give float32 or float64"
            )
        path = self._path = rb.linear(field, t0, y, known=self._path)
        # Steps of one length for all, which the next one mostly has too.
        even = t1 - t0 if event is None and isinstance(t0, float) and isinstance(t1, float) else 0.0
        if even > 0 and len(y) > 1 and y.numel():
            return self._along(path, y, even)
        if even > 0 and len(y) == 1 and not path.matrix.requires_grad:
            stride = self._stride
            if stride is None or not stride.serves(path.matrix, even):
                stride = self._stride = Stride(path.matrix, even)
            quick = stride.taken(y, path.slopes, carry)
            if quick is not None:
                return quick
        shape = y.shape[1:]
        h = torch.as_tensor(t1 - t0, dtype=y.dtype, device=y.device).expand(shape)
        if not bool((h >= 0).all()):
            raise errors.ArgumentError(
                f"{self}: the time to go, t1 - t0, is {h.min().item()} ms; t1 must not be before t0"
            )
        # Units side by side, whatever the batch.
        y0, f0 = y.reshape(len(y), -1), path.slopes.reshape(len(y), -1)
        matrix, h = path.matrix.reshape(len(y), len(y), -1).movedim(-1, 0), h.reshape(-1)
        sound = y0.isfinite().all(dim=0) & f0.isfinite().all(dim=0) & matrix.isfinite().all(-1).all(-1)
        sound = sound | (h == 0)
        whole = bool(sound.all())
        if not whole:  # one unit's NaN must not reach the others, nor stop them
            h = torch.where(sound, h, 0.0)
            f0 = torch.where(sound, f0, 0.0)
            matrix = torch.where(sound[:, None, None], matrix, 0.0)
        rest = given_back(carry, y0[0]) if len(y) == 1 else None
        if rest is None:
            y1 = torch.where(h > 0, y0 + change(matrix, f0, h), y0)
        else:
            f0 = f0 + matrix[:, 0].movedim(-1, 0) * rest
            move = change(matrix, f0, h) + rest
            y1 = torch.where(h > 0, y0 + move, y0)
            with torch.no_grad():
                missing = torch.where(h > 0, lost(y0[0], move[0], y1[0]), rest)
        hit, s, failed = None, h, None
        if event is not None:
            hit, s, y1, failed = self._stop(event, path, matrix, y0, f0, y1, h, shape, rest)
            if rest is not None:
                missing = torch.where(hit, 0.0, missing)
        new = None if rest is None else {STATE: y1[0].detach().reshape(shape), LOST: missing.reshape(shape)}
        return self._outcome(y, y1, t0, t1, h, s, hit, sound, failed)._replace(carry=new)

    def propagation(self, field: Callable[[Any, Tensor], Tensor], y: Tensor, h: float) -> Paths:
        """The step h of a field, apart from it, for whoever compiles it.

        Args:
            field: The field, with somebody at rest where units may be.
            y: A state, ``[D, *batch, units]``.
            h: The step, ms, above 0.

        Returns:
            What has ``factors``, which do not change while the parameters stay, and ``taken(y, slope,
            resting, factors)``, the states after a step from the derivatives at its start.

        Raises:
            StructureError: If the field is not linear.
        """
        path = rb.linear(field, 0.0, y)
        return Paths(path.free, h, path.pattern, path.held)

    def _along(self, path: rb.Linear, y: Tensor, h: float) -> Advance:
        """The step of several variables to its end."""
        paths = self._paths
        if paths is None or not paths.serves(path.free, h, path.held):
            paths = Paths(path.free, h, path.pattern, path.held)
            # A graph is that of one step.
            self._paths = None if path.free.requires_grad else paths
        y0, resting = y.reshape(len(y), -1), path.resting
        resting = None if resting is None else resting.reshape(-1)
        y1 = paths.taken(y0, path.slopes.reshape(len(y), -1), resting)
        status = None
        if not math.isfinite(y1.detach().sum().item()):
            fine = y1.isfinite().all(dim=0)
            if not bool(fine.all()):
                status = torch.where(fine, 0, int(Status.NOT_FINITE)).to(torch.int8).reshape(y.shape[1:])
                y1 = torch.where(fine, y1, torch.nan)
        return Advance(y1.reshape(y.shape), status=status)

    def _stop(
        self,
        event: rb.Event,
        path: Any,
        matrix: Tensor,
        y0: Tensor,
        f0: Tensor,
        y1: Tensor,
        h: Tensor,
        shape: torch.Size,
        rest: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Where each unit stops: at its first crossing, or at the end."""
        if len(y0) == 1:
            try:
                g = path.function(event.gap)
            except errors.StructureError:
                pass
            else:
                able = event.armed if event.watched is None else event.armed & event.watched
                able = able.expand(shape).reshape(-1) & (h > 0)

                def gap(v: Tensor) -> Tensor:
                    return event.gap(v.reshape(1, *shape)).reshape(-1)

                slopes = g.coefficients.reshape(-1), matrix[:, 0, 0], f0[0]
                value = g.value.reshape(-1) + g.coefficients.reshape(-1) * rest
                found = cross(gap, value, *slopes, (y0[0], y1[0]), h, able)
                return found.hit, found.s, found.y[None], None
        everyone = torch.arange(y0.shape[1], device=y0.device)
        reached = search(event.take(everyone), matrix, y0, f0, y1, h, fastest(matrix, path.pattern))
        return reached.hit, reached.s, reached.y, reached.lost

    def _outcome(
        self,
        y: Tensor,
        y1: Tensor,
        t0: Any,
        t1: Any,
        h: Tensor,
        s: Tensor,
        hit: Tensor | None,
        sound: Tensor,
        lost: Tensor | None,
    ) -> Advance:
        shape = y.shape[1:]
        fine = sound & y1.isfinite().all(dim=0)
        status = None
        if not bool(fine.all()) or (lost is not None and bool(lost.any())):
            codes = torch.where(fine, 0, int(Status.NOT_FINITE))
            if lost is not None:
                codes = torch.where(lost & fine, int(Status.NOT_CONVERGED), codes)
            status = codes.to(torch.int8).reshape(shape)
            y1 = torch.where(codes == 0, y1, torch.nan)
            if hit is not None:
                hit = hit & (codes == 0)
            s = torch.where(sound, s, 0.0)
        if hit is None:
            return Advance(y1.reshape(y.shape), status=status)
        # Who goes to the end arrives at t1 to the last bit.
        s, hit = s.reshape(shape), hit.reshape(shape)
        t = torch.where(
            hit | ~sound.reshape(shape), t0 + s, torch.as_tensor(t1, dtype=y.dtype, device=y.device)
        )
        return Advance(y1.reshape(y.shape), t=t, crossed=hit, status=status)
