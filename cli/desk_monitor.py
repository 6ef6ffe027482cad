"""`vroegsein desk monitor`: a month's table, with small numbers left out, as it may leave the municipality."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console
from client.desk_work import desk_service
from client.home import Home
from client.monitor import as_csv, figure, monthly_tables
from client.words import CATEGORY, REPETITION, TRAY, Lang, day, either, in_words, month
from signals.line_rules import LINE_RULES
from signals.monthly_table import MonthlyTable, Total
from signals.pilot import Role


def monitor(
    period: Annotated[str | None, typer.Option(help="Which month, YYYY-MM; else the newest that is closed")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write it to this file too, as CSV")] = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """A month in figures: reports, signals, refused lines, with small numbers left out. Made once, when it was closed.

    Exit code: 0 shown, 1 there is no table of that month (yet), 2 wrong usage.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), "worklist") as service:
        found = monthly_tables(service, pilot, period)
    if not found:
        said = (
            "Er is (nog) geen tabel: die komt twee weken na het einde van de maand en na de laatste levering ervan.",
            "There is no table (yet): it comes two weeks after the month is over and its last delivery was taken up.",
        )
        console.print(either(lang, *said), markup=False)
        raise typer.Exit(1)
    for line in shown(found[0], lang):
        console.print(line, markup=False) if isinstance(line, str) else console.print(line)
    if csv is not None:
        csv.write_text(as_csv(pilot, found[0]), encoding="utf-8")
        console.print(either(lang, f"Geschreven naar {csv}.", f"Written to {csv}."), markup=False)


def shown(table: MonthlyTable, lang: Lang) -> Iterable[str | Table]:
    """The table as it is printed: breakdowns with their totals, then how the figures came about."""
    made = day(table.computed_on, lang)
    of = month(table.period, lang)
    yield either(lang, f"{of}, vastgesteld op {made} ({table.rule_set})", f"{of}, made on {made} ({table.rule_set})")
    yield _rows(
        either(lang, "meldingen|aantal", "reports|number"),
        ((in_words(CATEGORY, row.category, lang), row.count) for row in table.reports),
        table,
    )
    yield _between(table.reports_total, lang)
    if table.signals is None or table.households is None:
        yield either(
            lang,
            "signalen: niet getoond, want naast de meldingen zouden ze kleine aantallen verraden",
            "signals: not shown, because beside the reports they would give small numbers away",
        )
    else:
        yield _rows(
            either(lang, "signalen|aantal", "signals|number"),
            ((_place(row.tray, row.repetition, lang), row.count) for row in table.signals),
            table,
        )
        yield either(lang, "huishoudens ", "households ") + _between(table.households, lang)
    yield _rows(
        either(lang, "geweigerde regels|aantal", "refused lines|number"),
        ((_rule(row.rule, lang), row.count) for row in table.refused),
        table,
    )
    yield either(
        lang,
        f"<{table.least}: minder dan {table.least}, of geen. Andere aantallen zijn afgerond op {table.step}-tallen, "
        "en totalen zijn opgeteld uit wat hier staat.",
        f"<{table.least}: fewer than {table.least}, or none. Other numbers are rounded to multiples of {table.step}, "
        "and totals are added up from what stands here.",
    )


def _rows(heads: str, rows: Iterable[tuple[str, int | None]], table: MonthlyTable) -> Table:
    printed = Table(*heads.split("|"), box=None, header_style="bold")
    printed.columns[1].justify = "right"
    for name, count in rows:
        printed.add_row(name, figure(count, table.least))
    return printed


def _between(total: Total, lang: Lang) -> str:
    return either(
        lang,
        f"samen tussen {total.at_least} en {total.at_most}",
        f"together between {total.at_least} and {total.at_most}",
    )


def _place(tray: str, repetition: str | None, lang: Lang) -> str:
    name = in_words(TRAY, tray, lang)
    return f"{name}: {in_words(REPETITION, repetition, lang)}" if repetition else name


def _rule(rule: str, lang: Lang) -> str:
    known = LINE_RULES.get(rule)
    return either(lang, known.nl, known.en) if known else rule
