"""COPY and ADD with --chmod and --chown."""

from ..contexts import Directory, Plain
from ..model import CLASSIC, REFERENCE, Case, section, stated
from .material import HEAD, SMALL, TREE

CASES = [
    *section(
        "COPY --chmod",
        Case(
            "copy_chmod",
            HEAD + "COPY --chmod=751 top.txt /a/b\nCOPY --chmod=0600 --chown=5:6 d /d\n",
            TREE,
        ),
        stated(
            "chmod_symbolic_plus",
            HEAD + "COPY --chmod=+x a /o/a\n",
            {"a": "a"},
            {"o": Directory(mtime=None), "o/a": Plain("a", mode=0o755)},
            "COPY a /o/a # buildkit",
        ),
        stated(
            "chmod_symbolic_capital_x",
            HEAD + "COPY --chmod=u=rwX,go=rX d /o\n",
            {"d/a": Plain("a", mode=0o600), "d/b": Plain("b", mode=0o700), "d/c": Directory(0o700)},
            {
                "o": Directory(mtime=None),
                "o/a": "a",
                "o/b": Plain("b", mode=0o755),
                "o/c": Directory(),
            },
            "COPY d /o # buildkit",
        ),
        stated(
            "chmod_symbolic_copies_bits",
            HEAD + "COPY --chmod=g=u d/ /o/\n",
            {"d/a": Plain("a", mode=0o640), "d/b": Plain("b", mode=0o700)},
            {
                "o": Directory(mtime=None),
                "o/a": Plain("a", mode=0o660),
                "o/b": Plain("b", mode=0o770),
            },
            "COPY d/ /o/ # buildkit",
        ),
        stated(
            "chmod_variable",
            HEAD + "ARG MODE=440\nCOPY --chmod=$MODE a /o\n",
            {"a": "a"},
            {"o": Plain("a", mode=0o440)},
            "ARG MODE=440",
            "COPY a /o # buildkit",
        ),
        Case(
            "chmod_special_bits",
            HEAD + "COPY --chmod=4755 a /a\nCOPY --chmod=1777 d /d\nCOPY --chmod=711 d /e/\n",
            {"a": "a", "d/x": "x"},
            differs=("/a mode", "/d/x mode"),
            why="--chmod reads a mode as chmod does, as current BuildKit; 20.10 drops these bits",
        ),
        Case(
            "chmod_not_octal",
            HEAD + "COPY --chmod=999 a /o\n",
            {"a": "a"},
            oracle=REFERENCE,
            error="BuildError",
            line=2,
        ),
        Case(
            "chmod_nonsense",
            HEAD + "COPY --chmod=q=z a /o\n",
            {"a": "a"},
            oracle=REFERENCE,
            error="BuildError",
            line=2,
        ),
    ),
    *section(
        "COPY --chown",
        Case(
            "copy_chown_numbers",
            HEAD + "COPY --chown=12 top.txt /a/b\nCOPY --chown=12:34 d /d\n",
            TREE,
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
            "copy_chown_existing_dirs",
            HEAD + "RUN mkdir -p -m 711 /x/sub\nCOPY --chown=5:6 d /x\n",
            SMALL,
        ),
        Case(
            "chown_unknown",
            HEAD + "COPY --chown=nobody-here a /\n",
            {"a": ""},
            error="BuildError",
            line=2,
            oracle=CLASSIC,
        ),
        Case(
            "copy_loop_passwd",
            HEAD + "RUN rm /etc/passwd; ln -s passwd /etc/passwd\nCOPY --chown=me top /l\n",
            SMALL,
            error="BuildError",
            line=3,
        ),
        Case(
            "chown_user_of_the_image_s_own",
            HEAD
            + "RUN echo 'app:x:77:88::/:/bin/sh' >> /etc/passwd && echo 'grp:x:99:' >> /etc/group\nCOPY --chown=app a /1\nCOPY --chown=app:grp a /2\nCOPY --chown=55:grp a /3\nCOPY --chown=app:5 a /4\n",
            {"a": "a"},
        ),
        Case("chown_where_no_passwd_is", "FROM scratch\nCOPY --chown=5:6 a /x/1\n", {"a": "a"}),
        Case(
            "chown_variables",
            HEAD + "ARG U=me\nENV G=9\nCOPY --chown=$U:$G a /o\nCOPY --chown=${N:-3} a /p\n",
            {"a": "a"},
        ),
        Case("chown_links_and_directories", HEAD + "COPY --chown=5:6 d /new/deep\n", SMALL),
    ),
]
