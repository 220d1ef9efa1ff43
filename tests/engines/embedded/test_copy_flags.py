"""The flags of COPY and ADD; what must come out is written from the Dockerfile reference."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.errors import BuildError, DockerfileError, SourceNotFoundError
from tests.engines.embedded.copied import again, entries, entries_of, files, last_layer, made, put
from tests.fixtures.embedding import build, embedded, output_of
from tests.fixtures.sandbox import RUNGS

SCRATCH = "FROM scratch\n"
BASE = "FROM busybox:test\n"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    path = tmp_path / "context"
    path.mkdir()
    return path


# --- --parents ----------------------------------------------------------------------------------


def test_parents_keep_the_directories_of_a_source(engine, context):
    put(context, "x/a.txt", "y/a.txt")
    text = (
        f"{SCRATCH}COPY ./x/a.txt ./y/a.txt /no_parents/\n"
        "COPY --parents ./x/a.txt ./y/a.txt /parents/\n"
    )
    assert made(engine, text, context) == {
        "no_parents/a.txt": "y/a.txt",
        "parents/x/a.txt": "x/a.txt",
        "parents/y/a.txt": "y/a.txt",
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("./x/./y/*.txt", {"y/a.txt", "y/b.txt"}),
        ("./x/y/*.txt", {"x/y/a.txt", "x/y/b.txt"}),
        ("x/**/*.txt", {"x/0.txt", "x/y/a.txt", "x/y/b.txt", "x/y/z/deep.txt"}),
        ("**/*.md", {"x/y/c.md", "top.md"}),
        ("x/y", {"x/y/a.txt", "x/y/b.txt", "x/y/c.md", "x/y/z/deep.txt"}),
        ("x/y/", {"x/y/a.txt", "x/y/b.txt", "x/y/c.md", "x/y/z/deep.txt"}),
        ("x/./y/z", {"y/z/deep.txt"}),
        ("x/y/z/.", {"x/y/z/deep.txt"}),
        ("x/./y/./z", {"y/z/deep.txt"}),
        ("/x/y/./c.md", {"c.md"}),
        ("*/./y/z", {"y/z/deep.txt"}),
        ("x/y/[ac].*", {"x/y/a.txt", "x/y/c.md"}),
        ("none*", set()),
    ],
)
def test_parents_with_a_pivot_and_wildcards(engine, context, source, expected):
    put(context, "x/y/a.txt", "x/y/b.txt", "x/y/c.md", "x/y/z/deep.txt", "x/0.txt", "top.md", "w/q")
    found = made(engine, f"{SCRATCH}COPY --parents {source} /p/\n", context)
    assert set(found) == {f"p/{path}" for path in expected}


def test_parents_from_a_stage(engine):
    text = f"""{BASE.strip()} AS base
WORKDIR /test
RUN mkdir -p a/b/c/d/e a/b2/c/d/e a/b/c2/d/e a/b/c2/d/e2 && touch a/b/c/d/foo a/b/c/d/e/bay \\
  a/b2/c/d/e/bar a/b/c2/d/e/baz a/b/c2/d/e2/baz
FROM scratch
COPY --from=base --parents /test/a/b/./c/d /1/
COPY --from=base --parents /test/a/b/c/d/. /2/
COPY --from=base --parents /test/a/./*/c /3/
COPY --from=base --parents /test/a/b*/./c/**/e /4/
COPY --from=base --parents /test/a/b/c*/./d/**/baz /test/a/b*/./c/**/bar /5/
"""
    assert set(made(engine, text)) == {
        *("1/c/d/foo", "1/c/d/e/bay"),
        *("2/test/a/b/c/d/foo", "2/test/a/b/c/d/e/bay"),
        *("3/b/c/d/foo", "3/b/c/d/e/bay", "3/b2/c/d/e/bar"),
        *("4/c/d/e/bay", "4/c/d/e/bar"),
        *("5/d/e/baz", "5/d/e2/baz", "5/c/d/e/bar"),
    }


def test_parents_take_mode_and_owner_of_their_directories(engine, context):
    put(context, "a/b/file")
    (context / "a").chmod(0o750)
    (context / "a/b").chmod(0o711)
    text = f"{SCRATCH}COPY --parents --chown=7:8 a/b/file /p/\n"
    found = entries_of(engine, text, context)
    assert {path: (entry.mode & 0o7777, entry.uid, entry.gid) for path, entry in found.items()} == {
        "p": (0o755, 7, 8),
        "p/a": (0o750, 7, 8),
        "p/a/b": (0o711, 7, 8),
        "p/a/b/file": (0o644, 7, 8),
    }


def test_parents_of_an_empty_directory(engine, context):
    (context / "a/empty").mkdir(parents=True)
    (context / "a/other").mkdir()
    found = entries(
        engine, build(engine, f"{SCRATCH}COPY --parents a/empty /\n", context=context).image.id
    )
    assert set(found) == {"a", "a/empty"}


def test_a_directory_on_the_way_keeps_its_owner_where_it_is_there(engine, context):
    put(context, "etc/app/conf")
    (context / "etc").chmod(0o751)
    text = f"{BASE}RUN chown 3:4 /etc\nCOPY --parents --chown=7:8 etc/app/conf /\n"
    found = entries_of(engine, text, context)
    assert (found["etc"].uid, found["etc"].gid, found["etc"].mode & 0o7777) == (3, 4, 0o751)
    assert (found["etc/app"].uid, found["etc/app/conf"].gid) == (7, 8)
    assert "etc/passwd" in found


@pytest.mark.parametrize("source", ["missing", "x/missing", "x/./missing", "missing/./a", "x/a/b"])
def test_parents_of_a_source_that_is_not_there(engine, context, source):
    put(context, "x/a")
    with pytest.raises(SourceNotFoundError, match="not found"):
        build(engine, f"{SCRATCH}COPY --parents {source} /\n", context=context)


@pytest.mark.parametrize("copy", ["COPY", "COPY --from=made"])
def test_parents_follow_no_symlink_and_say_so(engine, context, copy):
    put(context, "real/a")
    (context / "link").symlink_to("real")
    text = f"FROM scratch AS made\nCOPY . /\nFROM scratch\n{copy} --parents link/a /p/\n"
    with pytest.raises(SourceNotFoundError, match='"/link/a" not found') as caught:
        build(engine, text, context=context)
    assert "follows no symlink" in caught.value.hint
    found = made(engine, text.replace("link/a", "link ./link/./a"), context)
    assert found == {"p/link": "-> real", "p/a": "real/a"}


def test_parents_and_dockerignore(engine, context):
    put(context, "x/a", "x/b.tmp", "x/y/c.tmp")
    (context / ".dockerignore").write_text("**/*.tmp\n")
    assert set(made(engine, f"{SCRATCH}COPY --parents x/** /\n", context)) == {"x/a"}


def test_parents_is_in_the_history_and_a_file_with_an_exclamation_mark_is_a_file(engine, context):
    put(context, "!a/b")
    result = build(engine, f"{SCRATCH}COPY --parents !a/b /p/\n", context=context)
    assert set(files(engine, result.image.id)) == {"p/!a/b"}
    assert result.image.history[-1].created_by == "COPY --parents !a/b /p/ # buildkit"


# --- --exclude ----------------------------------------------------------------------------------


def test_exclude_as_in_the_reference(engine, context):
    put(context, "home.txt", "home.md", "homely", "hom.d/in.txt", "other.txt")
    one = made(engine, f"{SCRATCH}COPY --exclude=*.txt hom* /mydir/\n", context)
    assert set(one) == {"mydir/home.md", "mydir/homely"}
    two = made(engine, f"{SCRATCH}COPY --exclude=*.txt --exclude=*.md hom* /mydir/\n", context)
    assert set(two) == {"mydir/homely"}


@pytest.mark.parametrize(
    ("flags", "gone"),
    [
        ("--exclude=*.1", {"a.1"}),
        ("--exclude=**/*.1", {"a.1", "sub/a.1"}),
        ("--exclude=sub", {"sub/a.1", "sub/a.2"}),
        ("--exclude=sub/", {"sub/a.1", "sub/a.2"}),
        ("--exclude=sub/*.2 --exclude=a.?", {"a.1", "a.2", "sub/a.2"}),
        ("--exclude=* --exclude=!a.1", {"a.2", "sub/a.1", "sub/a.2"}),
        ("--exclude=sub --exclude=!sub/a.1", {"sub/a.2"}),
        ("--exclude=$WHAT", {"sub/a.1", "sub/a.2"}),
        ("--exclude=dir", set()),
    ],
)
@pytest.mark.parametrize(
    "copy", ["COPY {} dir /d/", "ADD {} dir /d/", "COPY --from=made {} dir /d/"]
)
def test_exclude_looks_at_paths_in_the_directory(engine, context, copy, flags, gone):
    every = {"a.1", "a.2", "sub/a.1", "sub/a.2"}
    put(context, *(f"dir/{name}" for name in every))
    text = f"FROM scratch AS made\nCOPY . /\nFROM scratch\nARG WHAT=sub\n{copy.format(flags)}\n"
    assert set(made(engine, text, context)) == {f"d/{name}" for name in every - gone}


def test_exclude_with_parents_looks_at_paths_from_the_pivot(engine, context):
    put(context, "x/y/a.txt", "x/y/b.txt", "x/b.txt", "b.txt")
    text = f"{SCRATCH}COPY --parents --exclude=x/y/b.txt **/*.txt /1/\n"
    text += "COPY --parents --exclude=y/b.txt x/./**/*.txt /2/\n"
    assert set(made(engine, text, context)) == {
        *("1/x/y/a.txt", "1/x/b.txt", "1/b.txt", "2/y/a.txt", "2/b.txt"),
    }


def test_what_is_excluded_does_not_count_for_the_cache(engine, context):
    put(context, "a", "b")
    text = f"{SCRATCH}COPY --exclude=b . /\n"
    first, _ = again(engine, text, context=context)
    (context / "b").write_text("other\n")
    second, missed = again(engine, text, context=context)
    assert (missed, second.image.id) == ([], first.image.id)
    (context / "a").write_text("other\n")
    assert again(engine, text, context=context)[1] == ["COPY --exclude=b . /"]


def test_a_malformed_pattern_is_named(engine, context):
    put(context, "a")
    with pytest.raises(DockerfileError, match="syntax error in pattern") as caught:
        build(engine, f"{SCRATCH}COPY --exclude=[ . /\n", context=context)
    assert caught.value.line == 2


# --- --chmod ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "plain", "program", "directory"),
    [
        ("755", 0o755, 0o755, 0o755),
        ("0640", 0o640, 0o640, 0o640),
        ("4711", 0o4711, 0o4711, 0o4711),
        ("u=rwX,go=rX", 0o644, 0o755, 0o755),
        ("+x", 0o711, 0o755, 0o711),
        ("a+x", 0o711, 0o755, 0o711),
        ("g=u", 0o660, 0o775, 0o770),
        ("go=", 0o600, 0o700, 0o700),
        ("go-rwx,u+x", 0o700, 0o700, 0o700),
        ("u=rw,g=u-w,o=", 0o640, 0o640, 0o640),
        ("o+t,u+s,g+s", 0o6600, 0o6755, 0o6700),
        ("+t", 0o1600, 0o1755, 0o1700),
        ("$MODE", 0o440, 0o440, 0o440),
    ],
)
def test_chmod(engine, context, mode, plain, program, directory):
    put(context, "d/plain", "d/program", "d/sub/file")
    (context / "d/plain").chmod(0o600)
    (context / "d/program").chmod(0o755)
    (context / "d/sub").chmod(0o700)
    (context / "d/link").symlink_to("plain")
    text = f"{SCRATCH}ARG MODE=440\nCOPY --chmod={mode} d /d\n"
    found = entries_of(engine, text, context)
    modes = [found[f"d/{name}"].mode & 0o7777 for name in ("plain", "program", "sub", "link")]
    assert modes == [plain, program, directory, 0o777]


@pytest.mark.parametrize(
    "mode", ["8", "999", "77777", "0x1", "-1", "rwx", "u=q", "u", ",", "755,u+x"]
)
def test_a_mode_that_is_none(engine, context, mode):
    put(context, "a")
    with pytest.raises(BuildError, match="invalid chmod parameter") as caught:
        build(engine, f"{SCRATCH}COPY --chmod={mode} a /\n", context=context)
    assert caught.value.line == 2


def test_chmod_and_chown_of_here_documents(engine):
    text = f"{SCRATCH}COPY --chmod=u+x,go= --chown=5 <<one <<two /d/\n1\none\n2\ntwo\n"
    found = entries(engine, build(engine, text).image.id)
    for name in ("d/one", "d/two"):
        assert (found[name].mode & 0o7777, found[name].uid, found[name].gid) == (0o700, 5, 5)


# --- --link -------------------------------------------------------------------------------------


def test_a_linked_layer_is_as_on_scratch(engine, context):
    put(context, "foo", "d/a")
    linked = f"{BASE}COPY --link foo /bar/\nCOPY --link d /etc\n"
    found = build(engine, linked, context=context).image.id
    alone = build(engine, f"{SCRATCH}COPY --link d /etc\n", context=context).image.id
    assert set(last_layer(engine, found)) == set(last_layer(engine, alone)) == {"etc", "etc/a"}
    assert files(engine, found)["bar/foo"] == "foo"
    assert "etc/passwd" in files(engine, found)


def test_a_linked_layer_stays_known_when_what_is_below_changes(engine, context):
    put(context, "foo")
    text = "RUN date +%s%N > /now\nARG A\nRUN echo $A > /a\nCOPY --link foo /bar/\n"
    first = build(engine, BASE + text, context=context, build_args={"A": "1"})
    second, missed = again(engine, BASE + text, context=context, build_args={"A": "2"})
    assert missed == ["RUN echo $A > /a"]
    layers = [engine.contents(one.image.id).layers[-1].diff_id for one in (first, second)]
    assert layers[0] == layers[1]
    _, missed = again(
        engine, BASE + text.replace("--link ", ""), context=context, build_args={"A": "2"}
    )
    assert missed == ["COPY foo /bar/"]


def test_a_link_in_the_destination_is_followed_without_link_only(engine, context):
    put(context, "a")
    below = f"{BASE}RUN mkdir /real && ln -s real /ln && ln -s real /lm\n"
    found = made(
        engine, f"{below}COPY a /ln/\nCOPY --link a /lm/\nCOPY --link=false a /ln/b\n", context
    )
    assert {path for path in found if path.startswith(("real", "ln", "lm"))} == {
        *("ln", "real/a", "real/b", "lm/a"),
    }


def test_a_linked_directory_replaces_the_mode_of_the_one_below(engine, context):
    put(context, "a")
    below = f"{BASE}RUN mkdir -m 1777 -p /t\n"
    plain = entries(engine, build(engine, f"{below}COPY a /t/\n", context=context).image.id)
    linked = entries(engine, build(engine, f"{below}COPY --link a /t/\n", context=context).image.id)
    assert plain["t"].mode & 0o7777 == 0o1777
    assert linked["t"].mode & 0o7777 == 0o755


def test_a_linked_file_where_a_directory_is(engine, context):
    put(context, "a")
    below = f"{BASE}RUN mkdir /d && touch /d/x\n"
    assert made(engine, f"{below}COPY --link a /d\n", context)["d"] == "a"
    assert made(engine, f"{below}COPY a /d\n", context)["d/a"] == "a"


@pytest.mark.parametrize("rung", RUNGS)
def test_a_linked_layer_runs(tmp_path, context, rung):
    put(context, "a")
    text = f"{BASE}RUN ln -s /etc /e\nCOPY --link a /e/\n"
    text += "RUN cat /e/a > /seen; ls /etc | wc -l >> /seen\n"
    with embedded(tmp_path / "store", rung) as engine:
        build(engine, text, context=context, tag="linked:test")
        first, second = output_of(engine, "linked:test", "cat", "/seen").split()
    assert first == "a"
    assert int(second) > 0


def test_owners_by_name_are_not_looked_up_with_link(engine, context):
    put(context, "a")
    with pytest.raises(BuildError, match="invalid user index: -1") as caught:
        build(engine, f"{BASE}COPY --link --chown=root a /\n", context=context)
    assert "give numbers" in caught.value.hint
    found = entries(
        engine, build(engine, f"{BASE}COPY --link --chown=5:6 a /n/\n", context=context).image.id
    )
    assert [(found[p].uid, found[p].gid) for p in ("n", "n/a")] == [(5, 6), (5, 6)]


def test_chmod_switches_link_off(engine, context):
    put(context, "a")
    below = f"{BASE}RUN mkdir /real && ln -s real /ln\n"
    assert made(engine, f"{below}COPY --link --chmod=600 a /ln/\n", context)["real/a"] == "a"


def test_a_linked_archive(engine, context):
    with tarfile.open(context / "a.tar", "w") as archive:
        archive.add(put(context, "in/x") / "in", "in")
    found = made(engine, f"{BASE}RUN ln -s etc /e\nADD --link a.tar /e/\n", context)
    assert found["e/in/x"] == "in/x"


# --- here-documents -----------------------------------------------------------------------------


def test_here_documents_with_and_without_expansion_and_beside_files(engine, context):
    put(context, "file")
    text = f"""{SCRATCH}ARG NAME=world
COPY file <<one <<'two' <<-three /d/
hello $NAME
one
hello $NAME
two
\t\tindented
\tthree
ADD <<"a-b" /e/
quoted $NAME
a-b
COPY <<EOF /whole
${{NAME}} \\$NAME
EOF
"""
    result = build(engine, text, context=context)
    assert files(engine, result.image.id) == {
        "d/file": "file",
        "d/one": "hello world",
        "d/two": "hello $NAME",
        "d/three": "indented",
        "e/a-b": "quoted $NAME",
        "whole": "world $NAME",
    }
    assert result.image.history[-1].created_by == "COPY <<EOF /whole # buildkit"


def test_the_umask_has_no_say(engine, context):
    before = os.umask(0o077)
    try:
        found = entries_of(engine, f"{SCRATCH}COPY <<a /x/y/\n1\na\n")
    finally:
        os.umask(before)
    assert [found[p].mode & 0o777 for p in ("x", "x/y", "x/y/a")] == [0o755, 0o755, 0o644]


@pytest.fixture
def deep_place() -> Iterator[Path]:
    """A directory that is removed whatever is in it: pytest can't remove what is very deep."""
    place = Path(tempfile.mkdtemp())
    yield place
    subprocess.run(["rm", "-rf", place], check=True)


def test_a_directory_deeper_than_python_can_recurse(deep_place):
    deep = "d/" * 1100
    (deep_place / "context").mkdir()
    here = os.open(deep_place / "context", os.O_PATH)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        here, above = os.open("d", os.O_PATH, dir_fd=here), here
        os.close(above)
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    text = f"{BASE}COPY --parents **/f /p/\nRUN cp -a /p /q\n"
    with embedded(deep_place / "store") as engine:
        build(engine, text, context=deep_place / "context", tag="deep:1")
        assert f"q/{deep}f" in entries(engine, "deep:1")
        engine.remove_image("deep:1")
        engine.prune_build_cache(every=True)
        layers = [path.name for path in (deep_place / "store" / "layers").iterdir()]
    assert len(layers) == 1, "the base's is left"
