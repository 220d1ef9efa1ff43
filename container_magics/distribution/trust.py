"""Whom to believe that they are a registry: authorities, client certificates, insecure hosts.

    the system's authorities    or those of REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE
    certs.d/HOST[:PORT]/        *.crt: an authority for this host; *.cert and *.key: who we are
                                in ~/.config/containers, /etc/containers and /etc/docker
    insecure hosts              this machine, 127.0.0.0/8, and what Docker's `insecure-registries`
                                or registries.conf name: an unknown certificate will do, or no TLS

As Docker's "Verify repository client with certificates" and containers-certs.d(5) have it.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigurationError
from .configuration import SYSTEM, read_configuration, user_folder
from .reach import look_up

__all__ = ["Trust", "bare_name", "certificate_folder", "is_loopback", "settings_for"]

_LOOPBACK = ("127.0.0.0/8", "::1/128")
_LOOK_UP_SECONDS = 5.0
_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_USUAL_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def bare_name(host: str) -> str:
    """A host without its port and brackets."""
    return host[1 : host.index("]")] if host.startswith("[") else host.partition(":")[0]


def is_loopback(host: str) -> bool:
    """Whether a host is written as this machine: `localhost`, 127.0.0.0/8 or ::1."""
    name = bare_name(host)
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def certificate_folder(host: str) -> Path:
    """The user's own folder for a host's certificates, which may not be there."""
    return user_folder() / "containers" / "certs.d" / host


@dataclass(frozen=True, slots=True)
class Trust:
    """What one registry host must show, and what it is shown.

    Attributes:
        host: with its port, if it has one.
        named_insecure: it is insecure by its name.
        networks: those whose hosts are insecure.
        authorities: PEM files beside the system's.
        client: the certificate and key that are shown to it, or None.
    """

    host: str
    named_insecure: bool
    networks: tuple[Network, ...]
    authorities: tuple[Path, ...]
    client: tuple[Path, Path] | None

    def is_insecure(self, *, ask_for_address: bool) -> bool:
        """Whether unknown certificates and plain HTTP will do.

        Args:
            ask_for_address: whether a name's address may be looked up, to see if it is in one of
                the networks; takes up to 5 seconds.
        """
        if self.named_insecure:
            return True
        name = bare_name(self.host)
        try:
            addresses = [ipaddress.ip_address(name)]
        except ValueError:
            addresses = list(_addresses(name)) if ask_for_address else []
        return any(address in network for address in addresses for network in self.networks)

    def context(self, *, verify: bool) -> ssl.SSLContext:
        """What TLS connections to it are made with.

        Raises:
            ConfigurationError: a file of certificates cannot be read, or holds none.
        """
        from urllib3.util.ssl_ import create_urllib3_context

        context = create_urllib3_context()
        if verify:
            context.verify_mode = ssl.CERT_REQUIRED
            context.check_hostname = True
            _load_usual_authorities(context)
            for path in self.authorities:
                _load(context, path, "an authority for this registry")
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.client is not None:
            certificate, key = self.client
            try:
                context.load_cert_chain(certificate, key, password="")
            except (OSError, ValueError) as error:
                raise ConfigurationError(
                    f"cannot use {certificate} with {key}: {error}",
                    hint="they are PEM files; the key is the certificate's, and has no password",
                ) from error
        return context


def settings_for(host: str, system: Path = SYSTEM) -> Trust:
    """What is known of a host.

    Args:
        host: with its port, if it has one.
        system: in place of /etc.

    Raises:
        ConfigurationError: a configuration file is damaged, or a certificate lacks its key.
    """
    configuration = read_configuration(system)
    networks: list[Network] = [ipaddress.ip_network(each) for each in _LOOPBACK]
    named = is_loopback(host) or configuration.names_insecure(host)
    for entry in configuration.insecure_registries:
        written = entry.removeprefix("http://").removeprefix("https://").rstrip("/")
        try:
            networks.append(ipaddress.ip_network(written, strict=False))
        except ValueError:
            named = named or written == host
    authorities: list[Path] = []
    clients: list[tuple[Path, Path]] = []
    for folder in _certificate_folders(host, system):
        authorities += sorted(folder.glob("*.crt"))
        clients += _clients(folder)
    client = clients[0] if clients else None
    return Trust(host, named, tuple(networks), tuple(authorities), client)


def _certificate_folders(host: str, system: Path) -> Iterator[Path]:
    if "/" in host or host in ("", ".", ".."):
        return
    yield certificate_folder(host)
    for family in ("containers", "docker"):
        yield system / family / "certs.d" / host


def _clients(folder: Path) -> Iterator[tuple[Path, Path]]:
    for certificate in sorted(folder.glob("*.cert")):
        key = certificate.with_suffix(".key")
        if not key.is_file():
            raise ConfigurationError(
                f"missing key {key.name} for client certificate {certificate}",
                hint="put it beside; the certificate of an authority must be called *.crt",
            )
        yield certificate, key
    for key in sorted(folder.glob("*.key")):
        if not key.with_suffix(".cert").is_file():
            raise ConfigurationError(
                f"missing client certificate {key.stem}.cert for key {key}", hint="put it beside"
            )


def _addresses(name: str) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = look_up(name, 0, _LOOK_UP_SECONDS)
    except OSError:
        return
    for *_, address in found:
        yield ipaddress.ip_address(str(address[0]).partition("%")[0])


def _load_usual_authorities(context: ssl.SSLContext) -> None:
    for variable in _VARIABLES:
        if named := os.environ.get(variable):
            _load(context, Path(named), variable)
            return
    paths = ssl.get_default_verify_paths()
    if paths.cafile or _holds_something(paths.capath):
        context.load_default_certs()
        return
    for bundle in _USUAL_BUNDLES:
        if Path(bundle).is_file():
            context.load_verify_locations(bundle)
            return
    import certifi  # comes with requests: a system without authorities, such as a small image's

    context.load_verify_locations(certifi.where())


def _holds_something(folder: str | None) -> bool:
    try:
        return folder is not None and any(Path(folder).iterdir())
    except OSError:
        return False


def _load(context: ssl.SSLContext, path: Path, what: str) -> None:
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"cannot read certificates from {path} ({what}): {str(reason).lower()}",
            hint="it is a file of certificates in PEM form, each between BEGIN and END lines",
        ) from error
