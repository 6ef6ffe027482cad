"""Small exports and profiles for tests: only what a test is about is said in it."""

import io
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from client.checking import Checked, Pilots, SendingTerms, check
from client.exclusions import NOBODY_EXCLUDED, Exclusions
from client.export import Export, read_export
from client.profiles import Profile, read_profile

EXAMPLES = Path(__file__).parents[1] / "examples"
HEADER = "klant;naam;straat;nr;postcode;bedrag;maanden"

_PROFILE: dict[str, Any] = {
    "profile": "test",
    "file": {"format": "csv", "delimiter": ";"},
    "category": "energy",
    "columns": {
        "reference": "klant",
        "name": "naam",
        "street": "straat",
        "house_number": "nr",
        "postcode": "postcode",
    },
    "amount": {"column": "bedrag"},
    "months": {"column": "maanden"},
    "social_collection": {
        "procedure": "test-2026",
        "reminder": {"after_days": 7},
        "contact": {"after_days": 14},
        "help": {"after_days": 7},
        "offer": {"after_days": 7},
    },
    "recorded": {
        "file": {
            "name": "uitsluitingen.csv",
            "reference": "klant",
            "state": "reden",
            "refused": ["bezwaar"],
            "payment_plan_kept": ["regeling"],
        }
    },
}


def make_profile(**changes: Any) -> Profile:
    """A profile of a plain csv; a dictionary among `changes` is merged into its part, None removes a part."""
    data = dict(_PROFILE)
    for part, change in changes.items():
        merged = {**data[part], **change} if isinstance(change, dict) and isinstance(data.get(part), dict) else change
        data[part] = {k: v for k, v in merged.items() if v is not None} if isinstance(merged, dict) else merged
    return Profile.model_validate({part: value for part, value in data.items() if value is not None})


def example_profile(name: str) -> Profile:
    """One of the seven example profiles."""
    return read_profile(EXAMPLES / "profiles" / f"{name}.yaml")


def write_rows(folder: Path, *rows: str, header: str = HEADER, name: str = "lijst_2026-10.csv") -> Path:
    """A csv with a header and rows, each line ended."""
    path = folder / name
    path.write_text("\n".join((header, *rows, "")), encoding="utf-8")
    return path


def read(
    path: Path,
    profile: Profile | None = None,
    period: str | None = None,
    exclusions: Exclusions | Path | None = NOBODY_EXCLUDED,
) -> Export:
    """Read an export of which nobody is excluded, unless said."""
    return read_export(path, profile or make_profile(), period=period, exclusions=exclusions)


def checked(
    path: Path,
    profile: Profile | None = None,
    terms: SendingTerms | Pilots | None = None,
    exclusions: Exclusions | Path | None = NOBODY_EXCLUDED,
) -> Checked:
    """Read and check an export, for one pilot by its terms or for several."""
    profile = profile or make_profile()
    pilots = {"a-pilot": terms} if isinstance(terms, SendingTerms) else terms
    return check(read(path, profile, exclusions=exclusions), profile, pilots)


def write_workbook(path: Path, *sheets: tuple[str, list[list[Any]]]) -> Path:
    """A workbook as spreadsheet programs write it: numbers as binary fractions, dates as styled day numbers."""
    with zipfile.ZipFile(path, "w") as book:
        names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, (name, _) in enumerate(sheets, 1))
        book.writestr("[Content_Types].xml", _CONTENT_TYPES)
        book.writestr("_rels/.rels", _rels([("r0", "officeDocument", "xl/workbook.xml")]))
        book.writestr("xl/workbook.xml", f"<workbook {_MAIN} {_REL}><sheets>{names}</sheets></workbook>")
        targets = [(f"r{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)]
        book.writestr("xl/_rels/workbook.xml.rels", _rels([*targets, ("rs", "styles", "styles.xml")]))
        book.writestr("xl/styles.xml", _STYLES)
        for number, (_, rows) in enumerate(sheets, 1):
            book.writestr(f"xl/worksheets/sheet{number}.xml", _sheet(rows))
    return path


_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CONTENT_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
)
_STYLES = (
    f'<styleSheet {_MAIN}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
    "</styleSheet>"
)


def _rels(targets: list[tuple[str, str, str]]) -> str:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    inner = "".join(f'<Relationship Id="{id_}" Type="{kind}/{name}" Target="{to}"/>' for id_, name, to in targets)
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _sheet(rows: list[list[Any]]) -> str:
    out = io.StringIO()
    for number, row in enumerate(rows, 1):
        cells = "".join(_xml(f"{chr(65 + at)}{number}", value) for at, value in enumerate(row))
        out.write(f'<row r="{number}">{cells}</row>')
    return f"<worksheet {_MAIN}><sheetData>{out.getvalue()}</sheetData></worksheet>"


def _xml(place: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - date(1899, 12, 30)) // timedelta(days=1)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value!r}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'
