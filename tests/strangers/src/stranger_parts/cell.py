"""A quadratic neuron with adaptation, in sums and products only, so that every machine has its bits."""

from rheobase import Input, Option, Parameter, Preset, SpikingNeuron, State
from rheobase.stimulus import Constant


class Cell(SpikingNeuron):
    """tau dV/dt = V^2 - w + I, tau_w dw/dt = b V - w; V >= peak: V -> reset, w -> w + jump."""

    tau = Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
    tau_w = Parameter(50.0, unit="ms", above=0, doc="time constant of adaptation")
    slope_b = Parameter(0.25, unit="1", doc="b, adaptation below threshold")
    peak = Parameter(4.0, unit="1", doc="peak")
    volt_reset = Parameter(-1.0, unit="1", doc="V after a spike")
    jump = Parameter(0.5, unit="1", doc="growth of w at a spike")
    tau_ref = Parameter(0.75, unit="ms", at_least=0, doc="refractory period")
    voltage = State("volt_reset", unit="1", at_rest=True, doc="membrane potential V")
    recovery = State(lambda p: p.slope_b * p.volt_reset, unit="1", doc="adaptation w")
    current = Input(unit="1", aggregator="stranger-gated", doc="input I")
    after = Option("jump", "none", doc="what a spike does to w")
    eager_one = Preset("fires early", params={"jump": 0.25}, stimulus=Constant(0.75), duration=40.0, dt=0.25)

    held = ("voltage",)
    dt_max = 1.0

    @staticmethod
    def derivatives(state, params, data):
        square = state.voltage * state.voltage
        return {
            "voltage": (square - state.recovery + data.current) / params.tau,
            "recovery": (params.slope_b * state.voltage - state.recovery) / params.tau_w,
        }

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.peak

    @staticmethod
    def reset(state, params):
        if params.after == "none":
            return {"voltage": params.volt_reset}
        return {"voltage": params.volt_reset, "recovery": state.recovery + params.jump}
