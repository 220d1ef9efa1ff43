"""Whether published ports are reached through the notebook server, by jupyter-server-proxy.

Where the notebook is on another machine than the browser (Binder, JupyterHub), the port of a
container is behind the server's own address, at `proxy/PORT/`. A front end can't tell whether the
server does that, nor whether the server is on the kernel's machine; the kernel can: a server notes
itself in Jupyter's runtime directory under the process ID that a kernel is given as its parent's,
and answers without a login whether it has a handler: 404 is "no", anything else asks who one is.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...engines.base import Engine

__all__ = ["proxy_root"]

_SECONDS = 2
_HANDLER = "server-proxy/servers-info"


def proxy_root(engine: Engine) -> str:
    """The path of this kernel's notebook server, if ports of the engine can be reached through it.

    Args:
        engine: publishes ports; those of one on another machine are not reached.

    Returns:
        Such as `/user/ann/`, with a slash at its end; "" where there is no such server.
    """
    local = str(getattr(engine, "base_url", "unix://")).startswith("unix://")
    return _root_of_server(os.environ.get("JPY_PARENT_PID", "")) if local else ""


@cache
def _root_of_server(pid: str) -> str:
    try:
        from jupyter_core.paths import jupyter_runtime_dir

        noted = Path(jupyter_runtime_dir(), f"jpserver-{int(pid)}.json")
        server = json.loads(noted.read_text(encoding="utf-8"))
        return str(server["base_url"]) if _has_proxy(server) else ""
    except (ImportError, OSError, ValueError, KeyError, http.client.HTTPException):
        return ""


def _has_proxy(server: dict[str, Any]) -> bool:
    address = urlsplit(server["url"])
    if not address.hostname:
        return False
    if address.scheme == "https":
        # Its certificate may be its own; it is told nothing.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            address.hostname, address.port, timeout=_SECONDS, context=context
        )
    else:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=_SECONDS)
    try:
        connection.request("GET", f"{address.path}{_HANDLER}")
        return connection.getresponse().status != http.client.NOT_FOUND
    finally:
        connection.close()
