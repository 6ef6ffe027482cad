"""Reading a part: bad lines are named by line and pointer and never echoed; bad bytes are refused whole."""

import base64
import gzip
import io
import json
import zlib
from typing import Any

import pytest

from app import part_reading
from app.part_reading import MOST_BYTES, MOST_LINES, PartUnreadable, Refusal, read_lines
from signals.report import Report
from tests.unit.test_report_wire import make_report

SECRET = "Visser"  # what a mistaken sender may have put anywhere


def make_line(number: int = 0, **changes: Any) -> dict[str, Any]:
    sealed = {"contact": base64.b64encode(bytes(40)).decode(), "wrappedKey": base64.b64encode(bytes(60)).decode()}
    return {"report": make_report(reference=f"{number:032x}", **changes), "sealed": sealed}


def body_of(*lines: object) -> bytes:
    return b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)


def allowed(_report: Report) -> None:
    return None


def test_good_lines_are_read_in_order_with_their_numbers() -> None:
    lines, refusals = read_lines(body_of(*(make_line(n) for n in range(3))), allowed)
    assert [(line.number, line.reference[-1]) for line in lines] == [(1, "0"), (2, "1"), (3, "2")]
    assert refusals == []
    assert (len(lines[0].sealed.wrapped_key), lines[0].sealed.contact) == (60, bytes(40))


def test_what_is_kept_of_a_line_is_its_canonical_form() -> None:
    line = make_line()
    line["report"] = dict(reversed(line["report"].items()))
    ((read,), _) = read_lines(json.dumps(line, indent=None, separators=(" ,  ", ":\t")).encode(), allowed)
    assert read.sent == Report.model_validate(make_line()["report"]).canonical()


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n  \n"])
def test_line_ends_and_blank_lines_count_and_say_nothing(end: bytes) -> None:
    lines, refusals = read_lines(body_of(make_line(1)) + b"\r\n\n" + body_of(make_line(2)) + end, allowed)
    assert ([line.number for line in lines], refusals) == ([1, 3], [])


def test_a_part_without_lines_is_empty() -> None:
    assert read_lines(b"", allowed) == ([], [])


def without(line: dict[str, Any], *path: str) -> dict[str, Any]:
    inner = line
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return line


BAD_LINES: dict[str, tuple[object, str]] = {
    "no json": (SECRET.encode(), ""),
    "half json": (body_of(make_line())[:-5], ""),
    "two documents": (body_of(make_line()) + body_of(make_line()), ""),
    "no utf-8": (b'{"report": "\xff"}', ""),
    "a list": ([SECRET], ""),
    "nested without end": (b"[" * 100_000, ""),
    "a number of many digits": (b'{"report": ' + b"9" * 10_000 + b"}", ""),
    "no report": (without(make_line(), "report"), "/report"),
    "no seal": (without(make_line(), "sealed"), "/sealed"),
    "text for an amount": (make_line(amountEuros=SECRET), "/report/amountEuros"),
    "a negative amount": (make_line(amountEuros=-1), "/report/amountEuros"),
    "cents": (make_line(amountEuros=345.5), "/report/amountEuros"),
    "an impossible day": (make_line(reportedOn="2026-02-30"), "/report/reportedOn"),
    "a kind that the service derives": (make_line(kind="update"), "/report/kind"),
    "an open postcode": (make_line(district="1111AB"), "/report/district"),
    "a bad flag": (make_line(urgent=["eviction_announced", SECRET]), "/report/urgent/1"),
    "no offer": (without(make_line(), "report", "socialCollection", "offerMadeOn"), "/report/socialCollection"),
    "a bad key": (
        make_line(keys={**make_report()["keys"], "weak": [{"key": SECRET, "birth": None}]}),
        "/report/keys/weak/0/key",
    ),
    "an unknown member": ({**make_line(), "report": {**make_report(), f"naam {SECRET}": SECRET}}, "/report"),
    "an unknown member beside": ({**make_line(), SECRET: 1}, ""),
    "a member with NUL": ({**make_line(), "report": {**make_report(), "\0": 1}}, "/report"),
    "a wrapped key that is too short": (
        {**make_line(), "sealed": {**make_line()["sealed"], "wrappedKey": "AAAA"}},
        "/sealed/wrappedKey",
    ),
    "a seal that is no base64": (
        {**make_line(), "sealed": {**make_line()["sealed"], "contact": SECRET + "!"}},
        "/sealed/contact",
    ),
}


@pytest.mark.parametrize(("line", "pointer"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_named_never_echoed_and_does_not_stop_the_good_ones(line: object, pointer: str) -> None:
    lines, (refusal,) = read_lines(body_of(make_line(1), line, make_line(2)), allowed)
    assert [line.number for line in lines] == [1, 3]
    assert (refusal.line, refusal.code) == (2, "unreadable-line")
    assert refusal.pointer.startswith(pointer)
    if pointer != "/report/socialCollection":
        assert refusal.pointer == pointer
    assert SECRET not in str(refusal)
    assert "\0" not in refusal.pointer  # which no text column takes


def test_a_line_that_breaks_a_rule_is_refused_by_that_rule() -> None:
    def rule(report: Report) -> tuple[str, str] | None:
        return ("/report/months", "below-threshold") if report.months < 2 else None

    lines, refusals = read_lines(body_of(make_line(1, months=1), make_line(2, months=2)), rule)
    assert [line.number for line in lines] == [2]
    assert refusals == [Refusal(1, "/report/months", "below-threshold")]


def test_a_reference_that_comes_again_is_refused_where_it_comes_again() -> None:
    lines, refusals = read_lines(body_of(make_line(1), make_line(2), make_line(1, amountEuros=9)), allowed)
    assert [line.number for line in lines] == [1, 2]
    assert refusals == [Refusal(3, "/report/reference", "repeated")]


def test_a_reference_whose_first_line_was_refused_is_no_repeat() -> None:
    def rule(report: Report) -> tuple[str, str] | None:
        return ("/report/months", "below-threshold") if report.months < 2 else None

    lines, refusals = read_lines(body_of(make_line(1, months=1), make_line(1, months=2)), rule)
    assert ([line.number for line in lines], [refusal.code for refusal in refusals]) == ([2], ["below-threshold"])


def test_gzip_reads_like_what_was_packed() -> None:
    body = body_of(*(make_line(n) for n in range(5)))
    assert read_lines(gzip.compress(body), allowed) == read_lines(body, allowed)
    assert read_lines(gzip.compress(body[:50]) + gzip.compress(body[50:]), allowed) == read_lines(body, allowed)


PACKED = gzip.compress(body_of(*(make_line(n) for n in range(50))))


@pytest.mark.parametrize(
    "body",
    [
        PACKED[: len(PACKED) // 2],
        PACKED[:-1],
        PACKED[:3],
        b"\x1f\x8b" + b"\0" * 40,
        PACKED[:200] + b"\0\1\2" + PACKED[203:],
        PACKED + b"behind",
        PACKED[:-8] + bytes(4) + PACKED[-4:],
    ],
    ids=["half", "a byte short", "the beginning", "no gzip", "damaged", "with something behind", "another checksum"],
)
def test_gzip_that_is_not_whole_is_refused_whole(body: bytes) -> None:
    with pytest.raises(PartUnreadable, match="not whole gzip"):
        read_lines(body, allowed)


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunk = b" " * (1 << 20)
    return b"".join(packer.compress(chunk) for _ in range(size >> 20)) + packer.flush()


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    class Watched(gzip.GzipFile):
        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            read.append(len(found))
            return found

    monkeypatch.setattr(gzip, "GzipFile", Watched)
    packed = bomb(2 * MOST_BYTES)
    assert len(packed) < 200_000
    with pytest.raises(PartUnreadable, match="too large"):
        read_lines(packed, allowed)
    assert sum(read) == MOST_BYTES + 1


def test_more_lines_than_a_part_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_reading, "MOST_LINES", 3)
    assert len(read_lines(body_of(*(make_line(n) for n in range(3))), allowed)[0]) == 3
    with pytest.raises(PartUnreadable, match="more than 3 lines"):
        read_lines(body_of(*(make_line(n) for n in range(4))), allowed)


def test_a_part_of_the_most_lines_counts_them_and_not_the_line_end() -> None:
    body = io.BytesIO()
    body.write(b"{}\n" * MOST_LINES)
    lines, refusals = read_lines(body.getvalue(), allowed)
    assert (len(lines), len(refusals)) == (0, MOST_LINES)
    with pytest.raises(PartUnreadable):
        read_lines(body.getvalue() + b"{}", allowed)
