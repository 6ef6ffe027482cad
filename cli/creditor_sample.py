"""`vroegsein creditor check --sample N`: a few rows as they stand in the export and as they were read, side by side."""

from rich.table import Table

from cli.words import console
from client.checking import Checked, SendableRow
from client.words import Lang, day, either, euros
from privacy.identity import Contact
from privacy.normalise.people import normalise


def show_sample(checked: Checked, count: int, lang: Lang) -> None:
    """Show `count` rows from all over the file. They hold customers' details, for the creditor's own screen alone."""
    heads = either(
        lang,
        "regel|zo staat het er|zo wordt het vergeleken (klank van de naam, adres)|bedrag|maanden|sinds",
        "line|as it stands|as it is compared (sound of the name, address)|amount|months|since",
    ).split("|")
    table = Table(*heads, box=None, header_style="bold")
    step = max(1, len(checked.to_send) // count)
    for row in checked.to_send[::step][:count]:
        contact = row.contacts[0]
        table.add_row(str(row.line), _as_written(contact, lang), _as_compared(contact, lang), *_figures(row, lang))
    console.print(table)


def _as_written(contact: Contact, lang: Lang) -> str:
    name = contact.name or " ".join(
        part for part in (contact.initials, contact.first_name, contact.prefix, contact.surname) if part
    )
    parts = (contact.street, contact.house_number, contact.letter, contact.addition)
    address = contact.address or " ".join(part for part in parts if part)
    return _lines(name, f"{address}, {contact.postcode}".strip(", "), contact, lang)


def _as_compared(contact: Contact, lang: Lang) -> str:
    person = normalise(contact)
    name = f"{person.name.initial} {' / '.join(person.name.surnames)}"
    where = person.address
    return _lines(name, f"{where.postcode} {where.number} {where.addition}".strip(), contact, lang)


def _lines(name: str, address: str, contact: Contact, lang: Lang) -> str:
    unknown = either(lang, "geboortedatum onbekend", "birth date unknown")
    born = day(contact.birth_date, lang) if contact.birth_date else unknown
    return f"{name.strip()}\n{born}\n{address}"


def _figures(row: SendableRow, lang: Lang) -> tuple[str, str, str]:
    return euros(row.amount_cents, lang), str(row.months), day(row.arrears_since, lang)
