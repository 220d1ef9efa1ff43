"""Pushing and pulling through a proxy that spoils each request in turn, in each way.

The outcome is the image, whole, or an error that says why, and a store as it was.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from container_magics.distribution import RegistryClient, uploads
from container_magics.engines.embedded import archives
from container_magics.engines.embedded.images.pulling import pull
from container_magics.engines.embedded.images.pushing import push
from container_magics.engines.events import Cancellation
from container_magics.errors import RegistryError
from container_magics.oci.models import OCI_LAYER_GZIP, Platform
from container_magics.reference import parse
from tests.engines.embedded.material import (
    contents,
    docker_archive,
    image_config,
    layer_tar,
    left_over,
    opened,
)
from tests.fixtures.faults import FAULTS, STALL_SECONDS, TOKEN_PATH, running_fault_proxy
from tests.fixtures.registry import REGISTRY_BINARY, push_image, running_registry

pytestmark = [pytest.mark.registry, pytest.mark.slow]

CHUNK = 1 << 16
"""In place of the usual 5 MiB, of which each of some hundred pushes would send one."""
SMALL = layer_tar({"etc": None, "etc/name": b"small\n"})
LARGE = layer_tar({"usr": None, "usr/large": random.Random(3).randbytes(CHUNK + 20_000)})
CONFIG = image_config(SMALL, LARGE, Cmd=["/app"])
MAY_FAIL = {"corrupt answer", "truncate answer", "stall"}
"""Faults that can't always be told from a registry that means it."""
AT_ONCE = 8


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    if not REGISTRY_BINARY:
        pytest.skip("no docker-registry here: apt-get install docker-registry")
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with the image `seed:1`."""
    with opened(tmp_path_factory.mktemp("push") / "store") as store:
        archives.load(store, io.BytesIO(docker_archive(CONFIG, [SMALL, LARGE], ["seed:1"])))
        yield store


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(uploads, "CHUNK", CHUNK)


def client_of(host: str) -> RegistryClient:
    return RegistryClient(timeout=STALL_SECONDS / 2)


def check_pushed(registry: str, repository: str, image: str) -> None:
    """See that the registry has the image, whole, by what it says itself."""
    with RegistryClient() as client:
        remote = client.resolve(parse(f"{registry}/{repository}:v1"), Platform.host())
        assert remote.manifest.config.digest == image
        tars = []
        for descriptor in remote.manifest.layers:
            with client.open_blob(remote, descriptor) as blob:
                tars.append(gzip.decompress(blob.read()))
        assert tars == [SMALL, LARGE]


def may_fail(fault: str, number: int, requests: list[str]) -> bool:
    """Whether a fault of a request may end the transfer.

    Who gives no token, or refuses twice in a row, may mean it as well.
    """
    request = requests[number]
    for_token = TOKEN_PATH in request
    twice = request in requests[:number]
    return fault in MAY_FAIL or (fault == "401" and (for_token or twice))


def unexpected(attempt, count: int) -> dict[tuple[str, int], str]:
    """What went wrong where it should not, when each fault happened to each request."""
    cases = [(fault, number) for number in range(count) for fault in FAULTS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(lambda case: attempt(*case), cases))
    return {
        case: words
        for case, (words, requests) in zip(cases, outcomes, strict=True)
        if words and not may_fail(*case, requests)
    }


def test_pushing(registry, store):
    image = store.images.named("docker.io/library/seed:1")

    def attempt(fault: str, number: int) -> tuple[str, list[str]]:
        """Push through a proxy; "" or the error, and the requests."""
        repository = f"{fault.replace(' ', '-') or 'none'}/{uuid.uuid4().hex}"
        with (
            running_fault_proxy(registry, fault, number, tokens=True) as proxy,
            client_of(proxy.host) as client,
        ):
            name = f"{proxy.host}/{repository}:v1"
            store.images.set_name(name, image)
            failed = ""
            try:
                push(store, client, name, lambda _: None, Cancellation())
            except RegistryError as error:
                failed = str(error)
                assert failed
                assert not [each for each in store.images.row(image).digests if proxy.host in each]
            asked = list(proxy.asked)
            if failed:
                proxy.fault = ""
                push(store, client, name, lambda _: None, Cancellation())
            check_pushed(registry, repository, image)
            store.images.drop_name(name)
        return failed, asked

    attempt("", -1)  # From now on the layers' digests are known, and asked for.
    _, asked = attempt("", -1)
    assert asked.count(f"GET {TOKEN_PATH}") == 1
    assert len(asked) in (15, 16), "two layers begin at the same time, and one or both lack a token"
    assert unexpected(attempt, len(asked)) == {}
    assert left_over(store) == []


def test_pulling(registry, tmp_path):
    layers = [(OCI_LAYER_GZIP, gzip.compress(tar, 1)) for tar in (SMALL, LARGE)]
    push_image(registry, "pulled/app", "v1", layers, CONFIG)

    def attempt(fault: str, number: int) -> tuple[str, list[str]]:
        root = tmp_path / hashlib.sha256(f"{fault}{number}".encode()).hexdigest()[:12]
        with (
            running_fault_proxy(registry, fault, number, tokens=True) as proxy,
            client_of(proxy.host) as client,
            opened(root) as store,
        ):
            reference = parse(f"{proxy.host}/pulled/app:v1")
            failed = ""
            try:
                pull(store, client, reference, lambda _: None, Cancellation())
            except RegistryError as error:
                failed = str(error)
                assert failed
                assert store.images.ids() == []
            asked = list(proxy.asked)
            assert left_over(store) == []
            if failed:
                proxy.fault = ""
                pull(store, client, reference, lambda _: None, Cancellation())
            [image] = store.images.ids()
            assert contents(store, image)["usr/large"] == LARGE[1024 : 1024 + CHUNK + 20_000]
        return failed, asked

    _, asked = attempt("", -1)
    assert len(asked) == 7
    assert asked[2] == f"GET {TOKEN_PATH}"
    assert unexpected(attempt, len(asked)) == {}
