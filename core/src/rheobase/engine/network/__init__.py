"""Networks: what a population sends, and what another receives."""
