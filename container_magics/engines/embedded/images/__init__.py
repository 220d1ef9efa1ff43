"""Images of the store: found by name, pulled, removed."""
