"""A distribution of somebody else's, as it was published for Rheobase 0.1: it stays as it is."""
