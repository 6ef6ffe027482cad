"""Cases as the desk's commands show them: what is due, what was done, what may come next; codes in plain words."""

from datetime import date, timedelta
from typing import Any

import pytest
import typer

from cli.desk_cases import _code, _day
from cli.desk_cases_shown import NEXT, entry_lines, next_lines, table_of
from client.case_words import CONTACT, DAY_PART, RESULT, STAGE, told
from client.desk_plans import Planner
from signals.cases import ContactKind, DayPart, Result, Stage, TakenUp, case_of

DAY = date(2026, 11, 25)
TAKEN_UP = {"kind": "taken_up", "on": "2026-11-24"}


def case(**changes: Any) -> dict[str, Any]:
    usual = {"caseId": "c" * 36, "offerDue": None, "conversationDue": None, "stage": "new", "result": None}
    return {**usual, "worker": None, "partner": None, "entries": 0, **changes}


def written(number: int, entry: dict[str, Any], actor: str = "me") -> dict[str, Any]:
    return {"number": number, "entry": entry, "writtenAt": "2026-11-25T10:00:00Z", "actor": actor}


def test_what_is_overdue_is_red_and_what_is_due_within_a_week_is_yellow() -> None:
    days = (DAY - timedelta(days=1), DAY, DAY + timedelta(days=7), DAY + timedelta(days=8))
    table = table_of([case(offerDue=due.isoformat()) for due in days] + [case()], DAY, "nl", Planner(), {})
    assert [str(row.style) for row in table.rows] == ["bold red", "yellow", "yellow", "", ""]


def test_an_entry_tells_when_by_whom_and_that_it_was_struck() -> None:
    attempt = {"kind": "attempt", "on": "2026-11-25", "contact": "phone", "reached": False, "dayPart": "evening"}
    struck = {"kind": "struck", "on": "2026-11-25", "number": 2}
    lines = entry_lines([written(1, TAKEN_UP), written(2, attempt, "abcdef"), written(3, struck)], "me", "nl")
    assert [text.strip() for text, _style in lines] == [
        "1  24 nov 2026  opgepakt  [u, opgeschreven 25 nov 2026]",
        "2  25 nov 2026  telefoon (avond): niet bereikt  [abcd]",
        "3  25 nov 2026  aantekening 2 doorgehaald  [u]",
    ]
    assert [style for _text, style in lines] == ["", "strike dim", ""]


def test_what_may_come_next_is_told_in_words_for_each_stage_with_its_results() -> None:
    fresh = case_of(DAY, [])
    found: dict[str, Any] = {
        "legal": fresh.legal(),
        "legalResults": [r.value for r in fresh.legal_results()],
        "entries": [],
    }
    text = "\n".join(line for line, _style in next_lines(found, "nl"))
    assert "take-up   oppakken" in text
    assert "bekende-klant" in text
    assert "strike" not in text  # there is nothing to strike
    taken_up = case_of(DAY, [TakenUp(on=DAY)])
    found = {"legal": taken_up.legal(), "legalResults": [], "entries": [written(1, TAKEN_UP)]}
    assert {"attempt", "accepted", "close", "assign", "strike"} <= set(
        "\n".join(line for line, _style in next_lines(found, "en")).split()
    )


def test_every_code_has_words_in_both_languages() -> None:
    for words, codes in ((CONTACT, ContactKind), (DAY_PART, DayPart), (RESULT, Result), (STAGE, Stage)):
        assert set(words) == set(codes)
        assert all(nl and en for nl, en in words.values())
    also = {"contact": "phone", "reached": True, "threatened": True, "result": "advice", "worker": "x", "number": 1}
    for kind in NEXT:
        assert told({"kind": kind, **also}, "nl") != told({"kind": kind, **also}, "en")


@pytest.mark.parametrize(
    ("said", "meant"),
    [("telefoon", ContactKind.PHONE), ("Phone", ContactKind.PHONE), ("home_visit", ContactKind.HOME_VISIT),
     ("home visit", ContactKind.HOME_VISIT), (" huisbezoek ", ContactKind.HOME_VISIT)],
)  # fmt: skip
def test_a_code_is_known_by_its_dutch_and_english_words_and_by_itself(said: str, meant: ContactKind) -> None:
    assert _code(CONTACT, said, "--how") is meant
    with pytest.raises(typer.BadParameter, match="telefoon, huisbezoek"):
        _code(CONTACT, "duif", "--how")


def test_no_word_means_two_codes() -> None:
    for words in (CONTACT, DAY_PART, RESULT, STAGE):
        said = [name for code, names in words.items() for name in {*names, str(code).replace("_", " ")}]
        assert len(said) == len(set(said))


def test_a_day_is_read_as_people_write_it() -> None:
    assert _day("24-11-2026") == _day("2026-11-24") == date(2026, 11, 24)
    assert _day("gisteren") == _day("vandaag") - timedelta(days=1)
    with pytest.raises(typer.BadParameter):
        _day("31-02-2026")
