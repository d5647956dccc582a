"""Properties of integrators, their cases and what they share."""
