"""What a COPY or ADD says, and whether its parts go together."""

from __future__ import annotations

from collections.abc import Mapping

from .....dockerfile import Add, Copy, IgnoreRules, expand, expand_heredoc
from .....errors import DockerfileError
from ....sources.git import is_git_url
from ....sources.http import is_http_url
from .found import literal

__all__ = ["CopyArguments"]


class CopyArguments:
    """A COPY or ADD with its variables expanded.

    Args:
        instruction: as written.
        names: the variables that it sees.
        escape: the Dockerfile's escape character.

    Attributes:
        keyword: COPY or ADD.
        sources, documents: what is copied: paths and URLs as written, and here-documents.
        destination, chown, chmod, checksum: as written; "" for none.
        patterns, exclude: what is left out of the sources, as written and as rules.
        parents: whether the directories on the way to a source are kept.
        unpack: whether archives are unpacked; None where it is not said.

    Raises:
        DockerfileError: flags and sources that do not go together, or a malformed pattern.
    """

    def __init__(self, instruction: Copy | Add, names: Mapping[str, str], escape: str) -> None:
        self.instruction = instruction
        self.keyword = instruction.keyword
        self.sources = [expand(source, names, escape) for source in instruction.sources]
        self.destination = expand(instruction.destination, names, escape)
        self.chown = expand(instruction.chown, names, escape)
        self.chmod = expand(instruction.chmod, names, escape)
        patterns = [expand(pattern, names, escape).strip() for pattern in instruction.exclude]
        self.patterns = [pattern for pattern in patterns if pattern]
        self.exclude = IgnoreRules.of(self.patterns)
        self.documents = [
            literal(h.name, (expand_heredoc(h.content, names) if h.expand else h.content).encode())
            for h in instruction.heredocs
        ]
        self.parents, self.checksum, self.unpack = False, "", None
        if isinstance(instruction, Copy):
            self.parents = instruction.parents
            self._check_copy()
        else:
            self.checksum = expand(instruction.checksum, names, escape)
            self.unpack = instruction.unpack
            self._check_add()
        if len(self.sources) + len(self.documents) > 1 and not self.destination.endswith("/"):
            raise DockerfileError(
                f"When using {self.keyword} with more than one source file, "
                "the destination must be a directory and end with a /"
            )

    @property
    def words(self) -> str:
        """The instruction as the image's history has it."""
        flags = ["--parents"] if self.parents else []
        documents = [f"<<{heredoc.name}" for heredoc in self.instruction.heredocs]
        return " ".join([self.keyword, *flags, *self.sources, *documents, self.destination])

    def _check_copy(self) -> None:
        for source in self.sources:
            if is_git_url(source):
                raise DockerfileError("source can't be a git ref for COPY", hint="ADD takes one.")
            if is_http_url(source):
                raise DockerfileError("source can't be a URL for COPY", hint="ADD takes one.")

    def _check_add(self) -> None:
        if not self.checksum:
            return
        if len(self.sources) != 1:
            raise DockerfileError("checksum can't be specified for multiple sources")
        if not is_git_url(self.sources[0]) and not is_http_url(self.sources[0]):
            raise DockerfileError("checksum requires HTTP(S) or Git sources")
