"""Registries that speak the login of each cloud and product, and are for who is known alone.

Each class is what its provider documents, as far as a client sees it: which scheme the registry
asks for, where tokens are had and what for, who the users are.
"""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlsplit

from container_magics.oci.models import OCI_MANIFEST
from tests.distribution.images import Image
from tests.distribution.written_registry import WrittenRegistry

SECRET = "s3cr3t-never-to-be-seen"
"""Part of every secret, so that a test can look for it."""


def told(status: int, code: str, message: str):
    """An error as the distribution specification has it."""
    return status, json.dumps({"errors": [{"code": code, "message": message}]}).encode()


UNAUTHORIZED = told(401, "UNAUTHORIZED", "authentication required")


class Cloud:
    """A registry at `host`, whose `repository` is for the user with the secret alone.

    It has the tag `v1`, and takes what is pushed; `registry` is what it holds.
    """

    user = "me"
    secret = f"{SECRET}-password"
    repository = "me/app"

    def __init__(self, serve):
        self.image = Image()
        self.registry = WrittenRegistry()
        blobs = (self.image.layer, self.image.config)
        self.registry.blobs[self.repository] = {Image.digest_of(data): data for data in blobs}
        self.registry.manifests[self.repository] = {"v1": (OCI_MANIFEST, self.image.manifest)}
        self.server = serve(self.respond)
        self.server.guarded = True

    @property
    def host(self):
        return self.server.host

    @property
    def name(self):
        return f"{self.host}/{self.repository}:v1"

    def is_known(self, exchange):
        joined = base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()
        return exchange.headers.get("Authorization") == f"Basic {joined}"

    @staticmethod
    def is_change(exchange):
        return exchange.command not in ("GET", "HEAD")

    def respond(self, exchange):
        raise NotImplementedError

    def serve_image(self, exchange):
        if exchange.path == "/v2/":
            exchange.answer(200, b"{}")
        elif exchange.path.startswith(f"/v2/{self.repository}/"):
            self.registry.respond(exchange)
        else:
            exchange.answer(*told(404, "NAME_UNKNOWN", "repository name not known to registry"))


class BasicCloud(Cloud):
    """The password goes with each request."""

    realm = "Registry"
    unknown = UNAUTHORIZED

    def respond(self, exchange):
        if self.is_known(exchange):
            self.serve_image(exchange)
        else:
            challenge = f'Basic realm="{self.realm}"'
            exchange.answer(*self.unknown, WWW_Authenticate=challenge)


class TokenCloud(Cloud):
    """The password buys tokens at a realm; each is good for the scopes that it was made for."""

    path = "/token"
    service = "registry"
    key = "token"
    wrong = told(401, "UNAUTHORIZED", "incorrect username or password")

    def __init__(self, serve):
        super().__init__(serve)
        self.granted = {}
        self.asked = []

    def respond(self, exchange):
        if urlsplit(exchange.path).path == self.path:
            self.grant(exchange, parse_qs(exchange.body.decode() or urlsplit(exchange.path).query))
            return
        token = exchange.headers.get("Authorization", "").removeprefix("Bearer ")
        needed = "" if exchange.path == "/v2/" else f"repository:{self.repository}:pull"
        if needed and self.is_change(exchange):
            needed += ",push"
        if token in self.granted and (not needed or needed in self.granted[token]):
            self.serve_image(exchange)
            return
        scope = f',scope="{needed}"' if needed else ""
        if token in self.granted:
            scope += ',error="insufficient_scope"'
        realm = f"http://{self.host}{self.path}"
        challenge = f'Bearer realm="{realm}",service="{self.service}"{scope}'
        exchange.answer(*UNAUTHORIZED, WWW_Authenticate=challenge)

    def grant(self, exchange, query):
        self.asked.append(query)
        if not self.is_known(exchange):
            exchange.answer(*self.wrong)
            return
        self.answer_with_token(exchange, query)

    def answer_with_token(self, exchange, query, **more):
        token = f"{SECRET}-token-{len(self.granted)}"
        self.granted[token] = " ".join(query.get("scope", ()))
        exchange.answer(200, json.dumps({self.key: token, "expires_in": 300, **more}).encode())


class DockerHub(TokenCloud):
    """`auth.docker.io`: a personal access token as the password."""

    service = "registry.docker.io"
    secret = f"dckr_pat_{SECRET}"


class AmazonEcr(BasicCloud):
    """The user AWS, and a password for 12 hours; then 403."""

    user = "AWS"
    realm = "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com/"
    repository = "app"
    secret = f"{SECRET}-first"

    def respond(self, exchange):
        if "Authorization" in exchange.headers and not self.is_known(exchange):
            text = "Your authorization token has expired. Reauthenticate and try again."
            exchange.answer(*told(403, "DENIED", text))
        else:
            super().respond(exchange)


class GoogleArtifactRegistry(TokenCloud):
    """An OAuth access token as the password of `oauth2accesstoken`."""

    path = "/v2/token"
    user = "oauth2accesstoken"
    secret = f"ya29.{SECRET}"
    repository = "project/repository/app"


class Azure(TokenCloud):
    """A refresh token is exchanged for access tokens; a password gives a refresh token."""

    path = "/oauth2/token"
    service = "contoso.azurecr.io"
    user = "00000000-0000-0000-0000-000000000000"
    key = "access_token"
    refresh = f"{SECRET}-refresh"
    repository = "app"

    def grant(self, exchange, query):
        self.asked.append(query)
        if query.get("grant_type") == ["refresh_token"]:
            if query["refresh_token"] == [self.refresh] and query["service"] == [self.service]:
                self.answer_with_token(exchange, {"scope": query["scope"][0].split()})
                return
        elif self.is_known(exchange):
            more = {"refresh_token": self.refresh} if "offline_token" in query else {}
            self.answer_with_token(exchange, query, **more)
            return
        exchange.answer(*told(401, "UNAUTHORIZED", "authentication required, visit https://aka.ms"))


class Oracle(TokenCloud):
    """`TENANCY/USER` with an auth token, which may hold any character."""

    path = "/20180419/docker/token"
    user = "mytenancy/oracleidentitycloudservice/me@example.com"
    secret = f"{SECRET}:<>&é§"
    repository = "mytenancy/app"


class Quay(TokenCloud):
    """A robot account, `OWNER+NAME`."""

    path = "/v2/auth"
    service = "quay.io"
    user = "team+builder"
    repository = "team/app"


class Nexus(BasicCloud):
    """A port of its own for each repository."""

    realm = "Sonatype Nexus Repository Manager"


class Artifactory(BasicCloud):
    """The repository is the first part of the path."""

    realm = "Artifactory Realm"
    repository = "docker-local/app"
    unknown = told(401, "UNAUTHORIZED", "The client does not have permission for manifest")


CLOUDS = (
    DockerHub, AmazonEcr, GoogleArtifactRegistry, Azure, Oracle, Quay, Nexus, Artifactory,
)  # fmt: skip
