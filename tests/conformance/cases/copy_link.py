"""COPY --link."""

from ..contexts import NOW, Directory, Link, Plain
from ..model import REFERENCE, Case, section, stated
from .material import HEAD, STAGE

CASES = [
    *section(
        "COPY --link",
        stated(
            "link_plain",
            HEAD + "COPY --link a /x/y\n",
            {"a": "a"},
            {"x": Directory(mtime=None), "x/y": "a"},
            "COPY a /x/y # buildkit",
        ),
        stated(
            "link_false",
            HEAD + "RUN mkdir /r && ln -s r /l\nCOPY --link=false a /l/\n",
            {"a": "a"},
            {"r": Directory(mtime=NOW), "r/a": "a", "l": Link("r", mtime=NOW)},
            "RUN /bin/sh -c mkdir /r && ln -s r /l # buildkit",
            "COPY a /l/ # buildkit",
        ),
        stated(
            "link_replaces_a_symlink",
            HEAD + "RUN mkdir /r && ln -s r /l\nCOPY --link a /l/\n",
            {"a": "a"},
            {"r": Directory(mtime=NOW), "l": Directory(mtime=None), "l/a": "a"},
            "RUN /bin/sh -c mkdir /r && ln -s r /l # buildkit",
            "COPY a /l/ # buildkit",
        ),
        stated(
            "link_overrides_the_mode_of_a_directory",
            HEAD + "RUN mkdir -m 700 /d && echo kept > /d/kept\nCOPY --link d /d\n",
            {"d/a": "a"},
            {"d": Directory(mtime=None), "d/kept": Plain("kept\n", mtime=NOW), "d/a": "a"},
            "RUN /bin/sh -c mkdir -m 700 /d && echo kept > /d/kept # buildkit",
            "COPY d /d # buildkit",
        ),
        stated(
            "link_into_tmp",
            HEAD + "COPY --link a /tmp/a\n",
            {"a": "a"},
            {"tmp": Directory(mtime=None), "tmp/a": "a"},
            "COPY a /tmp/a # buildkit",
        ),
        stated(
            "link_with_numbers",
            HEAD + "COPY --link --chown=7:8 a /x/\n",
            {"a": "a"},
            {"x": Directory(mtime=None, uid=7, gid=8), "x/a": Plain("a", uid=7, gid=8)},
            "COPY a /x/ # buildkit",
        ),
        Case(
            "link_with_names",
            HEAD + "COPY --link --chown=me a /x/\n",
            {"a": "a"},
            oracle=REFERENCE,
            error="BuildError",
            line=2,
        ),
        stated(
            "link_from_a_stage",
            STAGE
            + "RUN mkdir /x && echo 1 > /x/1 && chown 7:8 /x/1\n"
            + HEAD
            + "COPY --link --from=s /x /y\n",
            {},
            {"y": Directory(mtime=NOW), "y/1": Plain("1\n", uid=7, gid=8, mtime=NOW)},
            "COPY /x /y # buildkit",
        ),
        stated(
            "link_over_a_file",
            HEAD + "COPY --link d /etc/passwd\n",
            {"d/a": "a"},
            {
                "etc": Directory(mtime=None),
                "etc/passwd": Directory(mtime=None),
                "etc/passwd/a": "a",
            },
            "COPY d /etc/passwd # buildkit",
        ),
        stated(
            "link_relative",
            HEAD + "WORKDIR /w\nCOPY --link a b/\n",
            {"a": "a"},
            {"w": Directory(mtime=None), "w/b": Directory(mtime=None), "w/b/a": "a"},
            "WORKDIR /w",
            "COPY a b/ # buildkit",
            config={"WorkingDir": "/w"},
        ),
    ),
]
