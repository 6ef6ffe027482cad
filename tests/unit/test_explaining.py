"""Explanations in words: what people read, in both tongues."""

import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.explaining import explain, reason_line
from signals.explanation import Explanation
from signals.oracle import LiveReport, judge_reports
from signals.report import Category, Kind, UrgentFlag
from signals.rulesets import default_rule_set
from signals.wording import Language, day, euros, listed, month, sentence, short_month
from tests.budget import examples
from tests.unit.test_oracle import rent

UNWANTED = re.compile(r"risico|score|fraude|afwijzing|risk|fraud|reject", re.IGNORECASE)


def explanation(*reports: LiveReport) -> Explanation:
    """That of the last month, as it comes back from the database."""
    made = judge_reports("oudewater", default_rule_set(), reports)[-1].explanation
    return Explanation.model_validate_json(made.model_dump_json())


TWO = (
    rent(1, amount_euros=900, received_on=date(2026, 11, 2)),
    rent(2, amount_euros=134, months=3, days=91, category=Category.ENERGY, received_on=date(2026, 11, 3)),
)


def test_the_line_for_a_list_says_who_what_and_how_long() -> None:
    made = explanation(TWO[0], rent(2, amount_euros=134, category=Category.ENERGY))
    assert reason_line(made, "nl") == "2 schuldeisers: huur en energie, samen € 1.034, 2 maanden"
    assert reason_line(made, "en") == "2 creditors: rent and energy, together €1,034, 2 months"


def test_the_line_of_one_report_says_nothing_of_together() -> None:
    assert reason_line(explanation(rent(months=1)), "nl") == "1 schuldeiser: huur, € 500, 1 maand"


def test_the_line_names_what_threatens_and_why_it_is_set_aside() -> None:
    urgent = reason_line(explanation(rent(urgent=(UrgentFlag.EVICTION_ANNOUNCED,))), "nl")
    assert urgent == "1 schuldeiser: huur, € 500, 2 maanden, ontruiming aangekondigd"
    aside = reason_line(explanation(rent(days=3)), "nl")
    assert aside == (
        "1 schuldeiser: huur, € 500, 2 maanden (terzijde: geen van de meldingen telt mee volgens de regels)"
    )


def test_a_signal_explains_itself_in_dutch() -> None:
    earlier = rent(1, "2026-08", amount_euros=600)
    made = explain(explanation(earlier, *TWO), "nl")
    assert made[:3] == [
        (
            "Twee schuldeisers melden in oktober 2026 een achterstand: "
            "huur en energie, samen € 1.034, langste achterstand 3 maanden."
        ),
        "In de 6 maanden ervoor was er in 1 maand ook een melding.",
        "Het totaal is € 434 hoger dan bij de vorige melding.",
    ]
    assert made[3] == (
        "Waarom dit signaal: meer dan één schuldeiser in dezelfde maand (meervoudig) (aantal schuldeisers: 2,"
        " nodig: ten minste 2; regel multiple@1). Bron: Divosa Monitor Vroegsignalering: meervoudig."
    )
    assert "Ontvangen op 2 november 2026; bied uiterlijk op 30 november 2026 hulp aan." in made
    assert "Melding huur: € 900, 2 maanden, 60 dagen oud, eerste melding." in made
    assert "Melding energie: € 134, 3 maanden, 91 dagen oud, eerste melding." in made
    assert made[-1].startswith("Beoordeeld met regelset default@1 (kenmerk ")


def test_a_signal_explains_itself_in_english() -> None:
    made = explain(explanation(*TWO), "en")
    assert made[0] == (
        "Two creditors report arrears in October 2026: rent and energy, together €1,034, longest arrears 3 months."
    )
    assert "Received on 2 November 2026; offer help on 30 November 2026 at the latest." in made
    assert "Rule single@1 does not fit: number of creditors: 2, needed: at most 1." in made


def test_what_is_set_aside_says_why_and_that_a_human_looks() -> None:
    made = explain(explanation(rent(days=12, amount_euros=40)), "nl")
    assert made == [
        "Eén schuldeiser meldt in oktober 2026 een achterstand: huur, € 40, achterstand 2 maanden.",
        "Terzijde gelegd: geen van de meldingen telt mee volgens de regels. Een medewerker kijkt dit na.",
        "Ontvangen op 2 november 2026; bied uiterlijk op 30 november 2026 hulp aan.",
        (
            "Melding huur: € 40, 2 maanden, 12 dagen oud, eerste melding; "
            "telt niet mee: minder dan 30 dagen en minder dan € 50."
        ),
        made[-1],
    ]


def test_a_repeat_is_called_one() -> None:
    made = explain(explanation(rent(1, "2026-09"), rent(1)), "nl")
    assert any(line.endswith("; herhaling: de achterstand is niet gegroeid.") for line in made)
    assert any("elke melding herhaalt een eerdere melding" in line for line in made)


def test_a_report_that_counts_outside_its_window_says_so() -> None:
    made = explain(explanation(rent(kind=Kind.END_OF_SUPPLY, category=Category.ENERGY, days=3)), "nl")
    assert (
        "Melding energie: € 500, 2 maanden, 3 dagen oud, einde levering; telt mee, al is het minder dan 30 dagen."
        in made
    )


def test_an_explanation_stands_alone() -> None:
    """It is printed from its own record: no rule set, no report is looked up."""
    record = explanation(*TWO).model_dump(mode="json")
    record["rules"] = [{**rule, "id": f"gone-{number}@9"} for number, rule in enumerate(record["rules"])]
    assert any("gone-" in line for line in explain(Explanation.model_validate(record), "nl"))


@st.composite
def any_report(draw: st.DrawFn) -> LiveReport:
    return rent(
        draw(st.integers(1, 3)),
        draw(st.sampled_from(("2026-03", "2026-08", "2026-09", "2026-10"))),
        days=draw(st.integers(0, 200)),
        kind=draw(st.sampled_from(Kind)),
        category=draw(st.sampled_from(Category)),
        amount_euros=draw(st.integers(0, 5000)),
        months=draw(st.integers(0, 9)),
        urgent=tuple(draw(st.lists(st.sampled_from(UrgentFlag), unique=True))),
    )


@settings(max_examples=examples(40))
@given(st.lists(any_report(), min_size=1, unique_by=lambda report: report.report_id), st.sampled_from(("nl", "en")))
def test_every_explanation_reads_as_sentences_without_unwanted_words(
    reports: list[LiveReport], language: Language
) -> None:
    for signal in judge_reports("oudewater", default_rule_set(), reports):
        lines = explain(signal.explanation, language)
        assert all(line[0].isupper() and line.endswith(".") for line in lines)
        text = " ".join([*lines, reason_line(signal.explanation, language)])
        assert not UNWANTED.search(text)
        assert not re.search(r"None|_|\{|\}|  ", text), text
        assert not any(report.creditor_id in text for report in reports)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (euros(1234, "nl"), "€ 1.234"),
        (euros(1234, "en"), "€1,234"),
        (euros(-5, "nl"), "€ -5"),
        (day(date(2026, 3, 1), "nl"), "1 maart 2026"),
        (day(date(2026, 3, 1), "en"), "1 March 2026"),
        (month("2026-10", "nl"), "oktober 2026"),
        (short_month("2026-10", "nl"), "okt. 2026"),
        (short_month("2026-05", "nl"), "mei 2026"),
        (short_month("2026-10", "en"), "Oct 2026"),
        (listed(["huur"], "nl"), "huur"),
        (listed(["huur", "water", "energie"], "nl"), "huur, water en energie"),
        (listed([], "en"), ""),
        (sentence("één schuldeiser"), "Eén schuldeiser."),
    ],
)
def test_numbers_days_and_lists_are_written_as_people_write_them(made: str, expected: str) -> None:
    assert made == expected


def test_an_explanation_of_another_shape_is_refused() -> None:
    record: dict[str, Any] = explanation(rent()).model_dump(mode="json")
    with pytest.raises(ValueError, match="format"):
        Explanation.model_validate({**record, "format": 2})


def test_ids_of_reports_are_in_the_explanation_and_nothing_older_than_its_month() -> None:
    made = explanation(rent(1, "2026-09"), rent(2))
    assert [report.report_id for report in made.reports] == [rent(2).report_id]
    assert isinstance(made.reports[0].report_id, UUID)
    assert made.deadline == made.received_on + timedelta(days=28)


def test_what_is_settled_is_said_in_both_tongues() -> None:
    one = rent(1, settled_on=date(2026, 11, 1))
    assert reason_line(explanation(one, rent(2)), "nl").endswith(", 2 maanden, 1 van 2 voldaan")
    partly = explain(explanation(one, rent(2)), "nl")
    assert "Van de 2 meldingen is er 1 voldaan of niet meer gemeld." in partly
    assert any(line.endswith("voldaan of niet meer gemeld sinds 1 november 2026.") for line in partly)
    whole = explain(explanation(one), "en")
    assert "Set aside: every report is settled or no longer reported. A worker checks this." in whole


def test_end_of_supply_without_an_early_report_is_said_in_both_tongues() -> None:
    made = explanation(rent(category=Category.ENERGY, kind=Kind.END_OF_SUPPLY, unannounced=True))
    assert any("eindelevering gemeld zonder eerder vroegsignaal" in line for line in explain(made, "nl"))
    assert any("end of supply without an early report before it" in line for line in explain(made, "en"))
    assert not any("vroegsignaal" in line for line in explain(explanation(rent()), "nl"))
