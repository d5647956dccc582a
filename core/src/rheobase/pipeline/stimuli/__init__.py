"""The stimuli, one idea per file; users import them from :mod:`rheobase.stimulus`."""
