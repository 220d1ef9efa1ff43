"""`-v`, `--mount` and `--tmpfs` in docker's forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from container_magics.commands.containers.mounting import mount, mounted, tmpfs, volume
from container_magics.engines.run_request import Mount, Tmpfs, Volume
from container_magics.errors import UnsupportedError, UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("/data", Volume("", "/data")),
        ("data:/data", Volume("data", "/data")),
        ("data:/data:ro", Volume("data", "/data", read_only=True)),
        ("data:/data:rw", Volume("data", "/data")),
        ("data:/data:nocopy,ro", Volume("data", "/data", read_only=True, copy=False)),
        ("data:/a/../b/", Volume("data", "/b")),
        ("/abs:/there", Mount(Path("/abs"), "/there")),
        ("/abs:/there:ro,cached,rprivate", Mount(Path("/abs"), "/there", read_only=True)),
    ],
)
def test_volumes(text, value):
    assert volume(text) == value


def test_a_folder_beside_the_notebook(folder):
    assert volume(".:/here") == Mount(folder, "/here")
    assert volume("./a/../b:/here") == Mount(folder / "b", "/here")
    assert mount("type=bind,src=./b,dst=/here") == Mount(folder / "b", "/here", create=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "invalid empty volume spec"),
        (":/data", "invalid spec: :/data: empty section between colons"),
        ("data:/data:", "invalid spec: data:/data:: empty section between colons"),
        ("data:ro", "invalid volume specification: 'data:ro'"),
        ("a:/b:ro:rw", "invalid spec: a:/b:ro:rw: too many colons"),
        ("data:/data:fast", "invalid mode: fast"),
        ("data:/data:ro,rw", "invalid mode: ro,rw"),
        ("./a:data", "'data' mount path must be absolute"),
        ("./a:/", 'mount config for type "bind": invalid specification: destination can\'t be'),
        ("/", "destination can't be '/'"),
        ("/a:/b:nocopy", 'type "bind": field VolumeOptions must not be specified'),
        ("a/b:/data", '"a/b" includes invalid characters for a local volume name'),
        ("~/x:/data", '"~/x" includes invalid characters'),
        ("d:/data", "names should be at least two alphanumeric characters"),
    ],
)
def test_what_is_no_volume(text, said):
    with pytest.raises(UsageError) as raised:
        volume(text)
    assert said in raised.value.message
    assert not isinstance(raised.value, UnsupportedError)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("type=bind,src=/a,dst=/b", Mount(Path("/a"), "/b", create=False)),
        (
            "type=BIND,source=/a,destination=/b,readonly,consistency=cached",
            Mount(Path("/a"), "/b", read_only=True, create=False),
        ),
        ('type=bind,"src=/a,b",target=/b', Mount(Path("/a,b"), "/b", create=False)),
        ("dst=/b", Volume("", "/b")),
        ("type=volume,src=data,dst=/b,ro=true", Volume("data", "/b", read_only=True)),
        ("src=data,dst=/b,ro=0,volume-driver=local", Volume("data", "/b")),
        ("src=data,dst=/b,volume-nocopy", Volume("data", "/b", copy=False)),
        ("src=data,dst=/b,volume-nocopy=false", Volume("data", "/b")),
        ("type=tmpfs,dst=/b", Tmpfs("/b")),
        (
            "type=tmpfs,dst=/b,tmpfs-size=64m,tmpfs-mode=700,ro",
            Tmpfs("/b", 64 << 20, 0o700, read_only=True),
        ),
    ],
)
def test_mounts(text, value):
    assert mount(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", '"" for "--mount" flag: EOF'),
        ("type=bind,src=/a", '"--mount" flag: target is required'),
        ("type=bind,src=/a,dst=/b,x=1", "unexpected key 'x' in 'x=1'"),
        ("type=bind,src=/a,dst=/b,x", "invalid field 'x' must be a key=value pair"),
        ("dst=/b,readonly=maybe", "invalid value for readonly: maybe"),
        ("type=tmpfs,dst=/b,tmpfs-size=x", "invalid value for tmpfs-size: x"),
        ("type=tmpfs,dst=/b,tmpfs-mode=9", "invalid value for tmpfs-mode: 9"),
        (
            "type=bind,src=/a,dst=/b,volume-nocopy",
            "cannot mix 'volume-*' options with mount type 'bind'",
        ),
        ("type=foo,dst=/b", 'invalid mount config for type "foo": mount type unknown'),
        ("type=bind,dst=/b", 'invalid mount config for type "bind": field Source must not be'),
        ("type=bind,src=a,dst=/b", "invalid mount path: 'a' mount path must be absolute"),
        ("type=tmpfs,src=a,dst=/b", "field Source must not be specified"),
        ("type=volume,dst=b", "invalid mount path: 'b' mount path must be absolute"),
        ("dst=/b,ro", "must not set ReadOnly mode when using anonymous volumes"),
        ("src=/a,dst=/b", '"/a" includes invalid characters for a local volume name'),
    ],
)
def test_what_is_no_mount(text, said):
    with pytest.raises(UsageError) as raised:
        mount(text)
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("/b", Tmpfs("/b")),
        ("/b:", Tmpfs("/b")),
        ("/b:size=64m,mode=700,ro", Tmpfs("/b", 64 << 20, 0o700, read_only=True)),
        ("/b:rw,noexec,nosuid,nodev,size=1g", Tmpfs("/b", 1 << 30)),
    ],
)
def test_tmpfs(text, value):
    assert tmpfs(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("b", "invalid mount path: 'b' mount path must be absolute"),
        ("/", "destination can't be '/'"),
        ("/b:size=x", "invalid size: 'x'"),
        ("/b:mode=9", "invalid mode: 9"),
    ],
)
def test_what_is_no_tmpfs(text, said):
    with pytest.raises(UsageError) as raised:
        tmpfs(text)
    assert said in raised.value.message


def test_a_nameless_volume_makes_way(folder):
    assert mounted(["/a", "/b", "/a", ".:/b"], [], ["/c"]) == (
        Mount(folder, "/b"),
        Tmpfs("/c"),
        Volume("", "/a"),
    )


@pytest.mark.parametrize(
    ("volumes", "mounts", "memory"),
    [
        (["xx:/a", ".:/a"], [], []),
        (["xx:/a/"], ["type=tmpfs,dst=/a"], []),
        (["xx:/a"], [], ["/a"]),
    ],
)
def test_two_at_one_path(volumes, mounts, memory):
    with pytest.raises(UsageError, match="Duplicate mount point: /a"):
        mounted(volumes, mounts, memory)


@pytest.mark.parametrize(
    ("read", "text", "named"),
    [
        (volume, "a1:/a:z", "the option 'z'"),
        (volume, "/a:/a:rshared", "the option 'rshared'"),
        (mount, "type=image,src=a,dst=/a", "type=image"),
        (mount, "type=bind,src=/a,dst=/a,bind-propagation=shared", "bind-propagation=shared"),
        (mount, "src=ab,dst=/a,volume-opt=a=b", "volume-opt=a=b"),
        (tmpfs, "/a:exec", "the option 'exec'"),
    ],
)
def test_what_is_not_available_is_named(read, text, named):
    with pytest.raises(UnsupportedError) as raised:
        read(text)
    assert named in raised.value.message
    assert raised.value.hint
