"""The lock: plugins as a project trusts them, whether they are so now, and their import as such."""
