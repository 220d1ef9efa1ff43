"""Fixtures of the registry's tests that the embedded engine's use as well."""

from tests.registry.conftest import plain_environment, serve

__all__ = ["plain_environment", "serve"]
