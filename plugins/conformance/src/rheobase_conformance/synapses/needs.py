"""What a synapse must have declared for a property to apply to it."""

from __future__ import annotations

from ..property import Need

KINETICS = Need(lambda s: not s.plastic, "it is a plasticity, which changes weights and sends nothing")
PLASTIC = Need(lambda s: s.plastic, "the synapse is no plasticity")
BOUNDS = Need(lambda s: bool(s.bounds), "the plasticity declares no low and no high")
TRACES = Need(lambda s: bool(s.traces), "the plasticity declares no state at_rest")
STATES = Need(lambda s: s.has_states, "the synapse adds to a state of its target, and has no functions")
AT_REST = Need(lambda s: bool(s.at_rest), "the synapse declares no state at_rest")
SOURCES = Need(lambda s: bool(s.of_source), "the synapse keeps no states of each source")
SPEC = Need(lambda s: s.spec is not None, "nothing is claimed of the synapse: it has no spec")
PARAMETERS = Need(lambda s: bool(s.schema.parameters), "the synapse declares no parameters")
ADDITIVE = Need(lambda s: s.claims.additive, "the synapse does not claim additive=True")
LINEAR = Need(lambda s: s.claims.linear, "the synapse does not claim linear=True")
