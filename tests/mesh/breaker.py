"""A service that breaks every call off before it answers: HTTP/2 by hand, since no gRPC server does that when it is asked."""

import socket
import struct
import threading
from pathlib import Path

PREFACE_BYTES = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
HEADERS, RST_STREAM, SETTINGS = 1, 3, 4
ACK = 1
INTERNAL_ERROR = 2


def break_calls(path: Path) -> None:
    """Serves the socket in place of whoever did, until the process ends."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def serve(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as received:
        received.read(PREFACE_BYTES)
        connection.sendall(frame(SETTINGS, 0, 0))
        while len(head := received.read(9)) == 9:
            length, kind, flags = int.from_bytes(head[:3]), head[3], head[4]
            received.read(length)
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0))
            if kind == HEADERS:
                connection.sendall(frame(RST_STREAM, 0, int.from_bytes(head[5:]), struct.pack(">I", INTERNAL_ERROR)))


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload
