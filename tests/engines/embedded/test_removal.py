"""Removing images that containers were made of."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.build_request import BuildRequest
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RunRequest
from container_magics.errors import ConflictError, NotFoundError
from tests.fixtures.busybox import busybox_tar, missing_for_busybox

pytestmark = [pytest.mark.root, pytest.mark.skipif(bool(missing_for_busybox()), reason="busybox")]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(tmp_path / "store")
    engine.import_image(io.BytesIO(busybox_tar()), "base:1")
    request = BuildRequest("FROM base:1\nRUN echo made > /made\n", tags=("child:1",))
    engine.build(request, lambda event: None, Cancellation())
    yield engine
    engine.close()


def test_a_container_outlives_its_image_by_force(engine):
    request = RunRequest("child:1", ("sh", "-c", "echo mine > /mine"))
    container = engine.run(request, lambda event: None, Cancellation()).container
    with pytest.raises(ConflictError, match=container[:12]):
        engine.remove_image("child:1")
    image = engine.image("child:1").id
    removal = engine.remove_image("child:1", force=True)
    assert removal.untagged == ("child:1",)
    assert removal.deleted[0] == image
    with pytest.raises(NotFoundError):
        engine.image("child:1")
    assert engine.inspect(container)["Image"] == image
    exported = io.BytesIO()
    engine.export(container, exported)
    exported.seek(0)
    with tarfile.open(fileobj=exported) as archive:
        names = {name.removeprefix("./") for name in archive.getnames()}
    assert {"made", "mine", "bin/busybox"} <= names
    engine.prune_build_cache()
    engine.prune_images(every=True)
    assert engine.inspect(container)["Image"] == image


def test_closing_twice_is_harmless(engine):
    engine.close()
    engine.close()


def test_pruning_the_build_cache_of_what_no_image_uses(engine):
    text = (
        "FROM base:1 AS tools\nRUN head -c 5000 /dev/zero > /tool && echo x > /more\nFROM base:1\n"
    )
    copy = "COPY --from=tools /tool /tool\n"
    for tag, more in (("one:1", copy), ("two:1", f"{copy}RUN true\n")):
        request = BuildRequest(text + more, tags=(tag,))
        built = engine.build(request, lambda event: None, Cancellation())
    (tool,) = [layer for layer in built.made.layers if layer.size == 5000]
    report = engine.prune_build_cache()
    assert report.reclaimed == 5002
    assert len(report.removal.deleted) == 1
    assert report.removal.deleted != (tool.diff_id,)
    request = BuildRequest("FROM base:1\nRUN echo made > /made\n")
    assert engine.build(request, lambda event: None, Cancellation()).cached_steps == 2
    assert engine.prune_build_cache(every=True).reclaimed == 0
    assert engine.build(request, lambda event: None, Cancellation()).cached_steps == 1
