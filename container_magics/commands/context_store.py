"""`docker context create`, `inspect` and `rm`: engines on other machines, by a name."""

from __future__ import annotations

import csv
from pathlib import Path

from ..engines.context_store import TLS_NAMES, create_context, described, remove_context
from ..engines.contexts import EMBEDDED, configured_context, find_context
from ..errors import ConflictError, UsageError
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, refuse
from .results import Document, Lines
from .template import Template

__all__ = ["CREATE", "INSPECT", "REMOVE"]

_KEYS = ("from", "host", *TLS_NAMES, "skip-tls-verify")
_BOOLEANS = {"1": True, "true": True, "t": True, "0": False, "false": False, "f": False}


def _create(arguments: Arguments, call: Call) -> None:
    name = arguments.operands[0]
    endpoint = _endpoint(arguments.all("docker"))
    if "host" in endpoint:
        if arguments.one("from") or "from" in endpoint:
            raise UsageError("from and host both say where the engine is", hint="Give one.")
        create_context(
            name,
            endpoint["host"],
            description=arguments.one("description"),
            tls={
                key: Path(endpoint[key]).expanduser().absolute()
                for key in TLS_NAMES
                if endpoint.get(key)
            },
            verify=not _boolean(endpoint.get("skip-tls-verify", "false")),
        )
    else:
        known = arguments.one("from") or endpoint.get("from") or configured_context()[0]
        _copy(known, name, arguments.one("description"))
    call.surface.write(f'{name}\nSuccessfully created context "{name}"\n')


def _copy(known: str, name: str, description: str) -> None:
    source = find_context(known)
    if source.name == EMBEDDED:
        raise UsageError(
            "the embedded engine has no endpoint that a context could name",
            hint="Say where the engine is: --docker host=tcp://HOST:2376.",
        )
    files = {key: source.tls.file(f"{key}.pem") for key in TLS_NAMES} if source.tls else {}
    create_context(
        name,
        source.endpoint,
        description=description or source.description,
        tls={key: Path(path) for key, path in files.items() if path},
        verify=source.tls is None or source.tls.verify,
    )


def _endpoint(texts: tuple[str, ...]) -> dict[str, str]:
    """The pairs of `--docker`."""
    pairs: dict[str, str] = {}
    for field in (field for row in csv.reader(texts) for field in row):
        key, equals, value = field.partition("=")
        if not equals or key not in _KEYS:
            raise UsageError(
                f'invalid argument "{field}" for "--docker" flag',
                hint=f"It is KEY=VALUE, with commas between; the keys are {', '.join(_KEYS)}.",
            )
        pairs[key] = value
    if pairs and not pairs.keys() & {"host", "from"}:
        raise UsageError("--docker names no host", hint="Write --docker host=tcp://HOST:2376,…")
    return pairs


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise UsageError(f'skip-tls-verify: "{text}" is neither true nor false')
    return _BOOLEANS[text.lower()]


def _remove(arguments: Arguments, call: Call) -> Lines:
    opened = call.session.opened
    used = {configured_context()[0], opened.name if opened else ""}
    for name in arguments.operands:
        if name in used and not arguments.on("force"):
            raise ConflictError(f'context "{name}" is in use, set -f flag to force remove')
        remove_context(name)
    return Lines(arguments.operands)


def _inspect(arguments: Arguments, call: Call) -> Document | Lines:
    names = arguments.operands or (call.session.choice.context.name,)
    found = [described(find_context(name)) for name in names]
    form = arguments.one("format")
    if form not in ("", "json"):
        template = Template(form)
        return Lines(template.render(item) for item in found)
    return Document(found)


CREATE = Command(
    Grammar(
        "context create",
        "[OPTIONS] CONTEXT",
        "Name an engine, on this machine or another",
        least=1,
        most=1,
        flags=(
            Flag("description", "what it is, for people", value="TEXT"),
            Flag("docker", f"where it is: {', '.join(_KEYS)}", value="KEY=VALUE,…"),
            Flag("from", "copy another context's endpoint", value="CONTEXT"),
        ),
        refused=refuse("default-stack-orchestrator kubernetes"),
    ),
    _create,
)
REMOVE = Command(
    Grammar(
        "context rm",
        "[OPTIONS] CONTEXT [CONTEXT...]",
        "Remove one or more contexts",
        least=1,
        most=None,
        flags=(Flag("force", "also one that is in use", "f"),),
    ),
    _remove,
)
INSPECT = Command(
    Grammar(
        "context inspect",
        "[OPTIONS] [CONTEXT...]",
        "Display what is known of contexts; of the one in use, if none is named",
        most=None,
        flags=(Flag("format", "json, or a Go template", "f", "FORMAT"),),
    ),
    _inspect,
)
