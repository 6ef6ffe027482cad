"""Reading one part of a delivery: NDJSON, gzip allowed; a bad line is named and never stops the good ones."""

import base64
import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from privacy.errors import PrivacyError
from privacy.sealing import SealedReport
from signals.report import Report, ReportLine

MOST_LINES = 20_000
MOST_BYTES = 64 * 1024 * 1024  # unpacked: a few kilobytes of gzip must not fill the memory


class PartUnreadable(PrivacyError):
    """The bytes of a part are not what they say they are; nothing of it was taken."""

    code = "part-unreadable"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One line that was not taken: where it is and which rule it breaks; never what stood there."""

    line: int
    pointer: str
    code: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line that was taken. `sent` is its report in canonical form, which is what the creditor signs.

    Of the report as read only what is asked of it later: read, 10,000 of them hold 100 MB.
    """

    number: int
    reference: str
    epoch: int
    sent: bytes
    sealed: SealedReport


def read_lines(
    body: bytes, broken_rule: Callable[[Report], tuple[str, str] | None]
) -> tuple[list[Line], list[Refusal]]:
    """Read a part's lines; `broken_rule` says which rule of the agreement a report breaks. Lines count from 1.

    Raises:
        PartUnreadable: not gzip where it begins like it, too large unpacked, too many lines.
    """
    lines: list[Line] = []
    refusals: list[Refusal] = []
    seen: set[str] = set()
    for number, raw in enumerate(_unpacked(body).split(b"\n"), start=1):
        if not raw.strip():
            continue
        if number > MOST_LINES:
            raise PartUnreadable(f"more than {MOST_LINES} lines: send the rest as another part")
        try:
            report, line = _line(number, raw)
        except ValidationError as error:
            refusals.append(Refusal(number, _pointer(error), "unreadable-line"))
            continue
        broken = broken_rule(report)
        if broken is None and line.reference in seen:
            broken = ("/report/reference", "repeated")
        if broken is not None:
            refusals.append(Refusal(number, *broken))
            continue
        seen.add(line.reference)
        lines.append(line)
    return lines, refusals


def _line(number: int, raw: bytes) -> tuple[Report, Line]:
    read = ReportLine.model_validate_json(raw)
    sealed = SealedReport(base64.b64decode(read.sealed.wrapped_key), base64.b64decode(read.sealed.contact))
    report = read.report
    return report, Line(number, report.reference, report.keys.epoch, report.canonical(), sealed)


def _pointer(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    # The name of an unknown member is the sender's own words: the pointer ends at what it stands in.
    steps = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
    return "".join(f"/{step}" for step in steps)


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            unpacked = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise PartUnreadable("the body begins like gzip and is not whole gzip: send the part again") from None
    if len(unpacked) > MOST_BYTES:
        raise PartUnreadable("too large when unpacked: send smaller parts")
    return unpacked
