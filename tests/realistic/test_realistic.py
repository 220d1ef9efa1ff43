"""Every application through both engines: what it prints, and what is in its image."""

from __future__ import annotations

import io
import re
import shutil
import tarfile
import time
from pathlib import Path

import pytest

from container_magics.engines.base import Engine
from container_magics.engines.build_request import BuildRequest, BuildSecret
from container_magics.engines.events import Cancellation, Output
from container_magics.engines.images import Image
from container_magics.engines.run_request import RunRequest
from tests.conformance.compare import differences
from tests.conformance.saved import SavedImage, read_saved

from .apps import APPS, App
from .conftest import HERE, secrets

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.slow]

TOKEN = "not-to-be-found-anywhere"
WRITTEN_OTHERWISE = r"history|layer |\d+ layers|/(etc/app|usr/local/bin)/\S+ mtime"
WHOLE = re.compile(r"/(.*?) (?:type|mode|owner|size|link target|content|device|xattrs|mtime)")


@pytest.fixture
def context(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The application's directory, as a build context of its own."""
    target = tmp_path / "context"
    shutil.copytree(HERE / request.getfixturevalue("app").name, target)
    if (target / "app").is_dir():
        with tarfile.open(target / "app.tar.gz", "w:gz") as archive:
            archive.add(target / "app", arcname=".", filter=_root_owned)
    (tmp_path / "token").write_text(TOKEN)
    return target


def _root_owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def build(engine: Engine, app: App, context: Path, dockerfile: str) -> Image:
    """The application's image on an engine."""
    given = (*secrets(), BuildSecret("token", context.parent / "token"))
    for tag, name in {**app.before, f"{app.name}:latest": dockerfile}.items():
        request = BuildRequest(
            (context / name).read_text(),
            context,
            tags=(tag,),
            build_args=app.build_args,
            secrets=given,
            network="host",
            no_cache=True,
        )
        result = engine.build(request, lambda event: None, Cancellation())
    return result.image


def printed(engine: Engine, app: App) -> str:
    """What a container of the image writes to its standard output."""
    output = io.BytesIO()

    def emit(event: object) -> None:
        if isinstance(event, Output) and event.stream == 1:
            output.write(event.data)

    request = RunRequest(f"{app.name}:latest", app.command, remove=True)
    result = engine.run(request, emit, Cancellation())
    assert result.returncode == 0
    return output.getvalue().decode()


def saved(engine: Engine, app: App) -> SavedImage:
    archive = io.BytesIO()
    engine.save([f"{app.name}:latest"], archive)
    return read_saved(archive.getvalue())


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_builds_and_runs_alike(app: App, context: Path, embedded_engine, docker_engine):
    began = int(time.time())
    ours = build(embedded_engine, app, context, "Dockerfile")
    build(docker_engine, app, context, app.written_for_20_10)
    said = printed(embedded_engine, app)
    assert app.prints in said
    assert said == printed(docker_engine, app)
    assert ours.config.get("User", "") == app.user
    mine, theirs = saved(embedded_engine, app), saved(docker_engine, app)
    unexplained = [line for line in differences(mine, theirs, began) if not _is_expected(line, app)]
    assert not unexplained, "\n".join(unexplained[:40])


def _is_expected(line: str, app: App) -> bool:
    """Whether a difference is one that docs/differences.md explains, or that no two builds lack."""
    if re.match(r"layer \d+ names also \[\], not ", line):
        return True  # What a RUN touched and did not change is in Docker's layer alone.
    if line.startswith("/etc mtime: "):
        return True  # It is such a directory.
    if app.written_for_20_10 != "Dockerfile" and re.match(WRITTEN_OTHERWISE, line):
        return True
    found = WHOLE.match(line) or re.match(r"/(.*): (?:missing|the oracle has no)", line)
    return found is not None and any(re.fullmatch(p, found[1]) for p in app.volatile)


def test_a_secret_is_in_no_part_of_the_image(embedded_engine, tmp_path: Path):
    (tmp_path / "token").write_text(TOKEN)
    context = tmp_path / "context"
    shutil.copytree(HERE / "secrets", context)
    app = next(app for app in APPS if app.name == "secrets")
    build(embedded_engine, app, context, "Dockerfile")
    archive = io.BytesIO()
    embedded_engine.save(["secrets:latest"], archive)
    assert TOKEN.encode() not in archive.getvalue()
