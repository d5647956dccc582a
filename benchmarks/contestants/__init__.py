"""One module for each simulator; each runs as a process of its own, in its own environment."""
