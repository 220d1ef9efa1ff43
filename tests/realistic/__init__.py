"""Dockerfiles of the kinds that people really write, built and run by both engines."""
