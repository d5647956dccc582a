"""Properties of plasticities: what changes weights."""
