"""Terms of retention: what a pilot document may say, how days count, and that each kind of data has its words."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from app.kept import KEPT, Forecast
from app.retention import Step
from cli import operator
from client import words
from signals.pilot import Pilot, Retention
from tests.world import pilot_document


def pilot(**terms: int) -> Pilot:
    return Pilot.model_validate(pilot_document("aland", "town-a", retention=terms))


def test_a_pilot_that_names_no_term_has_those_of_the_field() -> None:
    assert pilot().retention == Retention(
        report_days=365,
        delivery_days=1826,
        unfinished_days=14,
        consent_days=365,
        objection_days=365,
        known_client_days=92,
        log_days=1826,
    )


@pytest.mark.parametrize("short", ["delivery_days", "consent_days", "objection_days"])
def test_what_reports_rest_on_is_kept_as_long_as_they_are(short: str) -> None:
    enough: dict[str, Any] = dict.fromkeys(("report_days", "delivery_days", "consent_days", "objection_days"), 400)
    assert pilot(**enough).retention.report_days == 400
    with pytest.raises(ValidationError, match="at least as long as the reports"):
        pilot(**enough | {short: 399})


def test_a_term_counts_whole_days_behind_its_own() -> None:
    of = {kept.name: kept.before(pilot(report_days=30, log_days=1), date(2026, 10, 31)) for kept in KEPT}
    assert of["reports"] == date(2026, 10, 1)  # of 1 October: kept through the 31st
    assert of["events"] == date(2026, 10, 31)


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_what_goes_and_what_went_is_shown_in_words(
    lang: words.Lang, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator.console, "width", 200)
    ahead = [Forecast(kept.name, 365, 12, date(2025, 9, 30), date(2026, 11, 1)) for kept in KEPT]
    operator._show_ahead([("aland", ahead)], lang)
    removed = dict.fromkeys(["signals", *(kept.name for kept in KEPT)], 34)
    operator._show_removed([Step("aland", removed, True), Step("aland", removed, False)], lang)
    said = capsys.readouterr().out
    assert all(said.count(words.either(lang, *words.KEPT[kept.name])) == 2 for kept in KEPT)
    assert "12" in said
    assert "68" in said  # both steps together
    assert {"nl": "30 sep 2025", "en": "30 Sept 2025"}[lang] in said


def test_a_run_that_found_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    operator._show_removed([Step("aland", {}, False)], "en")
    assert capsys.readouterr().out == "Nothing is past its term.\n"
