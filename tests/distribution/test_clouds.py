"""Each registry of the course by the login that it uses, and no secret in anything that is said."""

from __future__ import annotations

import json
import logging
import os
import traceback
from pathlib import Path

import pytest

from container_magics.distribution import RegistryClient
from container_magics.distribution.credentials import Credential, CredentialStore
from container_magics.distribution.login import log_in
from container_magics.errors import PullError, PushError, RegistryError
from container_magics.oci.models import OCI_MANIFEST
from container_magics.reference import parse
from tests.distribution.clouds import (
    CLOUDS,
    SECRET,
    AmazonEcr,
    Artifactory,
    Azure,
    Cloud,
    DockerHub,
    GoogleArtifactRegistry,
    Nexus,
    TokenCloud,
)
from tests.distribution.images import AMD64, Image
from tests.fixtures.certificates import Authority


def pull(cloud: Cloud, client: RegistryClient | None = None, name: str = "") -> None:
    """Pull the cloud's image whole."""
    with client or RegistryClient(timeout=10) as asking:
        image = asking.resolve(parse(name or cloud.name), AMD64)
        with asking.open_blob(image, image.manifest.layers[0]) as blob:
            assert blob.read() == cloud.image.layer


def push(cloud: Cloud, client: RegistryClient | None = None, between=lambda: None) -> None:
    """Push an image of another layer as `v2`; something may happen before its manifest goes."""
    image = Image(b"another layer")
    with client or RegistryClient(timeout=10) as asking:
        reference = parse(f"{cloud.host}/{cloud.repository}:v2")
        pusher = asking.pusher(reference)
        pusher.push(lambda: [image.layer])
        pusher.push_document(image.config)
        between()
        pusher.put_manifest(image.manifest, OCI_MANIFEST, "v2")
    assert cloud.registry.blobs[cloud.repository][image.digest_of(image.layer)] == image.layer
    assert cloud.registry.manifests[cloud.repository]["v2"] == (OCI_MANIFEST, image.manifest)


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """Make `docker-credential-NAME` of a shell script's lines."""

    def make(name: str, *lines: str) -> None:
        program = tmp_path / f"docker-credential-{name}"
        program.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        program.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return make


def configure(**content: object) -> None:
    """Write docker's configuration."""
    CredentialStore().path.write_text(json.dumps(content))


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """The file with certificate and key of 127.0.0.1, whose authority is known."""
    authority = Authority(tmp_path / "authority")
    both = tmp_path / "server.pem"
    both.write_text("".join(path.read_text() for path in authority.server("x", "IP:127.0.0.1")))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.folder / "ca.pem"))
    return str(both)


@pytest.mark.parametrize("kind", CLOUDS, ids=lambda kind: kind.__name__)
def test_a_login_and_a_pull(serve, kind):
    cloud = kind(serve)
    with pytest.raises(PullError, match=f"docker login {cloud.host}"):
        pull(cloud)
    store = CredentialStore()
    store.put(cloud.host, log_in(cloud.host, Credential(cloud.user, cloud.secret)))
    pull(cloud)
    store.erase(cloud.host)
    with pytest.raises(PullError, match="pull access denied"):
        pull(cloud)


@pytest.mark.parametrize("kind", CLOUDS, ids=lambda kind: kind.__name__)
def test_a_login_and_a_push(serve, kind):
    cloud = kind(serve)
    held = {name: dict(blobs) for name, blobs in cloud.registry.blobs.items()}
    with pytest.raises(PushError, match=f"docker login {cloud.host}"):
        push(cloud)
    assert cloud.registry.blobs == held
    store = CredentialStore()
    store.put(cloud.host, log_in(cloud.host, Credential(cloud.user, cloud.secret)))
    if isinstance(cloud, TokenCloud):
        cloud.asked.clear()
    push(cloud)
    if isinstance(cloud, TokenCloud):
        [asked] = cloud.asked
        assert asked["scope"] == [f"repository:{cloud.repository}:pull,push"]
    store.erase(cloud.host)
    with pytest.raises(PushError, match=r"unauthorized|no basic auth credentials"):
        push(cloud)


@pytest.mark.parametrize("kind", CLOUDS, ids=lambda kind: kind.__name__)
def test_a_wrong_password(serve, kind):
    cloud = kind(serve)
    with pytest.raises(RegistryError, match=r'Get "\S+": \w+: ') as caught:
        log_in(cloud.host, Credential(cloud.user, f"{SECRET}-wrong"))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_docker_hub_is_asked_as_docker_asks(serve):
    cloud = DockerHub(serve)
    log_in(cloud.host, Credential(cloud.user, cloud.secret))
    [query] = cloud.asked
    assert query["account"] == ["me"]
    assert query["service"] == ["registry.docker.io"]
    assert query["offline_token"] == ["true"]


def test_amazon_by_its_helper_and_after_twelve_hours(serve, helper, tmp_path):
    cloud = AmazonEcr(serve)
    (tmp_path / "secret").write_text(cloud.secret)
    helper("ecr-login", f'printf \'{{"Username":"AWS","Secret":"%s"}}\' "$(cat {tmp_path}/secret)"')
    configure(credHelpers={cloud.host: "ecr-login"})
    with RegistryClient(timeout=10) as client:
        image = client.resolve(parse(cloud.name), AMD64)
        cloud.secret = f"{SECRET}-second"
        (tmp_path / "secret").write_text(cloud.secret)
        with client.open_blob(image, image.manifest.layers[0]) as blob:
            assert blob.read() == cloud.image.layer


def test_amazon_s_password_ends_in_the_middle_of_a_push(serve, helper, tmp_path):
    cloud = AmazonEcr(serve)
    (tmp_path / "secret").write_text(cloud.secret)
    helper("ecr-login", f'printf \'{{"Username":"AWS","Secret":"%s"}}\' "$(cat {tmp_path}/secret)"')
    configure(credHelpers={cloud.host: "ecr-login"})

    def expire():
        cloud.secret = f"{SECRET}-second"
        (tmp_path / "secret").write_text(cloud.secret)

    push(cloud, between=expire)


def test_amazon_wants_a_repository_to_be_made_before(serve, client):
    cloud = AmazonEcr(serve)
    CredentialStore().put(cloud.host, Credential(cloud.user, cloud.secret))
    pusher = client.pusher(parse(f"{cloud.host}/other:v1"))
    with pytest.raises(PushError, match="repository name not known") as caught:
        pusher.push(lambda: [b"x"])
    assert "want a repository to be made before" in caught.value.hint


def test_docker_hub_s_token_may_be_for_reading_alone(serve):
    """What is granted is less than what was asked for, and the registry says so then."""
    cloud = DockerHub(serve)
    CredentialStore().put(cloud.host, Credential(cloud.user, cloud.secret))
    grant = cloud.answer_with_token

    def less(exchange, query, **more):
        grant(exchange, {"scope": [f"repository:{cloud.repository}:pull"]}, **more)

    cloud.answer_with_token = less
    pull(cloud)
    with pytest.raises(PushError, match="denied: requested access to the resource is denied"):
        push(cloud)


def test_a_token_that_ends_in_the_middle_of_a_push(serve):
    cloud = DockerHub(serve)
    CredentialStore().put(cloud.host, Credential(cloud.user, cloud.secret))
    push(cloud, between=cloud.granted.clear)


def test_amazon_says_that_a_password_is_too_old(serve):
    cloud = AmazonEcr(serve)
    CredentialStore().put(cloud.host, Credential("AWS", f"{SECRET}-old"))
    with pytest.raises(PullError, match="Your authorization token has expired") as caught:
        pull(cloud)
    assert f"docker login {cloud.host}" in caught.value.hint


def test_google_by_its_helper(serve, helper):
    cloud = GoogleArtifactRegistry(serve)
    helper("gcloud", f'echo \'{{"Username":"oauth2accesstoken","Secret":"{cloud.secret}"}}\'')
    configure(credHelpers={cloud.host: "gcloud"})
    pull(cloud)


def test_azure_keeps_no_password_and_exchanges_its_token(serve):
    cloud = Azure(serve)
    kept = log_in(cloud.host, Credential(cloud.user, cloud.secret))
    assert kept == Credential(cloud.user, identity_token=cloud.refresh)
    CredentialStore().put(cloud.host, kept)
    pull(cloud)
    push(cloud)
    exchanges = [query for query in cloud.asked if "grant_type" in query]
    scopes = [["repository:app:pull"], ["repository:app:pull,push"]]
    assert [query["scope"] for query in exchanges] == scopes


def test_azure_by_a_helper_that_gives_an_identity_token(serve, helper):
    cloud = Azure(serve)
    helper("acr", f'echo \'{{"Username":"<token>","Secret":"{cloud.refresh}"}}\'')
    configure(credsStore="acr")
    pull(cloud)


def test_nexus_ports_are_registries_of_their_own(serve):
    one, other = Nexus(serve), Nexus(serve)
    other.secret = f"{SECRET}-other"
    for cloud in (one, other):
        CredentialStore().put(cloud.host, Credential(cloud.user, cloud.secret))
    for cloud in (one, other):
        pull(cloud)
        push(cloud)


def test_artifactory_takes_a_login_with_a_path(serve):
    cloud = Artifactory(serve)
    store = CredentialStore()
    store.put(f"https://{cloud.host}/docker-local", Credential(cloud.user, cloud.secret))
    pull(cloud)
    push(cloud)


def test_a_token_for_one_repository_is_not_shown_for_another(serve, client):
    cloud = DockerHub(serve)
    CredentialStore().put(cloud.host, Credential(cloud.user, cloud.secret))
    client.resolve(parse(cloud.name), AMD64)
    with pytest.raises(PullError):
        client.resolve(parse(f"{cloud.host}/me/other:v1"), AMD64)
    assert [query["scope"] for query in cloud.asked] == [
        ["repository:me/app:pull"],
        ["repository:me/other:pull", "repository:me/app:pull"],
    ]


def test_an_open_client_notices_login_and_logout(serve, client):
    cloud = DockerHub(serve)
    store = CredentialStore()
    with pytest.raises(PullError):
        client.resolve(parse(cloud.name), AMD64)
    store.put(cloud.host, Credential(cloud.user, cloud.secret))
    client.resolve(parse(cloud.name), AMD64)
    store.erase(cloud.host)
    with pytest.raises(PullError):
        client.resolve(parse(cloud.name), AMD64)


def test_what_anyone_may_read_needs_no_helper(serve, helper, client):
    """A broken helper does not matter then, as to Docker; it is told where it does."""
    cloud = DockerHub(serve)
    configure(credsStore="gone")
    cloud.is_known = lambda exchange: "Authorization" not in exchange.headers
    client.resolve(parse(cloud.name), AMD64)
    cloud.is_known = lambda exchange: False
    cloud.granted.clear()
    with pytest.raises(PullError) as caught:
        client.resolve(parse(cloud.name), AMD64)
    assert "docker-credential-gone: executable file not found in $PATH" in caught.value.hint


def test_a_password_is_not_sent_where_others_can_read_it(serve, certified):
    """A registry on https that wants it at a realm without."""
    elsewhere = serve(lambda exchange: exchange.answer(200, b'{"token":"x"}'), "127.0.0.2")

    def respond(exchange):
        challenge = f'Bearer realm="http://example.test:{elsewhere.host.partition(":")[2]}/token"'
        exchange.answer(401, b"{}", WWW_Authenticate=challenge)

    server = serve(respond, "127.0.0.1", certified)
    CredentialStore().put(server.host, Credential("me", SECRET))
    with RegistryClient(timeout=10) as client, pytest.raises(PullError, match="others could read"):
        client.resolve(parse(f"{server.host}/me/app:v1"), AMD64)


def test_nor_is_that_of_a_registry_here(serve, client):
    """This machine's own speaks without TLS, and its realm is somewhere else."""
    challenge = 'Bearer realm="http://example.test/token"'
    server = serve(lambda exchange: exchange.answer(401, b"{}", WWW_Authenticate=challenge))
    server.guarded = True
    CredentialStore().put(server.host, Credential("me", SECRET))
    with pytest.raises(PullError, match="others could read"):
        client.resolve(parse(f"{server.host}/me/app:v1"), AMD64)
    with pytest.raises(RegistryError, match="others could read"):
        log_in(server.host, Credential("me", SECRET))


def test_where_a_redirect_leads_a_credential_is_not_asked_for(serve, client):
    def steal(exchange):
        if exchange.path.startswith("/token"):
            exchange.answer(200, b'{"token":"x"}')
        else:
            challenge = f'Bearer realm="http://{thief.host}/token"'
            exchange.answer(401, b"{}", WWW_Authenticate=challenge)

    thief = serve(steal, "127.0.0.2")
    thief.guarded = True
    server = serve(lambda exchange: exchange.answer(307, Location=f"http://{thief.host}/v2/"))
    server.guarded = True
    CredentialStore().put(server.host, Credential("me", SECRET))
    with pytest.raises(PullError, match="pull access denied"):
        client.resolve(parse(f"{server.host}/me/app:v1"), AMD64)
    with pytest.raises(RegistryError, match="unauthorized"):
        log_in(server.host, Credential("me", SECRET))
    assert thief.requests
    assert not [path for path, _ in thief.requests if "token" in path]
    assert not [headers for _, headers in thief.requests if "Authorization" in headers]


@pytest.mark.parametrize("kind", CLOUDS, ids=lambda kind: kind.__name__)
def test_no_secret_is_said(serve, kind, caplog, capfd):
    """Neither in logs, nor on standard output or error, nor in a traceback or a repr."""
    caplog.set_level(logging.DEBUG)
    cloud = kind(serve)
    store = CredentialStore()
    said = []
    for secret in (cloud.secret, f"{SECRET}-wrong"):
        credential = Credential(cloud.user, secret)
        store.put(cloud.host, credential)
        said.append(repr(credential))
        try:
            said.append(repr(log_in(cloud.host, credential)))
        except RegistryError as error:
            said += traceback.format_exception(error)
        with RegistryClient(timeout=10) as client:
            for name in (cloud.name, f"{cloud.host}/somebody/else:v1"):
                try:
                    said.append(repr(client.resolve(parse(name), AMD64)))
                except PullError as error:
                    said += [*traceback.format_exception(error), repr(error.__dict__)]
                pusher = client.pusher(parse(name))
                try:
                    said.append(repr(pusher.push(lambda: [b"x"])))
                except PushError as error:
                    said += [*traceback.format_exception(error), repr(error.__dict__)]
            said.append(repr(vars(client)))
    said += [record.getMessage() for record in caplog.records]
    said += capfd.readouterr()
    assert len(caplog.records) > 4
    assert SECRET not in "".join(said)
    encoded = CredentialStore().path.read_text().partition('"auth": "')[2].partition('"')[0]
    assert encoded
    assert encoded not in "".join(said)


def test_what_is_kept_is_for_its_owner_alone(serve):
    cloud = DockerHub(serve)
    path = CredentialStore().put(cloud.host, Credential(cloud.user, cloud.secret))
    assert isinstance(path, Path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_realm_is_asked_for_more_than_one_scope_at_once(serve):
    """As a push with a mount needs."""
    from container_magics.distribution.auth import Challenge, TokenRequest, pull_scope, push_scope

    asked = TokenRequest.make(
        Challenge("https://x/token", "s", "repository:me/app:pull"),
        (push_scope("me/app"), pull_scope("library/base")),
        None,
    )
    assert asked.url == (
        "https://x/token?service=s&scope=repository%3Ame%2Fapp%3Apull%2Cpush"
        "&scope=repository%3Alibrary%2Fbase%3Apull"
    )
