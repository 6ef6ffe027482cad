"""A creditor's webhook as it is in the world: HTTPS on a machine of its own, with a certificate by its name.

Requests are made out to the public address that was looked up, and carried to this machine at the last step.
"""

import datetime as dt
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.webhooks import Caller

HOST, PUBLIC = "hooks.example.com", "8.8.8.8"
URL = f"https://{HOST}/vroegsein"


@dataclass
class Hook:
    """What was called, and what it answers: statuses in turn, then 200; None is no answer at all."""

    answers: list[int | None] = field(default_factory=list)
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)  # path, headers, body
    dialled: list[str] = field(default_factory=list)  # the addresses that requests were made out to
    looked_up: list[str] = field(default_factory=list)
    addresses: Callable[[], list[str]] = lambda: [PUBLIC]
    trusted: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    port: int = 0
    answering: threading.Event = field(default_factory=threading.Event)

    @property
    def caller(self) -> Caller:
        """The service's own caller, with this hook's names and this machine under it."""

        def look_up(host: str) -> list[str]:
            self.looked_up.append(host)
            return self.addresses()

        return Caller(look_up, lambda: _Carried(self))


class _Carried(httpx.AsyncHTTPTransport):
    def __init__(self, hook: Hook) -> None:
        super().__init__(verify=hook.trusted, trust_env=False)
        self._hook = hook

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._hook.dialled.append(request.url.host)
        request.url = request.url.copy_with(host="127.0.0.1", port=self._hook.port)
        return await super().handle_async_request(request)


@contextmanager
def listening(folder: Path, host: str = HOST) -> Iterator[Hook]:
    """A hook that listens, with a certificate for `host`."""
    hook, answering = Hook(), ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.calls.append((self.path, dict(self.headers), body))
            status = hook.answers.pop(0) if hook.answers else 200
            if status is None:
                hook.answering.wait(20)
                return
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", f"https://{HOST}/elsewhere")
            self.end_headers()
            with_end = time.monotonic() + 5  # an answer without an end, to whom nobody listens
            try:
                while time.monotonic() < with_end:
                    self.wfile.write(b"x" * 65_536)
            except OSError:
                pass

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    answering.RequestHandlerClass = Handler
    answering.daemon_threads = True
    answering.handle_error = lambda *_: None  # type: ignore[method-assign]
    certificate = _certificate(folder, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    answering.socket = context.wrap_socket(answering.socket, server_side=True, do_handshake_on_connect=False)
    hook.port = answering.server_port
    hook.trusted.load_verify_locations(certificate)
    thread = threading.Thread(target=answering.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.answering.set()
        answering.shutdown()
        thread.join()
        answering.server_close()


def _certificate(folder: Path, host: str) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        # For this machine's address too: whoever verified that, and not the name, would be found out.
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
