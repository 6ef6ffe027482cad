"""The evaluation of a pilot as a council reads it: a report in Dutch on paper and as a page, and each table as data.

All of it is made from what may be shown (signals/evaluation_shown.py), so nothing here can give a small number away.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from client.evaluation_words import CAUTION, LEAD_CAUTION, NOTES, OUTCOMES, READING, ROWS, TITLES, TOGETHER
from client.paper import TEMPLATES, typeset
from client.pictures import Bar, Picture
from client.workbook import workbook
from privacy.small_numbers import LEAST, Band, Figure, told
from signals.evaluation import ALL, Attempts, Channel, Fate, FollowUp, LeadTime, Outcome, Reached, TableName
from signals.evaluation_shown import (
    AT_LEAST_ONE_CALL,
    AT_LEAST_ONE_VISIT,
    Evaluation,
    ShownTable,
    parts,
    percentage,
)
from signals.wording import day, euros, listed

TEMPLATE = "evaluation"
MET = (Outcome.REACHED, Outcome.HELPED)
LATER = (LeadTime.MONTH, LeadTime.TWO_MONTHS, LeadTime.THREE_MONTHS, LeadTime.LONGER)
Block = dict[str, Any]
Cell = str | int


@dataclass(frozen=True, slots=True)
class About:
    """Which pilot the report is about: signals received from `first` through `last`, as things stood on that day."""

    pilot: str
    municipality: str
    first: date
    last: date
    made_on: date
    rule_set: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table as it is written: numbers are figures or percentages, text is a name, `<10`, a dash or a span."""

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str


def report_of(evaluation: Evaluation, about: About) -> dict[str, Any]:
    """The report in parts that paper and page set alike: title, opening, sections of blocks."""
    return {
        "title": f"Evaluatie van de pilot vroegsignalering in {about.municipality}",
        "place": f"Pilot {about.pilot}",
        "opening": (
            f"Dit verslag gaat over signalen van {day(about.first, 'nl')} tot en met {day(about.last, 'nl')}, met de "
            f"stand van die laatste dag. Het is gemaakt op {day(about.made_on, 'nl')}. De signalen zijn gesorteerd "
            f"volgens regelset {about.rule_set}; wat er met een signaal gebeurde, besloot steeds een mens."
        ),
        "sections": [
            {"heading": "In het kort", "blocks": [{"list": _in_short(evaluation)}]},
            {"heading": "Hoe u deze cijfers leest", "blocks": [{"list": list(READING)}]},
            {"heading": "Wat er binnenkwam", "blocks": _received(evaluation)},
            {"heading": "Wie er bereikt werd", "blocks": _reach(evaluation)},
            {"heading": "Hoe snel het ging", "blocks": _speed(evaluation)},
            {"heading": "Hoe lang van tevoren", "blocks": _lead(evaluation)},
            {"heading": "Kwam er weer een signaal?", "blocks": _follow_up(evaluation)},
            {"heading": "Wat het kostte", "blocks": _cost(evaluation)},
        ],
    }


def as_page(report: Mapping[str, Any]) -> str:
    """The report as a page (HTML) that stands alone, pictures included."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(f"{TEMPLATE}.html").render(report)


def as_paper(report: Mapping[str, Any]) -> bytes:
    """The report as a PDF (PDF/UA-1)."""
    return typeset(TEMPLATE, report)


def as_csv(sheet: Sheet) -> str:
    """One table as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([sheet.head, *sheet.rows])
    return out.getvalue()


def as_workbook(sheets: Iterable[Sheet]) -> bytes:
    """All tables in one workbook, each with its note under it."""
    return workbook({sheet.title[:31]: [sheet.head, *sheet.rows, (), (sheet.note,)] for sheet in sheets})


def write_report(folder: Path, evaluation: Evaluation, about: About) -> tuple[Path, ...]:
    """Write the report (PDF, HTML), the workbook and a CSV of each table; what is there already is replaced."""
    report, sheets = report_of(evaluation, about), sheets_of(evaluation)
    name = f"evaluatie-{about.pilot}-{about.last}"
    contents = {
        f"{name}.pdf": as_paper(report),
        f"{name}.html": as_page(report).encode(),
        f"{name}.xlsx": as_workbook(sheets),
        **{f"{name}-{sheet.name}.csv": as_csv(sheet).encode() for sheet in sheets},
    }
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file, content in contents.items():
        half = folder / f".{file}.half"
        half.write_bytes(content)
        half.replace(folder / file)
    return tuple(folder / file for file in contents)


def sheets_of(evaluation: Evaluation) -> list[Sheet]:
    """Every table that is shown, and the comparison with the country."""
    return [*(_sheet(table) for table in evaluation.tables if table.rows), _compared(evaluation)]


def _in_short(evaluation: Evaluation) -> list[str]:
    reports, fate = evaluation.table(TableName.REPORTS), evaluation.table(TableName.FATE)
    households, channel = evaluation.table(TableName.REACHED), evaluation.table(TableName.CHANNEL)
    signals = evaluation.table(TableName.REPETITION)
    said = [f"Er kwamen {_between(reports.together())} meldingen binnen."] if reports.rows else []
    if signals.rows and households.rows:
        all_of, homes = signals.together(), households.together()
        said.append(f"Er waren {_between(all_of)} signalen, over {_between(homes)} huishoudens.")
    shares = (
        (_share(fate, (Fate.TAKEN_UP,)), "Van de signalen is {} % opgepakt (landelijk 80 % in 2023, 83 % in 2024)."),
        (_all_met(channel), "Van de opgepakte zaken is {} % bereikt (landelijk ongeveer een op de vijf)."),
        (_helped(channel), "Van wie bereikt is, nam {} % hulp aan (landelijk 35 % in 2023)."),
    )
    said += [sentence.format(share) for share, sentence in shares if share is not None]
    if any(share is None for share, _sentence in shares):
        said.append("De pilot is te klein om alle percentages te noemen.")
    lead = evaluation.table(TableName.LEAD_TIME)
    if evaluation.median_lead_time is not None and lead.rows:
        said.append(
            f"Bij {_between(lead.together(LATER))} huishoudens kwam een aankondiging van ontruiming, afsluiting of "
            f"einde van de zorgverzekering pas na het eerste signaal. Bij de helft van hen zat daar "
            f"{evaluation.median_lead_time} dagen of meer tussen."
        )
    if evaluation.euros_per_reached:
        each = evaluation.euros_per_reached
        said.append(f"Een bereikt huishouden kostte {_euros_between(each)}, naar de uren die de gemeente opgaf.")
    return said


def _received(evaluation: Evaluation) -> list[Block]:
    blocks = []
    reports = evaluation.table(TableName.REPORTS)
    blocks += _block(reports)
    if reports.rows:
        blocks.append(_counts(reports, "Meldingen per soort achterstand", reports.rows))
    blocks += [*_block(evaluation.table(TableName.REPETITION)), *_block(evaluation.table(TableName.FATE))]
    return blocks


def _reach(evaluation: Evaluation) -> list[Block]:
    blocks: list[Block] = []
    for name in (TableName.CHANNEL, TableName.ATTEMPTS):
        table = evaluation.table(name)
        blocks += _block(table)
        if table.rows and table.columns != (ALL,) and (picture := _outcomes(table)):
            blocks.append(picture)
    compared = _compared(evaluation)
    return [*blocks, _as_block(compared), *_block(evaluation.table(TableName.REACHED))]


def _speed(evaluation: Evaluation) -> list[Block]:
    blocks = _block(evaluation.table(TableName.FIRST_ATTEMPT))
    if evaluation.median_first_attempt is not None:
        days = evaluation.median_first_attempt
        blocks.append({"text": f"Van de zaken met een poging kwam die bij de helft binnen {days} dagen."})
    return [*blocks, *_block(evaluation.table(TableName.CONVERSATION))]


def _lead(evaluation: Evaluation) -> list[Block]:
    table = evaluation.table(TableName.LEAD_TIME)
    blocks = _block(table)
    if table.rows:
        flagged = [(row, figures) for row, figures in table.rows if row != LeadTime.NONE]
        blocks.append(_counts(table, "Huishoudens met een spoedkenmerk", flagged))
    return [*blocks, {"text": LEAD_CAUTION}]


def _follow_up(evaluation: Evaluation) -> list[Block]:
    table = evaluation.table(TableName.FOLLOW_UP)
    if not table.rows:
        return _block(table)
    rest = _between(table.together((FollowUp.TOO_EARLY, FollowUp.NO_CLOSED_CASE)))
    text = f"Buiten deze tabel staan {rest} huishoudens: hun halve jaar is nog niet om, of er is geen zaak afgesloten."
    blocks: list[Block] = [{"caution": CAUTION}, *_block(table), {"text": text}]
    bars = [
        Bar(name, (share / 100, 1 - share / 100), f"{share} % weer")
        for name, again, others in _followed(table)
        if (share := percentage(told(again), _sum(map(told, (again, others))))) is not None
    ]
    if bars:
        said = listed([f"{bar.label}: {bar.behind} een signaal" for bar in bars], "nl")
        legend = ("weer een signaal binnen zes maanden", "geen nieuw signaal")
        title = "Weer een signaal binnen zes maanden, van wie het halve jaar vol is"
        blocks.append(_picture(Picture("follow-up", title, f"{said}.", tuple(bars), legend)))
    return blocks


def _followed(table: ShownTable) -> list[tuple[str, Figure, Figure]]:
    """Who was reached and who wasn't: how many came again, and how many did not."""
    names = ROWS[TableName.FOLLOW_UP]
    return [
        (names["reached"], table.figure(FollowUp.REACHED_AGAIN), table.figure(FollowUp.REACHED_NOT_AGAIN)),
        (names["missed"], table.figure(FollowUp.MISSED_AGAIN), table.figure(FollowUp.MISSED_NOT_AGAIN)),
    ]


def _cost(evaluation: Evaluation) -> list[Block]:
    effort, each = evaluation.effort, evaluation.euros_per_reached
    if effort is None:
        return [{"text": "De gemeente heeft voor dit verslag geen uren opgegeven."}]
    spent = effort.hours * effort.euros_per_hour
    text = (
        f"De gemeente gaf {_number(effort.hours)} uren op, tegen {euros(effort.euros_per_hour, 'nl')} per uur: samen "
        f"{euros(spent, 'nl')}. Dit is een opgave en geen meting. "
    )
    if each is None:
        return [{"text": text + "Er zijn te weinig huishoudens bereikt om de kosten per huishouden te noemen."}]
    table = evaluation.table(TableName.REACHED)
    reached = told(table.figure(Reached.REACHED))
    text += (
        f"Er zijn {_between(reached)} huishoudens bereikt. Per bereikt huishouden is dat {_euros_between(each)}. Al "
        "het werk is daarin meegerekend, ook dat voor huishoudens die niet bereikt zijn."
    )
    return [{"text": text}]


def _block(table: ShownTable) -> list[Block]:
    if not table.rows:
        title = TITLES[table.name]
        return [{"text": f"{title}: niet getoond, want naast de andere tabellen zou die kleine aantallen verraden."}]
    return [_as_block(_sheet(table))]


def _as_block(sheet: Sheet) -> Block:
    rows = [[cell if isinstance(cell, str) else _number(cell) for cell in row] for row in sheet.rows]
    return {"name": sheet.name, "title": sheet.title, "head": list(sheet.head), "rows": rows, "note": sheet.note}


def _sheet(table: ShownTable) -> Sheet:
    if table.name is TableName.FOLLOW_UP:
        return _sheet_of_follow_up(table)
    crossed = len(table.columns) > 1
    shares = ("Bereikt (%)", "Hulp, van wie bereikt is (%)") if crossed else ("Deel (%)",)
    rows: list[tuple[Cell, ...]] = []
    for row, figures in table.rows:
        name = _name(table, row)
        if crossed:
            met = [told(table.figure(row, column)) for column in MET]
            share = percentage(_sum(met), table.together(parts(row)))
            rows.append((name, *map(_figure, figures), _percent(share), _percent(percentage(met[1], _sum(met)))))
        else:
            rows.append((name, *map(_figure, figures), _percent(percentage(told(figures[0]), table.together()))))
    totals = [_span(table.together(columns=[column])) for column in table.columns]
    ends: tuple[Cell, ...] = (_percent(_all_met(table)), _percent(_helped(table))) if crossed else ("",)
    rows.append(("Samen", *totals, *ends))
    head = ("", *(OUTCOMES[column if crossed else ALL] for column in table.columns), *shares)
    return Sheet(table.name.value, TITLES[table.name], head, tuple(rows), NOTES[table.name])


def _sheet_of_follow_up(table: ShownTable) -> Sheet:
    rows: list[tuple[Cell, ...]] = []
    for name, again, others in _followed(table):
        share = percentage(told(again), _sum(map(told, (again, others))))
        rows.append((name, _figure(again), _figure(others), _percent(share)))
    both = [(FollowUp.REACHED_AGAIN, FollowUp.MISSED_AGAIN), (FollowUp.REACHED_NOT_AGAIN, FollowUp.MISSED_NOT_AGAIN)]
    ends = [table.together(each) for each in both]
    rows.append(("Samen", *map(_span, ends), _percent(percentage(ends[0], _sum(ends)))))
    head = ("", "Weer een signaal", "Geen nieuw signaal", "Weer (%)")
    return Sheet(table.name.value, TITLES[table.name], head, tuple(rows), NOTES[table.name])


def _compared(evaluation: Evaluation) -> Sheet:
    """The monitor's own figures beside the pilot's. Sources: Divosa Monitor Vroegsignalering 2023 and 2024."""
    channel, attempts = evaluation.table(TableName.CHANNEL), evaluation.table(TableName.ATTEMPTS)
    repetition = evaluation.table(TableName.REPETITION)
    few = ("Bereikt met een of twee pogingen", _met(attempts, (Attempts.ONE_OR_TWO,)), 18)
    if few[1] is None:
        few = ("Bereikt met ten hoogste twee pogingen", _met(attempts, (Attempts.NONE, Attempts.ONE_OR_TWO)), 18)
    rows: list[tuple[str, int | None, int]] = [
        ("Enkelvoudig, van de signalen", _share(repetition, ("single",)), 50),
        ("Meervoudig, van de signalen", _share(repetition, ("multiple",)), 11),
        ("Opeenvolgend, van de signalen", _share(repetition, ("consecutive",)), 40),
        ("Opgepakt, van de signalen", _share(evaluation.table(TableName.FATE), (Fate.TAKEN_UP,)), 80),
        ("Bereikt met alleen brief of kaartje", _met(channel, (Channel.LETTER,)), 6),
        ("Bereikt met ten minste één keer bellen", _met(channel, AT_LEAST_ONE_CALL), 59),
        ("Bereikt met ten minste één huisbezoek", _met(channel, AT_LEAST_ONE_VISIT), 46),
        few,
        ("Bereikt met vier pogingen of meer", _met(attempts, (Attempts.FOUR_OR_MORE,)), 37),
        ("Hulp aangenomen, van wie bereikt is", _helped(channel), 35),
    ]
    return Sheet(
        "compared",
        "Deze pilot en het land",
        ("", "Pilot (%)", "Land (%)"),
        tuple((name, _percent(share), national) for name, share, national in rows),
        "Land: Divosa Monitor Vroegsignalering, jaarrapportage 2023; bereik per middel en per aantal pogingen over "
        "2022 en 2023 samen, waarbij het land ‘alleen brieven’ zonder kaartjes telt, en wie geen poging had niet. "
        "Bellen en bezoek overlappen: wie gebeld én bezocht is, telt in beide regels mee.",
    )


def _counts(table: ShownTable, title: str, rows: Sequence[tuple[str, tuple[Figure, ...]]]) -> Block:
    """A picture of counts; what is not shown has no bar and says so."""
    most = max((figures[0] or 0 for _row, figures in rows), default=0) or 1
    bars = [Bar(_name(table, row), ((figures[0] or 0) / most,), str(_shown(figures[0]))) for row, figures in rows]
    said = listed([f"{bar.label}: {bar.behind}" for bar in bars], "nl")
    return _picture(Picture(table.name.value.replace("_", "-"), title, f"{said}.", tuple(bars)))


def _outcomes(table: ShownTable) -> Block | None:
    """A picture of what came of the cases of each row, of those of which a share can be told."""
    bars = []
    for row, figures in table.rows:
        whole = table.together(parts(row))
        share = percentage(table.together(parts(row), MET), whole)
        helped = percentage(told(figures[table.columns.index(Outcome.HELPED)]), whole)
        if share is not None and helped is not None:
            helped = min(helped, share)
            shares = (helped / 100, (share - helped) / 100, 1 - share / 100)
            bars.append(Bar(_name(table, row), shares, f"{share} % bereikt"))
    if not bars:
        return None
    said = listed([f"{bar.label}: {bar.behind}" for bar in bars], "nl")
    legend = ("bereikt en hulp aangenomen", "bereikt, geen hulp", "niet bereikt")
    title = f"{TITLES[table.name]}, in delen van de zaken"
    return _picture(Picture(table.name.value.replace("_", "-"), title, f"{said}.", tuple(bars), legend))


def _picture(picture: Picture) -> Block:
    return {"svg": picture.svg(), "title": picture.title, "description": picture.description}


def _met(table: ShownTable, rows: Sequence[str]) -> int | None:
    """The share that was reached of the cases of these rows; None where the table does not part them so."""
    if table.columns == (ALL,) or not _has(table, rows):
        return None
    return percentage(table.together(rows, MET), table.together(rows))


def _all_met(table: ShownTable) -> int | None:
    """The share of all cases that was reached."""
    return None if table.columns == (ALL,) else percentage(table.together(columns=MET), table.together())


def _helped(table: ShownTable) -> int | None:
    if table.columns == (ALL,):
        return None
    return percentage(table.together(columns=[Outcome.HELPED]), table.together(columns=MET))


def _share(table: ShownTable, rows: Sequence[str]) -> int | None:
    return percentage(table.together(rows), table.together()) if _has(table, rows) else None


def _has(table: ShownTable, rows: Sequence[str]) -> bool:
    """Whether these rows are told apart from all others."""
    inside = [one for row, _figures in table.rows for one in parts(row) if set(parts(row)) <= set(rows)]
    return sorted(inside) == sorted(rows)


def _name(table: ShownTable, row: str) -> str:
    return TOGETHER.get(row) or ROWS[table.name][row]


def _figure(figure: Figure) -> Cell:
    return f"<{LEAST}" if figure is None else figure


def _shown(figure: Figure) -> str:
    return f"<{LEAST}" if figure is None else _number(figure)


def _percent(share: int | None) -> Cell:
    return "–" if share is None else share


def _number(value: int) -> str:
    return str(format_decimal(value, locale="nl_NL"))


def _span(band: Band) -> str:
    return f"{_number(band.at_least)}–{_number(band.at_most)}"


def _between(band: Band) -> str:
    return f"tussen {_number(band.at_least)} en {_number(band.at_most)}"


def _euros_between(band: Band) -> str:
    return f"tussen {euros(band.at_least, 'nl')} en {euros(band.at_most, 'nl')}"


def _sum(bands: Iterable[Band]) -> Band:
    all_of = list(bands)
    return Band(sum(band.at_least for band in all_of), sum(band.at_most for band in all_of))
