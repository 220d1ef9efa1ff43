"""The proxies of the docker CLI's `config.json`, which it gives to every build.

As documented in "Use a proxy server with the Docker CLI"; a Docker engine's builds get them from
the CLI itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..docker_config import config_file, read_config
from ..errors import ConfigurationError

__all__ = ["configured_proxies"]

_VARIABLES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "ftpProxy": "FTP_PROXY",
    "noProxy": "NO_PROXY",
    "allProxy": "ALL_PROXY",
}


def configured_proxies(given: Iterable[str]) -> dict[str, str]:
    """Build arguments for the proxies of `proxies.default`, but for those that are given anyway.

    Args:
        given: names of build arguments, in either case.
    """
    try:
        proxies = read_config(config_file()).get("proxies") or {}
    except ConfigurationError:
        return {}
    default = proxies.get("default") if isinstance(proxies, dict) else None
    names = {name.upper() for name in given}
    return {
        variable: value
        for key, variable in _VARIABLES.items()
        if isinstance(default, dict)
        and isinstance(value := default.get(key), str)
        and value
        and variable not in names
    }
