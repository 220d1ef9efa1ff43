"""The verbs of containers, and of the volumes and networks that they use: a module per family."""
