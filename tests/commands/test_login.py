"""`docker login` and `logout`: what is asked, said and kept; and where a password may stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from container_magics.distribution.credentials import Credential, CredentialStore
from container_magics.errors import CredentialsError, RegistryError, UnreachableError, UsageError
from tests.distribution.clouds import SECRET, Azure, DockerHub, Nexus
from tests.distribution.conftest import plain_environment, serve
from tests.fixtures.registry import free_port

__all__ = ["plain_environment", "serve"]


@pytest.fixture
def cloud(serve):
    return DockerHub(serve)


class TestLogin:
    def test_asks_for_what_is_not_given(self, docker, surface, cloud):
        surface.replies = ["me", cloud.secret]
        docker("login", f"https://{cloud.host}")
        assert surface.questions == ["Username: ", "Password: *"]
        assert surface.out == "Login Succeeded\n"
        assert f"stored unencrypted in '{CredentialStore().path}'." in surface.err
        assert CredentialStore().get(cloud.host) == Credential("me", cloud.secret)

    def test_offers_the_name_that_is_known(self, docker, surface, cloud):
        CredentialStore().put(cloud.host, Credential("me", "old"))
        surface.replies = ["", cloud.secret]
        docker("login", cloud.host)
        assert surface.questions == ["Username (me): ", "Password: *"]
        assert "Authenticating with existing credentials...\n" in surface.out
        assert "Login did not succeed, error: " in surface.err
        assert surface.out.endswith("Login Succeeded\n")

    def test_what_is_known_does(self, docker, surface, cloud):
        CredentialStore().put(cloud.host, Credential("me", cloud.secret))
        docker("login", cloud.host)
        assert surface.out == "Authenticating with existing credentials...\nLogin Succeeded\n"
        assert surface.questions == []

    def test_a_token_takes_the_place_of_the_password(self, docker, surface, serve):
        cloud = Azure(serve)
        docker("login", "-u", cloud.user, "-p", cloud.secret, cloud.host)
        assert "credentials are stored unencrypted" in surface.err  # The token is one of them.
        assert cloud.secret not in CredentialStore().path.read_text()

    def test_a_helper_keeps_it_without_a_warning(
        self, docker, surface, cloud, tmp_path, monkeypatch
    ):
        program = tmp_path / "docker-credential-quiet"
        program.write_text(f"#!/bin/sh\ncat > {tmp_path}/kept\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        CredentialStore().path.write_text('{"credsStore": "quiet"}')
        docker("login", "-u", "me", "-p", cloud.secret, cloud.host)
        assert surface.err == ""
        assert json.loads((tmp_path / "kept").read_text())["Secret"] == cloud.secret
        assert cloud.secret not in CredentialStore().path.read_text()

    def test_nobody_can_be_asked(self, docker, surface, cloud):
        with pytest.raises(UsageError, match="nobody can be asked") as caught:
            docker("login", cloud.host)
        assert "-p {name}" in caught.value.hint

    def test_standard_input_is_for_a_terminal(self, docker, surface, cloud):
        words = ("login", "-u", "me", "--password-stdin", cloud.host)
        with pytest.raises(UsageError, match="would be saved") as caught:
            docker(*words, stdin=cloud.secret.encode())
        assert SECRET not in str(caught.value)
        surface.lasting = False
        docker(*words, stdin=f"{cloud.secret}\r\n".encode())
        assert surface.out == "Login Succeeded\n"

    def test_on_the_line_of_a_terminal_there_is_dockers_warning(self, docker, surface, cloud):
        surface.lasting = False
        docker("login", "-u", "me", "-p", cloud.secret, cloud.host)
        assert surface.err.startswith("WARNING! Using --password via the CLI is insecure.")

    def test_a_password_in_front_of_the_host_is_not_repeated(self, docker):
        with pytest.raises(UsageError) as caught:
            docker("login", f"https://me:{SECRET}@registry.example")
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("-p", "x", "--password-stdin", "a.example"), "mutually exclusive"),
            (("--password-stdin", "a.example"), "Must provide --username with --password-stdin"),
            (("not a host",), "'not a host' names no registry"),
            (("a.example", "b.example"), "requires at most 1 argument"),
        ],
    )
    def test_words_that_make_no_sense(self, docker, words, said):
        with pytest.raises(UsageError, match=said):
            docker("login", *words)

    def test_a_wrong_password_changes_nothing(self, docker, surface, cloud):
        CredentialStore().put(cloud.host, Credential("me", cloud.secret))
        with pytest.raises(RegistryError, match="unauthorized: incorrect username or password"):
            docker("login", "-u", "me", "-p", "wrong", cloud.host)
        assert CredentialStore().get(cloud.host) == Credential("me", cloud.secret)
        assert "Login Succeeded" not in surface.out

    def test_a_registry_that_does_not_answer(self, docker):
        host = f"127.0.0.1:{free_port()}"
        with pytest.raises(UnreachableError, match=f"cannot log in to {host}: no answer") as caught:
            docker("login", "-u", "me", "-p", SECRET, host)
        assert [answer for _, answer in caught.value.answers] == [
            f'Get "{scheme}://{host}/v2/": dial tcp {host}: connect: connection refused'
            for scheme in ("https", "http")
        ]

    def test_a_host_that_is_no_registry(self, docker, serve):
        server = serve(lambda exchange: exchange.answer(404, b"<html>"))
        server.guarded = True
        with pytest.raises(RegistryError, match="failed with status: 404 Not Found"):
            docker("login", "-u", "me", "-p", "x", server.host)


class TestLogout:
    def test_forgets(self, docker, surface, cloud):
        store = CredentialStore()
        store.put("a.example", Credential("me", "x"))
        store.put(cloud.host, Credential("me", "x"))
        docker("logout", f"https://{cloud.host}/path")
        docker("logout", cloud.host)
        assert surface.out == (
            f"Removing login credentials for {cloud.host}\nNot logged in to {cloud.host}\n"
        )
        assert store.get("a.example") == Credential("me", "x")

    def test_is_docker_hubs_by_default(self, docker, surface):
        CredentialStore().put("docker.io", Credential("me", "x"))
        docker("logout")
        assert surface.out == "Removing login credentials for https://index.docker.io/v1/\n"
        assert json.loads(CredentialStore().path.read_text()) == {"auths": {}}

    def test_a_helper_that_fails_is_told(self, docker):
        Path(CredentialStore().path).write_text('{"credsStore": "gone"}')
        with pytest.raises(CredentialsError, match=r"could not erase credentials for a\.example"):
            docker("logout", "a.example")


def test_each_port_has_a_login_of_its_own(docker, surface, serve):
    one, other = Nexus(serve), Nexus(serve)
    docker("login", "-u", one.user, "-p", one.secret, one.host)
    assert CredentialStore().get(other.host) is None
