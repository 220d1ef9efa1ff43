"""Values that several verbs' flags have."""

from __future__ import annotations

import pytest

from container_magics.commands import values
from container_magics.engines.build_request import Ulimit
from container_magics.errors import UsageError


@pytest.mark.parametrize(
    ("text", "soft", "hard"),
    [
        ("nofile=1024", 1024, 1024),
        ("nofile=1024:2048", 1024, 2048),
        ("nofile=1024:-1", 1024, -1),
        ("nofile=infinity", -1, -1),
        ("nofile=5:infinity", 5, -1),
    ],
)
def test_ulimits(text, soft, hard):
    assert values.ulimit(text) == Ulimit("nofile", soft, hard)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nofile", "invalid ulimit argument: nofile"),
        ("files=1", "invalid ulimit type: files"),
        ("nofile=a", 'parsing "a"'),
        ("nofile=", 'parsing ""'),
        ("nofile=1:2:3", "can only have up to two, `soft[:hard]`"),
        ("nofile=3:2", "less than or equal to hard limit: 3 > 2"),
        ("nofile=-1:2", "soft: -1 (unlimited), hard: 2"),
    ],
)
def test_a_ulimit_that_makes_no_sense(text, said):
    with pytest.raises(UsageError) as raised:
        values.ulimit(text)
    assert said in raised.value.message
    assert f'invalid argument "{text}" for "--ulimit" flag' in raised.value.message


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64", 64),
        ("64b", 64),
        ("64m", 64 << 20),
        ("64 MB", 64 << 20),
        ("64MiB", 64 << 20),
        ("1.5g", 3 << 29),
        ("2k", 2048),
        ("0", 0),
    ],
)
def test_sizes(text, size):
    assert values.size(text, "-m, --memory") == size


@pytest.mark.parametrize("text", ["", "m", "-1", "64x", "1,5g", "1 2"])
def test_what_is_no_size(text):
    with pytest.raises(UsageError, match="invalid size: "):
        values.size(text, "-m, --memory")


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a:10.0.0.1", ("a", "10.0.0.1")),
        ("a=10.0.0.1", ("a", "10.0.0.1")),
        ("a:::1", ("a", "::1")),
        ("a=[::1]", ("a", "::1")),
        ("a.example:host-gateway", ("a.example", "host-gateway")),
    ],
)
def test_hosts(text, pair):
    assert values.host(text) == pair


@pytest.mark.parametrize("text", ["a", "a:", ":10.0.0.1", "a:b", "a=10.0.0.256", "a:1.2.3.4\nb"])
def test_what_is_no_host(text):
    with pytest.raises(UsageError, match=r"invalid host (a|:)"):
        values.host(text)
