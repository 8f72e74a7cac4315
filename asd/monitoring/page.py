"""The page: a board, served to browsers of this machine alone (127.0.0.1). One HTML file, nothing from elsewhere.

/            live.html, which asks for the state every second
/state.json  what the board shows        /alarm.wav   the sound that raised the last alarm
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from asd.errors import BadInput, check
from asd.monitoring.board import Board

HTML = Path(__file__).with_name("live.html")
HOSTS = ("127.0.0.1", "localhost")
POLICY = "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' data:"


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, board: Board) -> None:
        self.board = board
        super().__init__((HOSTS[0], port), Handler)

    @property
    def url(self) -> str:
        return f"http://{HOSTS[0]}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is no error; anything else is told in the terminal."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal is for readings."""

    def do_GET(self) -> None:
        host = (self.headers.get("Host") or "").partition(":")[0]  # browsers leave out port 80
        if host not in HOSTS:  # a page from elsewhere, whose name was pointed at this machine
            return self._answer("text/plain", b"not for other hosts", HTTPStatus.FORBIDDEN)
        match self.path.partition("?")[0]:
            case "/":
                return self._answer("text/html; charset=utf-8", HTML.read_bytes())
            case "/state.json":
                return self._answer("application/json", json.dumps(self.server.board.state()).encode())
            case "/alarm.wav" if sound := self.server.board.alarm_sound():
                return self._answer("audio/wav", sound)
        self._answer("text/plain", b"not here", HTTPStatus.NOT_FOUND)

    def _answer(self, kind: str, body: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        for name, value in (headers | {"Content-Security-Policy": POLICY}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(board: Board, port: int) -> Iterator[str]:
    """The page's address, for as long as the block runs; port 0 takes a free one."""
    check("--page", port, 0 <= port < 65_536, "a port, 0 to 65535,")
    try:
        server = Server(port, board)
    except OSError as error:
        raise BadInput(f"--page {port}: {error.strerror}; another port expected, 0 for any that is free") from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
