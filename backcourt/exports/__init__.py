"""Writing a pipeline's exports: checked against their schema, whole or not at all, and listed in an index."""
