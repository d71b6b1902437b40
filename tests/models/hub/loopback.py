"""A hub on the loopback interface, with the part of both protocols that downloads use, and with faults on request.

It serves repository metadata with file sizes and hashes, and `resolve` with a redirect to another path for large files
(ETag, X-Linked-Etag, X-Linked-Size, X-Repo-Commit), ranges and tokens. It speaks ModelScope's protocol too
(`/api/v1/`), as the package modelscope-hub does. Faults are any status, a connection cut after some bytes, a server
that ignores ranges, one whose listing lacks sizes and hashes, and a slow one. Requests are recorded, so that a test can
check them. GitHub's raw files are served too.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "c0ffee" * 6 + "cafe"
_META = re.compile(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/revision/([^/]+))?$")
_SCOPE = re.compile(r"/api/v1/models/([^/]+/[^/]+)/repo(/files)?$")
_FILE = re.compile(r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)$")

_RAW = re.compile(r"/([^/]+/[^/]+)/([0-9a-f]{40})/(.+)$")  # GitHub's


@dataclass(frozen=True)
class Fault:
    """The fault of one request: a status, or a connection cut after `cut` bytes of the body."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass(frozen=True)
class Request:
    """A request as received."""

    method: str
    path: str
    range: str | None
    token: str | None
    query: str = ""

    @property
    def file(self) -> str:
        """The name of the requested file, if it is one."""
        return parse_qs(self.query).get("FilePath", [self.path.rpartition("/")[2]])[0]


class Hollow(bytes):
    """A file of any size that takes no memory: it has zeros after its first bytes."""

    size: int

    @classmethod
    def of(cls, beginning: bytes, size: int) -> Hollow:
        """`size` bytes that start with `beginning`."""
        made = cls(beginning)
        made.size = size
        return made

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: object) -> bytes:  # type: ignore[override]
        assert isinstance(part, slice)
        found: bytes = super().__getitem__(part)
        return found.ljust(part.stop - part.start, b"\0")


@dataclass
class Repo:
    """A repository with one commit. Files whose names end in one of `large` are in large-file storage."""

    files: dict[str, bytes]
    commit: str = COMMIT
    licence: str = "apache-2.0"
    token: str | None = None
    large: tuple[str, ...] = (".safetensors",)

    @classmethod
    def of(cls, folder: Path, **options: object) -> Repo:
        """The files of a folder."""
        return cls({path.name: path.read_bytes() for path in sorted(folder.iterdir())}, **options)  # type: ignore[arg-type]


@dataclass
class Loopback:
    """The hub's state, which a test can change while it runs."""

    url: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    fault: Callable[[int, Request], Fault | None] = lambda _number, _request: None
    ranges: bool = True
    describes: bool = True  # whether the listing has sizes and hashes
    tag: str = ""  # X-Linked-Etag of every large file; empty: its sha256
    bytes_per_second: float = 0.0  # of one connection; 0 means as fast as possible
    requests: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def environ(self, home: Path) -> dict[str, str]:
        """The environment of a program that uses this hub, without the user's settings."""
        both = {"HF_ENDPOINT": self.url, "MODELSCOPE_ENDPOINT": self.url, "GITHUB_RAW_ENDPOINT": self.url}
        return both | {"HF_HOME": str(home / "hf"), "HF_HUB_DISABLE_XET": "1"}

    def shards_requested(self) -> list[str]:
        """The names of the requested weight files, in order, without the redirected requests."""
        names = [r.file for r in self.requests if "/resolve/" in r.path or "/repo" in r.path]
        return [name for name in names if name.endswith(".safetensors")]


@contextmanager
def serve(host: str = "127.0.0.1") -> Iterator[Loopback]:
    """Run a hub for the duration of the block."""
    state = Loopback()

    class Handler(_Handler):
        hub = state

    server = (_ServerV6 if ":" in host else _Server)((host, 0), Handler)
    state.url = f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect, which these tests do on purpose."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    hub: Loopback
    protocol_version = "HTTP/1.1"
    _cut: int | None = None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        authorization = self.headers.get("Authorization")
        token = authorization and authorization.split()[-1]
        request = Request(self.command, path, self.headers.get("Range"), token, urlsplit(self.path).query)
        with self.hub.lock:
            self.hub.requests.append(request)
            number = len(self.hub.requests)
        fault = self.hub.fault(number, request)
        if fault is not None and fault.status:
            self._send(fault.status, fault.headers, b'{"error": "on request"}')
            return
        self._cut = fault.cut if fault is not None else None
        if found := _META.match(path):
            self._metadata(found[2], found[3])
        elif found := _FILE.match(path):
            self._resolve(found[2], found[4])
        elif found := _SCOPE.match(path):
            self._scope(found[1], parse_qs(urlsplit(self.path).query), listing=bool(found[2]))
        elif (found := _RAW.match(path)) and found[2] == self.hub.repos[found[1]].commit:
            self._content(self.hub.repos[found[1]].files[found[3]], {"ETag": '"raw"'})
        elif path.startswith("/storage/"):
            _, _, repo, name = path.split("/", 3)
            self._content(self.hub.repos[repo.replace("--", "/")].files[name], {"ETag": '"storage"'})
        else:
            self._send(404, {}, b"{}")

    def _repo(self, name: str) -> Repo | None:
        repo = self.hub.repos.get(name)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if repo is None or (repo.token is not None and not token):
            self._send(401, {"X-Error-Message": "Repository not found"}, b"{}")
            return None
        if repo.token is not None and token != repo.token:
            self._send(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}, b"{}")
            return None
        return repo

    def _metadata(self, name: str, revision: str | None) -> None:
        repo = self._repo(name)
        if repo is None:
            return
        if revision not in (None, "main", repo.commit):
            self._send(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"}, b"{}")
            return
        record = {
            "_id": "0" * 24,
            "id": name,
            "sha": repo.commit,
            "cardData": {"license": repo.licence},
            "siblings": [self._sibling(repo, file) for file in repo.files],
        }
        self._send(200, {"Content-Type": "application/json"}, json.dumps(record).encode())

    def _sibling(self, repo: Repo, file: str) -> dict[str, object]:
        data = repo.files[file]
        if not self.hub.describes:
            return {"rfilename": file}
        entry: dict[str, object] = {"rfilename": file, "size": len(data), "blobId": git_sha1(data)}
        if file.endswith(repo.large):
            entry["lfs"] = {"sha256": sha256(data), "size": len(data), "pointerSize": 134}
        return entry

    def _scope(self, name: str, query: dict[str, list[str]], *, listing: bool) -> None:
        """ModelScope's listing, or one file of it."""
        repo = self.hub.repos.get(name)
        if repo is None or query["Revision"] != ["master"]:
            self._send(404, {}, b'{"Code": 10010205001, "Message": "not found", "Success": false}')
        elif listing:
            files = [
                {"Name": file, "Path": file, "Type": "blob", "Size": len(data), "Sha256": sha256(data)}
                for file, data in repo.files.items()
            ]
            record = {"Code": 200, "Success": True, "Data": {"Files": [{"Path": "figures", "Type": "tree"}, *files]}}
            self._send(200, {"Content-Type": "application/json"}, json.dumps(record).encode())
        else:
            self._content(repo.files[query["FilePath"][0]], {})

    def _resolve(self, name: str, file: str) -> None:
        repo = self._repo(name)
        if repo is None:
            return
        if file not in repo.files:
            self._send(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}, b"{}")
            return
        data, headers = repo.files[file], {"X-Repo-Commit": repo.commit}
        if not file.endswith(repo.large):
            self._content(data, headers | {"ETag": f'"{git_sha1(data)}"'})
            return
        location = f"{self.hub.url}/storage/{name.replace('/', '--')}/{file}"
        linked = {
            "X-Linked-Etag": f'"{self.hub.tag or sha256(data)}"',
            "X-Linked-Size": str(len(data)),
            "Location": location,
        }
        self._send(302, headers | linked, b"")

    def _content(self, data: bytes, headers: dict[str, str]) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not wanted or not self.hub.ranges:
            self._send(200, headers, data)
            return
        start, end = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
        if start >= len(data):
            self._send(416, headers | {"Content-Range": f"bytes */{len(data)}"}, b"")
            return
        headers |= {"Content-Range": f"bytes {start}-{end}/{len(data)}", "Accept-Ranges": "bytes"}
        self._send(206, headers, data[start : end + 1])

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        try:
            self.end_headers()
            if self.command != "HEAD":
                self._body(body)
        except OSError:  # the client disconnected or was killed
            self.close_connection = True

    def _body(self, body: bytes) -> None:
        whole = body if self._cut is None else body[: self._cut]
        step = 1 << 15
        for at in range(0, len(whole), step):
            self.wfile.write(whole[at : at + step])
            if self.hub.bytes_per_second:
                self.wfile.flush()
                time.sleep(step / self.hub.bytes_per_second)
        if self._cut is not None and self._cut < len(body):
            self.wfile.flush()
            # No lingering: the client gets a reset in the middle of the body, as when a router restarts.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
