"""COPY where what is there already, links and ignore rules meet."""

from ..model import Case, Directory, Link, Plain

HEAD = "FROM busybox:test\n"
STAGE = "FROM busybox:test AS s\n"
SMALL = {
    "d/a.txt": "a\n",
    "d/sub/b": "b\n",
    "d/l": Link("a.txt"),
    "top": "top\n",
    "x[0].txt": "x",
    "x0.txt": "0",
}

CASES = [
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
    Case("copy_stage_root", STAGE + "RUN echo 1 > /1\n" + "FROM scratch\nCOPY --from=s / /\n"),
    Case("copy_stage_root_sub", STAGE + "RUN echo 1 > /1\n" + HEAD + "COPY --from=s / /all/\n"),
    Case(
        "copy_stage_dot",
        STAGE
        + "WORKDIR /w\nRUN echo 1 > /w/1\n"
        + HEAD
        + "COPY --from=s w/. /x\nCOPY --from=s /w/ /y/\nCOPY --from=s ./w/1 z\n",
    ),
    Case(
        "copy_stage_devices",
        STAGE
        + "RUN mkdir /d && mknod /d/n c 1 3 && mkfifo /d/p && mknod /d/b b 7 1\n"
        + HEAD
        + "COPY --from=s /d /d\n",
        differs=(
            "/d/b",
            "/d/n",
        ),
    ),
    Case(
        "copy_stage_device_alone",
        STAGE + "RUN mknod /n c 1 3\n" + HEAD + "COPY --from=s /n /m\n",
        differs=("/m",),
    ),
    Case("copy_stage_fifo_alone", STAGE + "RUN mkfifo /n\n" + HEAD + "COPY --from=s /n /m\n"),
    Case(
        "copy_stage_wild_links",
        STAGE
        + "RUN mkdir -p /d/t && echo 1 > /d/t/f && ln -s t /d/l && ln -s t/f /d/lf && ln -s nowhere /d/ld\n"
        + HEAD
        + "COPY --from=s /d/l /1\nCOPY --from=s /d/l* /2/\n",
        error="SourceNotFoundError",
        line=5,
    ),
    Case(
        "copy_stage_dir_wild",
        STAGE
        + "RUN mkdir -p /d/t/u /d/e && echo 1 > /d/t/f && chown -R 3:4 /d && chmod 700 /d/t\n"
        + HEAD
        + "COPY --from=s /d/t* /2/\nCOPY --from=s /d/* /3/\nCOPY --from=s /d/t /d/e /4/\n",
    ),
    Case("copy_breaks_hard_link", HEAD + "RUN echo 1 > /1 && ln /1 /2\nCOPY top /1\n", SMALL),
    Case(
        "copy_chown_existing_dirs",
        HEAD + "RUN mkdir -p -m 711 /x/sub\nCOPY --chown=5:6 d /x\n",
        SMALL,
    ),
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
        "copy_dangling",
        HEAD + "COPY lf /x/\n",
        {"lf": Link("nope"), "lg": "1"},
        error="SourceNotFoundError",
        line=2,
    ),
    Case("copy_ignore_dirs", HEAD + "COPY . /c/\n", {**SMALL, ".dockerignore": "d/\n!d/sub\n"}),
    Case(
        "copy_ignore_spaces",
        HEAD + "COPY . /c/\n",
        {**SMALL, ".dockerignore": "  top  \n/d/sub\n./x0.txt\n\n#d\n"},
    ),
    Case("copy_ignore_dot", HEAD + "COPY . /c/\n", {**SMALL, ".dockerignore": ".\n!top\n"}),
    Case(
        "copy_ignore_wild_source",
        HEAD + "COPY d/* /c/\n",
        {**SMALL, ".dockerignore": "d/a.txt\n"},
        error="SourceNotFoundError",
        line=2,
    ),
    Case("copy_ignored_dir", HEAD + "COPY d /c/\n", {**SMALL, ".dockerignore": "d/*\n"}),
    Case("copy_empty_context_copy_all", HEAD + "COPY . /c/\n", {}),
    Case("copy_file_slash", HEAD + "COPY top/ /c\n", SMALL),
    Case(
        "copy_dest_dot",
        HEAD + "WORKDIR /w\nCOPY top .\nCOPY d ./\nCOPY d/sub/b ./../q/\nCOPY top ..\n",
        SMALL,
    ),
    Case(
        "copy_dest_trailing_file",
        HEAD + "RUN echo 1 > /f\nCOPY top /f/\n",
        SMALL,
        error="BuildError",
        line=3,
    ),
    Case("copy_dest_is_dir_link_file", HEAD + "RUN ln -s nowhere /l\nCOPY top /l/\n", SMALL),
    Case(
        "copy_dest_root_noslash", HEAD + "COPY d/sub .\nCOPY top //x//y\nCOPY top /a/../b\n", SMALL
    ),
    Case("copy_long_link", HEAD + "COPY . /c/\n", {"l": Link("x" * 150), "é": Link("ü")}),
    Case(
        "copy_old_new_times",
        HEAD + "COPY . /c/\n",
        {"a": Plain("a", mtime=-5), "b": Plain("b", mtime=5_000_000_000), "c": Plain("c", mtime=0)},
    ),
    Case("copy_noop", HEAD + "COPY top /t\nRUN true\nCOPY d /d\nCOPY d /d\n", SMALL),
    Case(
        "copy_nested_existing",
        HEAD
        + "RUN mkdir -p -m 711 /x/sub && chown -R 7:7 /x && touch -d '2002-02-02 00:00:00' /x/sub /x\nCOPY d /x\n",
        SMALL,
    ),
    Case("copy_nested_existing_same", HEAD + "COPY d /x\nCOPY d /x\nCOPY --chown=3 d /x\n", SMALL),
    Case(
        "copy_nested_stage",
        STAGE
        + "RUN mkdir -p /d/sub/e && echo 1 > /d/sub/f && chmod 750 /d/sub && chown 4:4 /d/sub && touch -d '2002-02-02 00:00:00' /d/sub /d/sub/e /d\n"
        + HEAD
        + "RUN mkdir -p -m 711 /x/sub && chown -R 7:7 /x\nCOPY --from=s /d /x\nCOPY --from=s /d /y\nCOPY --from=s --chown=9 /d /z\n",
    ),
    Case(
        "copy_dir_top_mode",
        HEAD + "COPY d/sub /s\nCOPY --chown=4:5 d/sub /t/u\n",
        {"d/sub": Directory(0o700), "d/sub/x": "1", "d/sub/y": Directory(0o2711), "d/sub/y/z": "2"},
    ),
    Case(
        "copy_ignored_link_target",
        HEAD + "COPY l /l\n",
        {"l": Link("a"), "a": "a", ".dockerignore": "a\n"},
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
    Case(
        "copy_loop_copy",
        HEAD + "RUN ln -s l /l\nCOPY top /l/x\n",
        SMALL,
        error="BuildError",
        line=3,
    ),
    Case(
        "copy_loop_stage",
        STAGE + "RUN ln -s l /l\n" + HEAD + "COPY --from=s /l /x\n",
        error="BuildError",
        line=4,
    ),
    Case(
        "copy_loop_passwd",
        HEAD + "RUN rm /etc/passwd; ln -s passwd /etc/passwd\nCOPY --chown=me top /l\n",
        SMALL,
        error="BuildError",
        line=3,
    ),
]
