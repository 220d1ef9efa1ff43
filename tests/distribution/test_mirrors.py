"""Where else an image may be had, in which order, and what is believed of what comes from there."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from container_magics.distribution.mirrors import Source, sources_of
from container_magics.errors import (
    ConfigurationError,
    ExhaustedError,
    PullError,
    RegistryError,
    UnreachableError,
)
from container_magics.reference import parse
from tests.distribution.clouds import told
from tests.distribution.images import AMD64, Image
from tests.fixtures.certificates import Authority
from tests.fixtures.registry import free_port
from tests.fixtures.tunnel import tunnel

HUB, GOOGLE, AMAZON = "registry-1.docker.io", "mirror.gcr.io", "public.ecr.aws"
TOO_MANY = told(429, "TOOMANYREQUESTS", "You have reached your pull rate limit.")
UNKNOWN = told(404, "MANIFEST_UNKNOWN", "manifest unknown")


def places(name: str, system: Path) -> list[str]:
    """Where a name is looked for."""
    found = sources_of(parse(name).with_default_tag(), system=system)
    return [f"{source.registry}/{source.repository}" for source in found]


@pytest.fixture
def registries(tmp_path):
    """Write a registries.conf, or a file beside it, of a system; gives its folder."""
    folder = tmp_path / "containers"

    def write(text: str, name: str = "registries.conf") -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return tmp_path

    return write


class TestPlaces:
    def test_docker_hub_has_last_resorts(self, tmp_path):
        assert places("alpine", tmp_path) == [
            "docker.io/library/alpine",
            "mirror.gcr.io/library/alpine",
            "public.ecr.aws/docker/library/alpine",
        ]
        assert places("me/app", tmp_path) == ["docker.io/me/app", "mirror.gcr.io/me/app"]
        assert places("quay.io/a/b", tmp_path) == ["quay.io/a/b"]

    def test_the_manual_s_own_example(self, registries):
        system = registries(
            '[[registry]]\nprefix = "example.com/foo"\nlocation = "internal.example.net/bar"\n'
            '[[registry.mirror]]\nlocation = "mirror-0.local/mirror-for-foo"\n'
            '[[registry.mirror]]\nlocation = "mirror-1.local/mirrors/foo"\ninsecure = true\n'
        )
        assert places("example.com/foo/image:latest", system) == [
            "mirror-0.local/mirror-for-foo/image",
            "mirror-1.local/mirrors/foo/image",
            "internal.example.net/bar/image",
        ]
        assert places("example.com/foobar/image", system) == ["example.com/foobar/image"]

    def test_the_longest_prefix_counts(self, registries):
        system = registries(
            '[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "a.local"\n'
            '[[registry]]\nprefix = "docker.io/library/alpine"\nlocation = "b.local/x"\n'
            '[[registry]]\nprefix = "*.example.com"\nlocation = "c.local"\n'
            '[[registry]]\nprefix = "docker.io/library/alpine:3.18"\nlocation = "d.local:5000/y"\n'
        )
        assert places("busybox", system) == [
            "a.local/library/busybox",
            "docker.io/library/busybox",
        ]
        assert places("alpine:3", system) == ["b.local/x"]
        assert places("alpine:3.18", system) == ["d.local:5000/y"]
        assert places("alpine:3.18.0", system) == ["b.local/x"]
        assert places("one.example.com/a/b", system) == ["c.local/a/b"]
        assert places("example.com/a/b", system) == ["example.com/a/b"]

    def test_mirrors_may_be_for_digests_or_tags_alone(self, registries):
        system = registries(
            '[[registry]]\nlocation = "a.example"\n'
            '[[registry.mirror]]\nlocation = "d.local"\npull-from-mirror = "digest-only"\n'
            '[[registry.mirror]]\nlocation = "t.local"\npull-from-mirror = "tag-only"\n'
        )
        digest = f"@sha256:{'0' * 64}"
        assert places("a.example/x", system) == ["t.local/x", "a.example/x"]
        assert places(f"a.example/x{digest}", system) == ["d.local/x", "a.example/x"]

    def test_a_file_beside_it_counts_for_more_and_the_user_s_for_most(
        self, registries, monkeypatch, tmp_path
    ):
        moved = '[[registry]]\nprefix = "a.example"\nlocation = "{}.local"\n'
        registries(moved.format("one"))
        system = registries(moved.format("two"), "registries.conf.d/1.conf")
        assert places("a.example/x", system) == ["two.local/x"]
        mine = tmp_path / "mine" / "containers" / "registries.conf.d" / "0.conf"
        mine.parent.mkdir(parents=True)
        mine.write_text(moved.format("three"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
        assert places("a.example/x", system) == ["three.local/x"]

    def test_docker_s_mirrors_are_docker_hub_s(self, tmp_path):
        (tmp_path / "docker").mkdir()
        content = {"registry-mirrors": ["https://a.local/", "http://b.local:5000"]}
        (tmp_path / "docker" / "daemon.json").write_text(json.dumps(content))
        assert places("alpine", tmp_path) == [
            "a.local/library/alpine",
            "b.local:5000/library/alpine",
            "docker.io/library/alpine",
        ]
        assert places("quay.io/a/b", tmp_path) == ["quay.io/a/b"]

    def test_what_is_blocked_is_refused_by_name(self, registries, tmp_path):
        system = registries('[[registry]]\nlocation = "bad.example"\nblocked = true\n')
        file = tmp_path / "containers" / "registries.conf"
        with pytest.raises(PullError, match=f"bad.example is blocked by {file}"):
            places("bad.example/a/b", system)

    @pytest.mark.parametrize(
        "text",
        ["[[registry]", "[[registry]]\n", "[[registry]]\nlocation = 7\n",
         '[[registry]]\nlocation = "a"\n[[registry.mirror]]\ninsecure = true\n'],
    )  # fmt: skip
    def test_a_damaged_file_is_named(self, registries, text):
        with pytest.raises(ConfigurationError, match=r"containers/registries\.conf"):
            places("alpine", registries(text))


class TestPulling:
    """`docker.io` through mirrors that are configured."""

    @pytest.fixture
    def through(self, tmp_path, monkeypatch):
        monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))

        def write(*locations: str, home: str = f"127.0.0.1:{free_port()}") -> None:
            mirrors = "".join(f'[[registry.mirror]]\nlocation = "{each}"\n' for each in locations)
            text = f'[[registry]]\nprefix = "docker.io"\nlocation = "{home}"\n{mirrors}'
            (tmp_path / "registries.conf").write_text(text)

        return write

    def test_the_first_that_has_it_gives_it(self, serve, client, through):
        image = Image()
        empty = serve(lambda exchange: exchange.answer(*UNKNOWN))
        full = serve(image.respond)
        gone = f"127.0.0.1:{free_port()}"
        through(gone, empty.host, f"{full.host}/cache")
        found = client.resolve(parse("alpine:3.18.0"), AMD64)
        assert found.source == Source(full.host, "cache/library/alpine", mirror=True)
        assert found.reference.familiar == "alpine:3.18.0"
        assert found.provenance.startswith(f"alpine:3.18.0: from {full.host}/cache/library/alpine")
        assert f"{empty.host}: 404 Not Found" in found.provenance
        assert found.provenance.endswith(f"the tag means {image.digest} is the mirror's word")
        with client.open_blob(found, found.manifest.layers[0]) as blob:
            assert blob.read() == image.layer
        assert full.paths("/v2/cache/library/alpine/blobs/")

    def test_by_a_digest_a_mirror_can_say_nothing_else(self, serve, client, through):
        image = Image()
        through(serve(image.respond).host)
        found = client.resolve(parse(f"alpine@{image.digest}"), AMD64)
        assert found.vouched
        assert "mirror's word" not in found.provenance
        liar = serve(lambda exchange: exchange.answer(200, image.manifest + b" "))
        home = serve(image.respond)
        through(liar.host, home=home.host)
        found = client.resolve(parse(f"alpine@{image.digest}"), AMD64)
        assert found.host == home.host

    def test_what_a_mirror_lacks_the_next_place_gives(self, serve, client, through):
        image = Image()
        other = Image(b"another layer")
        without_layer, wrong_config = Image(), Image()
        without_layer.respond_with_layer = lambda exchange: exchange.answer(*UNKNOWN)
        wrong_config.config = wrong_config.config.replace(b"linux", b"minix")
        mirrors = [serve(wrong_config.respond).host, serve(without_layer.respond).host]
        home = serve(image.respond)
        through(*mirrors, home=home.host)
        found = client.resolve(parse("alpine:3.18.0"), AMD64)
        assert found.host == mirrors[1]
        assert f"{mirrors[0]}: answered with what cannot be used" in found.provenance
        with client.open_blob(found, found.manifest.layers[0]) as blob:
            assert blob.read() == image.layer
        home.respond = other.respond
        with (
            pytest.raises(RegistryError, match=r"longer than|verification failed"),
            client.open_blob(found, found.manifest.layers[0]),
        ):
            pass

    @pytest.mark.parametrize("ranges", [True, False])
    def test_what_a_mirror_always_breaks_off_the_next_place_ends(
        self, serve, client, through, ranges
    ):
        """The next may have it not either; the last goes on where the first broke off."""
        image = Image(random.Random(1).randbytes(100_000))
        broken, empty, home = Image(image.layer), Image(image.layer), Image(image.layer)

        def break_off(exchange):
            start = (ranges and broken.start_of_range(exchange)) or 0
            rest = f"bytes {start}-99999/100000"
            exchange.start(206 if start else 200, 100_000 - start, Content_Range=rest)
            exchange.wfile.write(image.layer[start : start + 1000])
            exchange.drop()

        broken.respond_with_layer = break_off
        empty.respond_with_layer = lambda exchange: exchange.answer(*UNKNOWN)
        first, second, last = (serve(each.respond) for each in (broken, empty, home))
        through(first.host, second.host, home=last.host)
        found = client.resolve(parse("alpine:3.18.0"), AMD64)
        with client.open_blob(found, found.manifest.layers[0]) as blob:
            assert blob.read() == image.layer
        [headers] = [headers for path, headers in last.requests if "/blobs/" in path]
        received = 3000 if ranges else 1000
        assert headers["Range"] == f"bytes={received}-"
        last.respond = empty.respond
        with (
            pytest.raises(RegistryError, match=f"ended after {received} of 100000 bytes") as caught,
            client.open_blob(found, found.manifest.layers[0]),
        ):
            pass
        assert [host for host, _ in caught.value.answers] == [first.host, second.host, last.host]
        assert f"{second.host}: 404 Not Found: manifest unknown" in str(caught.value)
        assert "alpine:3.18.0" in caught.value.message

    def test_the_answer_of_each_is_in_the_error(self, serve, client, through):
        empty = serve(lambda exchange: exchange.answer(*UNKNOWN))
        denied = serve(lambda exchange: exchange.answer(*told(403, "DENIED", "not you")))
        through(empty.host, home=denied.host)
        with pytest.raises(PullError) as caught:
            client.resolve(parse("alpine:3.18.0"), AMD64)
        assert [host for host, _ in caught.value.answers] == [empty.host, denied.host]
        assert "pull access denied" in caught.value.message
        assert "manifest unknown" in caught.value.message


class TestLastResorts:
    """Docker Hub and its public mirrors, as a proxy leads there."""

    @pytest.fixture
    def world(self, serve, tmp_path, monkeypatch):
        """Servers by their names in the world: `world[HUB] = respond`."""
        authority = Authority(tmp_path / "authority")
        names = [f"DNS:{name}" for name in (HUB, GOOGLE, AMAZON)]
        both = tmp_path / "server.pem"
        both.write_text("".join(path.read_text() for path in authority.server("x", *names)))
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.folder / "ca.pem"))
        led: dict[str, str] = {}
        servers = {}

        class World(dict):
            def __setitem__(self, name, respond):
                servers[name] = serve(respond, certificate=str(both))
                led[f"{name}:443"] = servers[name].host

            def asked(self, name):
                return [path for path, _ in servers[name].requests if path != "/v2/"]

        with tunnel(led) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy)
            yield World()

    def test_are_not_asked_where_docker_hub_has_it(self, world, client):
        world[HUB] = world[GOOGLE] = Image().respond
        found = client.resolve(parse("alpine:3.18.0"), AMD64)
        assert found.provenance == ""
        assert world.asked(GOOGLE) == []

    def test_are_not_asked_where_docker_hub_says_no(self, world, client):
        world[HUB] = lambda exchange: exchange.answer(*UNKNOWN)
        world[GOOGLE] = Image().respond
        with pytest.raises(PullError, match=r"manifest for alpine:3\.18\.0 not found") as caught:
            client.resolve(parse("alpine:3.18.0"), AMD64)
        assert len(caught.value.answers) == 1
        assert world.asked(GOOGLE) == []

    def test_give_it_where_docker_hub_cannot_be_reached(self, world, client):
        world[GOOGLE] = lambda exchange: exchange.answer(*UNKNOWN)
        world[AMAZON] = Image().respond
        found = client.resolve(parse("alpine:3.18.0"), AMD64)
        assert found.host == AMAZON
        assert not found.vouched
        assert world.asked(AMAZON)[0] == "/v2/docker/library/alpine/manifests/3.18.0"
        assert f"after {HUB}: " in found.provenance

    def test_give_what_docker_hub_says_that_the_tag_means(self, world, client):
        """It gives nothing more to this address, but still says the digest."""
        image = Image()

        def exhausted(exchange):
            if exchange.command == "HEAD":
                exchange.answer(200, b"", Docker_Content_Digest=image.digest)
            else:
                exchange.answer(*TOO_MANY, Retry_After=3600)

        world[HUB] = exhausted
        world[GOOGLE] = image.respond
        found = client.resolve(parse("alpine:3.18.0"), AMD64)
        assert found.vouched
        assert world.asked(GOOGLE)[0] == f"/v2/library/alpine/manifests/{image.digest}"
        assert "429 Too Many Requests: toomanyrequests" in found.provenance

    def test_are_believed_where_docker_hub_says_nothing_at_all(self, world, client):
        world[HUB] = lambda exchange: exchange.answer(*TOO_MANY, Retry_After=3600)
        world[GOOGLE] = Image().respond
        found = client.resolve(parse("alpine:3.18.0"), AMD64)
        assert (found.host, found.vouched) == (GOOGLE, False)

    def test_and_where_they_have_it_not_either(self, world, client):
        world[HUB] = lambda exchange: exchange.answer(*TOO_MANY, Retry_After=3600)
        world[GOOGLE] = world[AMAZON] = lambda exchange: exchange.answer(*UNKNOWN)
        with pytest.raises(ExhaustedError, match="toomanyrequests") as caught:
            client.resolve(parse("alpine:3.18.0"), AMD64)
        assert [host for host, _ in caught.value.answers] == [HUB, GOOGLE, AMAZON]
        assert "log in" in caught.value.hint

    def test_nobody_is_there_at_all(self, world, client):
        with pytest.raises(UnreachableError, match=r"no answer from docker\.io") as caught:
            client.resolve(parse("alpine:3.18.0"), AMD64)
        assert [host for host, _ in caught.value.answers] == [HUB, GOOGLE, AMAZON]
