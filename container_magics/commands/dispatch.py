"""From the words after `docker` to a command and its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import UnsupportedError, UsageError
from .building.build import BUILD
from .call import Call, Command
from .containers import networks, volumes
from .containers.attach import ATTACH, START
from .containers.changing import RENAME, UPDATE
from .containers.commit import COMMIT
from .containers.cp import CP
from .containers.create import CREATE as CONTAINER_CREATE
from .containers.exec import EXEC
from .containers.lifecycle import KILL, PAUSE, RESTART, STOP, UNPAUSE, WAIT
from .containers.logs import LOGS
from .containers.looking import DIFF, PORT, TOP
from .containers.ps import PS
from .containers.removal import PRUNE as CONTAINER_PRUNE
from .containers.removal import RM
from .containers.run import RUN
from .containers.stats import STATS
from .context import LS, SHOW, USE
from .context_store import CREATE, REMOVE
from .context_store import INSPECT as CONTEXT_INSPECT
from .grammar import Arguments, Flag, Grammar, nearest
from .history import HISTORY
from .images import IMAGES
from .inspect import (
    CONTAINER_INSPECT,
    IMAGE_INSPECT,
    INSPECT,
    NETWORK_INSPECT,
    VOLUME_INSPECT,
)
from .login import LOGIN, LOGOUT
from .manifest import INSPECT as MANIFEST_INSPECT
from .pushing import PUSH
from .removal import BUILDER_PRUNE, PRUNE, RMI, TAG
from .results import Lines
from .system import INFO, VERSION
from .transfer import EXPORT, IMPORT, LOAD, PULL, SAVE

__all__ = ["VERBS", "Resolved", "overview", "resolve"]

_CONTAINER_VERBS = {
    "attach": ATTACH,
    "commit": COMMIT,
    "cp": CP,
    "create": CONTAINER_CREATE,
    "diff": DIFF,
    "exec": EXEC,
    "export": EXPORT,
    "kill": KILL,
    "logs": LOGS,
    "pause": PAUSE,
    "port": PORT,
    "ps": PS,
    "rename": RENAME,
    "restart": RESTART,
    "rm": RM,
    "run": RUN,
    "start": START,
    "stats": STATS,
    "stop": STOP,
    "top": TOP,
    "unpause": UNPAUSE,
    "update": UPDATE,
    "wait": WAIT,
}
"""What docker has both as one word and under `container`."""

VERBS: Mapping[str, Command] = dict(
    sorted(
        {
            **_CONTAINER_VERBS,
            "build": BUILD,
            "history": HISTORY,
            "images": IMAGES,
            "import": IMPORT,
            "info": INFO,
            "inspect": INSPECT,
            "load": LOAD,
            "login": LOGIN,
            "logout": LOGOUT,
            "pull": PULL,
            "push": PUSH,
            "rmi": RMI,
            "save": SAVE,
            "tag": TAG,
            "version": VERSION,
        }.items()
    )
)
"""The verbs of one word."""

_IMAGE_VERBS = {
    "build": BUILD,
    "history": HISTORY,
    "import": IMPORT,
    "inspect": IMAGE_INSPECT,
    "list": IMAGES,
    "load": LOAD,
    "ls": IMAGES,
    "prune": PRUNE,
    "pull": PULL,
    "push": PUSH,
    "remove": RMI,
    "rm": RMI,
    "save": SAVE,
    "tag": TAG,
}
GROUPS: Mapping[str, Mapping[str, Command]] = {
    "image": _IMAGE_VERBS,
    "context": {
        "create": CREATE,
        "inspect": CONTEXT_INSPECT,
        "list": LS,
        "ls": LS,
        "remove": REMOVE,
        "rm": REMOVE,
        "show": SHOW,
        "use": USE,
    },
    "container": {
        **_CONTAINER_VERBS,
        "inspect": CONTAINER_INSPECT,
        "list": PS,
        "ls": PS,
        "prune": CONTAINER_PRUNE,
        "remove": RM,
    },
    "manifest": {"inspect": MANIFEST_INSPECT},
    "network": {
        "connect": networks.CONNECT,
        "create": networks.CREATE,
        "disconnect": networks.DISCONNECT,
        "inspect": NETWORK_INSPECT,
        "list": networks.LS,
        "ls": networks.LS,
        "remove": networks.RM,
        "rm": networks.RM,
    },
    "volume": {
        "create": volumes.CREATE,
        "inspect": VOLUME_INSPECT,
        "list": volumes.LS,
        "ls": volumes.LS,
        "prune": volumes.PRUNE,
        "remove": volumes.RM,
        "rm": volumes.RM,
    },
    "system": {"info": INFO},
    "builder": {"build": BUILD, "prune": BUILDER_PRUNE},
    "buildx": {"b": BUILD, "build": BUILD, "prune": BUILDER_PRUNE},
}

_INSTEAD = {
    "search": "Look on the registry's web page.",
    "compose": "Run the services one by one.",
}
_NOT_YET = {
    *_INSTEAD,
    *["checkpoint", "config", "events", "node", "plugin"],
    *["secret", "service", "stack", "swarm", "trust"],
}
_GROUPS_NOT_YET = {
    "image": {},
    "context": dict.fromkeys(
        ("export", "import", "update"),
        "The docker CLI does it, and what it stores can be used here.",
    ),
    "container": {},
    "manifest": dict.fromkeys(
        ("annotate", "create", "push", "rm"), "`skopeo copy --all` moves a list of manifests."
    ),
    "network": {"prune": "network ls -q --filter dangling=true gives names for network rm."},
    "volume": {"update": ""},
    "system": {
        "df": "`images` shows sizes.",
        "prune": "`image prune`, `container prune` and `volume prune` do it.",
        "events": "",
    },
    "builder": {},
    "buildx": dict.fromkeys(("bake", "create", "du", "imagetools", "inspect", "ls", "use"), ""),
}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A command line, understood.

    Attributes:
        command: the verb.
        arguments: what was given to it.
        context: the context that was named before the verb, or "".
        extra: flags that the caller added to the verb's.
    """

    command: Command
    arguments: Arguments
    context: str = ""
    extra: tuple[Flag, ...] = ()

    def check_input(self, call: Call) -> None:
        """Refuse standard input that the command would not read.

        Raises:
            UsageError: there is input and the command ignores it.
        """
        if call.stdin is None or self.arguments.help:
            return
        if not self.command.reads_input(self.arguments):
            verb = self.command.grammar.verb
            raise UsageError(
                f"docker {verb} would not read the cell's body, which is its standard input",
                hint="Add -i."
                if self.arguments.knows("interactive")
                else "Start the line with one %, and end it there.",
            )

    def run(self, call: Call) -> object:
        """Do it; returns the command's value."""
        if self.arguments.help:
            return Lines(self.command.grammar.help(self.extra).splitlines())
        return self.command.action(self.arguments, call)


def resolve(words: Sequence[str], extra: Sequence[Flag] = ()) -> Resolved:
    """Find the verb and read its arguments.

    Args:
        words: what follows `docker`.
        extra: flags to add to the verb's.

    Raises:
        UsageError: an unknown verb or flag, wrong arguments.
        UnsupportedError: a verb or flag of docker's that is not here.
    """
    rest, early, context = list(words), [], ""
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in ("--context", "-c"):
            if not equals and not rest:
                raise UsageError(f"flag needs an argument: {word}")
            context = value if equals else rest.pop(0)
        elif word in ("--help", "-h"):
            return _page(overview())
        elif word in ("--version", "-v"):
            from .. import __version__

            return _page(f"container-magics {__version__}")
        elif name in ("--host", "-H"):
            raise UnsupportedError(
                f"docker {name} is not available in this version of container-magics",
                hint="Set DOCKER_HOST, or name a context with --context.",
            )
        elif any(name == f"--{flag.name}" and not flag.value for flag in extra):
            early.append(word)
        else:
            raise UsageError(f"unknown flag: {word}", hint="See docker --help.")
    if rest[:1] == ["help"]:
        rest = [*rest[1:], "--help"]
    if rest in ([], ["--help"]):
        return _page(overview())
    if rest[0] in GROUPS and rest[1:2] in ([], ["--help"], ["-h"]):
        return _page(_group_overview(rest[0]))
    command, rest = _find(rest)
    return Resolved(command, command.grammar.parse([*early, *rest], extra), context, tuple(extra))


def overview() -> str:
    """What `docker --help` prints: every verb with its summary."""
    lines = ["Usage:  docker [--context NAME] VERB [OPTIONS] …", ""]
    for name, command in VERBS.items():
        lines.append(f"  {name:<20}{command.grammar.summary}")
    for group in ("image", "volume", "network", "context"):
        for name, command in GROUPS[group].items():
            lines.append(f"  {group + ' ' + name:<20}{command.grammar.summary}")
    return "\n".join([*lines, "", "docker VERB --help says more about a verb."])


def _group_overview(group: str) -> str:
    lines = [f"Usage:  docker {group} COMMAND", ""]
    lines += [f"  {name:<12}{command.grammar.summary}" for name, command in GROUPS[group].items()]
    return "\n".join(lines)


def _find(words: list[str]) -> tuple[Command, list[str]]:
    verb, *rest = words
    if verb in VERBS:
        return VERBS[verb], rest
    group = GROUPS.get(verb)
    if group is not None:
        if rest[0] in group:
            return group[rest[0]], rest[1:]
        raise _unknown(f"{verb} {rest[0]}", rest[0], group, _GROUPS_NOT_YET[verb], f"{verb} ")
    raise _unknown(
        verb, verb, {**VERBS, **GROUPS}, {name: _INSTEAD.get(name, "") for name in _NOT_YET}
    )


def _unknown(
    written: str,
    verb: str,
    known: Mapping[str, object],
    not_yet: Mapping[str, str],
    group: str = "",
) -> UsageError:
    if verb in not_yet:
        return UnsupportedError(
            f"'docker {written}' is not available in this version of container-magics",
            hint=not_yet[verb],
        )
    near = nearest(verb, {*known, *not_yet})
    return UsageError(
        f"docker: '{written}' is not a docker command.",
        hint=f"Did you mean 'docker {group}{near}'?" if near else "See docker --help.",
    )


def _page(text: str) -> Resolved:
    """A text to show, as a command."""
    command = Command(Grammar("", "", ""), lambda _arguments, _call: Lines(text.splitlines()))
    return Resolved(command, command.grammar.parse([]))
