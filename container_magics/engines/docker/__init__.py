"""Docker and Podman through their engine API, and BuildKit through the docker CLI.

    engine.DockerEngine ──► connection, api   the SDK's client; ssh and hijacking are its
        │   │                                 connections, failures its errors as ours
        │   ├──► images                       JSON of the API → values
        │   ├──► pulling                      images from registries
        │   ├──► containers                   all that is done with containers
        │   └──► contents                     layers, from `docker save`
        └──► building                   BuildKit through the docker CLI, or the engine's own builder

Importing this package imports neither `docker` nor `requests`.
"""

from __future__ import annotations

from .engine import DockerEngine

__all__ = ["DockerEngine"]
