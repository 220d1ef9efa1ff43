"""`docker ps`: which containers, in which form."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from container_magics.commands.results import Lines
from container_magics.engines.containers import NetworkSummary, Port
from container_magics.engines.images import ImageSummary
from container_magics.errors import NotFoundError, UnsupportedError, UsageError
from container_magics.views import Table
from container_magics.views.containers import containers_table, ports_text, status

from .engine import MOMENT, container, summary

IMAGE: ImageSummary = summary(7, "app:1")
WEB = container(
    4, "web", health="healthy", image_id=IMAGE.id, labels={"team": "red", "org.tier": "front"},
    ports=(Port(80, host=8080, address="0.0.0.0"), Port(443)), mounts=("data", "/home/me/a-folder"),
    networks=("mine",), size=2,
)  # fmt: skip
STILL = container(3, "still", "paused", command=("sh", "-c", "echo 'a b c d e f g'"))
OVER = container(2, "over", "exited", exit_code=3, labels={"team": "blue"})
NEW = container(1, "new", "created", image="sha256:" + "02" * 32)


@pytest.fixture(autouse=True)
def _made(engine):
    engine.listed = [IMAGE]
    engine.made = [WEB, STILL, OVER, NEW]
    engine.joined = [NetworkSummary("5" * 64, "mine", "bridge")]
    engine.inspect = lambda name: {"Mounts": [{"Destination": "/data"}] if name == WEB.id else []}


def names(value: object) -> list[str]:
    assert isinstance(value, Lines)
    return list(value)


def test_a_table_of_what_runs(docker):
    table = docker("ps")
    assert isinstance(table, Table)
    heading, first, second = str(table).splitlines()
    assert heading.split("  ")[0] == "CONTAINER ID"
    assert first.startswith('040404040404   app:1     "sleep 60"   ')
    assert "(healthy)   443/tcp, 0.0.0.0:8080->80/tcp   web" in first
    assert "\"sh -c 'echo 'a b c …\"" in second
    frame = table.frame()
    assert list(frame.names) == ["web", "still"]
    assert frame.created.dt.year.to_list() == [2020, 2020]
    assert "0.0.0.0:8080-&gt;80/tcp" in table._repr_html_()


def test_a_port_that_a_server_leads_to_is_a_link():
    ports = (
        *(Port(80, host=8080, address="0.0.0.0"), Port(81, host=81, address="127.0.0.1")),
        *(Port(53, "udp", 5353, "::"), Port(443), Port(90, host=9000, address="10.1.2.3")),
    )
    html = containers_table([container(1, "web", ports=ports)], proxy="/user/ann/")._repr_html_()
    assert re.findall('<a href="([^"]*)"[^>]*>([^<]*)</a>', html) == [
        ("/user/ann/proxy/81/", "127.0.0.1:81-&gt;81/tcp"),
        ("/user/ann/proxy/8080/", "0.0.0.0:8080-&gt;80/tcp"),
    ]
    assert "10.1.2.3:9000-&gt;90/tcp" in html


def test_sizes_are_numbers(docker):
    table = docker("ps", "-s")
    assert str(table).splitlines()[1].endswith("2B (virtual 7MB)")
    assert table.frame()["size"].to_list() == [2, 0]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ([], ["web", "still"]),
        (["-a"], ["web", "still", "over", "new"]),
        (["-l"], ["web"]),
        (["-n", "3"], ["web", "still", "over"]),
        (["-n", "1", "-f", "status=exited"], ["over"]),
        (["-n", "0"], ["web", "still"]),
        (["-f", "status=exited", "-f", "status=created"], ["over", "new"]),
        (["-f", "status=running", "-f", "name=still"], []),
        (["-af", "name=e"], ["web", "over", "new"]),
        (["-af", "name=^/?ne.$"], ["new"]),
        (["-af", "name=("], []),
        (["-f", "id=0404"], ["web"]),
        (["-af", "label=team"], ["web", "over"]),
        (["-af", "label=team=blue"], ["over"]),
        (["-af", "label=team", "-f", "label=org.tier"], ["web"]),
        (["-af", "exited=3"], ["over"]),
        (["-af", "exited=0"], []),
        (["-f", "health=healthy"], ["web"]),
        (["-f", "health=none"], ["still"]),
        (["-f", "ancestor=app:1"], ["web"]),
        (["-f", "ancestor=nothing"], []),
        (["-f", "publish=8080"], ["web"]),
        (["-f", "publish=80"], []),
        (["-f", "expose=400-443/tcp"], ["web"]),
        (["-f", "expose=80/udp"], []),
        (["-f", "publish=1", "-f", "expose=443"], ["web"]),
        (["-f", "volume=data"], ["web"]),
        (["-f", "volume=/data"], ["web"]),
        (["-f", "network=mine"], ["web"]),
        (["-f", "network=555"], ["web"]),
        (["-f", "before=still"], ["over", "new"]),
        (["-f", "since=over"], ["web", "still"]),
    ],
)
def test_filters(docker, words, kept):
    assert names(docker("ps", *words, "--format", "{{.Names}}")) == kept


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (["-f", "status"], UsageError, "bad format of filter (expected name=value)"),
        (["-f", "status=gone"], UsageError, "invalid filter 'status=gone'"),
        (["-f", "health=good"], UsageError, "Unrecognised filter value for health: good"),
        (["-f", "exited=x"], UsageError, 'parsing "x": invalid syntax'),
        (["-f", "publish=1:2"], UsageError, "should not contain ':': 1:2"),
        (["-f", "expose=x"], UsageError, "expose x"),
        (["-f", "stauts=exited"], UsageError, "Did you mean status=?"),
        (["-f", "is-task=true"], UnsupportedError, "is-task"),
        (["-f", "before=gone"], NotFoundError, "No such container: gone"),
        (["-n", "x"], UsageError, '"-n, --last" flag: strconv.ParseInt'),
        (["--format", "{{.Label}}"], UsageError, "a method"),
        (["name"], UsageError, "accepts no arguments"),
    ],
)
def test_what_makes_no_sense(docker, words, kind, said):
    with pytest.raises(kind) as raised:
        docker("ps", *words)
    assert said in str(raised.value)


def test_ids(docker):
    assert names(docker("ps", "-q")) == ["040404040404", "030303030303"]
    assert names(docker("ps", "-lq", "--no-trunc")) == [WEB.id]
    assert names(docker("container", "ls", "-aqf", "name=new")) == ["010101010101"]


def test_templates(docker):
    def shown(form: str, *words: str) -> list[str]:
        return names(docker("ps", "--format", form, *words))

    assert shown("{{.ID}} {{.State}} {{.Mounts}} {{.LocalVolumes}} {{.Networks}}", "-l") == [
        "040404040404 running data,/home/me/a-fol… 1 mine"
    ]
    assert shown("{{.Mounts}}", "-l", "--no-trunc") == ["data,/home/me/a-folder"]
    assert shown("{{.Command}}", "-f", "name=still", "--no-trunc") == [
        "\"sh -c 'echo 'a b c d e f g''\""
    ]
    assert shown("{{.Image}}", "-af", "name=new") == ["020202020202"]
    assert shown('{{.Labels}} {{.Label "team"}}{{.Label "none"}}', "-l") == [
        "org.tier=front,team=red red"
    ]
    assert shown("{{.Size}}", "-l") == ["2B (virtual 7MB)"]
    assert shown('table {{.Names}}\\t{{.Label "org.tier"}}\\t{{.RunningFor}}', "-l")[0].split() == [
        "NAMES", "tier", "CREATED",
    ]  # fmt: skip
    row = json.loads(shown("json", "-l")[0])
    assert (row["Names"], row["Ports"]) == ("web", "443/tcp, 0.0.0.0:8080->80/tcp")
    assert "Label" not in row


@pytest.mark.parametrize(
    ("state", "values", "said"),
    [
        ("running", {}, "Up 3 minutes"),
        ("running", {"health": "starting"}, "Up 3 minutes (health: starting)"),
        ("running", {"health": "unhealthy"}, "Up 3 minutes (unhealthy)"),
        ("paused", {"health": "healthy"}, "Up 3 minutes (Paused)"),
        ("restarting", {"exit_code": 1, "finished": MOMENT}, "Restarting (1) 4 minutes ago"),
        ("exited", {"exit_code": 137}, "Exited (137) 3 minutes ago"),
        ("created", {}, "Created"),
        ("dead", {}, "Dead"),
        ("removing", {}, "Removal In Progress"),
    ],
)
def test_the_state_in_dockers_words(state, values, said):
    assert status(container(1, "a", state, **values), MOMENT + timedelta(minutes=4)) == said


@pytest.mark.parametrize(
    ("ports", "said"),
    [
        ((), ""),
        ((Port(80),), "80/tcp"),
        ((Port(82), Port(80), Port(81), Port(90)), "80-82/tcp, 90/tcp"),
        ((Port(53, "udp"), Port(53)), "53/tcp, 53/udp"),
        ((Port(80, host=80, address="0.0.0.0"), Port(80, host=80, address="::")),
         "0.0.0.0:80->80/tcp, [::]:80->80/tcp"),
        (tuple(Port(port, host=port, address="127.0.0.1") for port in (80, 81)),
         "127.0.0.1:80-81->80-81/tcp"),
        ((Port(80, host=8080, address="127.0.0.1"), Port(443)),
         "443/tcp, 127.0.0.1:8080->80/tcp"),
        ((Port(80, host=9000, address="::"), Port(80, host=8000, address="::")),
         "[::]:8000->80/tcp, [::]:9000->80/tcp"),
    ],
)  # fmt: skip
def test_ports_in_dockers_words(ports, said):
    assert ports_text(ports) == said
