"""An HTTP proxy that misbehaves on request, to stand between a client and its homeserver.

proxy.add(path="/sync", delay=2.0)
proxy.add(path="/send/", times=1, status=429, body=RATE_LIMITED)
proxy.add(path="/send/", times=1, reset="after")      # acted upon, but the answer is lost
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

from tests.homeserver.account import Json
from tests.waiting import PATIENCE

RATE_LIMITED: Json = {
    "errcode": "M_LIMIT_EXCEEDED",
    "error": "Too Many Requests",
    "retry_after_ms": 500,
}
BAD_GATEWAY_PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}


@dataclass
class Fault:
    """What to do to requests whose target (path and query) matches ``path``, searched as a regex.

    The first ``skip`` matching requests pass, then ``times`` are acted on (``None``: until
    cleared). ``delay`` is in seconds; ``status`` answers without forwarding, with ``body`` as text
    or JSON. ``reset`` cuts the connection before forwarding, or after the server has acted.
    ``late`` cuts the connection at once and forwards so many seconds afterwards.
    ``keep`` promises the whole body and sends only so many bytes; ``garble`` breaks its JSON.
    """

    path: str = ""
    method: str = ""
    skip: int = 0
    times: int | None = None
    delay: float = 0.0
    hang: bool = False
    status: int | None = None
    body: str | Json = ""
    headers: dict[str, str] = field(default_factory=dict)
    reset: Literal["", "before", "after"] = ""
    late: float = 0.0
    keep: int | None = None
    garble: bool = False

    def claims(self, method: str, path: str) -> bool:
        """Whether this fault applies to a request; counts it if so."""
        if self.times == 0 or (self.method and self.method != method):
            return False
        if not re.search(self.path, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass
class Exchange:
    """One request as the proxy saw it; ``status`` is ``None`` where no answer was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    started: float
    status: int | None = None
    seconds: float = 0.0
    faulted: bool = False

    @property
    def json(self) -> Any:
        """The request's body, parsed."""
        return json.loads(self.body)


@dataclass
class _Message:
    """An HTTP request or response, its body read whole."""

    first_line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def encode(self, *extra: tuple[str, str]) -> bytes:
        kept = [(key, value) for key, value in self.headers if key.lower() not in _HOP_BY_HOP]
        kept += [("Content-Length", str(len(self.body))), *extra]
        lines = [self.first_line, *(f"{key}: {value}" for key, value in kept)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + self.body


class FaultProxy:
    """The proxy, in a thread of its own; every method may be called from any thread."""

    def __init__(self, upstream: str, port: int = 0):
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.port = port
        self.log: list[Exchange] = []
        self._faults: list[Fault] = []
        self._lock = threading.Condition()
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._late: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    # -- control ------------------------------------------------------------------------------

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        self.accept()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def base_url(self) -> str:
        """What to give the client instead of the homeserver's base URL."""
        return f"http://127.0.0.1:{self.port}"

    def add(self, path: str = "", **fields: Any) -> Fault:
        """Install a :class:`Fault` with these fields; the first one that matches acts."""
        fault = Fault(path, **fields)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all faults; connections that hang already stay so until cut."""
        with self._lock:
            self._faults.clear()

    def cut(self) -> None:
        """Reset every open connection, as when the network drops."""
        self._run(self._cut())

    def refuse(self) -> None:
        """Refuse new connections, as when nothing listens."""
        self._run(self._refuse())

    def accept(self) -> None:
        """Listen (again), on the same port as before."""
        self._run(self._accept())

    def requests(self, path: str = "", method: str = "") -> list[Exchange]:
        """The log's entries whose target matches the regex."""
        with self._lock:
            return self._matching(path, method)

    def wait_for_request(
        self, path: str = "", method: str = "", count: int = 1, timeout: float = PATIENCE
    ) -> list[Exchange]:
        """Wait until so many matching requests have come in (answered or not)."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self._matching(path, method)) >= count, timeout):
                raise TimeoutError(f"no {count} requests matching {method} {path!r}")
            return self._matching(path, method)

    def wait_for_answer(self, path: str, status: int, timeout: float = PATIENCE) -> None:
        """Wait until a matching request has been answered so."""
        with self._lock:
            if not self._lock.wait_for(
                lambda: any(e.status == status for e in self._matching(path, "")), timeout
            ):
                raise TimeoutError(f"no answer {status} to {path!r}")

    def _matching(self, path: str, method: str) -> list[Exchange]:
        return [e for e in self.log if re.search(path, e.path) and method in ("", e.method)]

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _accept(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _cut(self) -> None:
        for task, writer in list(self._connections.items()):
            _reset(writer)
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _close(self) -> None:
        await self._refuse()
        await self._cut()
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        for _ in range(3):
            await asyncio.sleep(0)  # let aborted transports say goodbye

    # -- traffic ------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            while request := await _read_message(reader):
                if not await self._exchange(request, reader, writer):
                    break
                if request.header("connection").lower() == "close":
                    break
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            del self._connections[task]
            writer.close()

    async def _exchange(
        self, request: _Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Handle one request; false when the connection is finished with."""
        method, path, _ = request.first_line.split(" ", 2)
        headers = {name.lower(): value for name, value in request.headers}
        record = Exchange(method, path, headers, request.body, time.time())
        with self._lock:
            fault = next((f for f in self._faults if f.claims(method, path)), None)
            record.faulted = fault is not None
            self.log.append(record)
            self._lock.notify_all()
        began = time.perf_counter()
        try:
            answer = await self._answer(fault or Fault(), request, reader)
            if answer is None:
                _reset(writer)
                return False
            with self._lock:
                record.status = int(answer.first_line.split(" ")[1])
                self._lock.notify_all()
            return await _write(writer, answer, fault or Fault())
        finally:
            record.seconds = time.perf_counter() - began

    async def _answer(
        self, fault: Fault, request: _Message, reader: asyncio.StreamReader
    ) -> _Message | None:
        """What to answer; ``None`` to cut the connection."""
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.hang:
            await _gone(reader)
            return None
        if fault.reset == "before":
            return None
        if fault.late:
            self._late.add(asyncio.create_task(self._forward_late(request, fault.late)))
            return None
        if fault.status is not None:
            return _made_up(fault.status, fault.body, fault.headers)
        answer = await _unless_gone(self._forward(request), reader)
        return None if fault.reset == "after" else answer

    async def _forward_late(self, request: _Message, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._forward(request)

    async def _forward(self, request: _Message) -> _Message:
        try:
            reader, writer = await asyncio.open_connection(*self._upstream)
        except OSError:
            return _made_up(502, BAD_GATEWAY_PAGE)
        try:
            writer.write(request.encode(("Connection", "close")))
            response = await _read_message(reader, head_only=request.first_line.startswith("HEAD"))
            return response or _made_up(502, BAD_GATEWAY_PAGE)
        finally:
            writer.close()


async def _read_message(reader: asyncio.StreamReader, head_only: bool = False) -> _Message | None:
    """Read one message, or ``None`` at the end of the stream."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first_line, *lines = head[:-4].split("\r\n")
    pairs = (line.partition(":") for line in lines)
    message = _Message(first_line, [(name, value.strip()) for name, _, value in pairs], b"")
    if head_only:
        return message
    if message.header("transfer-encoding").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            message.body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    elif length := message.header("content-length"):
        message.body = await reader.readexactly(int(length))
    return message


async def _gone(reader: asyncio.StreamReader) -> None:
    """Return once the client has hung up."""
    while not reader.at_eof():  # noqa: ASYNC110 - the stream has no event for its end
        await asyncio.sleep(0.05)


async def _unless_gone(
    work: Coroutine[Any, Any, _Message], reader: asyncio.StreamReader
) -> _Message | None:
    """The result of ``work``, abandoned (``None``) once the client has hung up."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(reader))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError, EOFError):
            await task


async def _write(writer: asyncio.StreamWriter, answer: _Message, fault: Fault) -> bool:
    """Send the answer, spoilt as the fault says; false when the connection must end."""
    if fault.garble:
        answer.body = answer.body[: len(answer.body) // 2] + b'"}]\x00'
    data = answer.encode()
    if fault.keep is not None:
        data = data[: len(data) - max(0, len(answer.body) - fault.keep)]
    writer.write(data)
    await writer.drain()
    return fault.keep is None


def _made_up(status: int, body: str | Json, headers: dict[str, str] | None = None) -> _Message:
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if isinstance(body, str) else "application/json"
    named = {"Content-Type": kind} | (headers or {})
    return _Message(f"HTTP/1.1 {status} Made up", list(named.items()), text.encode())


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset instead of a polite goodbye."""
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
