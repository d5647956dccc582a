"""Properties of aggregators, their cases and what they share."""
