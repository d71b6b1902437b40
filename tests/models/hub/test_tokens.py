"""Tokens are stripped, and shown nowhere: not in errors, JSON, traces or logs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from qmath_cli.errors import UsageError
from qmath_cli.models.hub import tokens
from tests.models.hub.loopback import Fault, Loopback, Request
from tests.models.hub.pulling import MODEL, NAME, Machine, publish

SECRET = "hf_5ecretT0kenOfSomebody"


@pytest.fixture
def machine(loopback: Loopback, tmp_path: Path, checkpoint: Path) -> Machine:
    publish(loopback, checkpoint)
    return Machine(tmp_path / "user", loopback)


@pytest.mark.parametrize(
    "text", [SECRET, f"{SECRET}\n", f" {SECRET} ", f"{SECRET}\r\n", f"\t{SECRET}", f'"{SECRET}"', f"\ufeff{SECRET}"]
)
def test_a_token_is_stripped(machine: Machine, text: str) -> None:
    """Blanks, line ends and quotation marks around it are not part of it, and the model is pulled."""
    machine.hub.repos[MODEL.repo].token = SECRET
    machine.environ["HF_TOKEN"] = text
    assert machine.run("pull", NAME, "--toml")[0] == 0
    assert machine.hub.requests[0].token == SECRET


@pytest.mark.parametrize("text", ["", " ", "\n", '""'])
def test_an_empty_token_is_none(machine: Machine, text: str) -> None:
    """No header is sent."""
    machine.environ["HF_TOKEN"] = text
    assert machine.run("pull", NAME, "--toml")[0] == 0
    assert machine.hub.requests[0].token is None


@pytest.mark.parametrize(
    "text", [f"{SECRET} {SECRET}", f"Bearer {SECRET}", f"{SECRET}\nx", f"{SECRET}é", f"{SECRET}\0"]
)
def test_what_is_no_token_is_a_usage_error_that_does_not_show_it(text: str) -> None:
    """Before any request."""
    with pytest.raises(UsageError) as caught:
        tokens.token(text, "HF_TOKEN")
    assert "HF_TOKEN" in caught.value.message
    assert SECRET not in caught.value.message + caught.value.hint


Make = Callable[[int, Request], Fault | None]

ERRORS: dict[str, Make] = {
    "401": lambda *_: Fault(401, {"X-Error-Message": f"Invalid credentials: {SECRET}"}),
    "401 elsewhere": lambda *_: Fault(401, {"X-Error-Message": f"bad token {SECRET}"}),
    "403": lambda *_: Fault(403, {"X-Error-Message": f"{SECRET} has no scope"}),
    "gated": lambda *_: Fault(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": SECRET}),
    "404": lambda *_: Fault(404, {"X-Error-Message": f"nothing for {SECRET}"}),
    "418": lambda *_: Fault(418, {"X-Error-Message": SECRET}),
    "429": lambda *_: Fault(429, {"Retry-After": "0"}),
    "hours": lambda *_: Fault(429, {"Retry-After": "99999"}),
    "500": lambda *_: Fault(500, {"X-Error-Message": SECRET, "Retry-After": "0"}),
    "not JSON": lambda *_: Fault(200, {"Content-Type": f"text/{SECRET}"}),
    "redirect to nowhere": lambda *_: Fault(
        302, {"Location": f"http://127.0.0.1:9/?token={SECRET}", "Retry-After": "0"}
    ),
    "redirect to no address": lambda *_: Fault(302, {"Location": f"http://[{SECRET}"}),
    "redirect to itself": lambda _, request: Fault(302, {"Location": f"{request.path}?x={SECRET}"}),
    "weights refused": lambda _, request: (
        Fault(403, {"X-Error-Message": SECRET}) if "resolve" in request.path else None
    ),
    "file altered": lambda _, request: Fault(200, {"X-Note": SECRET}) if "config.json" in request.path else None,
}


@pytest.mark.parametrize("token", [SECRET, f"{SECRET}\n", f"{SECRET} x", f"{SECRET}é"])
@pytest.mark.parametrize("error", ERRORS)
def test_no_error_shows_the_token(
    machine: Machine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, error: str, token: str
) -> None:
    """Neither the message nor the JSON, even if the server repeats it; nor do the libraries log the header."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    caplog.set_level(logging.DEBUG)
    machine.hub.fault = ERRORS[error]
    machine.environ |= {"HF_TOKEN": token, "HF_DEBUG": "1"}
    code, out, err = machine.run("pull", NAME, "--json")
    assert code != 0
    assert "error: " in err
    assert "Traceback" not in err
    assert SECRET not in out + err
    assert f"Bearer {SECRET}" not in caplog.text


@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("address", ["http://u:{}@127.0.0.1:9", "http://u:{}@[::1", "ftp://u:{}@host", "u:{}@no host"])
def test_no_error_shows_a_password(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    """Of a proxy or of a hub with a login."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    machine.environ[variable] = address.format(SECRET)
    if variable != "HF_ENDPOINT":
        machine.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
    code, out, err = machine.run("pull", NAME, "--json")
    assert code != 0
    assert "Traceback" not in err
    assert SECRET not in out + err


def test_hidden_removes_every_form_of_a_secret() -> None:
    """As it is, escaped, quoted, and in the query of an address."""
    environ = {"HF_TOKEN": "a+b/c==\n", "https_proxy": "http://u:p%40ss@h"}
    text = "a+b/c== b'Bearer a+b/c==\\n' a%2Bb%2Fc%3D%3D p@ss p%40ss http://u:x@h/f?sig=1&X=2"
    assert tokens.hidden(text, environ) == "*** b'Bearer ***' *** *** *** http://h/f"
