"""The instructions of a Dockerfile as values: immutable, with every variable still unexpanded.

Field names follow the Dockerfile reference. Only durations are numbers (nanoseconds, as the
image configuration has them), since no variable can stand in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "Add",
    "Arg",
    "Cmd",
    "Command",
    "Copy",
    "Entrypoint",
    "Env",
    "Expose",
    "From",
    "Healthcheck",
    "Heredoc",
    "Instruction",
    "Label",
    "Maintainer",
    "Onbuild",
    "Run",
    "Shell",
    "Stopsignal",
    "User",
    "Volume",
    "Workdir",
]

Pairs = tuple[tuple[str, str], ...]

_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Command:
    """What RUN, CMD, ENTRYPOINT and HEALTHCHECK run.

    Attributes:
        shell: shell form, to be given to the image's SHELL; else exec form.
        words: shell form: one word, the text as written ("" after a bare `CMD`).
            Exec form: the JSON array.
    """

    shell: bool
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heredoc:
    """One here-document of a RUN, COPY or ADD.

    Attributes:
        name: the word after `<<`, without quotes; for COPY and ADD the file's name.
        body: the lines as written, each with its line ending.
        expand: variables in the body are expanded (the word was not quoted); COPY and ADD only.
        chomp: written `<<-`: leading tabs do not count.
    """

    name: str
    body: str
    expand: bool
    chomp: bool

    @property
    def content(self) -> str:
        """The body, without leading tabs where `chomp` says so; variables unexpanded."""
        return _LEADING_TABS.sub("", self.body) if self.chomp else self.body


@dataclass(frozen=True, slots=True)
class Instruction:
    """What all instructions have.

    Attributes:
        line: 1-based line on which it starts.
        end_line: line on which it ends, here-documents included.
        text: the instruction on one line, as progress and errors show it: the keyword in
            capitals, continuation lines joined, no here-document.
    """

    line: int
    end_line: int
    text: str

    @property
    def keyword(self) -> str:
        """The instruction's name in capitals, such as `RUN`."""
        return type(self).__name__.upper()


@dataclass(frozen=True, slots=True)
class From(Instruction):
    """The start of a stage.

    Attributes:
        image: an image's name, `scratch`, or an earlier stage's name.
        alias: the name after AS, lower-cased, or "".
        platform: such as `linux/arm64`, or "".
    """

    image: str
    alias: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Run(Instruction):
    """A command run while building.

    Attributes:
        command: shell or exec form; a shell form still has its `<<EOF` words.
        flags: (name, value) as written and in order, such as `("mount", "type=cache,…")`.
        heredocs: in the order of their words.
        heredoc_is_script: the command is one here-document word and nothing else, so the
            body is what runs (through `#!` where it has one, else through the shell).
    """

    command: Command
    flags: Pairs = ()
    heredocs: tuple[Heredoc, ...] = ()
    heredoc_is_script: bool = False

    @property
    def script(self) -> str:
        """The shell form's whole text, here-documents put back: what the SHELL is given."""
        text = "".join(self.command.words)
        if self.heredoc_is_script:
            return self.heredocs[0].content
        return text + "".join(f"\n{heredoc.body}{heredoc.name}" for heredoc in self.heredocs)


@dataclass(frozen=True, slots=True)
class Cmd(Instruction):
    """The default command of containers."""

    command: Command


@dataclass(frozen=True, slots=True)
class Entrypoint(Instruction):
    """The program that containers always run."""

    command: Command


@dataclass(frozen=True, slots=True)
class Copy(Instruction):
    """Files from the context, a stage or an image.

    Attributes:
        sources: paths and wildcards; here-documents are not among them.
        destination: a path; a directory if it ends in `/`.
        from_stage: stage name, number or image name, or "" for the context.
        chown: `user:group`, or "".
        chmod: octal or symbolic mode, or "".
        heredocs: files written in the Dockerfile itself.
        flags: every flag as written and in order, those above included; a boolean one is
            "true" or "false".
        exclude: patterns of what is left out, as `.dockerignore` has them.
        link: the layer does not depend on what is below.
        parents: the directories that a source is written with are kept.
    """

    sources: tuple[str, ...]
    destination: str
    from_stage: str = ""
    chown: str = ""
    chmod: str = ""
    heredocs: tuple[Heredoc, ...] = ()
    flags: Pairs = ()
    exclude: tuple[str, ...] = ()
    link: bool = False
    parents: bool = False


@dataclass(frozen=True, slots=True)
class Add(Instruction):
    """As `Copy` from the context, with URLs, git repositories and archives.

    Attributes:
        checksum: what a URL's content, or a repository's commit, must be, or "".
        keep_git_dir: leave `.git` in what comes of a repository; None where it is not said.
        unpack: unpack archives; None for those of the context only.
    """

    sources: tuple[str, ...]
    destination: str
    chown: str = ""
    chmod: str = ""
    heredocs: tuple[Heredoc, ...] = ()
    flags: Pairs = ()
    exclude: tuple[str, ...] = ()
    link: bool = False
    checksum: str = ""
    keep_git_dir: bool | None = None
    unpack: bool | None = None


@dataclass(frozen=True, slots=True)
class Workdir(Instruction):
    """The working directory from here on."""

    path: str


@dataclass(frozen=True, slots=True)
class Env(Instruction):
    """Environment variables; the values still have their quotes."""

    pairs: Pairs


@dataclass(frozen=True, slots=True)
class Arg(Instruction):
    """Build arguments: (name, default), the default None where none is written."""

    pairs: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Expose(Instruction):
    """Ports, each `port`, `port/protocol` or a range, in the order written."""

    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Label(Instruction):
    """Labels; keys and values still have their quotes."""

    pairs: Pairs


@dataclass(frozen=True, slots=True)
class User(Instruction):
    """The user, `user[:group]`, from here on."""

    user: str


@dataclass(frozen=True, slots=True)
class Volume(Instruction):
    """Paths declared as volumes."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shell(Instruction):
    """The words that shell forms are appended to from here on."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stopsignal(Instruction):
    """The signal, by name or number, that stops a container."""

    signal: str


@dataclass(frozen=True, slots=True)
class Healthcheck(Instruction):
    """How a container is probed.

    Attributes:
        none: `HEALTHCHECK NONE`: the base image's probe is switched off.
        command: the probe; None where `none`.
        interval: nanoseconds; 0 for this and the next three: the default.
        timeout: nanoseconds.
        start_period: nanoseconds.
        retries: consecutive failures until unhealthy.
        start_interval: nanoseconds; 0: the default.
    """

    none: bool
    command: Command | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    retries: int = 0
    start_interval: int = 0


@dataclass(frozen=True, slots=True)
class Onbuild(Instruction):
    """An instruction for builds that start from this image.

    Attributes:
        trigger: its text, here-documents included, as the image configuration keeps it and
            `parse_instruction` reads it.
        parsed: the same, parsed.
    """

    trigger: str
    parsed: Instruction


@dataclass(frozen=True, slots=True)
class Maintainer(Instruction):
    """The author (deprecated)."""

    name: str
