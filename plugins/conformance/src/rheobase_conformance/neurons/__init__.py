"""Properties of neuron models, their cases and what they share."""
