"""One unambiguous way to put several values into one byte string, for whatever is hashed, keyed or authenticated."""


def framed(*parts: str | bytes) -> bytes:
    """Join parts so that no two different lists give the same bytes: each behind its length (4 bytes, big-endian)."""
    whole = b""
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        whole += len(raw).to_bytes(4, "big") + raw
    return whole
