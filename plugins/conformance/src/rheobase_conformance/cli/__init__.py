"""The commands that the kit adds to Rheobase's: ``rheobase validate``."""
