"""`vroegsein rules backtest`: what another rule set would have done, in tables and as a picture."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console, errors
from client.backtest_picture import as_svg, picture_words
from client.desk_rules import PURPOSE, run_backtest
from client.desk_work import desk_service
from client.home import Home
from client.words import CATEGORY, TRAY, Lang, day, either, in_words, month
from signals.backtest_counts import MOST_MONTHS, Backtest, Both, MonthCompared
from signals.days import months_before
from signals.pilot import Role
from signals.rulesets import read_rule_set

PERIOD = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


def backtest(
    new: Annotated[Path, typer.Argument(help="The rule set to try out (YAML)", exists=True)],
    months: Annotated[str, typer.Option(help="Which months: 2026-08..2026-10, or 2026-08,2026-10")],
    against: Annotated[
        str | None, typer.Option(help="A registered rule set by name, such as default@1; else the running one")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw it into this file too (SVG), with small numbers left out")
    ] = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Try a rule set out on months that are over, beside another one. Nothing that stands changes.

    The tables have exact counts, for the desk alone. The pilot document needs a purpose `compare-rules` of level facts.
    Exit code: 0 shown, 1 refused or failed, 2 wrong usage.
    """
    periods = periods_of(months)
    read_rule_set(new)  # its mistakes are told here, with their lines and in full
    text = new.read_text(encoding="utf-8")
    place = Home(home)
    pilot = pilot_of(place, pilot)
    with (
        desk_service(place, Role.DEBT_HELP, user_of(user), PURPOSE) as service,
        errors.status(either(lang, "De dienst probeert de regelset…", "The service tries the rule set…")),
    ):
        found = run_backtest(service, pilot, text, periods, against)
    for line in shown(found, lang):
        console.print(line, markup=False) if isinstance(line, str) else console.print(line)
    if picture is not None:
        words = picture_words(lang, lambda tray: in_words(TRAY, tray, lang), lambda period: month(period, lang))
        picture.write_text(as_svg(found, words), encoding="utf-8")
        said = (f"Getekend in {picture}, zonder kleine aantallen.", f"Drawn into {picture}, small numbers left out.")
        console.print(either(lang, *said), markup=False)


def periods_of(months: str) -> list[str]:
    """The months that were asked for, in order. Raises BadParameter."""
    first, to, last = months.partition("..")
    named = [first.strip(), last.strip()] if to else [part.strip() for part in months.split(",")]
    if not all(PERIOD.fullmatch(period) for period in named):
        raise typer.BadParameter("say them as 2026-08..2026-10 or 2026-08,2026-10", param_hint="--months")
    if to:
        named = [named[0]]
        while named[-1] < last.strip() and len(named) <= MOST_MONTHS:
            named.append(months_before(named[-1], -1))
    if len(set(named)) > MOST_MONTHS or (to and named[-1] != last.strip()):
        raise typer.BadParameter(f"at most {MOST_MONTHS} months, the first one first", param_hint="--months")
    return sorted(set(named))


def shown(found: Backtest, lang: Lang) -> Iterable[str | Table]:
    """The back-test as it is printed: trays, what moved, categories, workload, lead time, false alarms."""
    yield either(
        lang,
        f"{found.new.name} naast {found.old.name}. Exacte aantallen, alleen voor de gemeente zelf.",
        f"{found.new.name} beside {found.old.name}. Exact counts, for the municipality itself alone.",
    )
    yield by_month(found.months, lang)
    moved = [
        f"  {each.period}: {in_words(TRAY, move.old, lang)} → {in_words(TRAY, move.new, lang)}: {move.count}"
        for each in found.months
        for move in each.moved
    ]
    if moved:
        yield either(lang, "In een ander werkbakje:", "In another tray:")
        yield from moved
    yield _by_category(found, lang)
    yield _by_week(found, lang)
    yield from _lead(found, lang)
    yield from _alarms(found, lang)


def by_month(months: Sequence[MonthCompared], lang: Lang) -> Table:
    """Trays, worklist, and households in and out, three columns for each month."""
    table = _table(months, either(lang, "werkbakje", "tray"), lang)
    for place, tray in enumerate(months[0].trays):
        _row(table, in_words(TRAY, tray.tray, lang), [each.trays[place] for each in months])
    table.add_section()
    _row(table, either(lang, "werklijst", "worklist"), [each.worklist for each in months])
    for name, counts in (
        (either(lang, "huishoudens erbij", "households in"), [each.came_in for each in months]),
        (either(lang, "huishoudens eruit", "households out"), [each.went_out for each in months]),
    ):
        table.add_row(name, *(cell for count in counts for cell in ("", str(count), "")))
    return table


def _by_category(found: Backtest, lang: Lang) -> Table:
    table = _table(found.months, either(lang, "soort (werklijst)", "category (worklist)"), lang)
    known = dict.fromkeys(row.category for each in found.months for row in each.categories)
    for category in known:
        of = [{row.category: Both(old=row.old, new=row.new) for row in each.categories} for each in found.months]
        _row(table, in_words(CATEGORY, category, lang), [row.get(category, Both(old=0, new=0)) for row in of])
    return table


def _by_week(found: Backtest, lang: Lang) -> Table:
    table = Table(either(lang, "aanbod uiterlijk", "offer due"), *_heads(lang), box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for week in found.weeks:
        last = week.week + timedelta(days=6)
        _row(table, f"{day(week.week, lang)} – {day(last, lang)}", [week])
    return table


def _lead(found: Backtest, lang: Lang) -> Iterable[str]:
    lead = found.lead_time
    yield either(
        lang,
        f"Met een spoedkenmerk in deze maanden: {lead.flagged} huishoudens.",
        f"With an urgent flag in these months: {lead.flagged} households.",
    )
    yield either(
        lang,
        f"  vóór dat kenmerk in de werklijst: oud {_both(lead.before)}; gemist: oud {_both(lead.missed)}",
        f"  in the worklist before that flag: old {_both(lead.before, 'new')}; missed: old {_both(lead.missed, 'new')}",
    )
    days = [
        ("–" if found_days is None else str(found_days)) for found_days in (lead.median_days.old, lead.median_days.new)
    ]
    yield either(
        lang,
        f"  voorsprong, mediaan: oud {days[0]}, nieuw {days[1]} dagen; {lead.earlier} eerder, {lead.later} later",
        f"  lead time, median: old {days[0]}, new {days[1]} days; {lead.earlier} earlier, {lead.later} later",
    )


def _alarms(found: Backtest, lang: Lang) -> Iterable[str]:
    alarms = found.false_alarms
    yield either(
        lang,
        f"Loos alarm: oud {alarms.count.old} van {alarms.told.old}, nieuw {alarms.count.new} van {alarms.told.new} "
        "signalen waarvan de volgende maand bekend is.",
        f"False alarms: old {alarms.count.old} of {alarms.told.old}, new {alarms.count.new} of {alarms.told.new} "
        "signals of which the next month is known.",
    )
    yield either(
        lang,
        "  Geen spoedkenmerk, en de maand erna voldaan of niet meer gemeld. Wie geholpen is, ziet er net zo uit.",
        "  No urgent flag, and settled or not reported a month later. Who was helped looks the same.",
    )


def _both(both: Both, new: str = "nieuw") -> str:
    return f"{both.old}, {new} {both.new}"


def _heads(lang: Lang) -> tuple[str, str, str]:
    return either(lang, "oud", "old"), either(lang, "nieuw", "new"), "±"


def _table(months: Sequence[MonthCompared], name: str, lang: Lang) -> Table:
    old, new, change = _heads(lang)
    table = Table(box=None, header_style="bold")
    table.add_column(f"\n{name}")
    for each in months:
        table.add_column(f"{each.period}\n{old}", justify="right")
        table.add_column(f"\n{new}", justify="right")
        table.add_column(f"\n{change}", justify="right")
    return table


def _row(table: Table, name: str, counts: Sequence[Both]) -> None:
    cells: list[str | Text] = [name]
    for both in counts:
        change = both.new - both.old
        style = "yellow" if change > 0 else "cyan" if change < 0 else "dim"
        cells += [str(both.old), str(both.new), Text(f"{change:+d}" if change else "=", style=style)]
    table.add_row(*cells)
