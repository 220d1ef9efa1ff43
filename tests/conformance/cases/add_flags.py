"""ADD --checksum, --chmod, --link, --unpack, --exclude."""

import hashlib

from ..contexts import NOW, Directory, Link, Plain, tar_of
from ..model import REFERENCE, SERVER, Case, section, stated
from ..server import FILE
from .material import ARCHIVE, HEAD, SMALL

DIGEST = hashlib.sha256(FILE).hexdigest()

CASES = [
    *section(
        "ADD --checksum",
        stated(
            "checksum_right",
            HEAD + f"ADD --checksum=sha256:{DIGEST} {SERVER}/x /o\n",
            {},
            {"o": Plain(FILE, mode=0o600)},
            f"ADD {SERVER}/x /o # buildkit",
        ),
        Case(
            "checksum_wrong",
            HEAD + f"ADD --checksum=sha256:{'0' * 64} {SERVER}/x /o\n",
            oracle=REFERENCE,
            error="BuildError",
            words="digest mismatch",
            line=2,
        ),
        Case(
            "checksum_malformed",
            HEAD + f"ADD --checksum=md5:00 {SERVER}/x /o\n",
            oracle=REFERENCE,
            error="DockerfileError",
            line=2,
        ),
        Case(
            "checksum_of_a_local_file",
            HEAD + f"ADD --checksum=sha256:{DIGEST} a /o\n",
            {"a": "a"},
            oracle=REFERENCE,
            error="DockerfileError",
            words="checksum",
            line=2,
        ),
        Case(
            "checksum_of_copy",
            HEAD + f"COPY --checksum=sha256:{DIGEST} a /o\n",
            {"a": "a"},
            oracle=REFERENCE,
            error="DockerfileError",
            words="checksum",
            line=2,
        ),
        stated(
            "checksum_variable",
            HEAD + f"ARG SUM=sha256:{DIGEST}\nADD --checksum=$SUM {SERVER}/x /o\n",
            {},
            {"o": Plain(FILE, mode=0o600)},
            f"ARG SUM=sha256:{DIGEST}",
            f"ADD {SERVER}/x /o # buildkit",
        ),
    ),
    *section(
        "ADD --chmod",
        Case("add_chmod", HEAD + "ADD --chmod=640 d /o/\n", SMALL),
        Case("add_chmod_archive", HEAD + "ADD --chmod=600 a.tar /n/\n", {"a.tar": tar_of(ARCHIVE)}),
        stated(
            "add_chmod_url",
            HEAD + f"ADD --chmod=640 {SERVER}/x /o\n",
            {},
            {"o": Plain(FILE, mode=0o640)},
            f"ADD {SERVER}/x /o # buildkit",
        ),
    ),
    *section(
        "ADD --link",
        stated(
            "add_link",
            HEAD + "RUN mkdir /r && ln -s r /l\nADD --link a.tar /l/\n",
            {"a.tar": tar_of({"t": "t\n"})},
            {"r": Directory(mtime=NOW), "l": Directory(mtime=None), "l/t": "t\n"},
            "RUN /bin/sh -c mkdir /r && ln -s r /l # buildkit",
            "ADD a.tar /l/ # buildkit",
        ),
    ),
    *section(
        "ADD --unpack",
        stated(
            "unpack_false",
            HEAD + "ADD --unpack=false a.tar /n/\n",
            {"a.tar": (TAR := tar_of({"t": "t\n"}))},
            {"n": Directory(mtime=None), "n/a.tar": TAR},
            "ADD a.tar /n/ # buildkit",
        ),
        stated(
            "unpack_url",
            HEAD + f"ADD --unpack=true {SERVER}/a.tgz /n\n",
            {},
            {"n": Directory(mtime=None), "n/t": "t\n"},
            f"ADD {SERVER}/a.tgz /n # buildkit",
        ),
        stated(
            "unpack_true_is_the_default",
            HEAD + "ADD --unpack a.tar /n/\n",
            {"a.tar": TAR},
            {"n": Directory(mtime=None), "n/t": "t\n"},
            "ADD a.tar /n/ # buildkit",
        ),
    ),
    *section(
        "ADD --exclude",
        stated(
            "add_exclude",
            HEAD + "ADD --exclude=*.txt --exclude=sub d /n/\n",
            {**SMALL, "d/m": "m"},
            {"n": Directory(mtime=None), "n/m": "m", "n/l": Link("a.txt")},
            "ADD d /n/ # buildkit",
        ),
    ),
]
