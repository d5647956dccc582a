"""The processes in which plugins are loaded, so that none can hang, end or change the user's."""
