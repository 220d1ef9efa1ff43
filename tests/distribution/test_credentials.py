"""Docker's `config.json`, and the programs `docker-credential-*`."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path

import pytest

from container_magics.distribution.credentials import Credential, CredentialStore, hostname, key_of
from container_magics.errors import ConfigurationError, CredentialsError

HUB = "https://index.docker.io/v1/"
ME = Credential("me", "pass:word")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def store(tmp_path, monkeypatch) -> CredentialStore:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return CredentialStore()


@pytest.fixture
def keychain(tmp_path, monkeypatch) -> Path:
    """The folder in which `docker-credential-file` keeps each server's request."""
    kept = tmp_path / "keychain"
    kept.mkdir()
    program = tmp_path / "docker-credential-file"
    program.write_text(f"""#!{sys.executable}
import json, pathlib, sys
request = sys.stdin.read()
server = json.loads(request)["ServerURL"] if sys.argv[1] == "store" else request
path = pathlib.Path({str(kept)!r}, server.replace("/", "_") or "all")
if sys.argv[1] == "list":
    found = [json.loads(each.read_text()) for each in path.parent.iterdir()]
    print(json.dumps({{each["ServerURL"]: each["Username"] for each in found}}))
elif sys.argv[1] == "store":
    path.write_text(request)
elif not path.exists():
    print("credentials not found in native keychain")
    sys.exit(1)
elif sys.argv[1] == "get":
    print(path.read_text())
else:
    path.unlink()
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return kept


def written(store: CredentialStore) -> dict:
    return json.loads(store.path.read_text())


class TestNames:
    @pytest.mark.parametrize(
        ("text", "host", "key"),
        [
            ("localhost:5000", "localhost:5000", "localhost:5000"),
            ("https://localhost", "localhost", "localhost"),
            ("http://host.example/path/v1/", "host.example", "host.example"),
            ("host.example:8443/docker-local", "host.example:8443", "host.example:8443"),
            ("docker.io", "docker.io", HUB),
            (HUB, "docker.io", HUB),
            ("registry-1.docker.io", "docker.io", HUB),
            ("[::1]:5000", "[::1]:5000", "[::1]:5000"),
        ],
    )
    def test_one_registry_is_spelled_in_several_ways(self, text, host, key):
        assert (hostname(text), key_of(text)) == (host, key)


class TestFile:
    def test_nothing_is_there(self, store):
        assert store.get("docker.io") is None
        assert not store.erase("docker.io")
        assert not store.path.exists()

    @pytest.mark.parametrize(
        "written_host", ["a.example", "https://a.example", "a.example/team/v1"]
    )
    def test_reads_what_docker_wrote(self, store, written_host):
        store.path.write_text(
            json.dumps({"auths": {written_host: {"auth": encoded("me:a:b\0\0")}}})
        )
        assert store.get("a.example") == Credential("me", "a:b")
        assert store.get("b.example") is None

    def test_an_identity_token_stands_in_place_of_a_password(self, store):
        entry = {"auth": encoded("00000000-0000-0000-0000-000000000000:"), "identitytoken": "t"}
        store.path.write_text(json.dumps({"auths": {"a.example": entry}}))
        found = store.get("a.example")
        assert found == Credential("00000000-0000-0000-0000-000000000000", identity_token="t")

    def test_comes_back_as_it_was_put(self, store):
        token = Credential("me", identity_token="t")
        for host, credential in (("docker.io", ME), ("a.example:5000", token)):
            assert store.put(host, credential) == store.path
            assert store.get(host) == credential
        assert written(store)["auths"] == {
            HUB: {"auth": encoded("me:pass:word")},
            "a.example:5000": {"auth": encoded("me:"), "identitytoken": "t"},
        }
        assert store.erase("docker.io")
        assert store.get("docker.io") is None

    def test_what_others_keep_there_stays(self, store):
        others = {"psFormat": "é", "auths": {"b.example": {"auth": "eDp5"}}, "plugins": {"x": [1]}}
        store.path.write_text(json.dumps(others))
        store.put("a.example", ME)
        store.erase("a.example")
        assert written(store) == others

    def test_other_spellings_go_with_the_new_one(self, store):
        entry = {"auth": encoded("old:old")}
        store.path.write_text(json.dumps({"auths": {"https://a.example/v1/": entry}}))
        store.put("a.example", ME)
        assert list(written(store)["auths"]) == ["a.example"]

    def test_a_link_stays_a_link_and_the_file_is_private(self, store, tmp_path):
        real = tmp_path / "elsewhere" / "real.json"
        real.parent.mkdir()
        real.write_text("{}")
        real.chmod(0o644)
        store.path.symlink_to(real)
        store.put("a.example", ME)
        assert store.path.is_symlink()
        assert "a.example" in json.loads(real.read_text())["auths"]
        assert real.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in real.parent.iterdir()] == ["real.json"]

    def test_the_folder_is_made(self, monkeypatch, tmp_path):
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "new"))
        CredentialStore().put("a.example", ME)
        assert CredentialStore().get("a.example") == ME

    @pytest.mark.parametrize(
        "text", ['{"auths": {"a": {"auth": "c2VjcmV0"', "[1]", "\xff", "[" * 9999]
    )
    def test_a_damaged_file_is_named_and_left_alone(self, store, text):
        store.path.write_text(text, encoding="latin-1")
        for action in (
            lambda: store.get("a"),
            lambda: store.put("a", ME),
            lambda: store.erase("a"),
        ):
            with pytest.raises(ConfigurationError, match=f"{store.path} is damaged") as caught:
                action()
            assert "c2VjcmV0" not in str(caught.value)
        assert store.path.read_text(encoding="latin-1") == text

    @pytest.mark.parametrize("entry", [{"auth": "%%%"}, {"auth": encoded("noColon")}, {"auth": 7}])
    def test_a_damaged_entry_is_named(self, store, entry):
        store.path.write_text(json.dumps({"auths": {"a.example": entry}}))
        with pytest.raises(CredentialsError, match=r"has for a\.example is no credential"):
            store.get("a.example")

    def test_a_file_that_cannot_be_written_is_named(self, store, tmp_path):
        store.path.symlink_to(tmp_path / "gone" / "config.json")
        with pytest.raises(ConfigurationError, match=r"cannot write .*: no such file"):
            store.put("a.example", ME)


class TestHelpers:
    def test_a_store_keeps_what_the_file_then_does_not(self, store, keychain):
        store.path.write_text('{"credsStore": "file"}')
        assert store.put("docker.io", ME) is None
        assert written(store) == {"credsStore": "file", "auths": {HUB: {}}}
        assert json.loads((keychain / HUB.replace("/", "_")).read_text()) == {
            "ServerURL": HUB, "Username": "me", "Secret": "pass:word",
        }  # fmt: skip
        assert store.get("docker.io") == ME
        assert store.erase("docker.io")
        assert not store.erase("docker.io")
        assert store.get("docker.io") is None
        assert written(store) == {"credsStore": "file", "auths": {}}

    def test_an_identity_token_is_kept_under_its_user(self, store, keychain):
        store.path.write_text('{"credsStore": "file"}')
        store.put("a.example", Credential("me", identity_token="t"))
        assert json.loads((keychain / "a.example").read_text())["Username"] == "<token>"
        assert store.get("a.example") == Credential(identity_token="t")

    def test_one_of_a_host_counts_for_more_than_the_store(self, store, keychain):
        content = {"credsStore": "gone", "credHelpers": {"a.example": "file"}}
        store.path.write_text(json.dumps(content))
        store.put("a.example", ME)
        assert store.get("a.example") == ME
        with pytest.raises(CredentialsError, match="docker-credential-gone: executable file not"):
            store.get("b.example")

    def test_all_that_is_known(self, store, keychain):
        content = {
            "auths": {"a.example": {"auth": encoded("a:1")}, "c.example": {}},
            "credHelpers": {"b.example": "file", "d.example": "file"},
        }
        store.path.write_text(json.dumps(content))
        store.put("b.example", ME)
        store.path.write_text(json.dumps(content))
        assert store.all() == {"a.example": Credential("a", "1"), "b.example": ME}

    def test_all_but_those_of_a_helper_that_fails(self, store):
        content = {
            "auths": {"a.example": {"auth": encoded("a:1")}, "b.example": {"auth": "broken"}},
            "credHelpers": {"c.example": "gone"},
        }
        store.path.write_text(json.dumps(content))
        assert store.all() == {"a.example": Credential("a", "1")}
        store.path.write_text(json.dumps({"credsStore": "gone"}))
        assert store.all() == {}

    def test_all_that_a_store_knows(self, store, keychain):
        store.path.write_text('{"credsStore": "file"}')
        store.put("docker.io", ME)
        store.put("a.example", Credential("a", "1"))
        assert store.all() == {HUB: ME, "a.example": Credential("a", "1")}

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            ("echo the chain is locked; exit 1", "exit status 1: the chain is locked"),
            ("echo '{}'", "its answer is no credential"),
            ("echo oops", "its answer is no credential"),
            ("kill -9 $$", "exit status -9: it said nothing"),
        ],
    )
    def test_one_that_fails_is_named(self, store, tmp_path, monkeypatch, lines, said):
        program = tmp_path / "docker-credential-bad"
        program.write_text(f"#!/bin/sh\n{lines}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        store.path.write_text('{"credsStore": "bad"}')
        with pytest.raises(CredentialsError, match="docker-credential-bad get") as caught:
            store.get("a.example")
        assert said in str(caught.value)

    def test_one_that_repeats_the_secret_is_not_repeated(self, store, tmp_path, monkeypatch):
        program = tmp_path / "docker-credential-loud"
        program.write_text("#!/bin/sh\ncat; exit 1\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        store.path.write_text('{"credsStore": "loud"}')
        with pytest.raises(CredentialsError) as caught:
            store.put("a.example", Credential("me", 'pass"word'))
        assert "pass" not in str(caught.value)
        assert written(store) == {"credsStore": "loud"}

    def test_a_name_leads_to_no_other_program(self, store):
        store.path.write_text('{"credsStore": "../../bin/sh"}')
        with pytest.raises(CredentialsError, match="cannot be the name of a credential helper"):
            store.get("a.example")
