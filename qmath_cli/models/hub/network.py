"""The user's settings for the network: address of the hub, proxies, certificates, the offline switch.

All of them are examined before the first request, because the HTTP library reports a wrong one with an exception of any
kind, or with an error number. Each wrong one is one sentence that names the variable, without the password in it.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from qmath_cli.errors import NetworkError, UsageError
from qmath_cli.models.hub.tokens import without_login

_ON = frozenset({"1", "ON", "YES", "TRUE"})  # what huggingface_hub takes for true
_SOCKS = frozenset({"socks5", "socks5h"})
_PROXIES = ("https_proxy", "http_proxy", "all_proxy")


def is_offline(environ: Mapping[str, str]) -> bool:
    """Whether the user has switched the network off."""
    return any(environ.get(name, "").strip().upper() in _ON for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def address(variable: str, environ: Mapping[str, str], default: str) -> str:
    """A hub's address from a variable, without a slash at its end; the default where the variable is empty.

    Raises:
        UsageError: it is not an http(s) address.
    """
    given = environ.get(variable, "").strip().rstrip("/")
    if not given:
        return default
    split = _split(given)
    if split is None or split.scheme.lower() not in {"http", "https"}:
        raise UsageError(
            f"{variable} is {without_login(given)!r}, which is not an address", f"such as {default}; unset: {default}"
        )
    return given


def require_usable(environ: Mapping[str, str]) -> None:
    """Examine proxies and certificates.

    Raises:
        NetworkError: a proxy or a file with certificates cannot be used; the message names the variable.
    """
    for name in _PROXIES:
        for variable in (name, name.upper()):
            if value := environ.get(variable, "").strip():
                _require_proxy(variable, value)
    if file := environ.get("SSL_CERT_FILE"):
        _require_certificates(Path(file))
    elif (folder := environ.get("SSL_CERT_DIR")) and not any(Path(part).is_dir() for part in folder.split(os.pathsep)):
        raise NetworkError(f"SSL_CERT_DIR names {folder}, which is not a folder", "correct or unset SSL_CERT_DIR")


def failure(exc: BaseException) -> NetworkError | None:
    """The error for a failure that another attempt does not cure: a certificate that is not trusted. Else None."""
    seen: BaseException | None = exc
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(seen):
            return NetworkError(
                "the server's certificate is not trusted here",
                "where a proxy reads encrypted traffic, set SSL_CERT_FILE to a file with its certificate; "
                "else check this machine's clock, HF_ENDPOINT and the proxy",
            )
        seen = seen.__cause__ or seen.__context__
    return None


def _split(text: str) -> SplitResult | None:
    """An address in its parts; None if it has no host, or a port that is none."""
    try:
        split = urlsplit(text)
        _ = split.port
    except ValueError:
        return None
    return split if split.hostname and " " not in text else None


def _require_proxy(variable: str, value: str) -> None:
    shown = without_login(value)
    split = _split(value if "://" in value else f"http://{value}")
    if split is None:
        raise NetworkError(f"{variable} is {shown!r}, which is not a proxy's address", f"correct or unset {variable}")
    scheme = split.scheme.lower()
    if scheme in _SOCKS and find_spec("socksio") is None:
        raise NetworkError(
            f"{variable} names a SOCKS proxy ({shown}), for which the package socksio is missing",
            f"pip install socksio; or set {variable} to the proxy's http:// address",
        )
    if scheme not in {"http", "https", *_SOCKS}:
        raise NetworkError(
            f"{variable} names a proxy of the kind {scheme}, which is not supported ({shown})",
            f"http, https and socks5 are; correct or unset {variable}",
        )


def _require_certificates(path: Path) -> None:
    try:
        path.open("rb").close()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as exc:
        raise NetworkError(
            f"SSL_CERT_FILE names {path}, which holds no certificates", "it is a file in PEM form; correct or unset it"
        ) from exc
    except OSError as exc:
        raise NetworkError(
            f"SSL_CERT_FILE names {path}, which cannot be read: {exc.strerror or exc}", "correct or unset SSL_CERT_FILE"
        ) from exc


def session(environ: Mapping[str, str]) -> Any:  # noqa: ANN401  the HTTP library's client
    """The HTTP client that huggingface_hub keeps for the process, made with the user's proxies and certificates.

    Raises:
        NetworkError: a setting cannot be used.
    """
    require_usable(environ)
    hub_library = library(environ)
    http = sys.modules[hub_library.errors.HTTPError.__module__.partition(".")[0]]
    try:
        return hub_library.utils.get_session()
    except (ImportError, ValueError, OSError, http.InvalidURL) as exc:  # such as a proxy in the system's own settings
        raise NetworkError(
            f"the network settings cannot be used ({type(exc).__name__})", "check the proxy variables and SSL_CERT_FILE"
        ) from exc


def library(environ: Mapping[str, str]) -> Any:  # noqa: ANN401  a module
    """huggingface_hub, imported on first use; it reads the telemetry variable when it is imported."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", environ.get("HF_HUB_DISABLE_TELEMETRY", "1"))
    import huggingface_hub
    import huggingface_hub.errors
    import huggingface_hub.utils

    return huggingface_hub
