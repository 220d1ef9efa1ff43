"""ADD."""

from ..model import Case, Directory, HardLink, Link, Plain, tar_of

HEAD = "FROM busybox:test\n"
ARCHIVE = {
    "t": Directory(0o750, mtime=1_234_567_890, uid=3, gid=4),
    "t/file": Plain("x\n", mode=0o640, uid=7, gid=8, mtime=1_234_567_000),
    "t/hard": HardLink("t/file"),
    "t/link": Link("file"),
    "t/suid": Plain("s\n", mode=0o4711),
    "flat": "flat\n",
}

CASES = [
    Case("add_file", HEAD + "ADD a /\nADD a /x/y\nADD a d /z/\n", {"a": "a\n", "d/e": "e\n"}),
    Case("add_tar", HEAD + "ADD a.tar /new/\nADD a.tar /tmp\n", {"a.tar": tar_of(ARCHIVE)}),
    Case("add_tar_gz", HEAD + "ADD a.tgz /new\n", {"a.tgz": tar_of(ARCHIVE, "gz")}),
    Case("add_tar_bz2", HEAD + "ADD a.tar.bz2 /new/\n", {"a.tar.bz2": tar_of(ARCHIVE, "bz2")}),
    Case("add_tar_xz", HEAD + "ADD a.tar.xz /new/\n", {"a.tar.xz": tar_of(ARCHIVE, "xz")}),
    Case("add_tar_chown", HEAD + "ADD --chown=me a.tar /new/\n", {"a.tar": tar_of(ARCHIVE)}),
    Case(
        "add_tar_over",
        HEAD + "RUN mkdir -m 700 /t && ln -s /tmp /l\nADD a.tar /\nADD a.tar /l\n",
        {"a.tar": tar_of(ARCHIVE)},
    ),
    Case("add_tar_and_file", HEAD + "ADD a.tar b /n/\n", {"a.tar": tar_of(ARCHIVE), "b": "b\n"}),
    Case("add_tar_in_directory", HEAD + "ADD d /n/\n", {"d/a.tar": tar_of(ARCHIVE)}),
    Case("add_not_a_tar", HEAD + "ADD x.tar.gz y.tar /n/\n", {"x.tar.gz": "no", "y.tar": "no"}),
    Case(
        "add_plain_gz",
        HEAD + "ADD x.gz /n/\n",
        {"x.gz": bytes.fromhex("1f8b08000000000000034bcc490500a865327e03000000")},
    ),
    Case(
        "add_wildcard",
        HEAD + "ADD *.tar /n/\nADD *.md /m/\n",
        {"a.tar": tar_of(ARCHIVE), "r.md": "r"},
    ),
    Case("copy_tar_stays", HEAD + "COPY a.tar /n/\n", {"a.tar": tar_of(ARCHIVE)}),
]

# URL is the address of a server of the tests; see `served`.
REMOTE = [
    Case(
        "add_url", HEAD + "ADD URL/file.txt /f\nADD URL/d/file.txt /x/\nADD URL/file.txt /tmp/y\n"
    ),
    Case("add_url_no_time", HEAD + "ADD URL/no-time /t\n"),
    Case("add_url_tar_stays", HEAD + "ADD URL/a.tar /t/\n"),
    Case("add_url_chown", HEAD + "ADD --chown=me:7 URL/file.txt /t/\n"),
    Case("add_url_query", HEAD + "ADD URL/file.txt?x=y /t/\n"),
    Case("add_url_and_file", HEAD + "ADD a URL/file.txt /t/\n", {"a": "a\n"}),
    Case(
        "add_url_missing", HEAD + "ADD URL/missing /t/\n", error="BuildError", words="404", line=2
    ),
    Case("add_url_no_name", HEAD + "ADD URL/ /t/\nADD URL/a%2Fb%20c /v/\n"),
    Case("add_url_no_name_but_file", HEAD + "ADD URL/ /t\n"),
]
