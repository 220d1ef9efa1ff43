"""Every exception that container-magics raises on purpose.

    ContainerMagicsError
    ├── UsageError                 the words typed make no sense: unknown verb, flag, value
    │   ├── UnsupportedError       understood, but this engine or rung cannot honour it
    │   └── InvalidReferenceError  not an image name
    ├── DockerfileError            the Dockerfile cannot be read; has line and text
    ├── BuildCheckError            a Dockerfile that breaks a rule of `build --check`
    ├── BuildError                 a build that started and failed; has the step
    │   ├── StepFailedError        a RUN that exited non-zero; has the exit code and last lines
    │   └── SourceNotFoundError    a COPY or ADD source that is missing or leaves the context
    ├── RunError                   a container that could not start, or exited non-zero
    ├── NotFoundError              no such image, container, context …
    ├── ConflictError              a name in use, an image in use
    ├── RegistryError              a registry refused, or answered nonsense
    │   ├── PullError              no registry could give the image; has every answer
    │   │   ├── UnreachableError   none of them answered at all
    │   │   └── ExhaustedError     one that has had enough of this address or account
    │   └── PushError              a registry did not take the image
    ├── ConfigurationError         a configuration file of docker's is damaged
    ├── CredentialsError           a credential could not be had or kept
    ├── FetchError                 the packages for a stand-in cannot be had here
    ├── ThresholdError             an image that breaks a limit that was set for it
    ├── EngineUnavailableError     the chosen engine does not answer
    ├── SandboxError               no rung of the isolation ladder works, or one broke
    ├── StoreError                 the store is damaged, full or not writable
    └── CorruptArchiveError        an archive, layer or manifest that breaks its specification

A message says what happened, where, and what to do. `hint` holds the last part where it is
apart, so that a notebook can set it off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = [
    "BuildCheckError",
    "BuildError",
    "ConfigurationError",
    "ConflictError",
    "ContainerMagicsError",
    "CorruptArchiveError",
    "CredentialsError",
    "DockerfileError",
    "EngineUnavailableError",
    "ExhaustedError",
    "FetchError",
    "InvalidReferenceError",
    "NotFoundError",
    "PullError",
    "PushError",
    "RegistryError",
    "RunError",
    "SandboxError",
    "SourceNotFoundError",
    "StepFailedError",
    "StoreError",
    "ThresholdError",
    "UnreachableError",
    "UnsupportedError",
    "UsageError",
]


_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def _shown(texts: Iterable[str]) -> list[str]:
    """Lines that a terminal or a notebook shows as they are: no colours, no control characters."""
    lines = (line for text in texts for line in (text.splitlines()))
    return [
        _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _ESCAPE_SEQUENCE.sub("", line)) for line in lines
    ]


class ContainerMagicsError(Exception):
    """Base of all; `str()` is the message for people, `hint` what they can do about it.

    Attributes:
        line: 1-based line of the instruction in the Dockerfile that it happened at, or 0.
        excerpt: the Dockerfile around that instruction, for people, or "".
    """

    exit_code = 1
    line = 0
    excerpt = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, self.excerpt, self.hint) if part)

    def _render_traceback_(self) -> list[str]:
        """Give IPython a message in place of our frames (IPython calls this by name)."""
        return _shown([f"{type(self).__name__}: {self.message}", self.excerpt, self.hint])


class UsageError(ContainerMagicsError):
    """The words typed make no sense: an unknown verb, flag or value."""

    exit_code = 125


class UnsupportedError(UsageError):
    """A verb or flag that is understood, but that this engine or rung cannot honour."""


class InvalidReferenceError(UsageError):
    """A text that is not an image name by the grammar of the distribution specification."""


class DockerfileError(ContainerMagicsError):
    """A Dockerfile that cannot be read.

    Attributes:
        line: 1-based line of the instruction, or 0 where none can be named.
        text: that line as written.
        end_line: the last line of the instruction, or 0 where that is not known.
    """

    def __init__(
        self, message: str, *, line: int = 0, text: str = "", end_line: int = 0, hint: str = ""
    ) -> None:
        where = f"Dockerfile line {line}: " if line else ""
        super().__init__(f"{where}{message}", hint=hint)
        self.reason = message
        self.line = line
        self.text = text
        self.end_line = end_line

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, self._quote(), self.hint) if part)

    def _quote(self) -> str:
        return self.excerpt or (f"  {self.line} | {self.text}" if self.text else "")

    def _render_traceback_(self) -> list[str]:
        return _shown([f"DockerfileError: {self.message}", self._quote(), self.hint])


class BuildCheckError(ContainerMagicsError):
    """A Dockerfile that breaks rules of `build --check`; they were shown."""


class BuildError(ContainerMagicsError):
    """A build that started and failed.

    Attributes:
        step: the step as the progress shows it, such as `[build 2/4] RUN go build`.
        line: 1-based line of its instruction in the Dockerfile, or 0.
    """

    def __init__(self, message: str, *, step: str = "", line: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.step = step
        self.line = line


class StepFailedError(BuildError):
    """A RUN whose process exited non-zero.

    Attributes:
        returncode: its exit status; 128 + N after signal N.
        tail: the last lines of its output.
    """

    def __init__(
        self,
        message: str,
        *,
        returncode: int,
        tail: Sequence[str] = (),
        step: str = "",
        line: int = 0,
        hint: str = "",
    ) -> None:
        super().__init__(message, step=step, line=line, hint=hint)
        self.returncode = returncode
        self.tail = tuple(tail)

    def _render_traceback_(self) -> list[str]:
        return _shown(
            [
                f"StepFailedError: {self.message}",
                *(f"  {line}" for line in self.tail),
                self.excerpt,
                self.hint,
            ]
        )


class SourceNotFoundError(BuildError):
    """A COPY or ADD source that does not exist, is ignored, or leaves the build context."""


class RunError(ContainerMagicsError):
    """A container that could not be started, or whose command exited non-zero.

    Attributes:
        returncode: as `docker run` exits: the command's own, 125 engine, 126 not executable,
            127 not found, 128 + N after signal N.
    """

    def __init__(self, message: str, *, returncode: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.returncode = returncode
        self.exit_code = returncode


class NotFoundError(ContainerMagicsError):
    """No such image, container or context."""


class ConflictError(ContainerMagicsError):
    """A name that is taken, or an image that a container uses."""


class RegistryError(ContainerMagicsError):
    """A registry refused, could not be reached, or broke the distribution specification.

    Attributes:
        answers: (registry host, what it answered) in the order asked.
    """

    def __init__(
        self, message: str, *, answers: Sequence[tuple[str, str]] = (), hint: str = ""
    ) -> None:
        lines = "".join(f"\n  {host}: {answer}" for host, answer in answers)
        super().__init__(message + lines, hint=hint)
        self.answers = tuple(answers)


class PullError(RegistryError):
    """No registry could give the image."""


class PushError(RegistryError):
    """A registry did not take the image, or could not be reached."""


class ConfigurationError(ContainerMagicsError):
    """A configuration file of docker's is damaged, or cannot be read or written."""


class CredentialsError(ContainerMagicsError):
    """A credential could not be had or kept: a helper failed, or nobody can be asked."""


class FetchError(ContainerMagicsError):
    """The packages for a stand-in cannot be had here; the message has apt's own last words."""


class UnreachableError(PullError):
    """No registry could be spoken to at all: nothing is known about the image."""


class ExhaustedError(PullError):
    """A registry has had enough pulls from this address or account: `toomanyrequests`."""


class ThresholdError(ContainerMagicsError):
    """An image that breaks a limit that was set for it, such as `layers --lowest-efficiency`."""


class EngineUnavailableError(ContainerMagicsError):
    """The chosen engine does not answer."""


class SandboxError(ContainerMagicsError):
    """No rung of the isolation ladder works here, or the launcher broke."""


class StoreError(ContainerMagicsError):
    """The embedded engine's store is damaged, full or not writable."""


class CorruptArchiveError(ContainerMagicsError):
    """An archive, layer or manifest that breaks its specification, or is unsafe to unpack."""
