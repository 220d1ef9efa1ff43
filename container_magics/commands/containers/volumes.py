"""`docker volume`: create, ls, rm, prune."""

from __future__ import annotations

from collections.abc import Callable

from ...engines.base import Engine
from ...engines.containers import VolumeSummary
from ...engines.results import PruneReport
from ...errors import UnsupportedError, UsageError
from ...views import Column, Table
from ..call import Call, Command
from ..confirmation import confirm
from ..grammar import TRUE, Arguments, Flag, Grammar, refuse
from ..listing import formatted
from ..results import Lines
from .each import each
from .labels import has_label, label_text, labels
from .removal import report_prune

__all__ = ["CREATE", "LS", "PRUNE", "RM"]


def _create(arguments: Arguments, call: Call) -> str:
    name = arguments.operands[0] if arguments.operands else ""
    if arguments.one("driver") not in ("", "local"):
        raise UnsupportedError(
            f"docker volume create --driver {arguments.one('driver')} is not available in this "
            "version of container-magics",
            hint="local is the only driver: leave it out.",
        )
    volume = call.engine.create_volume(name, labels(arguments.all("label")))
    call.surface.write(f"{volume.name}\n")
    return volume.name


CREATE = Command(
    Grammar(
        "volume create",
        "[OPTIONS] [VOLUME]",
        "Create a volume",
        most=1,
        flags=(
            Flag("driver", "the volume's driver", "d", "DRIVER", "local"),
            Flag("label", "set metadata of the volume", value="NAME[=VALUE]"),
        ),
        refused={
            **refuse("opt/o", "A volume is a directory of the engine: leave it out."),
            **refuse("name", "Write the name without a flag."),
            **refuse("availability group limit-bytes required-bytes scope secret sharing type"),
            **refuse("topology-preferred topology-required"),
        },
    ),
    _create,
)


# --- ls -----------------------------------------------------------------------------------------


def _ls(arguments: Arguments, call: Call) -> Table | Lines:
    engine = call.engine
    chosen = engine.volumes()
    for text in arguments.all("filter"):
        keep = _filter(text, engine)
        chosen = [volume for volume in chosen if keep(volume)]
    if arguments.on("quiet"):
        return Lines(volume.name for volume in chosen)
    rows = [_row(volume) for volume in chosen]
    lines = formatted(rows, arguments.one("format"), {"Name": "VOLUME NAME"})
    if lines is not None:
        return lines
    return Table([Column("Driver", "DRIVER"), Column("Name", "VOLUME NAME")], rows)


def _row(volume: VolumeSummary) -> dict[str, str]:
    return {
        "Driver": volume.driver,
        "Labels": label_text(volume.labels),
        "Links": "N/A",
        "Mountpoint": volume.mountpoint,
        "Name": volume.name,
        "Scope": volume.scope,
        "Size": "N/A",
    }


def _filter(text: str, engine: Engine) -> Callable[[VolumeSummary], bool]:
    key, _, value = text.partition("=")
    if key == "name":
        return lambda volume: value in volume.name
    if key == "driver":
        return lambda volume: volume.driver == value
    if key == "label":
        return lambda volume: has_label(volume.labels, value)
    if key == "dangling":
        used = {mount for each in engine.containers(every=True) for mount in each.mounts}
        return lambda volume: (volume.name not in used) == (value in TRUE)
    raise UsageError(f"invalid filter '{key}'", hint="These are: dangling, driver, label, name.")


LS = Command(
    Grammar(
        "volume ls",
        "[OPTIONS]",
        "List volumes",
        flags=(
            Flag("filter", "dangling=, driver=, label=, name=", "f", "KEY=VALUE"),
            Flag("format", "table, json, or a Go template", "", "FORMAT"),
            Flag("quiet", "only show volume names", "q"),
        ),
        refused=refuse("cluster"),
    ),
    _ls,
)


# --- rm and prune -------------------------------------------------------------------------------


def _rm(arguments: Arguments, call: Call) -> list[str]:
    force = arguments.on("force")
    return each(arguments.operands, call, lambda name: call.engine.remove_volume(name, force=force))


RM = Command(
    Grammar(
        "volume rm",
        "[OPTIONS] VOLUME [VOLUME...]",
        "Remove one or more volumes",
        least=1,
        most=None,
        flags=(Flag("force", "a volume that is not there is no error", "f"),),
    ),
    _rm,
)


def _prune(arguments: Arguments, call: Call) -> PruneReport:
    every = arguments.on("all")
    which = "all" if every else "anonymous"
    confirm(
        arguments,
        call,
        "volume prune",
        f"{which} local volumes not used by at least one container",
    )
    deleted, reclaimed = call.engine.prune_volumes(every=every)
    return report_prune(call, "Volumes", deleted, reclaimed)


PRUNE = Command(
    Grammar(
        "volume prune",
        "[OPTIONS]",
        "Remove unused local volumes",
        flags=(
            Flag("all", "remove all unused volumes, not just anonymous ones", "a"),
            Flag("force", "do not ask", "f"),
        ),
        refused=refuse("filter", "volume ls -q --filter … gives names for volume rm."),
    ),
    _prune,
)
