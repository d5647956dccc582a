"""Finding plugins and resolving the names of components. Imports neither torch nor numpy."""
