"""Properties of synapses."""
