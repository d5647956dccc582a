"""The generalized leaky integrate-and-fire neurons, levels 1 to 5, of the Allen Institute."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from rheobase import Expect, Parameter, Preset, SpikingNeuron, State, stimulus
from torch import Tensor

CITATION = (
    "C. Teeter et al. (2018), Generalized leaky integrate-and-fire models classify multiple neuron types, "
    "Nature Communications 9, 709, doi:10.1038/s41467-017-02717-4; values of cell 490626718, NEST's glif_psc"
)


def _step(source: str, **figures: Any) -> Preset:
    return Preset(
        "a constant current",
        stimulus=stimulus.Constant(300.0),
        duration=1000.0,
        citation=CITATION,
        expect=Expect(**figures, source=source),
    )


DOP853 = "the equations of Teeter et al. 2018, by scipy's DOP853 at 1e-10"


class _Membrane(SpikingNeuron):
    """What all levels have."""

    input_unit = "pA"

    c = Parameter(58.72, unit="pF", above=0, doc="membrane capacitance C")
    g = Parameter(9.43, unit="nS", above=0, doc="leak conductance g")
    e_l = Parameter(-78.85, unit="mV", doc="resting potential E_L")
    th_inf = Parameter(-51.68, unit="mV", doc="threshold at rest th_inf")
    tau_ref = Parameter(3.75, unit="ms", at_least=0, doc="refractory period, in which all states are held")

    voltage = State("e_l", unit="mV", at_rest=True, doc="membrane potential V")


class _Reset(_Membrane):
    """The reset rules of levels 2, 4 and 5: V keeps a part of what it was, and the threshold grows."""

    f_v = Parameter(0.2, unit="1", at_least=0, at_most=1, doc="part of V - E_L that a spike leaves f_v")
    delta_v = Parameter(18.51, unit="mV", doc="what a spike adds to it delta_V")
    delta_s = Parameter(0.37, unit="mV", doc="what a spike adds to the threshold delta_s")
    b_s = Parameter(0.009, unit="1/ms", above=0, doc="its decay b_s")

    th_s = State(0.0, unit="mV", at_rest=True, doc="part of the threshold that spikes raise")


class _Currents(_Membrane):
    """The after-spike currents of levels 3, 4 and 5."""

    k_1 = Parameter(0.003, unit="1/ms", above=0, doc="decay of the slow after-spike current k_1")
    k_2 = Parameter(0.1, unit="1/ms", above=0, doc="decay of the fast one k_2")
    delta_i1 = Parameter(-9.18, unit="pA", doc="what a spike adds to the slow one delta_I1")
    delta_i2 = Parameter(-198.94, unit="pA", doc="what a spike adds to the fast one delta_I2")

    i_1 = State(0.0, unit="pA", at_rest=True, doc="slow after-spike current")
    i_2 = State(0.0, unit="pA", at_rest=True, doc="fast after-spike current")


def _leak(state: Any, p: Any, current: Tensor) -> dict[str, Tensor]:
    return {"voltage": (-p.g * (state.voltage - p.e_l) + current) / p.c}


def _decay(state: Any, p: Any) -> dict[str, Tensor]:
    return {"i_1": -p.k_1 * state.i_1, "i_2": -p.k_2 * state.i_2}


# What decays in the refractory period is put into the reset, for the states stand still in it.
def _reset(state: Any, p: Any) -> dict[str, Tensor]:
    return {
        "voltage": p.e_l + p.f_v * (state.voltage - p.e_l) + p.delta_v,
        "th_s": state.th_s * torch.exp(-p.b_s * p.tau_ref) + p.delta_s,
    }


def _after(state: Any, p: Any) -> dict[str, Tensor]:
    return {
        "i_1": state.i_1 * torch.exp(-p.k_1 * p.tau_ref) + p.delta_i1,
        "i_2": state.i_2 * torch.exp(-p.k_2 * p.tau_ref) + p.delta_i2,
    }


class GLIF1(_Membrane):
    r"""Level 1 of Teeter et al. 2018, LIF: the leaky integrate-and-fire neuron.

    .. math:: C \frac{dV}{dt} = -g (V - E_L) + I

    When V reaches th_inf: V is set to V_r, and held for tau_ref.

    Units: V in mV, times in ms, I in pA, g in nS, C in pF.

    Paper: C. Teeter et al. (2018), Nature Communications 9, 709, doi:10.1038/s41467-017-02717-4.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("glif1"), 300.0, duration=100.0).counts().tolist()
        [6]
    """

    v_r = Parameter("e_l", unit="mV", doc="potential after a spike V_r")

    driven = _step(
        "closed form: C / g ln(I / (I - g (th_inf - E_L))) + tau_ref",
        spikes=63,
        first=11.983412,
        isi=15.733412,
        within=1e-4,
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return _leak(state, params, data)

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.th_inf
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"voltage": params.v_r}


class GLIF2(_Reset):
    r"""Level 2 of Teeter et al. 2018, LIF-R: biologically defined reset rules.

    .. math:: C \frac{dV}{dt} = -g (V - E_L) + I, \qquad \frac{d\theta_s}{dt} = -b_s \theta_s

    When V reaches th_inf + theta_s: V is set to E_L + f_v (V - E_L) + delta_V, theta_s to
    theta_s exp(-b_s tau_ref) + delta_s, and both are held for tau_ref.

    Units and paper: as :class:`GLIF1`, doi:10.1038/s41467-017-02717-4.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("glif2"), 300.0, duration=100.0).counts().tolist()
        [10]
    """

    held = ("voltage", "th_s")

    driven = _step(DOP853, spikes=79, first=11.9834, isi=13.1647, within=0.01)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {**_leak(state, params, data), "th_s": -params.b_s * state.th_s}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.th_inf - state.th_s
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return _reset(state, params)


class GLIF3(_Currents):
    r"""Level 3 of Teeter et al. 2018, LIF-ASC: after-spike currents.

    .. math:: C \frac{dV}{dt} = -g (V - E_L) + I + I_1 + I_2, \qquad \frac{dI_j}{dt} = -k_j I_j

    When V reaches th_inf: V is set to V_r, I_j to I_j exp(-k_j tau_ref) + delta_Ij, and all are held for
    tau_ref.

    Units and paper: as :class:`GLIF1`, doi:10.1038/s41467-017-02717-4.

    Example:
        >>> import rheobase as rb
        >>> rb.simulate(rb.create("glif3"), 300.0, duration=1000.0).counts().tolist()
        [18]
    """

    held = ("voltage", "i_1", "i_2")
    v_r = Parameter("e_l", unit="mV", doc="potential after a spike V_r")

    driven = _step(DOP853, spikes=18, first=11.9834, isi=66.5528, within=0.01)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {**_leak(state, params, data + state.i_1 + state.i_2), **_decay(state, params)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.th_inf
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {"voltage": params.v_r, **_after(state, params)}


class GLIF4(_Currents, _Reset):
    r"""Level 4 of Teeter et al. 2018, LIF-R-ASC: levels 2 and 3 together.

    .. math::

        C \frac{dV}{dt} = -g (V - E_L) + I + I_1 + I_2, \qquad \frac{dI_j}{dt} = -k_j I_j, \qquad
        \frac{d\theta_s}{dt} = -b_s \theta_s

    When V reaches th_inf + theta_s: the resets of both, and all states are held for tau_ref.

    Units and paper: as :class:`GLIF1`, doi:10.1038/s41467-017-02717-4.

    Example:
        >>> import rheobase as rb
        >>> int(rb.simulate(rb.create("glif4"), 300.0, duration=100.0).counts()) > 0
        True
    """

    held: ClassVar[tuple[str, ...]] = ("voltage", "th_s", "i_1", "i_2")

    driven = _step(DOP853, spikes=17, first=11.9834, isi=71.9064, within=0.01)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        v = _leak(state, params, data + state.i_1 + state.i_2)
        return {**v, **_decay(state, params), "th_s": -params.b_s * state.th_s}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.th_inf - state.th_s
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Tensor]:
        return {**_reset(state, params), **_after(state, params)}


class GLIF5(GLIF4):
    r"""Level 5 of Teeter et al. 2018, LIF-R-ASC-A: level 4 with a threshold that follows the voltage.

    .. math:: \frac{d\theta_v}{dt} = a_v (V - E_L) - b_v \theta_v

    beside the equations of :class:`GLIF4`. When V reaches th_inf + theta_s + theta_v: its resets; theta_v is
    held too.

    Units and paper: as :class:`GLIF1`, doi:10.1038/s41467-017-02717-4.

    Example:
        >>> import rheobase as rb
        >>> int(rb.simulate(rb.create("glif5"), 300.0, duration=100.0).counts()) > 0
        True
    """

    held = ("voltage", "th_s", "i_1", "i_2", "th_v")

    a_v = Parameter(0.005, unit="1/ms", doc="how the threshold follows the voltage a_v")
    b_v = Parameter(0.09, unit="1/ms", above=0, doc="its decay b_v")

    th_v = State(0.0, unit="mV", at_rest=True, doc="part of the threshold that the voltage raises")

    driven = _step(DOP853, spikes=12, first=13.1785, isi=102.5423, within=0.01)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        follows = params.a_v * (state.voltage - params.e_l) - params.b_v * state.th_v
        return {**GLIF4.derivatives(state, params, data), "th_v": follows}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - params.th_inf - state.th_s - state.th_v
        return distance
