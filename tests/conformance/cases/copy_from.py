"""COPY --from."""

from ..contexts import NOW, Directory, Plain
from ..model import CLASSIC, Case, section, stated
from .material import HEAD, STAGE

CASES = [
    *section(
        "COPY --from",
        Case(
            "stages",
            "FROM busybox:test AS build\nWORKDIR /src\nCOPY app.sh .\nRUN sh app.sh > out\n"
            'FROM busybox:test\nCOPY --from=build /src/out /bin/out\nCMD ["/bin/out"]\n',
            {"app.sh": "echo hello\n"},
        ),
        Case(
            "stage_by_number_and_case",
            "FROM busybox:test AS Build\nRUN echo 1 > /1\nFROM busybox:test\n"
            "COPY --from=0 /1 /a\nCOPY --from=build /1 /b\nCOPY --from=BUILD /1 /c\n",
        ),
        Case(
            "copy_from_image",
            "FROM scratch\nCOPY --from=busybox:test /etc/passwd /etc/group /accounts/\n",
        ),
        Case(
            "unknown_stage_number",
            HEAD + "COPY --from=3 /a /\n",
            error="DockerfileError",
            words="",
            line=2,
        ),
        Case(
            "missing_source_in_stage",
            STAGE + HEAD + "COPY --from=s /nope /\n",
            error="SourceNotFoundError",
            words="/nope",
            line=3,
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
            "copy_stage_owner",
            STAGE
            + "RUN mkdir -m 750 /d && echo 1 > /d/f && chown -R 1000:1000 /d && touch -d '2003-03-03 00:00:00' /d/f /d\n"
            + HEAD
            + "COPY --from=s /d /d\nCOPY --from=s --chown=3:4 /d/f /new/f\nCOPY --from=s /d/f /d2/\n",
        ),
        Case(
            "copy_stage_hard_links",
            STAGE
            + "RUN mkdir /d && echo 1 > /d/a && ln /d/a /d/b && mkfifo /d/p && chown 7:8 /d/a && chmod 4755 /d/a\n"
            + HEAD
            + "COPY --from=s /d /d\nCOPY --from=s /d/b /b\n",
        ),
        Case(
            "copy_stage_symlinks",
            STAGE
            + "RUN mkdir /d && echo 1 > /d/f && ln -s f /d/l && ln -s /d /e && ln -s d/f /fl && chown -R 9:9 /d\n"
            + HEAD
            + "COPY --from=s /e/f /1\nCOPY --from=s /e /2\nCOPY --from=s /d/l /3\nCOPY --from=s /fl /4\n"
            "COPY --from=s /d/* /5/\n",
        ),
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
        Case(
            "copy_nested_stage",
            STAGE
            + "RUN mkdir -p /d/sub/e && echo 1 > /d/sub/f && chmod 750 /d/sub && chown 4:4 /d/sub && touch -d '2002-02-02 00:00:00' /d/sub /d/sub/e /d\n"
            + HEAD
            + "RUN mkdir -p -m 711 /x/sub && chown -R 7:7 /x\nCOPY --from=s /d /x\nCOPY --from=s /d /y\nCOPY --from=s --chown=9 /d /z\n",
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
            why="an empty /dev/null helps nobody",
        ),
        Case(
            "copy_stage_device_alone",
            STAGE + "RUN mknod /n c 1 3\n" + HEAD + "COPY --from=s /n /m\n",
            oracle=CLASSIC,
        ),
        Case("copy_stage_fifo_alone", STAGE + "RUN mkfifo /n\n" + HEAD + "COPY --from=s /n /m\n"),
        Case(
            "copy_loop_stage",
            STAGE + "RUN ln -s l /l\n" + HEAD + "COPY --from=s /l /x\n",
            error="BuildError",
            line=4,
        ),
        stated(
            "from_a_named_context",
            "FROM busybox:test\nCOPY --from=more d/x /o/\nCOPY --from=more . /all/\n",
            {"d/x": "context"},
            {
                "o": Directory(mtime=None),
                "o/x": "named\n",
                "all": Directory(mtime=None),
                "all/d": Directory(mtime=NOW),
                "all/d/x": "named\n",
            },
            "COPY d/x /o/ # buildkit",
            "COPY . /all/ # buildkit",
            contexts={"more": {"d/x": "named\n"}},
        ),
        stated(
            "from_a_named_context_that_is_an_image",
            "FROM scratch\nCOPY --from=more /etc/group /g\n",
            {},
            {"g": Plain("root:x:0:\nme:x:1000:\n", mtime=0)},
            "COPY /etc/group /g # buildkit",
            base="",
            contexts={"more": "docker-image://busybox:test"},
        ),
        stated(
            "from_named_context_is_a_base",
            "FROM base\nRUN echo 1 > /1\n",
            {},
            {"1": Plain("1\n", mtime=NOW)},
            "RUN /bin/sh -c echo 1 > /1 # buildkit",
            contexts={"base": "docker-image://busybox:test"},
        ),
        Case(
            "from_an_unknown_image",
            HEAD + "COPY --from=localhost:1/nope /a /\n",
            error="PullError",
            words="localhost:1",
        ),
        Case(
            "from_itself",
            "FROM busybox:test AS me\nCOPY --from=me /etc/passwd /p\n",
            error="ContainerMagicsError",
            line=1,
        ),
        Case(
            "from_variable",
            "FROM busybox:test AS s\nRUN echo 1 > /1\n" + HEAD + "ARG S=s\nCOPY --from=$S /1 /1\n",
            error="ContainerMagicsError",
            line=5,
        ),
        Case(
            "from_a_later_stage",
            HEAD + "COPY --from=1 /etc/passwd /p\n" + HEAD + "RUN echo 2 > /2\n",
            oracle=CLASSIC,
            error="DockerfileError",
            line=2,
        ),
    ),
]
