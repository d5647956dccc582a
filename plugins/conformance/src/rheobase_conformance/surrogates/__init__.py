"""Properties of surrogates: what stands for the derivative of a spike in training."""
