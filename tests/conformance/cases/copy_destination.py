"""COPY: where it goes, and what is there already."""

from ..contexts import Directory
from ..model import CLASSIC, Case, section
from .material import HEAD, SMALL, TREE

CASES = [
    *section(
        "Destination",
        Case(
            "copy_file_to_directory",
            HEAD + "COPY top.txt /tmp\nCOPY top.txt /tmp/n/\nCOPY top.txt /etc/.\n",
            TREE,
        ),
        Case(
            "copy_relative",
            HEAD
            + "WORKDIR /w\nCOPY top.txt .\nCOPY top.txt sub/\nCOPY top.txt ../up\nCOPY d e\nENV N=named\n"
            "COPY top.txt $N\n",
            TREE,
        ),
        Case(
            "copy_dest_dot",
            HEAD + "WORKDIR /w\nCOPY top .\nCOPY d ./\nCOPY d/sub/b ./../q/\nCOPY top ..\n",
            SMALL,
        ),
        Case(
            "copy_dest_root_noslash",
            HEAD + "COPY d/sub .\nCOPY top //x//y\nCOPY top /a/../b\n",
            SMALL,
        ),
        Case(
            "copy_user_and_workdir",
            HEAD + "USER me\nWORKDIR /h\nCOPY top.txt .\nCOPY d ./d\n",
            TREE,
        ),
        Case("copy_into_stage_scratch", "FROM scratch\nCOPY d /\nCOPY d/sub /etc/x/\n", TREE),
        Case(
            "several_to_file",
            HEAD + "COPY a b /n\n",
            {"a": "", "b": ""},
            error="DockerfileError",
            line=2,
            oracle=CLASSIC,
        ),
        Case("into_file", HEAD + "COPY a /etc/passwd/x\n", {"a": ""}, error="BuildError", line=2),
        Case(
            "copy_dest_trailing_file",
            HEAD + "RUN echo 1 > /f\nCOPY top /f/\n",
            SMALL,
            error="BuildError",
            line=3,
        ),
        Case("file_over_directory", HEAD + "COPY x /n/\n", {"x": "", "d/a": ""}, error=""),
        Case(
            "copy_directory_over",
            HEAD
            + "COPY d /etc/\nRUN mkdir -m 700 /e && touch -d '2002-02-02 00:00:00' /e\nCOPY d /e\n",
            TREE,
        ),
        Case(
            "copy_over_file", HEAD + "COPY top.txt /etc/passwd\nCOPY other.txt /etc/passwd\n", TREE
        ),
        Case("copy_same_again", HEAD + "COPY top.txt /t\nCOPY top.txt /t\n", TREE),
        Case("copy_breaks_hard_link", HEAD + "RUN echo 1 > /1 && ln /1 /2\nCOPY top /1\n", SMALL),
        Case(
            "copy_dir_top_mode",
            HEAD + "COPY d/sub /s\nCOPY --chown=4:5 d/sub /t/u\n",
            {
                "d/sub": Directory(0o700),
                "d/sub/x": "1",
                "d/sub/y": Directory(0o2711),
                "d/sub/y/z": "2",
            },
        ),
        Case(
            "copy_nested_existing",
            HEAD
            + "RUN mkdir -p -m 711 /x/sub && chown -R 7:7 /x && touch -d '2002-02-02 00:00:00' /x/sub /x\nCOPY d /x\n",
            SMALL,
        ),
        Case(
            "copy_nested_existing_same", HEAD + "COPY d /x\nCOPY d /x\nCOPY --chown=3 d /x\n", SMALL
        ),
        Case(
            "directory_over_file",
            HEAD + "COPY d /etc/passwd\n",
            {"d/a": ""},
            error="BuildError",
            line=2,
        ),
        Case(
            "copy_subdir_is_file",
            HEAD + "COPY r/ /\n",
            {"r/etc/passwd/x": "x\n"},
            error="BuildError",
            line=2,
        ),
        Case(
            "copy_file_onto_dir_in_tree",
            HEAD + "COPY r/ /\n",
            {"r/etc": "file\n"},
            error="BuildError",
            line=2,
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
        Case("copy_dest_is_dir_link_file", HEAD + "RUN ln -s nowhere /l\nCOPY top /l/\n", SMALL),
        Case(
            "copy_root_onto_symlink",
            HEAD + "RUN mkdir -p /usr/lib && ln -s usr/lib /lib\nCOPY r/ /\n",
            {"r/lib/x": "x\n", "r/usr/y": "y\n"},
            error="BuildError",
            line=3,
        ),
        Case(
            "copy_root_onto_symlink_file",
            HEAD + "RUN ln -s /etc/passwd /p\nCOPY r/ /\n",
            {"r/p": "new\n"},
        ),
        Case(
            "copy_loop_copy",
            HEAD + "RUN ln -s l /l\nCOPY top /l/x\n",
            SMALL,
            error="BuildError",
            line=3,
        ),
    ),
]
