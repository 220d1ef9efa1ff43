"""The values of `--output`, `--cache-from` and `--cache-to`, and what is said of wrong ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from container_magics.commands.building.outputs import (
    caches,
    output,
    pushed,
    pushing,
    without_push,
)
from container_magics.engines.build_request import BuildOutput, BuildRequest, CacheExchange
from container_magics.errors import UnsupportedError, UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file `key` and a folder `sub`."""
    (tmp_path / "key").write_text("k")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_outputs(folder):
    assert output("out") == BuildOutput("local", folder / "out")
    assert output("-") == BuildOutput("tar", Path("-"))
    assert output("type=tar") == BuildOutput("tar", Path("-"))
    assert output("type=local,dest=out") == BuildOutput("local", folder / "out")
    assert output("type=docker") == BuildOutput("docker")
    assert output("type=image,name=x") == BuildOutput("image", None, {"name": "x"})
    assert output("type=oci,dest=o.tar,Compression=zstd") == BuildOutput(
        "oci", folder / "o.tar", {"compression": "zstd"}
    )
    assert output("type=oci,dest=sub,tar=false") == BuildOutput(
        "oci", folder / "sub", {"tar": "false"}
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dest=x,name=y", "type is required for output"),
        ("type=local", "dest is required for local exporter"),
        ("type=local,dest=-", "dest cannot be stdout for local exporter"),
        ("key", "destination directory key is a file"),
        ("type=tar,dest=sub", "destination file sub is a directory"),
        ("type=oci,dest=sub", "destination file sub is a directory"),
        ("type=tar,x", "invalid value x"),
        ("type=zip,dest=x", "unsupported output type zip"),
    ],
)
def test_an_output_that_makes_no_sense(text, said):
    with pytest.raises(UsageError) as raised:
        output(text)
    assert said in raised.value.message


@pytest.mark.parametrize("text", ["type=registry", "type=image,push=true", "type=image,push=1"])
def test_an_image_that_is_pushed(text):
    image = output(text)
    assert (image.type, image.destination) == ("image", None)
    request = BuildRequest("", outputs=(image,))
    with pytest.raises(UsageError, match="tag is needed when pushing to registry"):
        pushed(request)
    assert pushed(replace(request, tags=("a/b", "c/d:1", "a/b:latest"))) == ("a/b:latest", "c/d:1")
    assert without_push(request).outputs == (BuildOutput("image"),)


def test_an_output_may_give_the_name_to_push():
    assert pushed(BuildRequest("", outputs=(output("type=registry,name=a/b:1"),))) == ("a/b:1",)
    kept = BuildRequest("", outputs=(output("type=image,name=a/b:1,push=false"),))
    assert pushed(kept) == ()


def test_the_flag_pushes_the_image_of_the_outputs_or_one_more(folder):
    assert pushing([]) == (BuildOutput("image", attributes={"push": "true"}),)
    assert pushing([output("type=image,name=x")]) == (output("type=registry,name=x"),)
    assert pushing([output("out")]) == (output("out"), output("type=registry"))


def test_what_docker_push_cannot_do_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="compression is not available") as raised:
        output("type=registry,compression=zstd")
    assert "Leave it out" in raised.value.hint


def test_caches():
    assert caches("type=local,src=x") == [CacheExchange("local", {"src": "x"})]
    assert caches("type=inline") == [CacheExchange("inline")]
    assert caches("me/app:1,me/b") == [
        CacheExchange("registry", {"ref": "me/app:1"}),
        CacheExchange("registry", {"ref": "me/b"}),
    ]
    with pytest.raises(UsageError, match='type required for "src=x"'):
        caches("src=x")
    with pytest.raises(UsageError, match="invalid value y"):
        caches("type=local,y")
