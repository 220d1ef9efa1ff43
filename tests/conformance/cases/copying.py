"""COPY."""

from ..model import Case, Directory, HardLink, Link, Plain

TREE = {
    "d/a.txt": "a\n",
    "d/b.txt": Plain("b\n", mode=0o640, mtime=1_111_111_111),
    "d/sub/c.md": Plain("c\n", mode=0o755),
    "d/sub/deep/e": "",
    "d/empty": Directory(0o700, mtime=1_222_222_222),
    "d/link": Link("a.txt"),
    "top.txt": "top\n",
    "other.txt": Plain("other\n", mode=0o600),
}
HEAD = "FROM busybox:test\n"

# 2.0 capability header: revision 2, effective, permitted bit 10 (net_bind_service).
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")

CASES = [
    Case("copy_file", HEAD + "COPY top.txt /\nCOPY top.txt /new\nCOPY top.txt /x/y/z\n", TREE),
    Case(
        "copy_file_to_directory",
        HEAD + "COPY top.txt /tmp\nCOPY top.txt /tmp/n/\nCOPY top.txt /etc/.\n",
        TREE,
    ),
    Case(
        "copy_directory", HEAD + "COPY d /new\nCOPY d /new2/\nCOPY d/ /tmp\nCOPY d/. /tmp/x\n", TREE
    ),
    Case(
        "copy_directory_over",
        HEAD
        + "COPY d /etc/\nRUN mkdir -m 700 /e && touch -d '2002-02-02 00:00:00' /e\nCOPY d /e\n",
        TREE,
    ),
    Case("copy_everything", HEAD + "COPY . .\nCOPY ./ /all/\n", TREE),
    Case(
        "copy_several",
        HEAD + 'COPY top.txt other.txt d /dst/\nCOPY ["top.txt", "d/sub", "/w/"]\n',
        TREE,
    ),
    Case(
        "copy_wildcard",
        HEAD + "COPY *.txt /t/\nCOPY d/?.txt /u/\nCOPY d*/s* /v/\nCOPY [ot]*.txt /w/\n",
        TREE,
    ),
    Case("copy_wildcard_one", HEAD + "COPY top.* /one\nCOPY d/sub* /two\n", TREE),
    Case("copy_wildcard_directories", HEAD + "COPY d/* /flat/\n", TREE),
    Case(
        "copy_relative",
        HEAD
        + "WORKDIR /w\nCOPY top.txt .\nCOPY top.txt sub/\nCOPY top.txt ../up\nCOPY d e\nENV N=named\n"
        "COPY top.txt $N\n",
        TREE,
    ),
    Case("copy_spaces", HEAD + 'COPY ["a b", "/c d/"]\nCOPY ["a b", "/e f"]\n', {"a b": "x\n"}),
    Case(
        "copy_variables",
        HEAD + "ARG F=top\nENV D=/dst\nCOPY ${F}.txt $D/\nCOPY --chown=${U:-7}:8 d/$Z $D\n",
        TREE,
    ),
    Case(
        "copy_chown_numbers", HEAD + "COPY --chown=12 top.txt /a/b\nCOPY --chown=12:34 d /d\n", TREE
    ),
    Case(
        "copy_chown_names",
        HEAD
        + "COPY --chown=me top.txt /a/b\nCOPY --chown=me:root d /d\nCOPY --chown=1000:me top.txt /c\n",
        TREE,
    ),
    Case(
        "copy_chown_over",
        HEAD + "COPY --chown=me d /etc/\nCOPY --chown=me top.txt /etc/passwd\n",
        TREE,
    ),
    Case(
        "copy_chmod",
        HEAD + "COPY --chmod=751 top.txt /a/b\nCOPY --chmod=0600 --chown=5:6 d /d\n",
        TREE,
        files={"a/b": "top\n"},
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
        "copy_to_symlink",
        HEAD
        + "RUN mkdir /real && ln -s /real /sl && ln -s /etc/passwd /fl && ln -s /no/where /dl\n"
        "COPY top.txt /sl/\nCOPY d /sl/e\nCOPY top.txt /sl\n",
        TREE,
    ),
    Case(
        "copy_over_symlink",
        HEAD + "RUN echo kept > /kept && ln -s /kept /fl\nCOPY top.txt /fl\n",
        TREE,
    ),
    Case("copy_over_dangling", HEAD + "RUN ln -s /no/where /dl\nCOPY top.txt /dl\n", TREE),
    Case("copy_over_file", HEAD + "COPY top.txt /etc/passwd\nCOPY other.txt /etc/passwd\n", TREE),
    Case("copy_same_again", HEAD + "COPY top.txt /t\nCOPY top.txt /t\n", TREE),
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
        "copy_stage_hard_links",
        HEAD.replace("\n", " AS s\n")
        + "RUN mkdir /d && echo 1 > /d/a && ln /d/a /d/b && mkfifo /d/p && chown 7:8 /d/a && chmod 4755 /d/a\n"
        + HEAD
        + "COPY --from=s /d /d\nCOPY --from=s /d/b /b\n",
    ),
    Case(
        "copy_stage_symlinks",
        HEAD.replace("\n", " AS s\n")
        + "RUN mkdir /d && echo 1 > /d/f && ln -s f /d/l && ln -s /d /e && ln -s d/f /fl && chown -R 9:9 /d\n"
        + HEAD
        + "COPY --from=s /e/f /1\nCOPY --from=s /e /2\nCOPY --from=s /d/l /3\nCOPY --from=s /fl /4\n"
        "COPY --from=s /d/* /5/\n",
    ),
    Case(
        "copy_stage_owner",
        HEAD.replace("\n", " AS s\n")
        + "RUN mkdir -m 750 /d && echo 1 > /d/f && chown -R 1000:1000 /d && touch -d '2003-03-03 00:00:00' /d/f /d\n"
        + HEAD
        + "COPY --from=s /d /d\nCOPY --from=s --chown=3:4 /d/f /new/f\nCOPY --from=s /d/f /d2/\n",
    ),
    Case(
        "copy_capability",
        HEAD + "COPY prog /prog\n",
        {"prog": Plain("#!/bin/sh\n", mode=0o755, capability=CAPABILITY)},
    ),
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
    Case("copy_user_and_workdir", HEAD + "USER me\nWORKDIR /h\nCOPY top.txt .\nCOPY d ./d\n", TREE),
    Case(
        "copy_dockerignore",
        HEAD + "COPY . /c/\nCOPY d /d/\n",
        {
            **TREE,
            ".dockerignore": "# no\n*.txt\n!top.txt\nd/sub\n!d/sub/deep/e\n**/*.md\n",
            "x/y.md": "y",
        },
    ),
    Case(
        "copy_dockerignore_all_but",
        HEAD + "COPY . /c/\n",
        {**TREE, ".dockerignore": "*\n!d/sub/c.md\n!other.txt\n"},
    ),
    Case(
        "copy_dockerfile_ignored",
        HEAD + "COPY . /c/\n",
        {**TREE, "Dockerfile": "FROM x\n", ".dockerignore": "Dockerfile\n.dockerignore\n"},
    ),
    Case(
        "copy_dot_files",
        HEAD + "COPY . /c/\nCOPY .* /e/\n",
        {".hidden": "h", "..odd": "o", "seen": "s"},
    ),
    Case("copy_empty_directory", HEAD + "COPY e /e\nCOPY e/ /f/g/\n", {"e": Directory(0o711)}),
    Case("copy_unicode", HEAD + "COPY . /c/\n", {"ü/é.txt": "u", "日本": "j", "a'b\"c": "q"}),
    Case("copy_into_stage_scratch", "FROM scratch\nCOPY d /\nCOPY d/sub /etc/x/\n", TREE),
    Case(
        "copy_parent_climbs",
        HEAD + "COPY ../top.txt /t\nCOPY d/../top.txt /u\nCOPY /d/a.txt /v\n",
        TREE,
    ),
    Case(
        "copy_heredoc",
        HEAD + "ENV A=1\nCOPY <<one <<'two' /h/\n$A\none\n$A\ntwo\n",
        files={"h/one": "1\n", "h/two": "$A\n"},
    ),
]
