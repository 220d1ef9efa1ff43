"""SOURCE_DATE_EPOCH: the same image from other stores, at other times, on every rung."""

from __future__ import annotations

import io
import json
import tarfile
import time
from pathlib import Path

import pytest

from container_magics.engines.embedded import engine as engine_module
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.embedded.snapshots.trees import TreeSnapshotter
from container_magics.engines.images import Image
from container_magics.errors import UsageError
from container_magics.oci.members import read_members
from tests.conftest import missing
from tests.fixtures.embedding import Heard, build, embedded
from tests.fixtures.ordinary import missing_for_sub_ids, ordinary_user, user_with_sub_ids
from tests.fixtures.sandbox import BENCHES, RUNGS

EPOCH = 1_700_000_000
TEXT = "2023-11-14T22:13:20Z"
DOCKERFILE = """\
FROM busybox:test AS base
RUN mkdir -p /lower/kept /lower/gone/deep /lower/again/sub \\
 && for n in one two three; do echo $n > /lower/$n; done \\
 && echo x > /lower/kept/x && echo y > /lower/gone/deep/y && echo z > /lower/again/sub/z \\
 && echo a > /lower/again/a && ln -s one /lower/link && chmod 4755 /lower/two

FROM base AS made
ARG SOURCE_DATE_EPOCH
RUN echo "$SOURCE_DATE_EPOCH" > /epoch && mkdir -p /new/dir && echo content > /new/file \\
 && ln /new/file /new/dir/other && ln /new/file /new/aaa && ln -s ../file /new/dir/link \\
 && mkfifo /new/pipe && touch -d '2001-02-03 04:05:06' /new/old
RUN rm /lower/one && rm -r /lower/gone && chmod 600 /lower/two && echo more >> /lower/three
RUN rm -r /lower/again && mkdir -p /lower/again/sub && echo new > /lower/again/b
RUN rm -r /lower/kept && echo file > /lower/kept && rm /lower/link && mkdir /lower/link
RUN : >> /lower/three && chmod 600 /lower/two && touch /tmp/t && rm /tmp/t
RUN (find /new /lower -type d -exec stat -c '%n %a %u %y' {} + \
 ; find /new /lower ! -type d -exec stat -c '%n %a %u %h %s %y' {} +) | sort > /seen
WORKDIR /work/place
COPY file tree/ ./
ADD archive.tar /added/
COPY --chown=7:8 --chmod=640 file /owned/file

FROM busybox:test
COPY --from=made /new /new
COPY --from=made /seen /lower /copied/
RUN cat /copied/seen > /again && stat -c '%n %y' /new/* /copied/* > /times
RUN chown 7:8 /again && chown -h 9:9 /new/dir/link && chown -R me:me /copied && mkdir -m 777 /open
USER me
RUN mkdir /open/mine && id -u > /open/mine/who
LABEL of=this
ENV A=1
CMD ["sh"]
"""


def context(folder: Path) -> Path:
    """A build context whose files are new."""
    (folder / "tree/sub").mkdir(parents=True)
    (folder / "file").write_text("content\n")
    (folder / "tree/sub/deep").write_text("deep\n")
    (folder / "tree/link").symlink_to("sub/deep")
    with tarfile.open(folder / "archive.tar", "w") as archive:
        for name, when in (("old", 1_000_000_000), ("new", int(time.time()))):
            member = tarfile.TarInfo(name)
            member.mtime, member.size, member.uid = when, 4, 12
            archive.addfile(member, io.BytesIO(b"text"))
    return folder


def build_on(rung: str, folder: Path, **more: str) -> Image:
    """Build in a fresh store on a rung."""
    (folder / "context").mkdir(parents=True)
    args = {"SOURCE_DATE_EPOCH": str(EPOCH), **more}
    with embedded(folder / "store", rung) as engine:
        return build(engine, DOCKERFILE, context=context(folder / "context"), build_args=args).made


@pytest.fixture(scope="module")
def measure(tmp_path_factory) -> Image:
    """The image that every other build must give."""
    image = build_on(RUNGS[0], tmp_path_factory.mktemp("measure"))
    time.sleep(max(0.0, 1.1 - time.time() % 1))  # the next ones have other seconds
    return image


@pytest.mark.parametrize(
    ("rung", "overlay"), [pytest.param(*bench.values[0], id=bench.id) for bench in BENCHES]
)
def test_the_same_image_in_another_store_on_every_rung(
    rung, overlay, tmp_path, measure, monkeypatch
):
    if not overlay:  # As on a store whose file system overlayfs does not take.
        monkeypatch.setattr(engine_module, "OverlaySnapshotter", TreeSnapshotter)
    image = build_on(rung, tmp_path)
    assert [layer.diff_id for layer in image.layers] == [layer.diff_id for layer in measure.layers]
    assert image.id == measure.id


_ELSEWHERE = """
import sys
from pathlib import Path
from tests.engines.embedded.test_reproducible import build_on
print(build_on(sys.argv[1], Path.home() / "built").id)
"""


@pytest.mark.unprivileged
@pytest.mark.parametrize("rung", ["subuid", "oneuid", "proot"])
def test_the_same_image_for_an_ordinary_user(rung, measure):
    if rung == "subuid" and (reason := missing_for_sub_ids()):
        missing(reason)
    with user_with_sub_ids() if rung == "subuid" else ordinary_user() as user:
        done = user.run(user.python, "-c", _ELSEWHERE, rung)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.strip() == measure.id


def layer_times(engine: EmbeddedEngine, image: Image) -> list[dict[str, int]]:
    """When each layer says that its files were modified, by path."""
    saved = io.BytesIO()
    engine.save([image.id], saved)
    with tarfile.open(fileobj=io.BytesIO(saved.getvalue())) as archive:
        (row,) = json.load(archive.extractfile("manifest.json"))
        return [
            {m.entry.path: m.entry.mtime for m in read_members(archive.extractfile(name).read)}
            for name in row["Layers"]
        ]


def test_everything_the_build_dates_has_the_time(tmp_path):
    folder = context(tmp_path / "context")
    with embedded(tmp_path / "store") as engine:
        image = build(
            engine, DOCKERFILE, context=folder, build_args={"SOURCE_DATE_EPOCH": str(EPOCH)}
        ).made
        config = engine.inspect(image.id)
        assert config["Created"] == TEXT
        assert {row.created.timestamp() for row in image.history if row.created} == {EPOCH}
        base, *made = layer_times(engine, image)
        whole = {path: mtime for layer in made for path, mtime in layer.items() if path}
        assert whole.pop("new/old") == 981_173_106
        assert set(whole.values()) == {EPOCH}
        plain = build(engine, "FROM busybox:test\nRUN touch /x").made
        assert layer_times(engine, plain)[-1]["x"] > EPOCH
        assert layer_times(engine, plain)[0] == base


def test_the_base_image_keeps_its_layers_and_older_rows(tmp_path):
    with embedded(tmp_path) as engine:
        older = build(engine, "FROM scratch\nLABEL a=1", build_args={"SOURCE_DATE_EPOCH": "5"})
        engine.tag(older.made.id, "older")
        newer = build(engine, "FROM older\nLABEL b=2", build_args={"SOURCE_DATE_EPOCH": "9"})
        assert [row.created.timestamp() for row in newer.made.history] == [5, 9]


def test_the_environment_gives_it_and_another_one_is_another_step(tmp_path, monkeypatch):
    dockerfile = "FROM busybox:test\nRUN touch /x\n"
    with embedded(tmp_path) as engine:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "100")
        heard = Heard()
        first = build(engine, dockerfile, heard)
        assert heard.cached == ["FROM busybox:test"]
        assert not heard.warnings
        assert build(engine, dockerfile, build_args={"SOURCE_DATE_EPOCH": "100"}).cached_steps == 2
        other = build(engine, dockerfile, build_args={"SOURCE_DATE_EPOCH": "200"})
        assert other.cached_steps == 1
        assert other.made.layers[-1] != first.made.layers[-1]
        monkeypatch.delenv("SOURCE_DATE_EPOCH")
        undated = build(engine, dockerfile)
        assert undated.cached_steps == 1
        assert undated.made.summary.created.year > 2000
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "300")
        off = build(engine, dockerfile, build_args={"SOURCE_DATE_EPOCH": ""})
        assert off.made.id == undated.made.id


@pytest.mark.parametrize("text", ["today", "1.5", "1_0", "99999999999999", "9" * 30, " 5"])
def test_what_is_no_time_is_refused(text, tmp_path):
    with (
        embedded(tmp_path) as engine,
        pytest.raises(UsageError, match=f"invalid SOURCE_DATE_EPOCH: {text}"),
    ):
        build(engine, "FROM scratch\nLABEL a=1", build_args={"SOURCE_DATE_EPOCH": text})


TIMES = """\
FROM busybox:test
RUN touch /first && mkdir /folder
RUN stat -c '%y' /first /folder /first > /second
"""


@pytest.mark.parametrize("rung", RUNGS)
def test_a_later_step_sees_the_time(rung, tmp_path):
    with embedded(tmp_path, rung) as engine:
        made = build(engine, TIMES, build_args={"SOURCE_DATE_EPOCH": str(EPOCH)}).made
        target = tmp_path / "out.tar"
        with target.open("wb") as file:
            engine.save([made.id], file)
    with tarfile.open(target) as archive:
        (row,) = json.load(archive.extractfile("manifest.json"))
        with tarfile.open(fileobj=archive.extractfile(row["Layers"][-1])) as layer:
            assert (
                layer.extractfile("second").read().decode().splitlines()
                == ["2023-11-14 22:13:20.000000000 +0000"] * 3
            )
