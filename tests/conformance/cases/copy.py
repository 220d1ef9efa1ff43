"""COPY: sources in the context."""

from ..contexts import Directory, HardLink, Link, Plain, tar_of
from ..model import SERVER, Case, section
from .material import ARCHIVE, CAPABILITY, HEAD, SMALL, TREE

CASES = [
    *section(
        "Source",
        Case(
            "copy_several",
            HEAD + 'COPY top.txt other.txt d /dst/\nCOPY ["top.txt", "d/sub", "/w/"]\n',
            TREE,
        ),
        Case("copy_spaces", HEAD + 'COPY ["a b", "/c d/"]\nCOPY ["a b", "/e f"]\n', {"a b": "x\n"}),
        Case(
            "copy_variables",
            HEAD + "ARG F=top\nENV D=/dst\nCOPY ${F}.txt $D/\nCOPY --chown=${U:-7}:8 d/$Z $D\n",
            TREE,
        ),
        Case("copy_tar_stays", HEAD + "COPY a.tar /n/\n", {"a.tar": tar_of(ARCHIVE)}),
        Case(
            "unknown_flag",
            HEAD + "COPY --form=x a /\n",
            {"a": ""},
            error="DockerfileError",
            words="nknown flag: ",
            line=2,
        ),
        Case("copy_one_word", HEAD + "COPY a\n", {"a": "a"}, error="DockerfileError", line=2),
        Case("copy_url", HEAD + f"COPY {SERVER}/x /o\n", error="DockerfileError", line=2),
        Case("copy_json_and_flags", HEAD + 'COPY --chown=7 ["a", "/o"]\n', {"a": "a"}),
    ),
    *section(
        "Copying from the build context",
        Case("copy_file", HEAD + "COPY top.txt /\nCOPY top.txt /new\nCOPY top.txt /x/y/z\n", TREE),
        Case(
            "copy_directory",
            HEAD + "COPY d /new\nCOPY d /new2/\nCOPY d/ /tmp\nCOPY d/. /tmp/x\n",
            TREE,
        ),
        Case("copy_everything", HEAD + "COPY . .\nCOPY ./ /all/\n", TREE),
        Case("copy_empty_directory", HEAD + "COPY e /e\nCOPY e/ /f/g/\n", {"e": Directory(0o711)}),
        Case("copy_empty_context_copy_all", HEAD + "COPY . /c/\n", {}),
        Case("copy_file_slash", HEAD + "COPY top/ /c\n", SMALL),
        Case(
            "copy_parent_climbs",
            HEAD + "COPY ../top.txt /t\nCOPY d/../top.txt /u\nCOPY /d/a.txt /v\n",
            TREE,
        ),
        Case(
            "copy_dot_files",
            HEAD + "COPY . /c/\nCOPY .* /e/\n",
            {".hidden": "h", "..odd": "o", "seen": "s"},
        ),
        Case("copy_unicode", HEAD + "COPY . /c/\n", {"ü/é.txt": "u", "日本": "j", "a'b\"c": "q"}),
        Case("copy_long_link", HEAD + "COPY . /c/\n", {"l": Link("x" * 150), "é": Link("ü")}),
        Case(
            "copy_special_modes",
            HEAD + "COPY d /d\n",
            {
                "d/suid": Plain("s", mode=0o4755),
                "d/sgid": Directory(0o2755),
                "d/sticky": Directory(0o1777),
                "d/none": Plain("n", mode=0o000),
                "d/owned": Plain("o", uid=1000, gid=1000),
            },
        ),
        Case(
            "copy_capability",
            HEAD + "COPY prog /prog\n",
            {"prog": Plain("#!/bin/sh\n", mode=0o755, xattrs={"security.capability": CAPABILITY})},
        ),
        Case(
            "copy_hard_links",
            HEAD + "COPY d /d\nCOPY d/a d/b /e/\n",
            {
                "d/a": "x\n",
                "d/b": HardLink("d/a"),
                "d/z": HardLink("d/a"),
            },
        ),
        Case(
            "copy_old_new_times",
            HEAD + "COPY . /c/\n",
            {
                "a": Plain("a", mtime=-5),
                "b": Plain("b", mtime=5_000_000_000),
                "c": Plain("c", mtime=0),
            },
        ),
        Case(
            "copy_symlink",
            HEAD + "COPY link /a\nCOPY dlink /b\nCOPY all /c\n",
            {
                "file": "f\n",
                "link": Link("file"),
                "dir/x": "x\n",
                "dlink": Link("dir"),
                "all/abs": Link("/etc/passwd"),
                "all/rel": Link("../file"),
                "all/out": Link("../../../x"),
            },
        ),
        Case(
            "copy_dangling",
            HEAD + "COPY lf /x/\n",
            {"lf": Link("nope"), "lg": "1"},
            error="SourceNotFoundError",
            line=2,
        ),
        Case(
            "escaping_source",
            HEAD + "COPY ../../etc/hostname /\n",
            {"a": ""},
            error="SourceNotFoundError",
            words="/etc",
            line=2,
        ),
        Case(
            "escaping_symlink",
            HEAD + "COPY out /\n",
            {"out": Link("/etc/hostname")},
            error="SourceNotFoundError",
            line=2,
        ),
        Case(
            "missing_source",
            HEAD + "COPY nope /\n",
            {"a": ""},
            error="SourceNotFoundError",
            words='"/nope"',
            line=2,
        ),
    ),
    *section(
        "Pattern matching",
        Case(
            "copy_wildcard",
            HEAD + "COPY *.txt /t/\nCOPY d/?.txt /u/\nCOPY d*/s* /v/\nCOPY [ot]*.txt /w/\n",
            TREE,
        ),
        Case("copy_wildcard_one", HEAD + "COPY top.* /one\nCOPY d/sub* /two\n", TREE),
        Case("copy_wildcard_directories", HEAD + "COPY d/* /flat/\n", TREE),
        Case(
            "copy_escape_bracket",
            HEAD + "COPY x[[]0].txt /a\nCOPY x?0?.txt /b\nCOPY x[0-9].txt /c\n",
            SMALL,
        ),
        Case(
            "copy_wild_symlinks",
            HEAD + "COPY l* /x/\nCOPY dl/f /y\nCOPY dl/* /z/\n",
            {"d/f": "f\n", "dl": Link("d"), "lf": Link("d/f"), "ldir": Link("d")},
        ),
        Case(
            "copy_wild_dangling",
            HEAD + "COPY l* /x/\n",
            {"lf": Link("nope"), "lg": "1"},
            error="SourceNotFoundError",
            line=2,
        ),
        Case(
            "copy_wild_escape",
            HEAD + "COPY l* /x/\n",
            {"l": Link("/etc/hostname")},
            error="SourceNotFoundError",
            line=2,
        ),
        Case("wildcard_of_nothing", HEAD + "COPY *.nope /n/\n", {"a": ""}),
    ),
]
