"""`-p` and `--expose` in docker's forms."""

from __future__ import annotations

import pytest

from container_magics.commands.containers.ports import exposed, published
from container_magics.engines.run_request import Publish
from container_magics.errors import UnsupportedError, UsageError


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("80", [Publish(80)]),
        ("80/", [Publish(80)]),
        ("80/TCP", [Publish(80)]),
        (":80", [Publish(80)]),
        ("8080:80", [Publish(80, host=8080)]),
        ("53:53/udp", [Publish(53, "udp", 53)]),
        ("127.0.0.1:8080:80", [Publish(80, host=8080, address="127.0.0.1")]),
        ("127.0.0.1::80", [Publish(80, address="127.0.0.1")]),
        ("[::1]:8080:80", [Publish(80, host=8080, address="::1")]),
        ("::1:8080:80", [Publish(80, host=8080, address="::1")]),
        ("[::]::80", [Publish(80, address="::")]),
        ("80-81", [Publish(80), Publish(81)]),
        ("8000-8002:80", [Publish(80, host=8000, last=8002)]),
        ("8000-8001:80-81/udp", [Publish(80, "udp", 8000), Publish(81, "udp", 8001)]),
        ("published=8080,target=80,protocol=udp", [Publish(80, "udp", 8080)]),
        ("target=80", [Publish(80)]),
    ],
)
def test_published(text, ports):
    assert published(text) == ports


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no port specified: <empty>"),
        ("8080:", "no port specified: 8080:<empty>"),
        ("abc", "invalid containerPort: abc"),
        ("99999", "invalid containerPort: 99999"),
        ("82-80", "invalid containerPort: 82-80"),
        ("abc:80", "invalid hostPort: abc"),
        ("70000:80", "invalid hostPort: 70000"),
        ("127.0.0.1:80", "invalid hostPort: 127.0.0.1"),
        ("8080/tcp:80", "invalid hostPort: 8080/tcp"),
        ("localhost:80:80", "invalid IP address: localhost"),
        ("[fe80::1%eth0]:80:80", "invalid IP address: fe80::1%eth0"),
        ("80/foo", "invalid proto: foo"),
        (
            "8000-8001:80-82",
            "invalid ranges specified for container and host Ports: 80-82 and 8000-8001",
        ),
        ("target=80,host", "invalid publish opts format (should be name=value but got 'host')"),
    ],
)
def test_what_cannot_be_published(text, said):
    with pytest.raises(UsageError) as raised:
        published(text)
    assert raised.value.message == said


def test_what_is_not_available_says_what_is():
    with pytest.raises(UnsupportedError, match="-p 80/sctp") as raised:
        published("80/sctp")
    assert raised.value.hint


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("80", ["80/tcp"]),
        ("80/udp", ["80/udp"]),
        ("80-82/udp", ["80/udp", "81/udp", "82/udp"]),
    ],
)
def test_exposed(text, ports):
    assert exposed(text) == ports


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("80:80", "invalid port format for --expose: 80:80"),
        ("abc", 'abc, error: strconv.ParseUint: parsing "abc": invalid syntax'),
        ("99999", 'error: strconv.ParseUint: parsing "99999": value out of range'),
        ("90-80", "90-80, error: invalid range specified for port: 90-80"),
    ],
)
def test_what_cannot_be_exposed(text, said):
    with pytest.raises(UsageError) as raised:
        exposed(text)
    assert said in raised.value.message
