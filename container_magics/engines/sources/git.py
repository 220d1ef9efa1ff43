"""Checking out git repositories with the `git` program, as BuildKit's git source does.

    parse ──► resolve (asks the remote which commit is meant) ──► checkout (fetches that one)

The user's own git configuration counts, so that credential helpers, proxies and known hosts
work. What would make the result differ from one user to the next does not: hooks, templates, line
endings, LFS, the umask. Nothing ever prompts.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ...errors import BuildError
from ..events import Cancellation
from .git_url import GitUrl, is_git_url, parse, redacted, secret_and_plain

__all__ = ["GitUrl", "Revision", "checkout", "is_git_url", "parse", "resolve"]

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-fA-F]+")
_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_OPTIONS = (
    *("-c", "protocol.file.allow=user"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.autocrlf=false"),
    *("-c", "core.symlinks=true"),
    *("-c", "core.fileMode=true"),
    *("-c", "init.defaultBranch=master"),
    *("-c", "advice.detachedHead=false"),
    *("-c", "fetch.recurseSubmodules=false"),
    *("-c", "gc.auto=0"),
    *("-c", "http.lowSpeedLimit=1"),
    *("-c", "http.lowSpeedTime=60"),
)
_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "SSH_ASKPASS"),
)
_BRANCHES_AND_TAGS = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
_REFUSED = ("not our ref", "unadvertised object", "shallow", "--depth")


class Revision(NamedTuple):
    """What a URL means at this moment.

    Attributes:
        ref: the full name of the branch or tag, or the commit's ID where the URL has that.
        object: the ID it names: of a commit, or of an annotated tag.
        commit: the ID of the commit.
    """

    ref: str
    object: str
    commit: str


def resolve(url: GitUrl, cancel: Cancellation) -> Revision:
    """Ask the remote which commit is meant; a full commit ID needs no asking.

    Raises:
        BuildError: no `git` here, no answer, no such ref, or another commit than `checksum`.
    """
    if url.checksum and not _HEX.fullmatch(url.checksum):
        raise BuildError(f"invalid checksum {url.checksum} for Git URL, expected hex commit hash")
    if _COMMIT.fullmatch(url.ref):
        revision = Revision(url.ref, url.ref, url.ref)
    else:
        revision = _ask(url, cancel)
    if not revision.object.startswith(url.checksum):
        _check(url, revision.commit)
    return revision


def checkout(
    url: GitUrl,
    directory: Path,
    cancel: Cancellation,
    *,
    keep_git_dir: bool = False,
    revision: Revision | None = None,
) -> str:
    """Fill an empty directory with a repository's files, or those of the URL's `subdir`.

    Only the commit that is meant is fetched where the server allows that. Submodules are checked
    out too, recursively, unless the URL says otherwise. Files have the time of the checkout, and
    the modes 0644 and 0755.

    Args:
        url: what to check out.
        directory: exists, and is empty.
        cancel: ends it.
        keep_git_dir: leave `.git`, with a history of one commit; not for a `subdir`.
        revision: what `resolve` said, if it was asked.

    Returns:
        The commit's ID.

    Raises:
        BuildError: see `resolve`; the repository can't be fetched, or has no such `subdir`.
    """
    if revision is None:
        revision = resolve(url, cancel)
    subdir = os.path.normpath(f"/{url.subdir}").strip("/")
    kept = keep_git_dir and not subdir
    with tempfile.TemporaryDirectory(prefix=".checkout-", dir=directory) as temporary:
        work = Path(temporary, "work") if subdir else directory
        work.mkdir(exist_ok=True)
        repository = directory / ".git" if kept else Path(temporary, "git")
        git = _Git(url.remote, cancel, repository, work)
        git.run("init", "--quiet", "--template=", *_object_format(revision.object))
        git.run("remote", "add", "--", "origin", git.remote)
        _fetch(git, revision)
        commit = git.run("rev-parse", f"{revision.object}^{{commit}}").strip()
        if not revision.object.startswith(url.checksum):
            _check(url, commit)
        git.run("checkout", "--quiet", "--force", "--detach", commit)
        if url.submodules and (work / ".gitmodules").is_file():
            git.run("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
        if kept:
            git.run("reflog", "expire", "--all", "--expire=now")
            (directory / ".git" / "FETCH_HEAD").unlink(missing_ok=True)
        else:
            _remove_git_files(work)
        if subdir:
            _move(work, subdir, directory)
    return commit


def _ask(url: GitUrl, cancel: Cancellation) -> Revision:
    git = _Git(url.remote, cancel)
    shown = redacted(url.remote)
    ref = url.ref
    if not ref:
        answer = git.run("ls-remote", "--symref", "--", git.remote, "HEAD")
        branch = re.search(r"^ref: (refs/heads/\S+)\tHEAD$", answer, re.MULTILINE)
        if branch is None:
            raise BuildError(f"could not find default branch for repository: {shown}")
        ref = branch[1]
    answer = git.run("ls-remote", "--", git.remote, ref, f"{ref}^{{}}")
    found = {name: id_ for id_, _, name in (row.partition("\t") for row in answer.splitlines())}
    bare = ref.removeprefix("refs/")
    for name in (f"refs/{bare}", f"{_HEADS}{ref}", f"{_TAGS}{ref}"):
        if _COMMIT.fullmatch(found.get(name, "")):
            return Revision(name, found[name], found.get(f"{name}^{{}}", found[name]))
    raise BuildError(
        f"repository does not contain ref {ref}",
        hint=f"Looked in {shown}. A commit needs its full ID, of 40 characters.",
    )


def _check(url: GitUrl, commit: str) -> None:
    if not commit.startswith(url.checksum):
        raise BuildError(f"expected checksum to match {url.checksum}, got {commit}")


def _object_format(object_id: str) -> Sequence[str]:
    return ("--object-format=sha256",) if len(object_id) == 64 else ()


def _fetch(git: _Git, revision: Revision) -> None:
    """Fetch one commit by its ID, or more from a server that doesn't give it alone."""
    named = revision.ref.startswith("refs/") and revision.ref != revision.object
    spec = f"{revision.object}:{revision.ref}" if named else revision.object
    fetch = ("fetch", "--quiet", "--no-tags", "--update-head-ok")
    try:
        git.run(*fetch, "--depth=1", "--", git.remote, spec)
    except BuildError as error:
        if not any(word in error.message for word in _REFUSED):
            raise
        wanted = [f"+{revision.ref}:{revision.ref}"] if named else _BRANCHES_AND_TAGS
        git.run(*fetch, "--", git.remote, *wanted)
        if named:
            git.run("update-ref", revision.ref, revision.object)


def _remove_git_files(work: Path) -> None:
    """Take away the `.git` files of submodules; they name a directory that will be gone."""
    for directory, _, names in os.walk(work):
        if ".git" in names:
            Path(directory, ".git").unlink()


def _move(work: Path, subdir: str, directory: Path) -> None:
    """Move what is in a directory of a repository out; symlinks on the way stay inside it."""
    root = work.resolve()
    source = (root / subdir).resolve()
    if not source.is_dir() or not source.is_relative_to(root):
        raise BuildError(f"failed to open subdir {subdir}: the repository has no such directory")
    for path in source.iterdir():
        path.rename(directory / path.name)


class _Git:
    """Runs `git`, in a repository or outside of any.

    A password or token in the remote's URL is given to git alone, and gets into no file.

    Attributes:
        remote: the remote, without it.
    """

    def __init__(
        self,
        remote: str,
        cancel: Cancellation,
        directory: Path | None = None,
        work: Path | None = None,
    ) -> None:
        self._cancel = cancel
        self._work = work
        program = shutil.which("git")
        if program is None:
            raise BuildError(
                "git sources need the program git, which is not installed",
                hint="Install it: apt-get install git, or conda install git.",
            )
        self._command = [program, *_OPTIONS]
        self.remote = remote
        if bases := secret_and_plain(remote):
            secret, plain = bases
            self.remote = plain + remote.removeprefix(secret)
            self._command += ["-c", f"url.{secret.replace('=', '%3D')}.insteadOf={plain}"]
        if directory is not None:
            self._command += [f"--git-dir={directory}", f"--work-tree={work}"]
        self._environment = {k: v for k, v in os.environ.items() if k not in _REPOSITORY} | {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "SSH_ASKPASS_REQUIRE": "never",
            "LC_ALL": "C",
        }

    def run(self, *words: str) -> str:
        """Run a command of git, and return its output.

        Raises:
            BuildError: it failed, with its last words; or the build was cancelled.
        """
        process = subprocess.Popen(
            [*self._command, *words],
            cwd=self._work or "/",
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=0o022,
        )

        def end() -> None:
            with suppress(ProcessLookupError):
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

        self._cancel.on_cancel(end)
        output, errors = process.communicate()
        if self._cancel.cancelled:
            raise BuildError("the build was cancelled")
        if process.returncode:
            said = redacted(errors.decode("utf-8", "replace").strip())
            raise BuildError(f"git {words[0]} failed: {said}", hint=_hint(said))
        return output.decode("utf-8", "replace")


def _hint(said: str) -> str:
    if "could not read Username" in said or "Authentication failed" in said:
        return "The repository asks for a password: set up a git credential helper, or use SSH."
    if "Host key verification failed" in said:
        return "SSH does not know this host yet: connect to it once with ssh."
    if "Permission denied (publickey" in said:
        return "No SSH key was accepted: is the key loaded (ssh-add -l)?"
    return ""
