"""Build, run and compare container images from notebook cells, with or without Docker."""

from __future__ import annotations

__version__ = "0.1.0"
