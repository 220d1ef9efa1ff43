"""RUN --mount as the Dockerfile reference has it, table by table, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from container_magics.dockerfile import RunMount, expand, parse, parse_mount
from container_magics.errors import DockerfileError


def mount(text: str, **names: str) -> RunMount:
    return parse_mount(text, lambda value: expand(value, names, "\\"))


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        # bind is the default type, and read-only.
        ("target=/x", {"type": "bind", "target": "/x", "read_only": True}),
        ("type=bind,target=/x,source=/s,from=build", {"source": "/s", "origin": "build"}),
        ("dst=/x,src=s", {"target": "/x", "source": "s"}),
        ("destination=/x", {"target": "/x"}),
        ("target=/x,rw", {"read_only": False}),
        ("target=/x,readwrite", {"read_only": False}),
        ("target=/x,rw=true", {"read_only": False}),
        ("target=/x,rw=false", {"read_only": True}),
        ("target=/x,ro=0", {"read_only": False}),
        ("target=/x,ro,rw", {"read_only": False}),
        # cache
        ("type=cache,target=/c", {"type": "cache", "read_only": False, "sharing": "shared"}),
        ("type=cache,target=/c,ro", {"read_only": True}),
        ("type=cache,target=/c,readonly", {"read_only": True}),
        ("type=cache,target=/c,id=apt,sharing=locked", {"id": "apt", "sharing": "locked"}),
        ("type=CACHE,target=/c,sharing=Private", {"type": "cache", "sharing": "private"}),
        (
            "type=cache,target=/c,from=base,source=/s,mode=0700,uid=1000,gid=50",
            {"origin": "base", "source": "/s", "mode": 0o700, "uid": 1000, "gid": 50},
        ),
        # tmpfs
        ("type=tmpfs,target=/t", {"type": "tmpfs", "read_only": False, "size": 0}),
        ("type=tmpfs,target=/t,size=64m", {"size": 64 << 20}),
        ("type=tmpfs,target=/t,size=100", {"size": 100}),
        ("type=tmpfs,target=/t,size=1.5GiB", {"size": 3 << 29}),
        # secret
        ("type=secret,id=s", {"type": "secret", "id": "s", "required": False, "env": None}),
        ("type=secret,source=s", {"source": "s", "id": ""}),
        ("type=secret,id=s,required", {"required": True}),
        ("type=secret,id=s,required=false", {"required": False}),
        ("type=secret,id=s,env=TOKEN", {"env": "TOKEN", "target": ""}),
        ("type=secret,id=s,mode=0440,uid=1,gid=2", {"mode": 0o440, "uid": 1, "gid": 2}),
        # ssh
        ("type=ssh", {"type": "ssh", "id": "", "mode": None}),
        ("type=ssh,id=gh,target=/a,required=1,mode=666", {"id": "gh", "mode": 0o666}),
        # keys in any case, and quoted fields as in CSV
        ("TYPE=cache,Target=/C", {"type": "cache", "target": "/C"}),
        ('target=/x,"source=a,b"', {"source": "a,b"}),
        ("target=/a=b", {"target": "/a=b"}),
    ],
)
def test_options(text: str, fields: Mapping[str, Any]):
    found = mount(text)
    assert {name: getattr(found, name) for name in fields} == fields


def test_every_value_but_from_may_hold_variables():
    names = {"T": "/cache", "ID": "apt", "MODE": "0700", "KIND": "cache", "SHARE": "locked"}
    found = mount("type=$KIND,target=$T/${ID},id=$ID-x,mode=$MODE,sharing=$SHARE", **names)
    assert found == RunMount(
        "cache", target="/cache/apt", id="apt-x", mode=0o700, sharing="locked", read_only=False
    )


WRONG = [
    ("", "failed to parse csv mounts"),
    ('target=/x,\\"source=a', "failed to parse csv mounts"),
    ("foo", "invalid field 'foo' must be a key=value pair"),
    ("type=cach,target=/x", 'unsupported mount type "cach"'),
    ("typ=bind", "unexpected key 'typ' in 'typ=bind'"),
    ("target=/x,ro=maybe", "invalid value for ro: maybe"),
    ("target=/x,required", "unexpected key 'required' for mount type 'bind'"),
    ("target=/x,required=true", "unexpected key 'required' for mount type 'bind'"),
    ("target=/x,size=3", "unexpected key 'size' for mount type 'bind'"),
    ("type=tmpfs,target=/x,size=big", "invalid value for size: big"),
    ("target=/x,mode=0777", 'mode not allowed for "bind" type mounts'),
    ("type=tmpfs,target=/x,uid=1", 'uid not allowed for "tmpfs" type mounts'),
    ("target=/x,gid=1", 'gid not allowed for "bind" type mounts'),
    ("type=cache,target=/x,mode=999", "invalid value 999 for mode"),
    ("type=cache,target=/x,mode=0o7", "invalid value 0o7 for mode"),
    ("type=cache,target=/x,uid=me", "invalid value me for uid"),
    ("type=cache,target=/x,gid=4294967296", "invalid value 4294967296 for gid"),
    ("type=cache,target=/x,sharing=foo", 'unsupported sharing value "foo"'),
    ("target=/x,sharing=shared", "invalid cache sharing set for bind mount"),
    ("type=secret", "invalid secret mount. one of source, target required"),
    ("type=secret,id=s,from=base", "secret mount should not have a from"),
    ("type=secret,id=s,sharing=locked", "secret mount should not define sharing"),
    ("type=secret,id=s,source=s", "both source and id can't be set"),
    ("type=ssh,source=/x", "ssh does not support source"),
    ("target=/x,from=$BASE", "'from' doesn't support variable expansion"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_what_is_wrong_is_said_with_the_line(text: str, words: str):
    with pytest.raises(DockerfileError) as caught:
        parse(f"FROM a\n\nRUN --mount={text} true\n")
    assert caught.value.line == 3
    assert words in str(caught.value)


def test_a_nearly_right_word_is_guessed():
    for text, guess in (("type=cach,target=/x", "cache"), ("targt=/x", "target")):
        with pytest.raises(DockerfileError, match=f"Did you mean {guess}"):
            mount(text)


def test_what_a_variable_holds_is_checked_when_it_is_known():
    parse("FROM a\nARG K\nRUN --mount=type=$K,target=/x true\n")
    with pytest.raises(DockerfileError, match='unsupported mount type "disk"'):
        mount("type=$K,target=/x", K="disk")


def test_an_onbuild_trigger_is_checked_as_well():
    with pytest.raises(DockerfileError, match="unexpected key 'typ'"):
        parse("FROM a\nONBUILD RUN --mount=typ=bind true\n")
