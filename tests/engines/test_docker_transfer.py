"""Pushing and pulling through a Docker engine from a registry that falls silent."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.docker import DockerEngine
from container_magics.engines.events import Cancellation
from container_magics.errors import PullError, PushError
from tests.engines.embedded.material import layer_tar
from tests.fixtures.faults import FaultProxy, running_fault_proxy
from tests.fixtures.registry import running_registry

pytestmark = [pytest.mark.docker, pytest.mark.registry]


@pytest.fixture(scope="module")
def engine(docker_socket: Path) -> Iterator[DockerEngine]:
    engine = DockerEngine("tests", f"unix://{docker_socket}")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def registry(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry with the image `app:v1`, which the engine has no more."""
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        name = f"{host}/app:v1"
        engine.import_image(io.BytesIO(layer_tar({"file": uuid.uuid4().bytes})), name)
        engine.push(name, lambda _: None, Cancellation())
        engine.remove_image(name)
        yield host


def cancelled_while_it_holds(proxy: FaultProxy, act) -> None:
    """Do something until the proxy holds a request, and see that it ends then; no thread stays."""
    before = set(threading.enumerate())
    cancel = Cancellation()
    waiting = threading.Thread(target=lambda: (proxy.held.wait(60), cancel.cancel()))
    waiting.start()
    act(cancel)
    assert not proxy.released.is_set()
    waiting.join()
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if "process_request" not in thread.name]


@pytest.mark.parametrize("number", [0, 1, 2], ids=["first-contact", "POST", "PATCH"])
def test_a_cancelled_push(engine, registry, number):
    with running_fault_proxy(registry, "hold", number) as proxy:
        name = f"{proxy.host}/app:v1"
        engine.import_image(io.BytesIO(layer_tar({"file": uuid.uuid4().bytes})), name)

        def push(cancel):
            with pytest.raises(PushError, match=f"push of {name} cancelled"):
                engine.push(name, lambda _: None, cancel)

        cancelled_while_it_holds(proxy, push)
    there = f"{registry}/pushed/{number}:v1"
    engine.tag(name, there)
    engine.push(there, lambda _: None, Cancellation())
    for each in (name, there):
        engine.remove_image(each)


@pytest.mark.parametrize("number", range(4), ids=["first-contact", "HEAD", "GET", "another-GET"])
def test_a_cancelled_pull(engine, registry, number):
    with running_fault_proxy(registry, "hold", number) as proxy:
        name = f"{proxy.host}/app:v1"

        def pull(cancel):
            with pytest.raises(PullError, match=f"pull of {name} cancelled"):
                engine.pull(name, lambda _: None, cancel)

        cancelled_while_it_holds(proxy, pull)
    engine.pull(f"{registry}/app:v1", lambda _: None, Cancellation())
    engine.remove_image(f"{registry}/app:v1")
