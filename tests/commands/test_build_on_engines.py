"""`docker build` in a terminal on both engines: the flags, from the command line to the image."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from pathlib import Path

from tests.fixtures.engines import DOCKERFILE, context, environment, magics

__all__ = ["context", "environment", "magics"]


def packed(folder: Path, dockerfile: str, *more: tuple[tarfile.TarInfo, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as archive:
        archive.add(folder / "busybox", "busybox")
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(dockerfile)
        archive.addfile(info, io.BytesIO(dockerfile.encode()))
        for member, data in more:
            archive.addfile(member, io.BytesIO(data))
    return output.getvalue()


def test_an_archive_on_standard_input(magics, context):
    text = f"{DOCKERFILE}COPY other /other\nLABEL a=archive\n"
    member = tarfile.TarInfo("other")
    member.size = 3
    data = packed(context, text, (member, b"hi\n"))
    magics("build", "-t", "h5:archive", "-", stdin=data)
    done = magics("run", "--rm", "h5:archive", "cat", "/other")
    assert done.stdout == b"hi\n"


def test_the_dockerfiles_own_ignore_file(magics, context):
    home = magics.home
    shutil.copy(context / "busybox", home / "busybox")
    (home / "kept").write_text("kept\n")
    (home / "left").write_text("left\n")
    (home / ".dockerignore").write_text("kept\n")
    (home / "my.Dockerfile").write_text(f"{DOCKERFILE}COPY . /all/\n")
    (home / "my.Dockerfile.dockerignore").write_text("left\n")
    magics("build", "-f", "my.Dockerfile", "-t", "h5:ignored", ".")
    done = magics("run", "--rm", "h5:ignored", "sh", "-c", "cd /all && ls -A")
    names = done.stdout.decode().split()
    assert "kept" in names
    assert "left" not in names


def test_what_a_build_leaves_in_files(magics, context):
    magics(
        "build", "-t", "h5:files", "--iidfile", "id", "--metadata-file", "meta", "-q",
        "--label", "x=y", os.fspath(context),
    )  # fmt: skip
    image = (magics.home / "id").read_text()
    document = json.loads((magics.home / "meta").read_text())
    assert document["containerimage.config.digest"] == image
    assert document["image.name"] == "docker.io/library/h5:files"
    shown = json.loads(magics("inspect", "h5:files").stdout)[0]
    assert shown["Id"] == image
    assert shown["Config"]["Labels"]["x"] == "y"


def test_a_failure_shows_the_file_and_the_lines(magics, context):
    text = f"{DOCKERFILE}RUN echo one \\\n  && exit 3\nENV A=1\n"
    (magics.home / "Dockerfile").write_text(text)
    shutil.copy(context / "busybox", magics.home / "busybox")
    done = magics("build", "-t", "h5:failed", ".", code=1)
    shown = done.stderr.decode()
    assert "Dockerfile:5\n" in shown
    assert "   5 | >>> RUN echo one \\\n" in shown
    assert "   6 | >>>   && exit 3\n" in shown
    assert (
        "h5:failed" not in magics("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.decode()
    )
