"""`docker volume`, `docker network`, and `inspect` of all there is."""

from __future__ import annotations

import json

import pytest

from container_magics.engines.containers import NetworkSummary, VolumeSummary
from container_magics.engines.results import PruneReport, Removal
from container_magics.errors import NotFoundError, UnsupportedError, UsageError

from .engine import MOMENT, container, summary

DATA = VolumeSummary("data", "/volumes/data", MOMENT, labels={"of": "web", "x": ""})
SPARE = VolumeSummary("spare", "/volumes/spare", None)
WEB = container(1, "web", mounts=("data", "/home"), networks=("mine",), size=1000)
NETWORKS = [
    NetworkSummary("b" * 64, "bridge", "bridge"),
    NetworkSummary("c" * 64, "mine", "bridge", created=MOMENT, labels={"a": "b"}),
    NetworkSummary("d" * 64, "spare", "bridge"),
]


@pytest.fixture(autouse=True)
def _made(engine):
    engine.made = [WEB]
    engine.kept = [DATA, SPARE]
    engine.joined = list(NETWORKS)
    engine.listed = [summary(1, "a:1"), summary(2, "web")]


# --- volumes ------------------------------------------------------------------------------------


def test_volume_create(docker, engine, surface):
    assert docker("volume", "create", "--label", "a=1", "--label", "b", "new") == "new"
    assert docker("volume", "create") == "f" * 64
    assert engine.requests == [
        ("volume create", "new", {"a": "1", "b": ""}),
        ("volume create", "", {}),
    ]
    assert surface.out == f"new\n{'f' * 64}\n"


def test_volume_ls(docker):
    assert str(docker("volume", "ls")).splitlines() == [
        "DRIVER    VOLUME NAME",
        "local     data",
        "local     spare",
    ]
    form = "{{.Name}} {{.Mountpoint}} {{.Labels}} {{.Scope}}"
    assert docker("volume", "ls", "--format", form) == [
        "data /volumes/data of=web,x= local",
        "spare /volumes/spare  local",
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name=at", ["data"]),
        ("dangling=true", ["spare"]),
        ("dangling=0", ["data"]),
        ("label=x", ["data"]),
        ("label=of=db", []),
        ("driver=local", ["data", "spare"]),
    ],
)
def test_volume_filters(docker, text, names):
    assert docker("volume", "ls", "-qf", text) == names


def test_volume_rm(docker, engine, surface):
    with pytest.raises(NotFoundError, match="no such volume"):
        docker("volume", "rm", "nothing", "spare")
    assert surface.out == "spare\n"
    docker("volume", "remove", "-f", "data")
    assert engine.requests[-1] == ("volume rm", "data", True)


def test_volume_prune(docker, engine, surface):
    with pytest.raises(UsageError, match="anonymous local volumes not used"):
        docker("volume", "prune")
    report = docker("volume", "prune", "-af")
    assert report == PruneReport(Removal(deleted=("data", "spare")), 2_460_000)
    assert engine.requests == [("volume prune", True)]
    assert surface.out == "Deleted Volumes:\ndata\nspare\n\nTotal reclaimed space: 2.46MB\n"


# --- networks -----------------------------------------------------------------------------------


def test_network_create(docker, engine, surface):
    assert docker("network", "create", "--label", "a=1", "new") == "4" * 64
    assert engine.requests == [("network create", "new", "bridge", {"a": "1"})]
    assert surface.out == "4" * 64 + "\n"


def test_network_ls(docker):
    assert str(docker("network", "ls", "-f", "name=mine")).splitlines() == [
        "NETWORK ID     NAME      DRIVER    SCOPE",
        "cccccccccccc   mine      bridge    local",
    ]
    assert docker("network", "ls", "-q", "--no-trunc")[0] == "b" * 64


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("type=builtin", ["bridge"]),
        ("type=custom", ["mine", "spare"]),
        ("dangling=1", ["spare"]),
        ("label=a=b", ["mine"]),
        ("id=d", ["spare"]),
        ("driver=host", []),
        ("scope=local", ["bridge", "mine", "spare"]),
    ],
)
def test_network_filters(docker, text, names):
    assert docker("network", "ls", "--format", "{{.Name}}", "-f", text) == names


def test_network_connect_disconnect_rm(docker, engine, surface):
    docker("network", "connect", "mine", "web")
    docker("network", "disconnect", "-f", "mine", "web")
    assert docker("network", "rm", "mine") == ["mine"]
    assert engine.requests == [
        ("connect", "mine", "web"),
        ("disconnect", "mine", "web", True),
        ("network rm", "mine"),
    ]
    with pytest.raises(NotFoundError, match="network mine not found"):
        docker("network", "rm", "mine")
    assert docker("network", "rm", "-f", "mine") == []


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ("volume create -d nfs x", UnsupportedError, "--driver nfs"),
        ("volume create -o a=b x", UnsupportedError, "-o (--opt)"),
        ("volume create --label =b x", UsageError, "empty name"),
        ("volume ls -f size=1", UsageError, "'size'"),
        ("volume prune --filter label=x", UnsupportedError, "--filter"),
        ("network create --subnet 10.0.0.0/8 x", UnsupportedError, "--subnet"),
        ("network connect --ip 10.0.0.1 a b", UnsupportedError, "--ip"),
        ("network ls -f type=odd", UsageError, "type=odd"),
    ],
)
def test_refusals(docker, engine, words, kind, said):
    with pytest.raises(kind) as raised:
        docker(*words.split())
    assert said in str(raised.value)
    assert engine.requests == []


# --- inspect ------------------------------------------------------------------------------------


def test_inspect_looks_for_a_container_first(docker):
    form = "{{.Id}}"
    assert docker("inspect", "-f", form, "web") == [WEB.id]
    assert docker("container", "inspect", "-f", form, "web") == [WEB.id]
    assert docker("inspect", "--type", "image", "-f", form, "web") == ["sha256:" + "02" * 32]
    with pytest.raises(NotFoundError, match="No such container: a:1"):
        docker("container", "inspect", "a:1")
    with pytest.raises(NotFoundError, match="No such object: nothing"):
        docker("inspect", "nothing")
    with pytest.raises(UsageError, match='"plugin" is not a valid value for --type'):
        docker("inspect", "--type", "plugin", "web")


def test_inspect_with_sizes(docker):
    (found,) = docker("inspect", "-s", "web")
    assert (found["SizeRw"], found["SizeRootFs"]) == (1000, 1_001_000)
    assert "SizeRw" not in docker("container", "inspect", "web")[0]


def test_volume_inspect(docker):
    (found,) = json.loads(str(docker("volume", "inspect", "data")))
    assert found == {
        "CreatedAt": "2020-01-02T03:04:05+00:00",
        "Driver": "local",
        "Labels": {"of": "web", "x": ""},
        "Mountpoint": "/volumes/data",
        "Name": "data",
        "Options": None,
        "Scope": "local",
    }
    assert docker("inspect", "-f", "{{.Mountpoint}}", "data") == ["/volumes/data"]
    with pytest.raises(NotFoundError, match="no such volume"):
        docker("volume", "inspect", "nothing")


def test_network_inspect(docker):
    (found,) = docker("network", "inspect", "mine")
    assert found["Id"] == "c" * 64
    assert found["Containers"] == {WEB.id: {"Name": "web"}}
    assert docker("inspect", "-f", "{{.Name}} {{json .Labels}}", "ccc") == ['mine {"a":"b"}']
    with pytest.raises(NotFoundError, match="network nothing not found"):
        docker("network", "inspect", "nothing")
