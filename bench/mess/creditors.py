"""Seven made-up creditors' exports: each its own columns, encoding, notation and habits."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from bench.mess import spelling as sp
from bench.mess import words
from bench.mess.town import TODAY, Contract, Home
from client.cells import column_key
from tests.exports import write_workbook


@dataclass(frozen=True)
class Style:
    """One creditor: what its arrears are of, its columns as a profile should place them, and who writes its file."""

    category: str
    suffix: str
    columns: dict[str, str]  # place of a profile: header
    row: Callable[[Random, Contract, str], list[Any]]
    write: Callable[[Path, list[str], list[list[Any]]], None]
    extra: dict[str, Any]


def _home(contract: Contract) -> Home:
    person = contract.person
    return person.former if contract.stale and person.former else person.home


def _euros(chance: Random) -> tuple[int, int]:
    """Cents and whole months; nobody here is in credit or too early."""
    months = chance.randrange(2, 6)
    return chance.randrange(8_000, 45_000) * months, months


def _dutch(cents: int) -> str:
    return f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02}"


def _name(chance: Random, contract: Contract, form: str) -> str:
    """A whole name: given-first, surname-first with a comma, or surname-first in capitals."""
    person = contract.person
    infix, surname = sp.surname(chance, person)
    given = sp.first_name(chance, person) if chance.random() < 0.25 else sp.initials(chance, person)
    if form == "comma":
        return f"{surname}, {given} {infix}".strip() if chance.random() < 0.7 else f"{infix} {surname}, {given}".strip()
    if form == "capitals":
        given = sp.initials(chance, person).replace(".", "").replace(" ", "")
        return " ".join(filter(None, (surname, given, infix))).upper()
    whole = " ".join(filter(None, (sp.title(chance, person), given, infix, surname)))
    if person.trade and chance.random() < 0.7:
        plain = f"{given} {infix} {surname}".replace("  ", " ")
        return chance.choice(
            (
                f"{person.trade} {infix} {surname}".replace("  ", " "),
                f"{plain} h/o {person.trade}",
                f"{person.trade} t.a.v. {plain}",
            )
        )
    return whole


def _number(chance: Random, home: Home) -> str:
    """The number with what follows it in one cell."""
    more = sp.addition(chance, home)
    glued = more[:1] in {"", "-", "/", " "} or (more[0].isalpha() and chance.random() < 0.6)
    return f"{home.number}{'' if glued else ' '}{more}"


def _woonhuis(chance: Random, contract: Contract, reference: str) -> list[Any]:
    person, home = contract.person, _home(contract)
    cents, months = _euros(chance)
    contact = TODAY - timedelta(days=chance.randrange(40))
    return [
        *(reference, _name(chance, contract, "comma"), sp.born(chance, person.born, sp.day_month_year("-", 2))),
        *(
            f"{sp.street(chance, home.street)} {_number(chance, home)}",
            f"{sp.postcode(chance, home.postcode)}",
            words.TOWN,
        ),
        *(sp.phone(chance, person.second_phone), sp.phone(chance, person.phone), sp.email(chance, person.email)),
        *(_dutch(cents), str(months), sp.day_month_year("-")(contact), chance.choice("JNNNNN"), "", ""),
    ]


def _write_woonhuis(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    total = ["Totaal", *[""] * 8, "0,00", *[""] * (len(header) - 10)]
    above = ["Achterstanden huur - Stichting Woonhuis", f"Peildatum: {TODAY:%d-%m-%Y}", ""]
    lines = [*above, *(";".join(map(str, line)) for line in [header, *rows, total])]
    path.write_bytes("\r\n".join([*lines, "Einde overzicht"]).encode("cp1252", "replace"))


def _verhuurder(chance: Random, contract: Contract, reference: str) -> list[Any]:
    person, home = contract.person, _home(contract)
    cents, months = _euros(chance)
    since = TODAY - timedelta(days=30 * months + chance.randrange(8))
    where = f"{sp.street(chance, home.street)} {_number(chance, home)}, {sp.postcode(chance, home.postcode)}"
    numbers = " / ".join(filter(None, (sp.phone(chance, person.phone), sp.phone(chance, person.second_phone))))
    remark = chance.choice(("", "", "belt terug", "zegt na de 1e te betalen", "brief gestuurd"))
    written = chance.choice((sp.in_words, sp.day_month_year("/", 2)))(since)
    return [reference, _name(chance, contract, "given"), where, numbers, f"€ {_dutch(cents)}", written, remark]


def _write_verhuurder(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    path.write_bytes(_csv([header, *rows], ",").encode("utf-8-sig"))


def _csv(rows: Sequence[Sequence[Any]], delimiter: str) -> str:
    quoted = [[f'"{cell}"' if delimiter in str(cell) else str(cell) for cell in row] for row in rows]
    return "\n".join(delimiter.join(row) for row in quoted) + "\n"


def _serial(when: date) -> int:
    return (when - date(1899, 12, 30)).days


def _stroomwerk(chance: Random, contract: Contract, reference: str) -> list[Any]:
    person, home = contract.person, _home(contract)
    cents, months = _euros(chance)
    due = TODAY - timedelta(days=30 * months + chance.randrange(20))
    return [
        *(int(reference), _name(chance, contract, "given"), sp.born(chance, person.born, _serial)),
        *(sp.street(chance, home.street), home.number, sp.addition(chance, home), sp.postcode(chance, home.postcode)),
        *(words.TOWN, int("0" + person.phone) or "", sp.email(chance, person.email), cents / 100, due),
        chance.choice(("nee", "nee", "nee", "ja")),
    ]


def _write_stroomwerk(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    about: list[list[Any]] = [["Toelichting"], ["Openstaande posten particulier"], ["Peildatum", TODAY]]
    listed: list[list[Any]] = [
        ["Openstaande posten"],
        ["Stand per", TODAY],
        [],
        header,
        *rows,
        ["Totaal", *[""] * 9, 1.0],
    ]
    write_workbook(
        path, ("Toelichting", about), ("Posten", listed), ("Codes", [["code", "uitleg"], ["ja", "aangekondigd"]])
    )


def _warmtebron(chance: Random, contract: Contract, reference: str) -> list[Any]:
    person, home = contract.person, _home(contract)
    cents, months = _euros(chance)
    infix, surname = sp.surname(chance, person)
    return [
        *(
            reference,
            sp.initials(chance, person),
            infix,
            surname,
            sp.born(chance, person.born, lambda when: f"{when:%Y%m%d}"),
        ),
        *(sp.street(chance, home.street), _number(chance, home), sp.postcode(chance, home.postcode), words.TOWN),
        *(sp.phone(chance, person.phone), sp.phone(chance, person.second_phone), sp.email(chance, person.email)),
        *(f"{cents / 100:.2f}", str(months)),
    ]


def _write_warmtebron(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    path.write_bytes(_csv([header, *rows], "\t").encode())


def _drinkwater(chance: Random, contract: Contract, reference: str) -> list[Any]:
    person, home = contract.person, _home(contract)
    cents, months = _euros(chance)
    return [
        *(reference, _name(chance, contract, "capitals"), sp.born(chance, person.born, sp.day_month_year("."))),
        f"{sp.street(chance, home.street)} {_number(chance, home)}".upper(),
        *(sp.postcode(chance, home.postcode), words.TOWN.upper(), sp.phone(chance, person.phone)),
        *(f"{cents / 100:.2f}".replace(".", ","), str(months)),
    ]


def _write_drinkwater(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    buffer = io.StringIO()
    buffer.write(f"DRINKWATER BV|OPENSTAANDE NOTA'S|{TODAY:%d.%m.%Y}\n")
    buffer.write("\n".join("|".join(map(str, row)) for row in [header, *rows]) + "\n")
    buffer.write(f"AANTAL|{len(rows)}\n")
    path.write_bytes(buffer.getvalue().encode("cp1252", "replace"))


def _polis_west(chance: Random, contract: Contract, reference: str) -> list[Any]:
    person, home = contract.person, _home(contract)
    cents, months = _euros(chance)
    infix, surname = sp.surname(chance, person)
    parts = sp.addition(chance, home)
    letter = home.part if home.kind == "letter" and chance.random() < 0.7 else ""
    return [
        *(
            reference,
            sp.initials(chance, person),
            sp.first_name(chance, person) if chance.random() < 0.5 else "",
            infix,
            surname,
        ),
        *(sp.born(chance, person.born, date.isoformat), sp.street(chance, home.street), home.number),
        *(
            letter,
            "" if letter else parts,
            sp.postcode(chance, home.postcode),
            words.TOWN,
            sp.phone(chance, person.phone),
        ),
        *(sp.email(chance, person.email), cents, months),
    ]


def _write_polis_west(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    records = []
    for row in rows:
        record: dict[str, Any] = {}
        for name, cell in zip(header, row, strict=True):
            into, *parts = record, *name.split(".")
            for part in parts[:-1]:
                into = into.setdefault(part, {})
            into[parts[-1]] = cell if cell != "" else None
        records.append(record)
    document = {"aanlevering": {"verzekeraar": "Polis West", "peildatum": TODAY.isoformat()}, "polissen": records}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


def _zorgkring(chance: Random, contract: Contract, reference: str) -> list[Any]:
    person, home = contract.person, _home(contract)
    cents, months = _euros(chance)
    infix, surname = sp.surname(chance, person)
    given, last = sp.first_name(chance, person), " ".join(filter(None, (infix, surname)))
    if chance.random() < 0.02:
        given, last = last, given
    return [
        *(reference, given, last, sp.born(chance, person.born, sp.day_month_year("/"))),
        *(sp.street(chance, home.street), str(home.number).zfill(5), sp.addition(chance, home)),
        *(
            sp.postcode(chance, home.postcode),
            words.TOWN,
            sp.phone(chance, person.phone),
            sp.email(chance, person.email),
        ),
        *(f"{cents / 100:,.2f}", str(months)),
    ]


def _write_zorgkring(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    path.write_bytes(_csv([header, *rows], ";").encode("utf-8-sig"))


def _columns(text: str) -> dict[str, str]:
    """Places and headers, as "place=Header|..."; a column without a place is "=Header"."""
    found: dict[str, str] = {}
    for at, entry in enumerate(text.split("|")):
        place, _, header = entry.partition("=")
        found[place if "." in place or not place else f"columns.{place}"] = header
        if not place:
            found[f"unplaced.{at}"] = found.pop("")
    return found


def styles(chance: Random) -> dict[str, Style]:
    """The seven, with columns called otherwise now and then; a JSON file's names stay."""
    return {name: style if style.suffix == "json" else _renamed(chance, style) for name, style in STYLES.items()}


def _renamed(chance: Random, style: Style) -> Style:
    columns: dict[str, str] = {}
    for place, header in style.columns.items():
        others = [other for other in words.HEADERS.get(place, []) if other not in columns.values()]
        columns[place] = chance.choice(others) if others and chance.random() < 0.7 else header
    return style if len(set(map(column_key, columns.values()))) < len(columns) else replace(style, columns=columns)


STYLES = {
    "woonhuis": Style(
        "rent",
        "csv",
        _columns(
            "reference=Contractnummer|name=Naam hoofdhuurder|birth_date=Geb. dat.|address=Adres object|"
            "postcode=Postcode|town=Plaats|=Tel. vast|phone=Tel. mobiel|email=E-mail|amount.column=Huurachterstand|"
            "months.column=Aantal mnd|=Laatste contact|=Ontruiming j/n|=Bezwaar|=Regeling"
        ),
        _woonhuis,
        _write_woonhuis,
        {"name_order": "surname-first"},
    ),
    "verhuurder": Style(
        "rent",
        "csv",
        _columns(
            "reference=Nr|name=Huurder|address=Adres|phone=Telefoon|amount.column=Te betalen|"
            "months.due_date=Achterstand sinds|=Opmerkingen"
        ),
        _verhuurder,
        _write_verhuurder,
        {"name_order": "given-first"},
    ),
    "stroomwerk": Style(
        "energy",
        "xlsx",
        _columns(
            "reference=Debiteurnummer|name=Aanspreeknaam|birth_date=Geb.datum|street=Leveringsadres straat|"
            "house_number=Leveringsadres huisnummer|addition=Leveringsadres toevoeging|"
            "postcode=Leveringsadres postcode|town=Leveringsadres plaats|phone=Mobiel nr|email=Mailadres|"
            "amount.column=Openstaand saldo|months.due_date=Oudste factuurdatum|=Afsluiting aangekondigd"
        ),
        _stroomwerk,
        _write_stroomwerk,
        {"name_order": "given-first"},
    ),
    "warmtebron": Style(
        "energy",
        "tsv",
        _columns(
            "reference=klant_id|initials=initialen|prefix=tussenvoegsel|surname=naam|birth_date=geboren|street=straatnaam|"
            "house_number=huisnummer|postcode=postcode|town=woonplaats|phone=mobiel|=vast|email=e_mail|"
            "amount.column=saldo_open|months.column=termijnen_open"
        ),
        _warmtebron,
        _write_warmtebron,
        {},
    ),
    "drinkwater": Style(
        "water",
        "txt",
        _columns(
            "reference=VERBRUIKERNR|name=NAAM VERBRUIKER|birth_date=GEB.DATUM|address=VERBRUIKSADRES|postcode=PC|"
            "town=WOONPLAATS|phone=TEL.NR|amount.column=BEDRAG EUR|months.column=AANTAL NOTA'S"
        ),
        _drinkwater,
        _write_drinkwater,
        {"name_order": "surname-first"},
    ),
    "polis-west": Style(
        "health_insurance",
        "json",
        _columns(
            "reference=relatie.nummer|initials=relatie.voorletters|first_name=relatie.roepnaam|"
            "prefix=relatie.voorvoegsel|surname=relatie.geslachtsnaam|birth_date=relatie.geboren|"
            "street=adres.straatnaam|house_number=adres.nummer|letter=adres.letter|addition=adres.toevoeging|"
            "postcode=adres.postcode|town=adres.plaats|phone=bereikbaar.telefoon|email=bereikbaar.mail|"
            "amount.column=premie.openstaandInCenten|months.column=premie.maanden"
        ),
        _polis_west,
        _write_polis_west,
        {"unit": "cent"},
    ),
    "zorgkring": Style(
        "health_insurance",
        "csv",
        _columns(
            "reference=policy_number|first_name=first_name|surname=last_name|birth_date=date_of_birth|street=street|"
            "house_number=house_number|addition=suffix|postcode=zip_code|town=city|phone=phone_number|"
            "email=email_address|amount.column=amount_outstanding|months.column=months_in_arrears"
        ),
        _zorgkring,
        _write_zorgkring,
        {"decimal": "point"},
    ),
}
