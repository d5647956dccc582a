"""Models whose threshold, reset or own step leaps where it must go on without a gap."""

from __future__ import annotations

from typing import Any

import torch
from ground import Adapting

FAULTS = {
    "ThresholdOfASign": "threshold-is-continuous",
    "ThresholdThatLeaps": "threshold-is-continuous",
    "ThresholdOfARoundedVoltage": "threshold-is-continuous",
    "ResetOfWhatIsBeyond": "reset-holds-at-the-crossing",
    "ResetByAFactor": "reset-holds-at-the-crossing",
    "AdaptsBeyondOnly": "reset-holds-at-the-crossing",
    "UpdateOfAnotherTimeConstant": "update-follows-derivatives",
    "UpdateWithoutTheAdaptation": "update-follows-derivatives",
    "UpdateOfASecond": "update-follows-derivatives",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class ThresholdOfASign(Adapting):
    """The threshold says whether, and not how far: +1 above it, and -1 below."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return torch.where(state.voltage >= params.volt_thresh, 1.0, -1.0).to(state.voltage.dtype)


class ThresholdThatLeaps(Adapting):
    """A hysteresis that no function of the state has: g is farther away on both sides than it is."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        away = state.voltage - params.volt_thresh
        return torch.where(away < 0, away - 0.5, away + 0.5)


class ThresholdOfARoundedVoltage(Adapting):
    """The voltage is rounded to a tenth of a millivolt before it is compared."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return torch.round(10.0 * state.voltage) / 10.0 - params.volt_thresh - 0.05


class ResetOfWhatIsBeyond(Adapting):
    """It looks once more whether the voltage is beyond the threshold, and at the crossing it is not."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        voltage = torch.where(state.voltage > params.volt_thresh, 0.0, state.voltage)
        return {"voltage": voltage, "w": state.w + params.step_w}


class ResetByAFactor(Adapting):
    """The voltage times 0 or 1, by whether it is below the threshold."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        below = (state.voltage < params.volt_thresh).to(state.voltage.dtype)
        return {"voltage": state.voltage * below, "w": state.w + params.step_w}


class AdaptsBeyondOnly(Adapting):
    """The voltage is always reset; the adaptation grows only where the voltage is beyond the threshold."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        beyond = state.voltage > params.volt_thresh
        return {
            "voltage": torch.zeros_like(state.voltage),
            "w": state.w + torch.where(beyond, params.step_w, 0.0),
        }


class _Exact(Adapting):
    """The same with a step of its own, in which w stands still for the voltage. It is sound."""

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        keep = torch.exp(-dt / params.tau)
        aim = data - state.w
        return {
            "voltage": aim + (state.voltage - aim) * keep,
            "w": state.w * torch.exp(-dt / params.tau_w),
        }


class UpdateOfAnotherTimeConstant(_Exact):
    """The step takes the membrane's time constant for the adaptation's."""

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        new = _Exact.update(state, params, data, dt)
        return {**new, "w": state.w * torch.exp(-dt / params.tau)}


class UpdateWithoutTheAdaptation(_Exact):
    """The step forgets that the adaptation lowers the voltage."""

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        keep = torch.exp(-dt / params.tau)
        return {
            "voltage": data + (state.voltage - data) * keep,
            "w": state.w * torch.exp(-dt / params.tau_w),
        }


class UpdateOfASecond(_Exact):
    """A hundredth is lost on the way from one unit to another."""

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        return _Exact.update(state, params, data, 0.99 * dt)
