"""Real TLS servers: whom one believes, whom not and why, and what is configured where."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path

import pytest

from container_magics.distribution.certificates import explain
from container_magics.distribution.credentials import Credential
from container_magics.distribution.login import log_in
from container_magics.distribution.trust import certificate_folder, settings_for
from container_magics.errors import ConfigurationError, RegistryError, UnreachableError
from container_magics.oci.models import OCI_LAYER
from container_magics.reference import parse
from tests.distribution.images import AMD64, Image
from tests.engines.embedded.material import layer_tar
from tests.fixtures.certificates import Authority
from tests.fixtures.registries import outer_address, port_80
from tests.fixtures.registry import free_port, push_image, running_registry

__all__ = ["port_80"]

OLD = ("20200101120000Z", "20200102120000Z")
FUTURE = ("20990101120000Z", "20990102120000Z")


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "files")


@pytest.fixture(scope="session")
def address() -> str:
    return outer_address()


@pytest.fixture
def secure(serve, address, tmp_path):
    """Serve an image over TLS: `secure((certificate, key), address=…, client_authority=…)`."""

    def start(pair, address=address, client_authority=None):
        both = tmp_path / "server.pem"
        both.write_text("".join(path.read_text() for path in pair))
        return serve(Image().respond, address, str(both), client_authority=client_authority)

    return start


@pytest.fixture
def good(authority, address) -> tuple[Path, Path]:
    return authority.server("good", f"IP:{address}", "DNS:registry.test")


def resolve(client, server) -> None:
    client.resolve(parse(f"{server.host}/a/b:v1"), AMD64)


def refused(client, server) -> UnreachableError:
    with pytest.raises(UnreachableError) as caught:
        resolve(client, server)
    return caught.value


def trusting(server, authority, folder: Path | None = None) -> None:
    """Put the authority where it is looked for."""
    place = folder or certificate_folder(server.host)
    place.mkdir(parents=True)
    (place / "ca.crt").write_bytes((authority.folder / "ca.pem").read_bytes())


class TestAuthorities:
    def test_an_unknown_one_and_the_way_out(self, secure, good, client, authority):
        server = secure(good)
        error = refused(client, server)
        assert error.answers == (
            (
                server.host,
                f'Get "https://{server.host}/v2/": tls: failed to verify certificate: '
                "x509: certificate signed by unknown authority",
            ),
        )
        assert str(certificate_folder(server.host) / "ca.crt") in error.hint
        assert f"/etc/docker/certs.d/{server.host}/ca.crt" in error.hint
        trusting(server, authority)
        resolve(client, server)

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
    def test_of_the_environment(self, secure, good, client, authority, monkeypatch, variable):
        server = secure(good)
        monkeypatch.setenv(variable, str(authority.folder / "ca.pem"))
        resolve(client, server)

    def test_a_host_has_its_own(self, secure, good, client, authority, tmp_path):
        server = secure(good)
        trusting(server, authority, certificate_folder("another.example"))
        assert "unknown authority" in refused(client, server).answers[0][1]

    def test_the_systems_go_on_beside_it(self, authority, tmp_path):
        """As one can tell without a network: by what the context holds."""
        place = tmp_path / "docker" / "certs.d" / "a.example:5000"
        place.mkdir(parents=True)
        (place / "ca.crt").write_bytes((authority.folder / "ca.pem").read_bytes())
        trust = settings_for("a.example:5000", system=tmp_path)
        assert trust.authorities == (place / "ca.crt",)
        ours = trust.context(verify=True).get_ca_certs()
        assert ours
        assert settings_for("b.example:5000", system=tmp_path).authorities == ()

    def test_a_file_that_is_none(self, secure, good, client, monkeypatch):
        server = secure(good)
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
        with pytest.raises(
            ConfigurationError, match=r"/nowhere/ca\.pem \(SSL_CERT_FILE\): no such"
        ):
            resolve(client, server)


class TestCertificates:
    @pytest.fixture(autouse=True)
    def known(self, authority, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.folder / "ca.pem"))

    def test_one_without_a_name(self, secure, client, authority, address):
        error = refused(client, secure(authority.unnamed(address)))
        assert error.answers[0][1].endswith(
            f"cannot validate certificate for {address} because it doesn't contain any IP SANs"
        )
        assert f"-addext subjectAltName=IP:{address}" in error.hint

    def test_one_for_another_name(self, secure, client, authority, address):
        pair = authority.server("other", "DNS:a.example", "IP:192.0.2.7")
        error = refused(client, secure(pair))
        assert error.answers[0][1].endswith(
            f"x509: certificate is valid for a.example, 192.0.2.7, not {address}"
        )

    def test_one_that_has_expired(self, secure, client, authority, address):
        error = refused(client, secure(authority.dated("old", f"IP:{address}", *OLD)))
        assert (
            "certificate has expired or is not yet valid: it ended on Jan 2 12:00:00 2020"
            in str(error)
        )
        assert "renewed" in error.hint

    def test_one_that_is_not_valid_yet(self, secure, client, authority, address):
        error = refused(client, secure(authority.dated("new", f"IP:{address}", *FUTURE)))
        assert (
            "certificate has expired or is not yet valid: it begins on Jan 1 12:00:00 2099"
            in str(error)
        )
        assert "clock" in error.hint

    def test_a_common_name_counts_for_nothing(self, secure, authority):
        """A host name, of which there is none here that is not loopback: so the parts alone."""
        server = secure(authority.unnamed("localhost"), "127.0.0.1")
        port = server.server_address[1]
        context = settings_for("localhost").context(verify=True)
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            pytest.raises(ssl.SSLCertVerificationError) as caught,
        ):
            context.wrap_socket(plain, server_hostname="localhost")
        explained = explain(f"localhost:{port}", caught.value, direct=True)
        assert explained.reason == (
            "x509: certificate relies on legacy Common Name field, use SANs instead"
        )
        assert "-addext subjectAltName=DNS:localhost" in explained.hint

    def test_one_of_the_client_is_shown(self, secure, good, client, authority, tmp_path):
        server = secure(good, client_authority=authority.folder / "ca.pem")
        error = refused(client, server)
        place = certificate_folder(server.host)
        assert f"{place} as client.cert and client.key" in error.hint
        mine = authority.client(tmp_path / "client")
        place.mkdir(parents=True)
        (place / "client.cert").write_bytes((mine / "cert.pem").read_bytes())
        with pytest.raises(ConfigurationError, match=r"missing key client\.key"):
            resolve(client, server)
        (place / "client.key").write_bytes((mine / "key.pem").read_bytes())
        resolve(client, server)


def test_a_login_goes_by_it_too(secure, good, authority):
    server = secure(good)
    with pytest.raises(UnreachableError, match="signed by unknown authority") as caught:
        log_in(server.host, Credential("me", "x"))
    assert str(certificate_folder(server.host)) in caught.value.hint
    trusting(server, authority)
    assert log_in(server.host, Credential("me", "x")) == Credential("me", "x")


class TestInsecure:
    def test_this_machine_may_have_any_certificate(self, secure, authority, client, recwarn):
        server = secure(authority.unnamed("whoever"), "127.0.0.1")
        resolve(client, server)
        client.resolve(parse(f"localhost:{server.server_address[1]}/a/b:v1"), AMD64)
        assert not recwarn.list

    def test_no_other_host_may_do_without(self, client, address):
        """A plain server, which takes the beginning of TLS for a bad request."""

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1)
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with socket.create_server((address, 0)) as listener:
            host = f"{address}:{listener.getsockname()[1]}"
            threading.Thread(target=answer, daemon=True).start()
            with pytest.raises(UnreachableError) as caught:
                client.resolve(parse(f"{host}/a/b:v1"), AMD64)
            listener.shutdown(socket.SHUT_RDWR)
        assert caught.value.answers == (
            (host, f'Get "https://{host}/v2/": http: server gave HTTP response to HTTPS client'),
        )
        assert "insecure-registries" in caught.value.hint

    @pytest.mark.parametrize("written", ["{host}", "{address}/30"])
    def test_docker_names_them(self, serve, client, address, tmp_path, monkeypatch, written):
        server = serve(Image().respond, address)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        (tmp_path / "docker").mkdir()
        entry = written.format(host=server.host, address=address)
        (tmp_path / "docker" / "daemon.json").write_text(f'{{"insecure-registries": ["{entry}"]}}')
        resolve(client, server)

    def test_registries_conf_names_them(self, secure, authority, client, tmp_path, monkeypatch):
        server = secure(authority.unnamed("whoever"))
        monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
        text = f'[[registry]]\nlocation = "{server.host}"\ninsecure = true\n'
        (tmp_path / "registries.conf").write_text(text)
        resolve(client, server)

    def test_a_place_that_a_registry_sends_to_is_looked_up_too(
        self, secure, authority, serve, client, tmp_path, monkeypatch
    ):
        target = secure(authority.unnamed("whoever"))
        server = serve(
            lambda exchange: exchange.answer(307, Location=f"https://{target.host}{exchange.path}")
        )
        with pytest.raises(UnreachableError, match="x509"):
            resolve(client, server)
        monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
        text = f'[[registry]]\nlocation = "{target.host}"\ninsecure = true\n'
        (tmp_path / "registries.conf").write_text(text)
        resolve(client, server)

    def test_a_prefix_names_many(self, tmp_path):
        (tmp_path / "containers").mkdir()
        text = '[[registry]]\nprefix = "*.lab.example"\ninsecure = true\n'
        (tmp_path / "containers" / "registries.conf").write_text(text)
        for host in ("one.lab.example:5000", "a.b.lab.example"):
            assert settings_for(host, system=tmp_path).named_insecure
        for host in ("lab.example", "lab.example.org"):
            assert not settings_for(host, system=tmp_path).named_insecure

    def test_a_name_is_what_its_address_is(self, tmp_path):
        (tmp_path / "docker").mkdir()
        trust = settings_for("localhost.localdomain:5000", system=tmp_path)
        assert not trust.is_insecure(ask_for_address=False)
        for name in ("a.example", "192.0.2.1:5000", "[fd00::1]:5000"):
            assert not settings_for(name, system=tmp_path).is_insecure(ask_for_address=False)
        (tmp_path / "docker" / "daemon.json").write_text(
            '{"insecure-registries": ["192.0.2.0/24", "fd00::/8", "a.example"]}'
        )
        for name in ("a.example", "192.0.2.1:5000", "[fd00::1]:5000"):
            assert settings_for(name, system=tmp_path).is_insecure(ask_for_address=False)
        assert not settings_for("a.example:5000", system=tmp_path).is_insecure(
            ask_for_address=False
        )

    def test_a_name_of_this_machine(self):
        """Such as /etc/hosts gives it, and only where it may be looked up."""
        names = [
            name
            for line in Path("/etc/hosts").read_text().splitlines()
            if line.split()[:1] in (["127.0.0.1"], ["127.0.1.1"], ["::1"])
            for name in line.split()[1:]
            if not name.startswith("localhost")
        ]
        if not names:
            pytest.skip("/etc/hosts has no other name for this machine")
        trust = settings_for(f"{names[0]}:5000")
        assert trust.is_insecure(ask_for_address=True)
        assert not trust.is_insecure(ask_for_address=False)

    @pytest.mark.parametrize("text", ["{", "[]", '{"insecure-registries": "a"}'])
    def test_a_damaged_file_is_named(self, tmp_path, text):
        (tmp_path / "docker").mkdir()
        (tmp_path / "docker" / "daemon.json").write_text(text)
        with pytest.raises(ConfigurationError, match=r"docker/daemon\.json"):
            settings_for("a.example", system=tmp_path)


@pytest.mark.registry
def test_a_registry_that_is_started_anew_with_tls_and_without(authority, client, tmp_path):
    """As in a course: at one port first the plain one, and then the secured one."""
    port, pair = free_port(), authority.server("anew", "IP:127.0.0.1")
    with running_registry(tmp_path, port=port) as host:
        push_image(host, "a/b", "v1", [(OCI_LAYER, layer_tar({"a": b"a"}))], {})
        assert client.manifest(parse(f"{host}/a/b:v1"))
    for certificate in (pair, None, pair):
        with running_registry(tmp_path, port=port, certificate=certificate):
            assert client.manifest(parse(f"{host}/a/b:v1"))
            client.pusher(parse(f"{host}/a/b:v1")).push_document(str(certificate).encode())
    with pytest.raises(RegistryError) as caught:
        client.manifest(parse(f"{host}/a/b:v1"))
    assert "nothing listens there" in caught.value.hint


def test_localhost_without_a_port(client, port_80):
    """`localhost/user/image` is a registry at port 443, else 80."""
    with pytest.raises(UnreachableError) as caught:
        client.resolve(parse("localhost/me/app"), AMD64)
    assert [answer.partition(": ")[0] for _, answer in caught.value.answers] == [
        'Get "https://localhost/v2/"',
        'Get "http://localhost/v2/"',
    ]
