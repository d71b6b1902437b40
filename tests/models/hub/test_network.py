"""Proxies, certificates and addresses: a wrong one is one sentence that names the variable."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from qmath_cli.errors import NetworkError, UsageError
from qmath_cli.models.hub import network
from qmath_cli.models.hub.client import Hub
from tests.models.hub.loopback import Loopback, serve
from tests.models.hub.pulling import MODEL, NAME, Machine, publish

BAD_PROXIES = {
    "http://[::1:80": "not a proxy's address",
    "http://": "not a proxy's address",
    "http://host:port": "not a proxy's address",
    "http://host:99999": "not a proxy's address",
    "not an address": "not a proxy's address",
    "socks4://127.0.0.1:1080": "of the kind socks4",
    "ftp://127.0.0.1:21": "of the kind ftp",
    "socks5://127.0.0.1:7890": "a SOCKS proxy",
    "socks5h://127.0.0.1:7890": "a SOCKS proxy",
    "SOCKS5://[::1]:7890": "a SOCKS proxy",
}


@pytest.fixture
def machine(loopback: Loopback, tmp_path: Path, checkpoint: Path) -> Machine:
    publish(loopback, checkpoint)
    return Machine(tmp_path / "user", loopback)


@pytest.mark.parametrize("variable", ["all_proxy", "https_proxy", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
@pytest.mark.parametrize("value", BAD_PROXIES)
def test_a_proxy_that_cannot_be_used_is_named(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any request, with the variable's name."""
    monkeypatch.setattr(network, "find_spec", lambda _: None)
    with pytest.raises(NetworkError, match=variable) as caught:
        network.require_usable({variable: value})
    assert BAD_PROXIES[value] in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "value", ["", "http://127.0.0.1:3128", "127.0.0.1:3128", "https://u:p@proxy:1", "http://[::1]:80"]
)
def test_a_proxy_that_can_be_used_is_no_error(value: str) -> None:
    """With or without a scheme, IPv6 in brackets."""
    network.require_usable({"all_proxy": value})


@pytest.mark.skipif(find_spec("socksio") is not None, reason="socksio is installed")
@pytest.mark.parametrize("value", ["socks5://127.0.0.1:7890", "http://[::1:80", "socks4://127.0.0.1:1"])
def test_a_pull_behind_a_bad_proxy_is_one_line(machine: Machine, value: str) -> None:
    """In the whole program, with nothing else said and no trace."""
    machine.environ["all_proxy"] = value
    code, out, err = machine.run("pull", NAME)
    assert (code, out) == (1, "")
    assert err.count("error: ") == 1
    assert "all_proxy" in err
    assert "Traceback" not in err
    assert machine.hub.requests == []


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\xfe\0", "folder"])
def test_a_file_of_certificates_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | str | None) -> None:
    """Missing, empty, something else, or a folder."""
    path = tmp_path / "ca.pem"
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(NetworkError, match=r"SSL_CERT_FILE names .*ca\.pem"):
        network.require_usable({"SSL_CERT_FILE": str(path)})


def test_a_folder_of_certificates_that_is_not_there_is_named(tmp_path: Path) -> None:
    """SSL_CERT_DIR."""
    with pytest.raises(NetworkError, match="SSL_CERT_DIR names"):
        network.require_usable({"SSL_CERT_DIR": str(tmp_path / "gone")})
    network.require_usable({"SSL_CERT_DIR": f"{tmp_path / 'gone'}:{tmp_path}"})


@pytest.mark.parametrize(
    "value", ["huggingface.co", "ftp://host", "http://[::1", "https://", "file:///x", "http://a b"]
)
@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "MODELSCOPE_ENDPOINT"])
def test_an_address_that_is_none_is_a_usage_error(variable: str, value: str) -> None:
    """It is named, with an example."""
    with pytest.raises(UsageError, match=variable) as caught:
        network.address(variable, {variable: value}, "https://huggingface.co")
    assert "https://huggingface.co" in caught.value.hint


@pytest.mark.parametrize("value", ["", " ", "http://127.0.0.1:1/", " https://hf-mirror.com\n", "http://[::1]:8080"])
def test_an_address_is_taken_without_blanks_and_slashes(value: str) -> None:
    """An empty one is the default."""
    found = network.address("HF_ENDPOINT", {"HF_ENDPOINT": value}, "https://huggingface.co")
    assert found == (value.strip().rstrip("/") or "https://huggingface.co")


def test_a_hub_may_have_an_ipv6_address(tmp_path: Path, checkpoint: Path) -> None:
    """In brackets, with a port."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serve("::1") as hub:
        publish(hub, checkpoint)
        assert "[::1]" in hub.url
        assert Hub(hub.environ(tmp_path)).snapshot(MODEL.repo, str(MODEL.revision)).files


@contextmanager
def encrypted(folder: Path) -> Iterator[str]:
    """A server whose certificate nobody has signed; yields its address."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    made = subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout {key} -out {certificate}".split(),
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("openssl is not here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stop = threading.Event()

        def handshakes() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listening.accept()
                    with connection:
                        context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    continue

        thread = threading.Thread(target=handshakes, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        stop.set()


def test_a_certificate_that_is_not_trusted_is_one_error_at_once(tmp_path: Path) -> None:
    """It is not retried, and the hint names SSL_CERT_FILE."""
    with encrypted(tmp_path) as url:
        hub = Hub({"HF_ENDPOINT": url, "HF_HOME": str(tmp_path)}, pause=pytest.fail)
        with pytest.raises(NetworkError, match="certificate is not trusted") as caught:
            hub.snapshot("a/b", "main")
    assert "SSL_CERT_FILE" in caught.value.hint


def test_the_session_is_made_with_the_settings_of_the_process(machine: Machine) -> None:
    """A new process behind a proxy that is not there: an error about the connection, not a trace."""
    machine.environ |= {"http_proxy": "http://127.0.0.1:9", "HF_ENDPOINT": "http://hub.example"}
    code = "import sys; from qmath_cli.models.hub.client import Hub; Hub(pause=lambda _: None).snapshot('a/b', 'main')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=machine.variables, capture_output=True, text=True, check=False
    )
    assert "Unreachable: cannot download a/b at main" in done.stderr
