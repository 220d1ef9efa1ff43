"""ADD from a Git repository."""

from ..contexts import NOW, Directory, Link, Plain
from ..model import COMMIT, GIT, REFERENCE, Case, section, stated
from .material import HEAD, STAGE

CASES = [
    *section(
        "Adding files from a Git repository",
        stated(
            "git_whole",
            HEAD + f"ADD {GIT}/repo.git /r\n",
            {},
            {
                "r": Directory(mtime=None),
                "r/readme": Plain("two\n", mtime=None),
                "r/run.sh": Plain("#!/bin/sh\n", mode=0o755, mtime=None),
                "r/link": Link("readme", mtime=None),
                "r/docs": Directory(mtime=None),
                "r/docs/a.md": Plain("a\n", mtime=None),
            },
            f"ADD {GIT}/repo.git /r # buildkit",
        ),
        stated(
            "git_tag",
            HEAD + f"ADD {GIT}/repo.git#v1 /r/\n",
            {},
            {
                "r": Directory(mtime=None),
                "r/readme": Plain("one\n", mtime=None),
                "r/run.sh": Plain("#!/bin/sh\n", mode=0o755, mtime=None),
                "r/link": Link("readme", mtime=None),
                "r/docs": Directory(mtime=None),
                "r/docs/a.md": Plain("a\n", mtime=None),
            },
            f"ADD {GIT}/repo.git#v1 /r/ # buildkit",
        ),
        stated(
            "git_branch_and_directory",
            HEAD + f"ADD {GIT}/repo.git#dev:docs /r\n",
            {},
            {"r": Directory(mtime=None), "r/a.md": Plain("a\n", mtime=None)},
            f"ADD {GIT}/repo.git#dev:docs /r # buildkit",
        ),
        stated(
            "git_commit",
            HEAD + f"ADD --chown=7:8 {GIT}/repo.git#{COMMIT}:docs /r\n",
            {},
            {
                "r": Directory(mtime=None, uid=7, gid=8),
                "r/a.md": Plain("a\n", mtime=None, uid=7, gid=8),
            },
            f"ADD {GIT}/repo.git#{COMMIT}:docs /r # buildkit",
        ),
        Case(
            "git_unknown_branch",
            HEAD + f"ADD {GIT}/repo.git#nope /r\n",
            oracle=REFERENCE,
            error="BuildError",
            words="nope",
            line=2,
        ),
        Case(
            "git_unknown_directory",
            HEAD + f"ADD {GIT}/repo.git#v1:nope /r\n",
            oracle=REFERENCE,
            error="BuildError",
            words="nope",
            line=2,
        ),
        Case(
            "git_unknown_repository",
            HEAD + f"ADD {GIT}/nope.git /r\n",
            oracle=REFERENCE,
            error="BuildError",
            words="nope",
            line=2,
        ),
        Case(
            "git_source_of_copy",
            HEAD + f"COPY {GIT}/repo.git /r\n",
            oracle=REFERENCE,
            error="DockerfileError",
            line=2,
        ),
    ),
    *section(
        "ADD --keep-git-dir",
        stated(
            "git_directory_kept",
            STAGE
            + f"ADD --keep-git-dir=true {GIT}/repo.git /r\n"
            + HEAD
            + "RUN --mount=from=s,source=/r,target=/tmp test -e /tmp/.git/HEAD && cat /tmp/readme > /o\n",
            {},
            {"o": Plain("two\n", mtime=NOW)},
            "RUN /bin/sh -c test -e /tmp/.git/HEAD && cat /tmp/readme > /o # buildkit",
        ),
    ),
    *section(
        "ADD --checksum",
        stated(
            "git_checksum",
            HEAD + f"ADD --checksum={COMMIT} {GIT}/repo.git#v1:docs /r\n",
            {},
            {"r": Directory(mtime=None), "r/a.md": Plain("a\n", mtime=None)},
            f"ADD {GIT}/repo.git#v1:docs /r # buildkit",
        ),
        Case(
            "git_checksum_of_another_commit",
            HEAD + f"ADD --checksum={COMMIT} {GIT}/repo.git#main /r\n",
            oracle=REFERENCE,
            error="BuildError",
            words="checksum",
            line=2,
        ),
    ),
]
