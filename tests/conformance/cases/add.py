"""ADD of files, and of archives as `tar` makes them."""

import zstandard

from ..contexts import Directory, Link, raw_tar, tar_of
from ..model import REFERENCE, Case, Expected, section
from .material import ARCHIVE, HEAD, SMALL

CASES = [
    *section(
        "Source",
        Case("add_file", HEAD + "ADD a /\nADD a /x/y\nADD a d /z/\n", {"a": "a\n", "d/e": "e\n"}),
        Case(
            "add_wildcard",
            HEAD + "ADD *.tar /n/\nADD *.md /m/\n",
            {"a.tar": tar_of(ARCHIVE), "r.md": "r"},
        ),
    ),
    *section(
        "Adding local tar archives",
        Case("add_tar", HEAD + "ADD a.tar /new/\nADD a.tar /tmp\n", {"a.tar": tar_of(ARCHIVE)}),
        Case("add_tar_gz", HEAD + "ADD a.tgz /new\n", {"a.tgz": tar_of(ARCHIVE, "gz")}),
        Case("add_tar_bz2", HEAD + "ADD a.tar.bz2 /new/\n", {"a.tar.bz2": tar_of(ARCHIVE, "bz2")}),
        Case("add_tar_xz", HEAD + "ADD a.tar.xz /new/\n", {"a.tar.xz": tar_of(ARCHIVE, "xz")}),
        Case(
            "add_tar_over",
            HEAD + "RUN mkdir -m 700 /t && ln -s /tmp /l\nADD a.tar /\nADD a.tar /l\n",
            {"a.tar": tar_of(ARCHIVE)},
        ),
        Case(
            "add_tar_and_file", HEAD + "ADD a.tar b /n/\n", {"a.tar": tar_of(ARCHIVE), "b": "b\n"}
        ),
        Case("add_tar_in_directory", HEAD + "ADD d /n/\n", {"d/a.tar": tar_of(ARCHIVE)}),
        Case("add_not_a_tar", HEAD + "ADD x.tar.gz y.tar /n/\n", {"x.tar.gz": "no", "y.tar": "no"}),
        Case(
            "add_plain_gz",
            HEAD + "ADD x.gz /n/\n",
            {"x.gz": bytes.fromhex("1f8b08000000000000034bcc490500a865327e03000000")},
        ),
        Case(
            "add_symlinked_tar",
            HEAD + "ADD l.tar /n/\n",
            {"a.tar": raw_tar(("f", {}, b"1")), "l.tar": Link("a.tar")},
        ),
        Case("add_empty_tar", HEAD + "ADD a.tar /n/\n", {"a.tar": raw_tar()}),
        Case(
            "add_cut_tar",
            HEAD + "ADD a.tar /n/\n",
            {"a.tar": raw_tar(("f", {}, b"1" * 5000))[:3000]},
            error="BuildError",
            line=2,
        ),
        Case(
            "add_trailing",
            HEAD + "ADD a.tar /n/\n",
            {"a.tar": raw_tar(("f", {}, b"1")) + b"junk" * 300},
        ),
        Case(
            "add_file_dest",
            HEAD + "ADD a.tar /n\nADD a.tar sub/x\n",
            {"a.tar": raw_tar(("f", {}, b"1"))},
        ),
        Case(
            "add_dest_file",
            HEAD + "ADD a.tar /etc/passwd\n",
            {"a.tar": raw_tar(("f", {}, b"1"))},
            error="BuildError",
            line=2,
        ),
        Case("add_empty_file_named_tar", HEAD + "ADD x.tar.gz /n/\n", {"x.tar.gz": ""}),
        Case(
            "add_tar_by_any_name", HEAD + "ADD x.txt /n/\n", {"x.txt": tar_of({"t": "t\n"}, "gz")}
        ),
        Case(
            "add_zstd",
            HEAD + "ADD x.tar.zst /n/\n",
            {"x.tar.zst": zstandard.compress(tar_of({"t": "t\n"}))},
            oracle=REFERENCE,
            expect=Expected(
                {"n": Directory(mtime=None), "n/t": "t\n"},
                history=("ADD x.tar.zst /n/ # buildkit",),
            ),
        ),
    ),
    *section(
        "ADD --chown",
        Case("add_tar_chown", HEAD + "ADD --chown=me a.tar /new/\n", {"a.tar": tar_of(ARCHIVE)}),
    ),
    *section(
        "Adding files from the build context",
        Case(
            "add_parents_and_slashes", HEAD + "ADD ../d /1\nADD /d/ /2\nADD d/../top /3/\n", SMALL
        ),
        Case(
            "add_over_what_is_there",
            HEAD + "RUN mkdir -p /x/sub && echo old > /x/a.txt && echo kept > /x/kept\nADD d /x\n",
            SMALL,
        ),
        Case(
            "add_directory_over_file",
            HEAD + "ADD d /etc/passwd\n",
            SMALL,
            error="BuildError",
            line=2,
        ),
        Case("add_missing", HEAD + "ADD nope /\n", SMALL, error="SourceNotFoundError", line=2),
        Case("add_special_characters", HEAD + "ADD x[[]0].txt /\n", SMALL),
        Case("add_spaces", HEAD + 'ADD ["a b", "c d", "/e f/"]\n', {"a b": "1", "c d": "2"}),
    ),
]
