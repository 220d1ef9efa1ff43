"""`docker cp`: where things go, and that nothing of a container leads out of it."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest

from container_magics.engines.containers import PathStatus
from container_magics.errors import (
    ContainerMagicsError,
    CorruptArchiveError,
    NotFoundError,
    UsageError,
)

from .engine import container

FILE, FOLDER, LINK = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755, stat.S_IFLNK | 0o777


def archive(*members):
    """A tar of (name, type or content, link target)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content, *link in members:
            member = tarfile.TarInfo(name)
            member.mtime, member.mode = 1_600_000_000, 0o640
            if isinstance(content, str):
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content.encode()))
                continue
            member.type, member.mode = content, 0o750 if content == tarfile.DIRTYPE else 0o640
            member.linkname = "".join(link)
            tar.addfile(member)
    return file.getvalue()


TREE = archive(
    ("tree", tarfile.DIRTYPE),
    ("tree/a", "text"),
    ("tree/b", tarfile.LNKTYPE, "tree/a"),
    ("tree/c", tarfile.SYMTYPE, "/etc"),
    ("tree/sub", tarfile.DIRTYPE),
    ("tree/sub/d", tarfile.SYMTYPE, "../a"),
)


@pytest.fixture(autouse=True)
def _made(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    engine.made = [container(1, "web")]
    engine.paths = {
        "/": PathStatus("/", 0, FOLDER),
        "/file": PathStatus("file", 4, FILE),
        "/tree": PathStatus("tree", 0, FOLDER),
        "/to-file": PathStatus("to-file", 0, LINK, "/file"),
        "/to-tree": PathStatus("to-tree", 0, LINK, "/tree"),
        "/to-nothing": PathStatus("to-nothing", 0, LINK, "/nothing"),
        "/null": PathStatus("null", 0, stat.S_IFCHR | 0o666),
    }


def packed(engine):
    with tarfile.open(fileobj=io.BytesIO(engine.archive)) as tar:
        return {member.name: member for member in tar}


# --- from a container ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "destination", "where"),
    [
        ("web:/file", "new", "new"),
        ("web:file", ".", "file"),
        ("web:/file", "there", "there/file"),
        ("web:/file", "old", "old"),
        ("web:/file", "link", "old"),
        ("web:/file", "./with:colon", "with:colon"),
    ],
)
def test_a_file_comes_out(docker, engine, surface, tmp_path, source, destination, where):
    (tmp_path / "there").mkdir()
    (tmp_path / "old").write_text("old")
    (tmp_path / "link").symlink_to("old")
    engine.archive = archive(("file", "text"))
    assert docker("cp", source, destination) is None
    assert (tmp_path / where).read_text() == "text"
    assert (tmp_path / where).stat().st_mtime == 1_600_000_000
    assert stat.S_IMODE((tmp_path / where).stat().st_mode) == 0o640
    assert surface.err == f"Successfully copied 4B to {destination}\n"


@pytest.mark.parametrize(
    ("source", "destination", "where"),
    [
        ("web:/tree", "new", "new"),
        ("web:/tree/.", "new", "new"),
        ("web:/tree", "new/", "new"),
        ("web:/tree", "there", "there/tree"),
        ("web:/tree/", "there", "there/tree"),
        ("web:/tree/.", "there", "there"),
        ("web:/to-tree/.", "there", "there"),
        ("web:/to-tree/", "there", "there/to-tree"),
    ],
)
def test_a_directory_comes_out(docker, engine, tmp_path, source, destination, where):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "stays").touch()
    engine.archive = TREE
    docker("cp", "-q", source, destination)
    top = tmp_path / where
    assert (top / "a").read_text() == (top / "sub/d").read_text() == "text"
    assert (top / "a").samefile(top / "b")
    assert (top / "c").readlink() == Path("/etc")
    assert stat.S_IMODE((top / "sub").stat().st_mode) == 0o750
    assert (top / "sub").stat().st_mtime == 1_600_000_000
    assert (tmp_path / "there" / "stays").exists()
    assert engine.requests[0][:2] == ("copy from", "web")


def test_a_link_is_copied_or_followed(docker, engine, tmp_path):
    engine.archive = archive(("to-file", tarfile.SYMTYPE, "file"))
    docker("cp", "web:/to-file", "copy")
    assert (tmp_path / "copy").readlink() == Path("file")
    engine.archive = archive(("file", "text"))
    docker("cp", "-L", "web:/to-file", ".")
    assert (tmp_path / "to-file").read_text() == "text"
    assert engine.requests[-1] == ("copy from", "web", "/file")


def test_a_tar_to_standard_output(docker, engine, surface):
    engine.archive = TREE
    with pytest.raises(UsageError, match="cowardly refusing"):
        docker("cp", "web:/tree", "-")
    surface.binary = io.BytesIO()
    docker("cp", "web:/tree", "-")
    assert surface.binary.getvalue() == TREE


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("tree", tarfile.DIRTYPE), ("tree/../../out", "x")], "climbs out|does not belong"),
        ([("tree", tarfile.DIRTYPE), ("other", "x")], "does not belong"),
        ([("tree", tarfile.DIRTYPE), ("tree/l", tarfile.SYMTYPE, "../../x")], "invalid symlink"),
        (
            [
                ("tree", tarfile.DIRTYPE),
                ("tree/l", tarfile.SYMTYPE, "/OUT"),
                ("tree/l/file", "x"),
            ],
            "cannot write",
        ),
        (
            [("tree", tarfile.DIRTYPE), ("tree/l", tarfile.LNKTYPE, "../outside/file")],
            "climbs out",
        ),
        (
            [
                ("tree", tarfile.DIRTYPE),
                ("tree/l", tarfile.SYMTYPE, "/OUT"),
                ("tree/h", tarfile.LNKTYPE, "tree/l/file"),
            ],
            "cannot write",
        ),
    ],
)
def test_nothing_is_written_outside(docker, engine, tmp_path, members, said):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    (tmp_path / "into").mkdir()
    engine.archive = archive(
        *[(*each[:-1], each[-1].replace("/OUT", str(outside))) if len(each) == 3 else each
          for each in members]
    )  # fmt: skip
    with pytest.raises(ContainerMagicsError, match=said):
        docker("cp", "web:/tree", "into")
    assert [each.name for each in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "mine"
    assert (outside / "file").stat().st_nlink == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["into", "outside"]


def test_a_link_of_this_machine_gives_way_and_is_not_followed(docker, engine, tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a").symlink_to(tmp_path / "mine")
    engine.archive = TREE
    docker("cp", "web:/tree", ".")
    assert not (tmp_path / "tree" / "a").is_symlink()
    assert (tmp_path / "mine").read_text() == "mine"
    (tmp_path / "tree" / "sub" / "d").unlink()
    (tmp_path / "tree" / "sub").rmdir()
    (tmp_path / "tree" / "sub").symlink_to(tmp_path / "folder")
    with pytest.raises(ContainerMagicsError, match="cannot overwrite non-directory"):
        docker("cp", "web:/tree", ".")
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_directory_is_not_replaced_by_a_file(docker, engine, tmp_path):
    (tmp_path / "file").mkdir()
    engine.archive = archive(("file", "text"))
    with pytest.raises(ContainerMagicsError, match=r'cannot overwrite directory ".*/file" with'):
        docker("cp", "web:/file", ".")


def test_a_failing_engine_is_what_is_told(docker, engine, tmp_path):
    engine.failure = ContainerMagicsError("the engine is gone")
    with pytest.raises(ContainerMagicsError, match="the engine is gone"):
        docker("cp", "web:/file", "new")
    engine.failure = None
    engine.archive = archive(("file", "text"))[:700]
    with pytest.raises(CorruptArchiveError):
        docker("cp", "web:/file", "new")


# --- to a container -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "destination", "directory", "name"),
    [
        ("file", "web:/", "/", "file"),
        ("file", "web:/new", "/", "new"),
        ("file", "web:new", "/", "new"),
        ("file", "web:/file", "/", "file"),
        ("file", "web:/tree", "/tree", "file"),
        ("file", "web:/tree/x", "/tree", "x"),
        ("file", "web:/to-tree", "/tree", "file"),
        ("file", "web:/to-file", "/", "file"),
        ("file", "web:/to-nothing", "/", "nothing"),
        ("link", "web:/new", "/", "new"),
    ],
)
def test_a_file_goes_in(docker, engine, surface, tmp_path, source, destination, directory, name):
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")
    engine.paths |= {"/tree/x": PathStatus("x", 1, FILE)} if name == "x" else {}
    docker("cp", source, destination)
    assert engine.requests == [("copy to", "web", directory, False)]
    (member,) = packed(engine).values()
    assert member.name == name
    assert member.issym() == (source == "link")
    size = "0B" if source == "link" else "4B"
    assert surface.err == f"Successfully copied {size} to {destination}\n"


@pytest.mark.parametrize(
    ("source", "destination", "directory", "names"),
    [
        ("tree", "web:/tree", "/tree", {"tree", "tree/a", "tree/l"}),
        ("tree/", "web:/tree", "/tree", {"tree", "tree/a", "tree/l"}),
        ("tree/.", "web:/tree", "/tree", {"a", "l"}),
        ("tree", "web:/new", "/", {"new", "new/a", "new/l"}),
        ("tree/.", "web:/new/", "/", {"new", "new/a", "new/l"}),
        ("link/.", "web:/tree", "/tree", {"a", "l"}),
        ("link", "web:/tree", "/tree", {"link"}),
    ],
)
def test_a_directory_goes_in(docker, engine, tmp_path, source, destination, directory, names):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a").write_text("text")
    (tmp_path / "tree" / "l").symlink_to("a")
    (tmp_path / "link").symlink_to("tree")
    docker("cp", "-a", source, destination)
    assert engine.requests == [("copy to", "web", directory, True)]
    assert set(packed(engine)) == names


def test_the_present_folder_means_what_is_in_it(docker, engine, tmp_path):
    (tmp_path / "a").touch()
    docker("cp", ".", "web:/tree")
    assert set(packed(engine)) == {"a"}


def test_a_local_link_is_followed_when_asked(docker, engine, tmp_path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")
    docker("cp", "-L", "link", "web:/tree")
    assert packed(engine)["link"].isreg()


def test_a_tar_from_standard_input(docker, engine):
    docker("cp", "-", "web:/tree", stdin=TREE)
    assert engine.archive == TREE
    assert engine.requests == [("copy to", "web", "/tree", False)]
    with pytest.raises(ContainerMagicsError, match='"web:/file" must be a directory'):
        docker("cp", "-", "web:/file", stdin=TREE)


@pytest.mark.parametrize(
    ("source", "destination", "kind", "said"),
    [
        ("a", "b", UsageError, "must specify at least one container source"),
        ("a:/b", "c:/d", UsageError, "copying between containers is not supported"),
        ("", "web:/", UsageError, "source can not be empty"),
        ("web:/file", "", UsageError, "destination can not be empty"),
        ("web:", ".", UsageError, "is missing"),
        ("-", "web:/tree", UsageError, "standard input"),
        ("missing", "web:/", NotFoundError, "missing: no such file or directory"),
        ("file/", "web:/", ContainerMagicsError, "not a directory"),
        ("file", "web:/new/", ContainerMagicsError, "no such directory"),
        ("tree", "web:/file", ContainerMagicsError, "cannot copy directory"),
        ("file", "web:/null", ContainerMagicsError, "must be a directory or a regular file"),
        ("file", "nothing:/", NotFoundError, "No such container: nothing"),
        ("web:/missing", ".", NotFoundError, "Could not find the file /missing"),
        ("web:/file/.", ".", ContainerMagicsError, "not a directory"),
        ("web:/file", "new/", ContainerMagicsError, "no such directory"),
        ("web:/tree", "file", ContainerMagicsError, "cannot copy directory"),
        ("web:/file", "missing/new", NotFoundError, "does not exist"),
        ("web:/file", "/dev/null", ContainerMagicsError, "must be a directory or a regular file"),
    ],
)
def test_refusals(docker, engine, tmp_path, source, destination, kind, said):
    (tmp_path / "file").write_text("text")
    (tmp_path / "tree").mkdir()
    with pytest.raises(kind) as raised:
        docker("cp", source, destination)
    assert said in str(raised.value)
    assert engine.requests == []
