"""`docker network`: create, ls, connect, disconnect, rm."""

from __future__ import annotations

from collections.abc import Callable

from ...engines.base import Engine
from ...engines.containers import NetworkSummary
from ...errors import UsageError
from ...views import Column, Table
from ..call import Call, Command
from ..grammar import TRUE, Arguments, Flag, Grammar, refuse
from ..listing import formatted
from ..results import Lines
from .each import each
from .labels import has_label, label_text, labels

__all__ = ["CONNECT", "CREATE", "DISCONNECT", "LS", "RM"]

_BUILT_IN = ("bridge", "host", "none")
_SHORT_ID = 12


def _create(arguments: Arguments, call: Call) -> str:
    network = call.engine.create_network(
        arguments.operands[0], arguments.one("driver"), labels(arguments.all("label"))
    )
    call.surface.write(f"{network}\n")
    return network


CREATE = Command(
    Grammar(
        "network create",
        "[OPTIONS] NETWORK",
        "Create a network",
        least=1,
        most=1,
        flags=(
            Flag("driver", "the network's driver", "d", "DRIVER", "bridge"),
            Flag("label", "set metadata of the network", value="NAME[=VALUE]"),
        ),
        refused={
            **refuse("subnet gateway ip-range aux-address ipam-driver ipam-opt ipv4 ipv6"),
            **refuse("attachable config-from config-only ingress internal opt/o scope"),
        },
    ),
    _create,
)


# --- ls -----------------------------------------------------------------------------------------


def _ls(arguments: Arguments, call: Call) -> Table | Lines:
    engine = call.engine
    chosen = engine.networks()
    for text in arguments.all("filter"):
        keep = _filter(text, engine)
        chosen = [network for network in chosen if keep(network)]
    full = arguments.on("no-trunc")
    rows = [_row(network, full=full) for network in chosen]
    if arguments.on("quiet"):
        return Lines(row["ID"] for row in rows)
    lines = formatted(
        rows, arguments.one("format"), {"ID": "NETWORK ID", "CreatedAt": "CREATED AT"}
    )
    if lines is not None:
        return lines
    columns = [Column("ID", "NETWORK ID")]
    columns += [Column(name, name.upper()) for name in ("Name", "Driver", "Scope")]
    return Table(columns, rows)


def _row(network: NetworkSummary, *, full: bool) -> dict[str, str]:
    return {
        "CreatedAt": network.created.isoformat(" ", "seconds") if network.created else "N/A",
        "Driver": network.driver,
        "ID": network.id if full else network.id[:_SHORT_ID],
        "Labels": label_text(network.labels),
        "Name": network.name,
        "Scope": network.scope,
    }


def _filter(text: str, engine: Engine) -> Callable[[NetworkSummary], bool]:
    key, _, value = text.partition("=")
    if key == "name":
        return lambda network: value in network.name
    if key == "id":
        return lambda network: network.id.startswith(value)
    if key == "driver":
        return lambda network: network.driver == value
    if key == "scope":
        return lambda network: network.scope == value
    if key == "label":
        return lambda network: has_label(network.labels, value)
    if key == "type" and value in ("builtin", "custom"):
        return lambda network: (network.name in _BUILT_IN) == (value == "builtin")
    if key == "dangling":
        used = {name for each in engine.containers(every=True) for name in each.networks}
        used |= {*_BUILT_IN}
        return lambda network: (network.name not in used) == (value in TRUE)
    raise UsageError(
        f"invalid filter '{text}'",
        hint="These are: dangling, driver, id, label, name, scope, type=builtin, type=custom.",
    )


LS = Command(
    Grammar(
        "network ls",
        "[OPTIONS]",
        "List networks",
        flags=(
            Flag(
                "filter", "dangling=, driver=, id=, label=, name=, scope=, type=", "f", "KEY=VALUE"
            ),
            Flag("format", "table, json, or a Go template", "", "FORMAT"),
            Flag("no-trunc", "do not shorten IDs"),
            Flag("quiet", "only show network IDs", "q"),
        ),
    ),
    _ls,
)


# --- rm, connect, disconnect --------------------------------------------------------------------


def _rm(arguments: Arguments, call: Call) -> list[str]:
    return each(
        arguments.operands, call, call.engine.remove_network, forgiving=arguments.on("force")
    )


RM = Command(
    Grammar(
        "network rm",
        "[OPTIONS] NETWORK [NETWORK...]",
        "Remove one or more networks",
        least=1,
        most=None,
        flags=(Flag("force", "a network that is not there is no error", "f"),),
    ),
    _rm,
)


def _connect(arguments: Arguments, call: Call) -> None:
    call.engine.connect(*arguments.operands)


CONNECT = Command(
    Grammar(
        "network connect",
        "NETWORK CONTAINER",
        "Connect a container to a network",
        least=2,
        most=2,
        refused=refuse("alias driver-opt gw-priority ip ip6 link link-local-ip"),
    ),
    _connect,
)


def _disconnect(arguments: Arguments, call: Call) -> None:
    network, container = arguments.operands
    call.engine.disconnect(network, container, force=arguments.on("force"))


DISCONNECT = Command(
    Grammar(
        "network disconnect",
        "[OPTIONS] NETWORK CONTAINER",
        "Disconnect a container from a network",
        least=2,
        most=2,
        flags=(Flag("force", "force the container to disconnect from a network", "f"),),
    ),
    _disconnect,
)
