"""Notices: signed by the log's key, the same bytes at every attempt, without a fact of a report."""

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.notices import MOST_ATTEMPTS, wait_after
from privacy.checkpoints import log_vkey
from privacy.notices import SIGNED_AS, Notice, NoticeRefused, read_notice, signature_of
from privacy.signing import new_signing_key, public_jwk, sign

KEY = new_signing_key()
VKEY = log_vkey("aland", public_jwk(KEY))
NOTICE = Notice("https://vroegsein.example", "aland", "housing", date(2026, 11, 23))
BODY = NOTICE.body()
SIGNATURE = signature_of(BODY, KEY)
PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


def test_it_reads_back_and_says_which_batch_and_where_to_fetch_it_and_no_more() -> None:
    assert read_notice(BODY, SIGNATURE, VKEY) == NOTICE
    assert json.loads(BODY) == {
        "specversion": "1.0",
        "id": str(NOTICE.id),
        "source": "https://vroegsein.example/v1/pilots/aland",
        "type": "example.vroegsein.feedback.ready.v1",
        "subject": "housing",
        "time": "2026-11-22T23:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "pilotId": "aland",
            "batch": "2026-11-23",
            "feedback": "https://vroegsein.example/v1/feedback?pilotId=aland",
        },
    }


def test_its_id_is_the_same_for_the_same_and_another_for_another_pilot_creditor_or_batch() -> None:
    assert Notice("http://elsewhere.example", "aland", "housing", date(2026, 11, 23)).id == NOTICE.id
    others = [
        Notice(NOTICE.service, "bland", "housing", NOTICE.batch),
        Notice(NOTICE.service, "aland", "power", NOTICE.batch),
        Notice(NOTICE.service, "aland", "housing", date(2026, 11, 30)),
    ]
    assert len({NOTICE.id, *(other.id for other in others)}) == 4


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (BODY.replace(b"housing", b"housinh"), SIGNATURE),
        (BODY + b" ", SIGNATURE),
        (BODY, signature_of(BODY, new_signing_key())),
        (BODY, signature_of(BODY + b" ", KEY)),
        (BODY, sign(BODY, KEY, SIGNED_AS)),  # with its content within
        (BODY, "..".join(sign(BODY, KEY, "vroegsein/receipt/v1").split(".")[::2])),
        *((BODY, wrong) for wrong in ("", "..", "a..b", "é..é", SIGNATURE[:-4], f"{SIGNATURE}.")),
        *((other, signature_of(other, KEY)) for other in (b"", b"[]", b"{}", b"null", BODY.replace(b"1.0", b"2.0"))),
    ],
)
def test_what_is_no_notice_of_the_service_is_refused(body: bytes, signature: str) -> None:
    with pytest.raises(NoticeRefused):
        read_notice(body, signature, VKEY)


def test_the_example_of_the_page_for_creditors_is_right() -> None:
    body, vkey, signature = re.findall(
        r"^```\w*\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )[:3]
    notice = read_notice(body.encode(), signature, vkey)
    assert notice == Notice("https://vroegsein.example", "a-pilot", "housing", date(2026, 11, 23))


def test_attempts_come_ever_later_and_end_within_three_days() -> None:
    waits: list[Any] = [wait_after(attempt) for attempt in range(1, MOST_ATTEMPTS)]
    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=6)
    assert timedelta(days=2, hours=12) < sum(waits, timedelta()) < timedelta(days=3)
