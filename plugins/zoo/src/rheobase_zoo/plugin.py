"""What this distribution offers to Rheobase. Imports no torch and no model."""

from __future__ import annotations

from rheobase import NeuronSpec, hookimpl

MODELS = {
    "adex": ("adex:AdEx", "adaptive exponential integrate-and-fire (Brette & Gerstner 2005), 8 patterns"),
    "alif": ("alif:ALIF", "leaky integrate-and-fire with an adaptive threshold (Bellec et al. 2018)"),
    "hodgkin-huxley": ("hodgkin_huxley:HodgkinHuxley", "the squid's axon (Hodgkin & Huxley 1952)"),
    "eif": ("eif:EIF", "exponential integrate-and-fire (Fourcaud-Trocme et al. 2003)"),
    "fitzhugh-nagumo": ("fitzhugh_nagumo:FitzHughNagumo", "excitability in two states (FitzHugh 1961)"),
    "gif": ("gif:GIF", "generalized integrate-and-fire with escape noise (Mensi et al. 2012)"),
    "glif1": ("glif:GLIF1", "generalized leaky integrate-and-fire, level 1 (Teeter et al. 2018)"),
    "glif2": ("glif:GLIF2", "level 2: reset rules and a threshold that spikes raise (Teeter et al. 2018)"),
    "glif3": ("glif:GLIF3", "level 3: after-spike currents (Teeter et al. 2018)"),
    "glif4": ("glif:GLIF4", "level 4: reset rules and after-spike currents (Teeter et al. 2018)"),
    "glif5": ("glif:GLIF5", "level 5: and a threshold that follows the voltage (Teeter et al. 2018)"),
    "hindmarsh-rose": ("hindmarsh_rose:HindmarshRose", "bursts in three states (Hindmarsh & Rose 1984)"),
    "lif-cond": ("lif_cond:LIFCond", "leaky integrate-and-fire with conductances (Brette et al. 2007)"),
    "lif-alpha": ("lif_spikes:LIFAlpha", "leaky integrate-and-fire; spikes arrive as alpha currents (1999)"),
    "lif-delta": ("lif_spikes:LIFDelta", "leaky integrate-and-fire; spikes arrive as steps of the voltage"),
    "lif-exp": ("lif_spikes:LIFExp", "leaky integrate-and-fire; spikes arrive as decaying currents (1999)"),
    "mat2": ("mat2:MAT2", "a threshold of two time scales, no reset (Kobayashi et al. 2009)"),
    "mihalas-niebur": ("mihalas_niebur:MihalasNiebur", "generalized linear integrate-and-fire (2009)"),
    "morris-lecar": (
        "morris_lecar:MorrisLecar",
        "calcium and potassium, classes 1 and 2 (Morris & Lecar 1981)",
    ),
    "pinsky-rinzel": ("pinsky_rinzel:PinskyRinzel", "a CA3 cell in two compartments (Pinsky & Rinzel 1994)"),
    "qif": ("qif:QIF", "quadratic integrate-and-fire (Ermentrout & Kopell 1986)"),
    "resonate-and-fire": ("resonate_and_fire:ResonateAndFire", "a damped oscillation (Izhikevich 2001)"),
    "rulkov": ("maps:Rulkov", "a map that spikes and bursts (Rulkov 2001)"),
    "chialvo": ("maps:Chialvo", "an excitable map (Chialvo 1995)"),
    "stuart-landau": ("rates:StuartLandau", "the normal form of a Hopf bifurcation (Stuart 1960)"),
    "threshold-linear": ("rates:ThresholdLinear", "a rate above a threshold (Hartline & Ratliff 1957)"),
    "wilson-cowan": ("rates:WilsonCowan", "an excitatory and an inhibitory population (Wilson & Cowan 1972)"),
    "theta": ("theta:Theta", "the theta neuron (Ermentrout & Kopell 1986)"),
    "traub-miles": ("traub_miles:TraubMiles", "Hodgkin-Huxley for the hippocampus (Brette et al. 2007)"),
    "wang-buzsaki": ("wang_buzsaki:WangBuzsaki", "a fast-spiking interneuron (Wang & Buzsaki 1996)"),
}
"""Name -> module and class, and what it is."""


@hookimpl
def rheobase_neurons() -> list[NeuronSpec]:
    """Published models, by the names that they have everywhere."""
    return [NeuronSpec(name, f"rheobase_zoo.{where}", what) for name, (where, what) in MODELS.items()]
