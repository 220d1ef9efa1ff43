"""What several cases begin with, or copy."""

from ..contexts import Directory, HardLink, Item, Link, Plain

HEAD = "FROM busybox:test\n"
STAGE = "FROM busybox:test AS s\n"

SMALL: dict[str, Item] = {
    "d/a.txt": "a\n",
    "d/sub/b": "b\n",
    "d/l": Link("a.txt"),
    "top": "top\n",
    "x[0].txt": "x",
    "x0.txt": "0",
}
TREE: dict[str, Item] = {
    "d/a.txt": "a\n",
    "d/b.txt": Plain("b\n", mode=0o640, mtime=1_111_111_111),
    "d/sub/c.md": Plain("c\n", mode=0o755),
    "d/sub/deep/e": "",
    "d/empty": Directory(0o700, mtime=1_222_222_222),
    "d/link": Link("a.txt"),
    "top.txt": "top\n",
    "other.txt": Plain("other\n", mode=0o600),
}
ARCHIVE: dict[str, Item] = {
    "t": Directory(0o750, mtime=1_234_567_890, uid=3, gid=4),
    "t/file": Plain("x\n", mode=0o640, uid=7, gid=8, mtime=1_234_567_000),
    "t/hard": HardLink("t/file"),
    "t/link": Link("file"),
    "t/suid": Plain("s\n", mode=0o4711),
    "flat": "flat\n",
}

# 2.0 capability header: revision 2, effective, permitted bit 10 (net_bind_service).
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
