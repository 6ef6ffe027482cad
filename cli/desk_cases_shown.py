"""Cases as a desk's commands show them: the list by what is due, one case as a time line, what may come next."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from rich.table import Table

from cli.desk_options import STOPPED_SHORT
from cli.desk_plans_shown import next_short, plan_lines
from client.case_words import RESULT, STAGE, due_of, told
from client.desk_plans import Planner, listed_case, shown_case
from client.words import TRAY, Lang, day, either, in_words, month
from signals.cases import Result, Stage
from signals.days import AMSTERDAM

# What may come next: what it is called, and the command that writes it.
NEXT = {
    "taken_up": ("oppakken", "take it up", "take-up"),
    "attempt": ("contact zoeken", "seek contact", "attempt"),
    "accepted": ("het aanbod is aanvaard", "the offer is accepted", "accepted"),
    "spoken": ("het eerste gesprek", "the first conversation", "spoken"),
    "closed": ("sluiten", "close it", "close"),
    "reopened": ("heropenen", "reopen it", "reopen"),
    "assigned": ("toewijzen", "assign it", "assign"),
    "struck": ("een aantekening doorhalen", "strike an entry", "strike"),
}
REMIND_DAYS = 7


def table_of(
    cases: Sequence[Mapping[str, Any]],
    today: date,
    lang: Lang,
    planner: Planner,
    signals: Mapping[str, Mapping[str, Any]],
) -> Table:
    """Cases as a table: what is overdue in red, what is due within a week in yellow.

    Where the planner has plans and a case has a signal here: what comes next.
    """
    heads = either(lang, "zaak|uiterlijk|wat|fase|wie|aantekeningen", "case|by|what|stage|who|entries").split("|")
    heads += [either(lang, "hierna", "next")] if planner.has_plans else []
    table = Table(*heads, box=None, header_style="bold")
    for case in cases:
        due, what = due_of(case, lang)
        late = due is not None and due < today
        soon = due is not None and due <= today + timedelta(days=REMIND_DAYS)
        style = "bold red" if late else "yellow" if soon else ""
        by = f"▲ {day(due, lang)}" if late and due else day(due, lang) if due else ""
        stage = either(lang, *STAGE[Stage(case["stage"])])
        if case["result"]:
            stage += f": {either(lang, *RESULT[Result(case['result'])])}"
        who = " @ ".join(filter(None, (case["worker"], case["partner"])))
        cells = [case["caseId"][:STOPPED_SHORT], by, what, stage, who, str(case["entries"])]
        if planner.has_plans:
            signal = signals.get(case["caseId"])
            cells.append(next_short(planner.of(signal, listed_case(case)), lang) if signal else "")
        table.add_row(*cells, style=style)
    return table


def counted_line(cases: Sequence[Mapping[str, Any]], today: date, lang: Lang) -> str:
    """How many there are, how many are overdue, and how many are due soon."""
    dues = [due for due, _what in (due_of(case, lang) for case in cases) if due is not None]
    late = sum(due < today for due in dues)
    soon = sum(today <= due <= today + timedelta(days=REMIND_DAYS) for due in dues)
    return either(
        lang,
        f"{len(cases)} zaken: {late} te laat, {soon} binnen {REMIND_DAYS} dagen.\n"
        "Eén bekijken: vroegsein desk cases show ZAAK",
        f"{len(cases)} cases: {late} overdue, {soon} within {REMIND_DAYS} days.\n"
        "Look at one: vroegsein desk cases show CASE",
    )


def case_lines(found: Mapping[str, Any], planner: Planner, me: str, today: date, lang: Lang) -> list[tuple[str, str]]:
    """One case as lines, each with its style: where it stands, its signals, what was done, what may come next."""
    case = found["case"]
    lines = [(line, "") for line in _signal_lines(found, lang)]
    lines += entry_lines(found["entries"], me, lang)
    plan = planner.of(found["signals"][0], shown_case(found)) if found.get("signals") else None
    lines += [("", ""), *((line, "") for line in plan_lines(plan, lang))] if plan else []
    return [*state_lines(case, today, lang), *lines, *next_lines(found, lang)]


def state_lines(case: Mapping[str, Any], today: date, lang: Lang) -> list[tuple[str, str]]:
    """Where a case stands, and what is due."""
    stage = either(lang, *STAGE[Stage(case["stage"])])
    result = f" ({either(lang, *RESULT[Result(case['result'])])})" if case["result"] else ""
    since = day(date.fromisoformat(case["openedOn"]), lang)
    short = case["caseId"][:STOPPED_SHORT]
    head = either(
        lang,
        f"Zaak {short}: {stage}{result}, geopend {since}, {case['reports']} melding(en)",
        f"Case {short}: {stage}{result}, opened {since}, {case['reports']} report(s)",
    )
    lines = [(head, "bold")]
    if case["worker"]:
        who = " @ ".join(filter(None, (case["worker"], case["partner"])))
        lines.append((either(lang, f"Wie: {who}", f"Who: {who}"), ""))
    due, what = due_of(case, lang)
    if due is not None:
        late = either(lang, " — te laat", " — overdue") if due < today else ""
        by = either(lang, f"Uiterlijk {day(due, lang)}: {what}{late}", f"By {day(due, lang)}: {what}{late}")
        lines.append((by, "bold red" if late else ""))
    return lines


def entry_lines(entries: Sequence[Mapping[str, Any]], me: str, lang: Lang) -> list[tuple[str, str]]:
    """Entries as a time line; what was struck is crossed out."""
    struck = {one["entry"]["number"] for one in entries if one["entry"]["kind"] == "struck"}
    lines = []
    for one in entries:
        on = date.fromisoformat(one["entry"]["on"])
        written = datetime.fromisoformat(one["writtenAt"]).astimezone(AMSTERDAM).date()
        who = either(lang, "u", "you") if one["actor"] == me else one["actor"][:4]
        later = either(lang, f", opgeschreven {day(written, lang)}", f", written {day(written, lang)}")
        text = (
            f"{one['number']:>4}  {day(on, lang)}  {told(one['entry'], lang)}  [{who}{later if written != on else ''}]"
        )
        lines.append((text, "strike dim" if one["number"] in struck else ""))
    return lines


def next_lines(found: Mapping[str, Any], lang: Lang) -> list[tuple[str, str]]:
    """What may come next, in words, with the command that writes it."""
    legal = [kind for kind in found["legal"] if kind != "struck" or found["entries"]]
    lines = [("", ""), (either(lang, "Wat nu kan (vroegsein desk cases add …):", "What may come next:"), "")]
    for kind in legal:
        *words, command = NEXT[kind]
        lines.append((f"  {command:<9} {either(lang, *words)}", ""))
        if kind == "closed":
            results = ", ".join(either(lang, *RESULT[Result(r)]).replace(" ", "-") for r in found["legalResults"])
            lines.append((f"            {either(lang, 'met', 'with')}: {results}", "dim"))
    return lines


def _signal_lines(found: Mapping[str, Any], lang: Lang) -> list[str]:
    lines = []
    if not found["live"]:
        lines.append(
            either(
                lang,
                "✗ Geen melding van deze zaak telt nu mee: stilgelegd, overgedragen of niet meer gekoppeld.",
                "✗ No report of this case counts now: paused, handed over or no longer linked.",
            )
        )
    for signal in found.get("signals", ()):
        tray = in_words(TRAY, signal["tray"], lang)
        short = signal["signalId"][:STOPPED_SHORT]
        lines.append(f"{either(lang, 'Signaal', 'Signal')} {short}: {month(signal['period'], lang)}, {tray}")
    return [*lines, ""]
