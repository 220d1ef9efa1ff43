"""Why a certificate was not believed, and what to do about it; in Docker's words, which are Go's.

OpenSSL says less than people need: that a name does not match, but neither which names the
certificate has nor that it has none. So it is fetched once more and looked at, and only for that.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .trust import bare_name, certificate_folder

__all__ = ["Explanation", "explain"]

_SECONDS = 5.0
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL 1.1.0 and later

# X509_verify_cert_error_string(3)
_NOT_YET_VALID = 9
_EXPIRED = 10
_UNKNOWN = frozenset({2, 18, 19, 20, 21, 24})
_NOT_FOR_THIS = frozenset({62, 64})


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was wrong with a certificate, and the way out."""

    reason: str
    hint: str


def explain(host: str, error: ssl.SSLCertVerificationError, *, direct: bool) -> Explanation:
    """Explain a certificate that was not believed.

    Args:
        host: who showed it, with its port if it has one.
        error: OpenSSL's.
        direct: whether the host can be asked for it again without a proxy.
    """
    name, code = bare_name(host), error.verify_code
    found = _fetched(host) if direct else {}
    if code in _NOT_FOR_THIS:
        return _not_for(name, found)
    if code == _EXPIRED:
        until = f": it ended on {found['notAfter']}" if "notAfter" in found else ""
        return Explanation(
            f"x509: certificate has expired or is not yet valid{until}",
            f"the certificate of {host} must be renewed by who runs the registry; "
            "if it should be good still, check this machine's clock",
        )
    if code == _NOT_YET_VALID:
        since = f": it begins on {found['notBefore']}" if "notBefore" in found else ""
        return Explanation(
            f"x509: certificate has expired or is not yet valid{since}",
            "check the clocks of this machine and of the one that made the certificate",
        )
    if code in _UNKNOWN:
        return Explanation(
            "x509: certificate signed by unknown authority",
            f"put the certificate of that authority, or {host}'s own where it signed itself, into "
            f"{certificate_folder(host) / 'ca.crt'} "
            f"(for all users and Docker: /etc/docker/certs.d/{host}/ca.crt); "
            "SSL_CERT_FILE names a file of authorities for every host",
        )
    return Explanation(
        f"x509: {error.verify_message}",
        "who runs the registry must make its certificate anew",
    )


def _not_for(name: str, found: Mapping[str, Any]) -> Explanation:
    kind = "IP" if _is_address(name) else "DNS"
    anew = f"make it anew with this name: openssl req … -addext subjectAltName={kind}:{name}"
    if not found:
        return Explanation(f"x509: certificate is not valid for {name}", anew)
    names = [text for key, text in found.get("subjectAltName", ()) if key in ("DNS", "IP Address")]
    if names:
        listed = ", ".join(names[:10])
        return Explanation(
            f"x509: certificate is valid for {listed}, not {name}",
            f"use one of those names, or {anew}",
        )
    if kind == "IP":
        reason = (
            f"x509: cannot validate certificate for {name} because it doesn't contain any IP SANs"
        )
    else:
        reason = "x509: certificate relies on legacy Common Name field, use SANs instead"
    return Explanation(reason, f"a name in the subject (CN) counts for nothing; {anew}")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _fetched(host: str) -> Mapping[str, Any]:
    """The certificate's fields as `ssl` gives them; empty where it cannot be had again."""
    name = bare_name(host)
    port = host.rpartition(":")[2]
    address = (name, int(port) if port.isdigit() and not host.endswith("]") else 443)
    try:
        unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        with _connected(unchecked, address) as connection:
            shown = connection.getpeercert(binary_form=True) or b""
        # Fields are given of certificates that were checked only: this one against itself.
        itself = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        itself.check_hostname = False
        itself.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        itself.verify_flags |= _NO_CHECK_TIME
        itself.load_verify_locations(cadata=shown)
        with _connected(itself, address) as connection:
            return connection.getpeercert() or {}
    except (OSError, ValueError):
        return {}


def _connected(context: ssl.SSLContext, address: tuple[str, int]) -> ssl.SSLSocket:
    plain = socket.create_connection(address, _SECONDS)
    try:
        return context.wrap_socket(plain, server_hostname=address[0])
    except BaseException:
        plain.close()
        raise
