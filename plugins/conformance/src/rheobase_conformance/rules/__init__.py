"""Properties of connection rules."""
