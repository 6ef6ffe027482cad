"""A small HTTP/1.1 proxy between client and service: it sees each step of a delivery, and breaks it off where told."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

LABELS = (  # method and path of a request, and how a soak calls it
    ("POST /v1/tokens", "token"),
    ("GET /v1/pilots/.*", "document"),
    ("GET /v1/(checkpoints|inclusion-proofs).*", "receipts"),
    ("POST /v1/deliveries", "open"),
    ("GET /v1/deliveries/.*", "state"),
    ("PUT /v1/deliveries/.*/parts/.*", "part"),
    ("PUT /v1/deliveries/.*/completion", "completion"),
    ("POST /v1/.*", "change"),
    ("GET /v1/basis-changes/.*", "wait"),
)
PATIENCE = 150.0  # seconds: more than the client's own


class Phase(StrEnum):
    """How far a request is."""

    ASKED = "asked"  # nothing of it reached the service
    AMID = "amid"  # half of it did
    ANSWERED = "answered"  # the service has done it, and nothing of the answer reached the client
    AMID_ANSWER = "amid the answer"


@dataclass
class Trigger:
    """What to do at one moment; `act` says whether the connection breaks there."""

    label: str
    phase: Phase
    act: Callable[[], bool]
    fired: threading.Event = field(default_factory=threading.Event)


class _Cut(Exception):
    """The connection breaks here."""


@dataclass(frozen=True, slots=True)
class _Message:
    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        return self.head + self.body


class Proxy:
    """Listens on a port of its own; `seen` are the labels of the requests since the last `watch`, in order."""

    def __init__(self, service_port: int, told: Callable[[str, bytes], None]) -> None:
        """`told` gets the label and body of each answer of the service."""
        self._service = ("127.0.0.1", service_port)
        self._told = told
        self._lock = threading.Lock()
        self._trigger: Trigger | None = None
        self.seen: list[str] = []
        self._twice = ""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def watch(self, trigger: Trigger | None) -> None:
        """Begin a new attempt."""
        with self._lock:
            self._trigger, self.seen, self._twice = trigger, [], ""

    def send_twice(self, label: str) -> None:
        """Have the request of this label that is held now sent a second time, at once."""
        self._twice = label

    def close(self) -> None:
        """Listen no longer."""
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        client.settimeout(PATIENCE)
        with client, contextlib.suppress(OSError, _Cut):
            while (request := _read(client)) is not None:
                self._one(client, request)

    def _one(self, client: socket.socket, request: _Message) -> None:
        label = self._label(request)
        self._at(label, Phase.ASKED)
        if self._twice == label:
            self._twice = ""
            threading.Thread(target=self._again, args=(request,), daemon=True).start()
        with socket.create_connection(self._service, timeout=PATIENCE) as service:
            half = len(request.head) + len(request.body) // 2
            service.sendall(request.raw[:half])
            self._at(label, Phase.AMID)
            service.sendall(request.raw[half:])
            answer = _read(service)
        if answer is None:
            raise _Cut
        self._told(label, answer.body)
        self._at(label, Phase.ANSWERED)
        half = len(answer.raw) // 2
        client.sendall(answer.raw[:half])
        self._at(label, Phase.AMID_ANSWER)
        client.sendall(answer.raw[half:])

    def _again(self, request: _Message) -> None:
        with contextlib.suppress(OSError), socket.create_connection(self._service, timeout=PATIENCE) as service:
            service.sendall(request.raw)
            _read(service)

    def _at(self, label: str, phase: Phase) -> None:
        with self._lock:
            trigger = self._trigger
            if trigger is None or trigger.fired.is_set() or (trigger.label, trigger.phase) != (label, phase):
                return
            trigger.fired.set()
        if trigger.act():
            raise _Cut

    def _label(self, request: _Message) -> str:
        line = request.head.split(b"\r\n", 1)[0].decode("latin-1")
        method, target, _version = line.split(" ", 2)
        asked = f"{method} {target.split('?')[0]}"
        label = next((name for pattern, name in LABELS if re.fullmatch(pattern, asked)), "other")
        with self._lock:
            if label == "state" and "state" in self.seen:
                label = "wait"
            self.seen.append(label)
        return label


def _read(sock: socket.socket) -> _Message | None:
    """One message with its length said, or None where it ended before it was whole."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (more := sock.recv(65536)):
            return None
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    said = re.search(rb"(?im)^content-length: *(\d+)", head)
    length = int(said[1]) if said else 0
    pieces = [body, *_rest(sock, length - len(body))]
    whole = b"".join(pieces)
    return _Message(head + b"\r\n\r\n", whole) if len(whole) >= length else None


def _rest(sock: socket.socket, missing: int) -> Iterator[bytes]:
    while missing > 0 and (more := sock.recv(min(missing, 1 << 20))):
        missing -= len(more)
        yield more
