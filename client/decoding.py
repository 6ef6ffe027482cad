"""From the bytes of an export to its lines of text: what kind of file it is, and which encoding, by rule."""

import codecs
from typing import Literal

from client.reasons import Note, NoteCode

Kind = Literal["empty", "workbook", "zip", "pdf", "markup", "json", "text"]

_BYTE_ORDER_MARKS = (  # the longer first: UTF-32 begins as UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"


class UnreadableFile(ValueError):
    """A file can't be used at all. The message names file, line and what to do, and never a cell's text.

    `line` counts from 1; None means the file as a whole.
    """

    code = "file-unreadable"

    def __init__(self, source: str, message: str, line: int | None = None) -> None:
        self.source, self.line, self.message = source, line, message
        super().__init__(f"{source}:{line}: {message}" if line else f"{source}: {message}")


def kind_of(data: bytes) -> Kind:
    """What the first bytes say that a file is, whatever it is called."""
    start = data[:4096].removeprefix(codecs.BOM_UTF8).lstrip()
    if not data.strip(b"\x00\x1a\t\r\n \xef\xbb\xbf\xff\xfe"):
        return "empty"
    if data.startswith(b"PK\x03\x04"):
        return "workbook" if b"xl/" in data or b"[Content_Types]" in data else "zip"
    if data.startswith(_OLD_WORKBOOK):
        return "workbook"
    if data.startswith(b"%PDF"):
        return "pdf"
    if start[:1] == b"<":
        return "markup"
    return "json" if start[:1] in {b"{", b"["} else "text"


def text_lines(data: bytes, source: str, encoding: str | None = None) -> tuple[list[str], bool, list[Note]]:
    """Decode a file and cut it into lines.

    The rule, in this order: the encoding that the profile declares; a byte order mark; UTF-8; Windows-1252. The last
    two go line by line, because exports are pasted together from two systems (a note says when that was so).

    Returns:
        the lines without their ends, whether the last one had an end, and what is worth mentioning.

    Raises:
        UnreadableFile: a byte has no meaning, or the file breaks off inside a character.
    """
    whole = _declared(data, source, encoding) if encoding else _marked(data, source)
    if whole is not None:
        data = whole.encode("utf-8", "surrogatepass")
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\x00" in data.rstrip(b"\x00\x1a"):
        line = data[: data.index(b"\x00")].count(b"\n") + 1
        raise UnreadableFile(source, "holds NUL bytes: not a text file, or cut off while it was copied", line)
    pieces = data.rstrip(b"\x00\x1a").splitlines()
    ended = data.rstrip(b"\x00\x1a").endswith((b"\n", b"\r"))
    lines, utf8, windows = [], 0, []
    for number, piece in enumerate(pieces, start=1):
        try:
            lines.append(piece.decode("utf-8"))
            utf8 += not piece.isascii()
        except UnicodeDecodeError as error:
            if number == len(pieces) and not ended and utf8 and error.reason == "unexpected end of data":
                raise UnreadableFile(source, "breaks off inside a character: the file is cut off", number) from None
            lines.append(_windows(piece, source, number))
            windows.append(number)
    notes = [Note(NoteCode.MIXED_ENCODING, windows[0], {"count": len(windows)})] if utf8 and windows else []
    return lines, ended, notes


def _marked(data: bytes, source: str) -> str | None:
    """The text of a file with two or four bytes a character: told by its mark, or by a zero beside its first letter."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), None)
    if encoding is None and data[1:2] == b"\x00" != data[:1]:
        encoding = "utf-16-le"
    if encoding is None and data[:1] == b"\x00" != data[1:2]:
        encoding = "utf-16-be"
    return _declared(data, source, encoding) if encoding else None


def _declared(data: bytes, source: str, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnreadableFile(source, f"is not {encoding} from here on, or is cut off", line) from None


def _windows(piece: bytes, source: str, number: int) -> str:
    try:
        return piece.decode("cp1252")
    except UnicodeDecodeError as error:
        byte = piece[error.start]
        message = f"byte {byte:#04x} is neither UTF-8 nor Windows-1252: name the file's `encoding` in the profile"
        raise UnreadableFile(source, message, number) from None
