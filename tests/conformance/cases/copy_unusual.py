"""COPY and ADD of unusual names and unusual files, as BuildKit treats them."""

import os
import stat

from ..contexts import Directory, HardLink, Item, Link, Plain, Special
from ..model import CLASSIC, Case, section
from .material import CAPABILITY, HEAD

RAW = os.fsdecode(b"raw-\xff\xfe")
NAMES: dict[str, Item] = {
    "a b/c d": "spaces",
    "[0].txt": "bracket",
    "arr[0].txt": "array",
    "star*": "star",
    "question?": "question",
    "back\\slash": "back",
    "tab\there": "tab",
    "line\nbreak": "line",
    "-dash": "dash",
    "--from=x": "flag",
    "é": "precomposed",
    "e\u0301": "combined",
    "日本/語": "cjk",
    "$HOME": "dollar",
    "'quoted'": "quotes",
    RAW: "raw",
    "~": "tilde",
    "x" * 200: "long",
}
SPECIAL: dict[str, Item] = {
    "d/fifo": Special(stat.S_IFIFO | 0o640),
    "d/socket": Special(stat.S_IFSOCK | 0o600),
    "d/null": Special(stat.S_IFCHR | 0o666, (1, 3)),
    "d/loop": Special(stat.S_IFBLK | 0o660, (7, 0)),
    "d/file": "f\n",
}
NO_FILES = "an empty /dev/null helps nobody, and nor does an empty file in place of a socket"
MANY: dict[str, Item] = {f"m/{n // 100}/{n}": str(n) for n in range(10_000)}

CASES = [
    *section(
        "Copying from the build context",
        Case("names_all", HEAD + "COPY . /n/\n", NAMES),
        Case(
            "names_in_json",
            HEAD
            + 'COPY ["a b/c d", "/n/"]\nCOPY ["a b", "é", "/m m/"]\nADD ["$HOME", "/h/"]\n'
            + 'COPY ["日本/語", "/日本"]\nCOPY ["-dash", "~", "/o/"]\nCOPY ["--from=x", "/p/"]\n',
            NAMES,
        ),
        Case(
            "names_in_words",
            HEAD + "COPY -dash ~ \\'quoted\\' é /n/\n",
            NAMES,
        ),
        Case("names_quoted", HEAD + "COPY \"é\" '-dash' /n/\n", NAMES),
        Case(
            "names_escaped_space",
            HEAD + "COPY a\\ b /n/\n",
            NAMES,
            error="SourceNotFoundError",
            line=2,
        ),
        Case("names_dollar", HEAD + "COPY \\$HOME /n/\n", NAMES),
        Case(
            "special_in_directory",
            HEAD + "COPY d /d/\n",
            SPECIAL,
            differs=("/d/null", "/d/loop", "/d/socket", "layer 1 names also"),
            why=NO_FILES,
        ),
        Case(
            "special_added",
            HEAD + "ADD d /d/\n",
            SPECIAL,
            differs=("/d/null", "/d/loop", "/d/socket", "layer 1 names also"),
            why=NO_FILES,
        ),
        Case("special_fifo", HEAD + "COPY d/fifo /x/\n", SPECIAL),
        Case(
            "special_null",
            HEAD + "COPY d/null /x/\n",
            SPECIAL,
            oracle=CLASSIC,
        ),
        Case(
            "special_socket",
            HEAD + "COPY d/socket /x/\n",
            SPECIAL,
            differs=("/x/socket", "layer 1 names also"),
            why=NO_FILES,
        ),
        Case(
            "xattrs",
            HEAD + "COPY d /d/\nADD d/u /e/\n",
            {
                "d/u": Plain("u", xattrs={"user.note": b"n", "user.empty": b""}),
                "d/t": Plain("t", mode=0o755, xattrs={"trusted.x": b"y"}),
                "d/c": Plain("c", mode=0o644, xattrs={"security.capability": CAPABILITY}),
                "d/sub": Directory(xattrs={"user.dir": b"d"}),
            },
        ),
        Case(
            "hard_links_across",
            HEAD + "COPY a /a\nCOPY a d /x/\nCOPY . /y/\nCOPY d/b d/c /z/\n",
            {"a": "x\n", "d/b": HardLink("a"), "d/c": HardLink("a"), "d/l": Link("b")},
        ),
        Case(
            "hard_link_chmod",
            HEAD + "COPY --chown=3:4 --chmod=600 d /d/\n",
            {"d/a": "x\n", "d/b": HardLink("d/a")},
        ),
        Case("many_files", HEAD + "COPY m /m/\n", MANY),
        Case(
            "deep",
            HEAD + f"COPY . /d/\nCOPY {'d/' * 60}f /e/\n",
            {"d/" * 60 + "f": "deep"},
        ),
        Case("sparse", HEAD + "COPY s /s\nADD s /t/\n", {"s": Plain(b"\0" * (1 << 20) + b"end")}),
        Case(
            "link_sources",
            HEAD + "COPY up/f /1\nCOPY up/in /2/\nCOPY up/ /3\nCOPY abs /4/\nCOPY chain /5\n",
            {
                "real/f": "f\n",
                "real/in/x": "x\n",
                "up": Link("real"),
                "abs": Link("/real"),
                "chain": Link("up/../up/f"),
            },
        ),
        Case(
            "link_with_dots",
            HEAD + "COPY a/l /1/\nCOPY a/../b/f /2/\nCOPY ./././b/./f //3//\nCOPY /../../b/f /4\n",
            {"a/l": Link("../b"), "b/f": "f\n"},
        ),
    ),
    *section(
        "Pattern matching",
        Case(
            "pattern_classes",
            HEAD
            + "COPY f[a-c] /1/\nCOPY f[^a-c] /2/\nCOPY f[\\\\]\\\\-] /3/\nCOPY f? /4/\n"
            + "COPY *[[]0].txt /5/\n",
            {**dict.fromkeys(("fa", "fb", "fd", "f]", "f-", "fé"), "f"), **NAMES},
        ),
        Case("pattern_escapes", HEAD + "COPY q*[?] /1/\nCOPY [s]tar\\\\* /2/\n", NAMES),
        Case(
            "pattern_of_escapes_only",
            HEAD + "COPY star\\\\* /1/\n",
            NAMES,
            error="SourceNotFoundError",
            line=2,
        ),
        Case(
            "pattern_links",
            HEAD
            + "COPY */f /1/\nCOPY l/* /2/\nCOPY l*/f /3/\nCOPY l*/* /4/\nCOPY l/../*/f /5/\nCOPY l* /6/\n",
            {"deep/er/f": "1", "l": Link("deep/er"), "a/f": "2", "lm/g": "3", "lm/l": Link("g")},
        ),
        Case(
            "pattern_links_of_a_stage",
            "FROM busybox:test AS s\n"
            "RUN mkdir -p /w/deep/er /w/a && cd /w && echo 1 > deep/er/f && ln -s deep/er l"
            " && echo 2 > a/f\n"
            + HEAD
            + "COPY --from=s /w/*/f /1/\nCOPY --from=s /w/l/* /2/\nCOPY --from=s w/l*/f /3/\n",
        ),
        Case(
            "pattern_two_stars",
            HEAD + "COPY **/f /1/\nCOPY a/** /2/\n",
            {"f": "0", "a/f": "1", "a/b/f": "2", "a/b/c/f": "3"},
        ),
        Case(
            "pattern_depth",
            HEAD + "COPY */f /1/\nCOPY a/*/f /2/\nCOPY */b /3/\nCOPY a*/ /4/\n",
            {"f": "0", "a/f": "1", "a/b/f": "2", "ab/b/g": "3"},
        ),
        Case(
            "pattern_malformed",
            HEAD + "COPY a[ /1/\n",
            {"a": ""},
            error="DockerfileError",
            line=2,
            oracle=CLASSIC,
        ),
    ),
    *section(
        "Destination",
        Case("dest_spaces", HEAD + 'COPY ["a", "/x y/z w"]\n', {"a": "a"}),
        Case(
            "dest_dots", HEAD + "WORKDIR /w\nCOPY a ./b/../c/\nCOPY a ../../../d/./e\n", {"a": "a"}
        ),
        Case("dest_unicode", HEAD + "COPY a /é/日本\n", {"a": "a"}),
    ),
]
