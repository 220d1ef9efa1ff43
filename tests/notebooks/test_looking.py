"""The notebooks that look at images, executed: what they say is so."""

from __future__ import annotations

import re

import pytest

from tests.notebooks.executing import DOCKER, EMBEDDED, execute

__all__ = ["execute"]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bases")]


@pytest.mark.parametrize("execute", [EMBEDDED, DOCKER], indirect=True)
def test_architecture_and_layers(execute):
    done = execute("02-architecture-and-layers")
    assert done.errors == []
    rows, layers = re.search(r"(\d+) rows of history, (\d+) layers", done.text("page = ")).groups()
    assert int(rows) >= 9 > int(layers)
    assert "All 3 variants print the same" in done.text("deleting = ")
    wasted = done.text("%layers deleting:deleted-later")
    assert "20MB wasted" in wasted
    assert "shared" in done.text("%compare page:1 page:2").lower()
    writable = done.text("cm.layers(scribbled.container)")
    assert re.search(r"\s1 +0 +1 +the container's writable layer", writable)
    assert "index.html" in done.text("%docker run --rm page:1 ls")


# On one engine: the commands and views in them are tested on both.
@pytest.mark.parametrize("execute", [EMBEDDED], indirect=True)
def test_cache(execute):
    done = execute("04-cache")
    assert done.errors == []
    times = dict(re.findall(r"'([a-z ]+)': '([\d.]+) s'", done.text("import time")))
    # The RUN sleeps for two seconds, where it runs.
    assert float(times["seldom first"]) < 2 <= float(times["all at once"])
    stepped = done.text("%%dockerfile --step")
    assert "RUN rm needs.txt" in stepped
    stages = done.text("%%dockerfile --stages")
    assert re.search(r"\btest\b.*\bno\b", stages)


@pytest.mark.parametrize("execute", [EMBEDDED], indirect=True)
def test_distroless(execute):
    done = execute("07-distroless")
    assert done.errors == []
    compared = done.text("BUILD = ")
    assert "All 4 variants print the same" in compared
    assert "no such file" in done.text("%docker run --rm --no-raise-error needs-libc").lower()
    assert "executable file not found" in done.text("%docker run --rm --no-raise-error --entryp")
    assert done.text("%docker run --rm hello:scratch").strip() == "Hello, World!"
    assert "only in A" in done.text("two.difference()")
    assert "build" in done.text("cm.stages(variants")
