"""ADD of archives that are unlike what `tar` makes."""

import tarfile

from ..contexts import raw_tar
from ..model import Case, section
from .material import HEAD

CASES = [
    *section(
        "Adding local tar archives",
        Case(
            "add_slash_names",
            HEAD + "ADD a.tar /n/\n",
            {"a.tar": raw_tar(("/abs/f", {}, b"1"), ("./dot/f", {}, b"2"), ("x/../y", {}, b"3"))},
        ),
        Case(
            "add_escape",
            HEAD + "ADD a.tar /n/\n",
            {"a.tar": raw_tar(("../esc", {}, b"1"))},
            error="BuildError",
            line=2,
            differs=("the oracle built it",),
            why="nobody means an archive to climb out of its destination",
        ),
        Case(
            "add_symlink_escape",
            HEAD + "ADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("l", {"type": tarfile.SYMTYPE, "linkname": "../../etc"}, b""),
                    ("l/esc", {}, b"1"),
                )
            },
            differs=("the oracle raised SourceNotFoundError",),
            why="the path is resolved inside the root",
        ),
        Case(
            "add_symlink_out",
            HEAD + "ADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("l", {"type": tarfile.SYMTYPE, "linkname": "../../../etc"}, b""),
                    ("m", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, b""),
                )
            },
        ),
        Case(
            "add_symlink_in",
            HEAD + "ADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("d", {"type": tarfile.DIRTYPE, "mode": 0o755}, b""),
                    ("l", {"type": tarfile.SYMTYPE, "linkname": "d"}, b""),
                    ("l/f", {}, b"1"),
                )
            },
        ),
        Case(
            "add_wh",
            HEAD + "ADD a.tar /\n",
            {"a.tar": raw_tar(("etc/.wh.passwd", {}, b""), (".wh.tmp", {}, b""))},
        ),
        Case(
            "add_special",
            HEAD + "ADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("p", {"type": tarfile.FIFOTYPE}, b""),
                    ("c", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, b""),
                )
            },
        ),
        Case(
            "add_hard_abs",
            HEAD + "ADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("f", {"mode": 0o600}, b"1"),
                    ("h", {"type": tarfile.LNKTYPE, "linkname": "/f", "mode": 0o600}, b""),
                )
            },
        ),
        Case(
            "add_hard_missing",
            HEAD + "ADD a.tar /n/\n",
            {"a.tar": raw_tar(("h", {"type": tarfile.LNKTYPE, "linkname": "nope"}, b""))},
            error="BuildError",
            line=2,
            differs=("error class",),
            why="20.10 words it as it does a missing source",
        ),
        Case(
            "add_hard_base",
            HEAD + "ADD a.tar /\n",
            {"a.tar": raw_tar(("h", {"type": tarfile.LNKTYPE, "linkname": "etc/passwd"}, b""))},
            error="BuildError",
            line=2,
            differs=("the oracle built it",),
            why="a layer of ours names only what the archive has",
        ),
        Case(
            "add_cap",
            HEAD + "ADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    (
                        "f",
                        {
                            "mode": 0o755,
                            "pax_headers": {
                                "SCHILY.xattr.security.capability": bytes.fromhex(
                                    "0100000200040000000000000000000000000000"
                                ).decode("latin-1")
                            },
                        },
                        b"1",
                    )
                )
            },
        ),
        Case(
            "add_long",
            HEAD + "ADD a.tar g.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("d" * 120 + "/" + "f" * 120, {}, b"1"),
                    ("l", {"type": tarfile.SYMTYPE, "linkname": "x" * 150}, b""),
                ),
                "g.tar": raw_tar(
                    ("g" * 120 + "/" + "f" * 120, {}, b"1"),
                    ("lg", {"type": tarfile.SYMTYPE, "linkname": "x" * 150}, b""),
                    gnu=True,
                ),
            },
        ),
        Case(
            "add_names",
            HEAD + "ADD a.tar /n/\n",
            {"a.tar": raw_tar(("f", {"uid": 9, "gid": 9, "uname": "me", "gname": "me"}, b"1"))},
        ),
        Case(
            "add_nodirs", HEAD + "ADD a.tar /n/\n", {"a.tar": raw_tar(("a/b/c", {"uid": 9}, b"1"))}
        ),
        Case(
            "add_twice",
            HEAD + "ADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("a", {}, b"1"),
                    ("a", {"mode": 0o600}, b"22"),
                    ("d", {"type": tarfile.DIRTYPE}, b""),
                    ("d", {}, b"x"),
                )
            },
        ),
        Case(
            "add_over_dir",
            HEAD + "RUN mkdir -p /n/a/b && echo 1 > /n/a/b/c\nADD a.tar /n/\n",
            {"a.tar": raw_tar(("a", {}, b"1"))},
        ),
        Case(
            "add_over_empty_dir",
            HEAD + "RUN mkdir -p /n/a\nADD a.tar /n/\n",
            {"a.tar": raw_tar(("a", {}, b"1"))},
        ),
        Case(
            "add_dir_over_file",
            HEAD + "RUN mkdir /n; echo 1 > /n/a\nADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("a", {"type": tarfile.DIRTYPE, "mode": 0o755}, b""), ("a/b", {}, b"1")
                )
            },
            differs=("layer 2 names",),
            why="overlayfs makes the directory opaque; the files are the same",
        ),
        Case(
            "add_dir_over_link",
            HEAD + "RUN mkdir /n /t2; ln -s /t2 /n/a\nADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("a", {"type": tarfile.DIRTYPE, "mode": 0o755}, b""), ("a/b", {}, b"1")
                )
            },
            differs=("layer 2 names",),
            why="overlayfs makes the directory opaque; the files are the same",
        ),
        Case(
            "add_file_over_link",
            HEAD + "RUN mkdir /n; echo 1 > /t2; ln -s /t2 /n/a\nADD a.tar /n/\n",
            {"a.tar": raw_tar(("a", {}, b"new"))},
        ),
        Case(
            "add_root_entry",
            HEAD + "ADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("./", {"type": tarfile.DIRTYPE, "mode": 0o711, "uid": 5}, b""),
                    ("./f", {}, b"1"),
                )
            },
        ),
        Case(
            "add_times",
            HEAD + "ADD a.tar /n/\n",
            {
                "a.tar": raw_tar(
                    ("f", {"mtime": 1234567890.75}, b"1"),
                    ("o", {"mtime": -100}, b"2"),
                    ("n", {"mtime": 9_000_000_000}, b"3"),
                )
            },
        ),
    ),
]
