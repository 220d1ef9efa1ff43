"""The comparator catches a change in each thing that it compares.

The changes are made in archives as `docker save` writes them, so that what reads those is tested
as well.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.conformance.compare import UNSTATED, differences
from tests.conformance.contexts import NOW, Directory, HardLink, Link, Plain, Special
from tests.conformance.expected import expected_image
from tests.conformance.judge import DIFFERENT, EQUAL, REFUSED, judge
from tests.conformance.model import REFERENCE, Case, Expected
from tests.conformance.outcome import Failure
from tests.conformance.report import report
from tests.conformance.saved import SavedImage, read_saved

BEGAN = 1_700_000_000.0
OLD = 1_600_000_000
CAPABILITY = {"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"}
NOTE = {"SCHILY.xattr.user.note": "n"}


@dataclass(frozen=True)
class Member:
    """A file of a layer: what differs from a regular file of root's, and its content."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    content: bytes = b""


def of(content: bytes = b"", **fields: Any) -> Member:
    return Member({"mtime": OLD, **fields}, content)


Layer = dict[str, Member]


def layers() -> list[Layer]:
    return [
        {
            "d": of(type=tarfile.DIRTYPE, mode=0o755),
            "d/gone": of(b"gone"),
            "f": of(b"f", mode=0o755, uid=1, gid=2),
            "link": of(type=tarfile.SYMTYPE, linkname="f", mode=0o777),
            "null": of(type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
            "x": of(b"xy"),
            "y": of(type=tarfile.LNKTYPE, linkname="x"),
        },
        {
            "d": of(type=tarfile.DIRTYPE, mode=0o755),
            "d/.wh.gone": of(),
            "cap": of(b"c", pax_headers=CAPABILITY),
            "note": of(b"n", pax_headers=NOTE),
            "new": of(b"new", mtime=BEGAN + 100),
        },
    ]


def config() -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "author": "me",
        "config": {"Env": ["A=1"], "Cmd": ["sh"]},
        "history": [
            {"created_by": "RUN x", "comment": "c"},
            {"created_by": "COPY x", "comment": "c"},
            {"created_by": "CMD x", "comment": "c", "empty_layer": True},
        ],
    }


def saved(config: dict[str, Any], layers: list[Layer]) -> SavedImage:
    """The image as it is read from an archive of it."""
    blobs = [_tar(layer) for layer in layers]
    ids = [f"sha256:{hashlib.sha256(blob).hexdigest()}" for blob in blobs]
    names = [f"{number}/layer.tar" for number in range(len(blobs))]
    files = {
        "manifest.json": json.dumps([{"Config": "c.json", "Layers": names}]).encode(),
        "c.json": json.dumps({**config, "rootfs": {"diff_ids": ids}}).encode(),
        **dict(zip(names, blobs, strict=True)),
    }
    return read_saved(_tar({name: of(content) for name, content in files.items()}))


def _tar(members: Layer) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, member in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(member.content)
            for key, value in member.fields.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(member.content))
    return output.getvalue()


Seed = Callable[[dict[str, Any], list[Layer]], object]


def member(layer: int, name: str, content: bytes | None = None, **fields: Any) -> Seed:
    def seed(config: dict[str, Any], layers: list[Layer]) -> None:
        was = layers[layer].get(name, of())
        changed = replace(was, fields={**was.fields, **fields})
        layers[layer][name] = changed if content is None else replace(changed, content=content)

    return seed


def row(number: int, **changes: Any) -> Seed:
    return lambda config, layers: config["history"][number].update(changes)


SEEDS: dict[str, Seed] = {
    "architecture": lambda config, layers: config.update(architecture="arm64"),
    "os": lambda config, layers: config.update(os="windows"),
    "author": lambda config, layers: config.update(author="you"),
    "config": lambda config, layers: config["config"].update(Cmd=["ash"]),
    "config, a new field": lambda config, layers: config["config"].update(User="me"),
    "config, a field too few": lambda config, layers: config["config"].pop("Env"),
    "history": row(0, created_by="RUN y"),
    "history, the comment": row(0, comment=""),
    "history, a row too few": lambda config, layers: config["history"].pop(),
    "history, a row too many": lambda config, layers: config["history"].append(
        {"created_by": "CMD y", "empty_layer": True}
    ),
    "a layer too few": lambda config, layers: (config["history"].pop(1), layers.pop()),
    "what a layer names": lambda config, layers: layers[1].pop("d"),
    "path": lambda config, layers: layers[0].update(g=layers[0].pop("f")),
    "path, one too few": lambda config, layers: layers[0].pop("f"),
    "path, one too many": member(0, "z", b""),
    "path, one that is not removed": lambda config, layers: layers[1].pop("d/.wh.gone"),
    "type": member(0, "f", b"", type=tarfile.FIFOTYPE),
    "mode": member(0, "f", mode=0o4755),
    "mode of a directory": member(1, "d", mode=0o700),
    "owner": member(0, "f", uid=0),
    "owner, the group": member(0, "f", gid=0),
    "size": member(0, "f", b"f\0"),
    "content": member(0, "f", b"g"),
    "link target": member(0, "link", linkname="g"),
    "hard link": member(0, "y", b"xy", type=tarfile.REGTYPE),
    "device": member(0, "null", devminor=5),
    "device, its type": member(0, "null", type=tarfile.BLKTYPE),
    "xattrs": member(1, "note", pax_headers={"SCHILY.xattr.user.note": "m"}),
    "xattrs, one too few": member(1, "note", pax_headers={}),
    "xattrs, one too many": member(1, "f", pax_headers=NOTE),
    "xattrs, a capability": member(1, "cap", pax_headers={}),
    "mtime": member(0, "f", mtime=OLD + 1),
    "mtime of a directory": member(1, "d", mtime=OLD + 1),
    "mtime of a symlink": member(0, "link", mtime=OLD + 1),
    "mtime of a new file": member(1, "new", mtime=OLD),
}


def image() -> SavedImage:
    return saved(config(), layers())


def test_equal_images_have_no_difference():
    assert differences(image(), image(), BEGAN) == []


def test_times_of_the_build_are_equal():
    other = layers()
    member(1, "new", mtime=BEGAN + 200)({}, other)
    assert differences(saved(config(), other), image(), BEGAN) == []


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS)
def test_a_seeded_change_is_caught(seed: Seed):
    its_config, its_layers = config(), layers()
    seed(its_config, its_layers)
    changed = saved(its_config, its_layers)
    assert differences(changed, image(), BEGAN) != []
    assert differences(image(), changed, BEGAN) != []


FAILED = Failure(("StepFailedError", "BuildError"), "failed", 3, 2)


def test_exit_one_built_what_the_other_did_not():
    assert differences(FAILED, image(), BEGAN) == [
        "the oracle built it; we raised StepFailedError: failed"
    ]
    assert differences(image(), FAILED, BEGAN) == [
        "the oracle raised StepFailedError: failed; we built it"
    ]


def test_exit_status():
    (line,) = differences(replace(FAILED, status=4), FAILED, BEGAN)
    assert line == "exit status 4, oracle 3"


def test_error_class():
    other = replace(FAILED, kinds=("DockerfileError",))
    (line,) = differences(other, FAILED, BEGAN)
    assert line.startswith("error class DockerfileError")
    finer = replace(FAILED, kinds=("OfOurs", *FAILED.kinds))
    assert differences(finer, FAILED, BEGAN) == []


CASE = Case("c", "", error="BuildError", words="fail", line=2)


@pytest.mark.parametrize(
    ("changes", "caught"),
    [
        ({}, ""),
        ({"kinds": ("PullError",)}, "we raised PullError, not BuildError"),
        ({"message": "lost"}, "we does not say 'fail'"),
        ({"line": 3}, "we names line 3, not 2"),
    ],
)
def test_what_the_case_says_of_the_error(changes: dict[str, Any], caught: str):
    verdict = judge(CASE, replace(FAILED, **changes), FAILED, BEGAN)
    assert [line for line in verdict.wrong if line.startswith(caught or "?")] == [
        line for line in verdict.wrong if "error class" not in line
    ]
    assert bool(verdict.wrong) == bool(caught)


def test_an_argued_difference_is_not_wrong():
    case = Case("c", "", differs=("config Cmd",), why="a reason")
    its_config = config()
    SEEDS["config"](its_config, [])
    verdict = judge(case, saved(its_config, layers()), image(), BEGAN)
    assert (verdict.kind, verdict.reasons, verdict.wrong) == (DIFFERENT, ["a reason"], [])
    stale = judge(case, image(), image(), BEGAN)
    assert (stale.kind, stale.wrong) == (EQUAL, ["no longer different: config Cmd"])


def test_a_refusal_is_counted_apart():
    refusal = Failure(("UnsupportedError", "UsageError"), "no such thing here", 125)
    verdict = judge(Case("c", ""), refusal, image(), BEGAN)
    assert verdict.kind == REFUSED
    assert verdict.wrong != []
    argued = judge(Case("c", ""), refusal, image(), BEGAN, {"the oracle built it": "why"})
    assert (argued.kind, argued.wrong) == (REFUSED, [])


def test_the_report_counts_each_oracle_apart():
    different = Case("d", "", oracle=REFERENCE, differs=("the oracle built",), why="a reason")
    verdicts = [
        judge(Case("c", ""), image(), image(), BEGAN),
        judge(different, FAILED, image(), BEGAN),
    ]
    assert list(report(verdicts)) == [
        "buildkit: 1 cases: 1 equal, 0 different, 0 refused",
        "classic: 0 cases: 0 equal, 0 different, 0 refused",
        "reference: 1 cases: 0 equal, 1 different, 0 refused",
        "  different d (reference): a reason",
    ]


STATED = Expected(
    {
        "d/gone": None,
        "f": None,
        "made/one": Plain("m", mtime=NOW),
        "made/two": HardLink("made/one"),
        "sub": Directory(0o700),
        "to": Link("f"),
        "pipe": Special(0o010644),
    },
    {"User": "me"},
    ("RUN y", "USER me"),
)


def test_an_expectation_is_the_base_and_what_is_stated():
    made = expected_image(STATED, image())
    assert sorted(made.files.keys() - image().files.keys()) == [
        "made", "made/one", "made/two", "pipe", "sub", "to",
    ]  # fmt: skip
    assert "f" not in made.files
    assert made.files["made/one"] is made.files["made/two"]
    assert made.config["config"] == {"Env": ["A=1"], "Cmd": ["sh"], "User": "me"}
    assert [r.get("empty_layer", False) for r in made.config["history"][-2:]] == [False, True]
    assert differences(made, made, BEGAN) == []


@pytest.mark.parametrize("path", ["made/one", "sub", "to", "pipe", "cap"])
def test_a_file_too_many_or_too_few_breaks_an_expectation(path: str):
    made, stated = expected_image(STATED, image()), expected_image(STATED, image())
    del made.files[path]
    assert f"/{path}: missing" in differences(made, stated, BEGAN)
    assert f"/{path}: the oracle has no such file" in differences(stated, made, BEGAN)


def test_what_the_oracle_does_not_say_is_right():
    ours, oracle = image(), image()
    oracle.config["config"]["Cmd"] = UNSTATED
    oracle.config["history"][0]["created_by"] = UNSTATED
    oracle.files["f"].mtime = None
    oracle.layers = None
    assert differences(ours, oracle, BEGAN) == []
