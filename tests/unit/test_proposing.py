"""An export that nobody described yet: the profile proposed for it, and what it leaves to a person."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cli.creditor import app
from client.checking import check
from client.decoding import UnreadableFile
from client.export import read_export
from client.profiles import Profile, read_profile
from client.profiling.proposing import Proposal, propose
from client.profiling.wording import Lang, as_yaml
from signals.report import Category
from tests.exports import write_workbook

EXAMPLES = Path(__file__).parents[2] / "examples"
EXPORTS = sorted((EXAMPLES / "waterbeek").glob("*_2026-10.*"))

STREETS = ("Dorpsstraat", "Lange Nieuwstraat", "Kade", "Molenweg", "Prins Hendriklaan", "Plein 1944", "Hof")
SURNAMES = ("de Boer", "Yılmaz", "Jansen", "van den Berg", "Ó Briain", "El Idrissi", "Visser-Bakker")


def people(count: int = 60) -> list[dict[str, str]]:
    """Made-up customers, with more than one way of writing what a ledger knows of them."""
    return [
        {
            "id": f"C{40_000 + 7 * at}",
            "surname": SURNAMES[at % len(SURNAMES)],
            "initials": "JPMK"[at % 4] + ".",
            "born": f"{1 + at % 28:02}-{1 + at % 12:02}-{1950 + at % 50}",
            "street": STREETS[at % 5],
            "number": str(1 + at * 3 % 120),
            "postcode": f"{1234 + at % 5} {'ABCDE'[at % 5]}X",
            "town": "Ergens",
            "phone": f"06{10_000_000 + at * 7919}",
            "amount": f"{90 + at * 13},{at % 100:02}",
            "months": str(1 + at % 5),
        }
        for at in range(count)
    ]


def listed(path: Path, headers: dict[str, str], delimiter: str = ";", **changed: str) -> Path:
    """A text file with such headers, each for one thing that is known of a customer."""
    rows = [[{**one, **changed}[what] for what in headers.values()] for one in people()]
    lines = [delimiter.join(cells) for cells in [list(headers), *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


LANGS: tuple[Lang, ...] = ("nl", "en")
HEADERS = {
    "Contractnr.": "id",
    "Achternaam": "surname",
    "Voorl.": "initials",
    "Geb. datum": "born",
    "Straatnaam": "street",
    "Hnr": "number",
    "PC": "postcode",
    "Woonplaats": "town",
    "Mobiel": "phone",
    "Openstaand saldo": "amount",
    "Aantal mnd": "months",
}


def places(proposal: Proposal) -> dict[str, str]:
    return {one.place: one.column.header for one in proposal.placed}


@pytest.mark.parametrize("export", EXPORTS, ids=lambda path: path.stem)
def test_every_column_of_an_example_is_proposed_as_its_hand_made_profile_has_it(export: Path) -> None:
    known = read_profile(EXAMPLES / "profiles" / f"{export.name.split('_')[0]}.yaml")
    proposed = propose(export).profile
    unread = ("recorded", "urgent")  # words in a remark are a matter of taste
    wanted = [(place, names) for place, names, _ in known.mapped() if not place.startswith(unread)]
    assert [(place, names) for place, names, _ in proposed.mapped() if not place.startswith(unread)] == wanted
    assert {mark.flag for mark in proposed.urgent} == {mark.flag for mark in known.urgent}
    assert (proposed.category, proposed.amount.unit) == (known.category, known.amount.unit)
    assert proposed.columns.name_order == known.columns.name_order
    assert proposed.months.of == known.months.of
    assert proposed.reference_date == known.reference_date
    assert proposed.file.total_row == known.file.total_row


@pytest.mark.parametrize("export", EXPORTS, ids=lambda path: path.stem)
def test_a_proposed_profile_reads_the_same_amounts_and_people_as_the_hand_made_one(export: Path) -> None:
    known = read_profile(EXAMPLES / "profiles" / f"{export.name.split('_')[0]}.yaml")
    one, other = (check(read_export(export, profile), profile) for profile in (known, propose(export).profile))
    assert [
        (row.line, row.reference, row.amount_cents, row.months, row.contacts[0].surname) for row in one.to_send
    ] == [(row.line, row.reference, row.amount_cents, row.months, row.contacts[0].surname) for row in other.to_send]


def test_headers_of_other_ledgers_are_known_too(tmp_path: Path) -> None:
    proposal = propose(listed(tmp_path / "huur 2026-10.csv", HEADERS))
    assert places(proposal) == {
        "columns.reference": "Contractnr.",
        "columns.surname": "Achternaam",
        "columns.initials": "Voorl.",
        "columns.birth_date": "Geb. datum",
        "columns.street": "Straatnaam",
        "columns.house_number": "Hnr",
        "columns.postcode": "PC",
        "columns.town": "Woonplaats",
        "columns.phone": "Mobiel",
        "amount.column": "Openstaand saldo",
        "months.column": "Aantal mnd",
    }
    assert proposal.document["category"] == "rent"


def test_a_house_number_with_its_addition_and_a_bare_number_column_are_told_apart(tmp_path: Path) -> None:
    headers = {"nr" if what == "id" else "Huisnummer + toevoeging" if what == "number" else name: what
               for name, what in HEADERS.items()}  # fmt: skip
    found = places(propose(listed(tmp_path / "huur.csv", headers)))
    assert found["columns.reference"] == "nr"
    assert found["columns.house_number"] == "Huisnummer + toevoeging"


def test_english_headers_are_known_too(tmp_path: Path) -> None:
    headers = dict(
        zip(
            [
                "CustomerID",
                "Last name",
                "Initials",
                "Date of birth",
                "Street",
                "House number",
                "ZIP",
                "City",
                "Phone",
                "Amount due",
                "Months",
            ],
            HEADERS.values(),
            strict=True,
        )
    )
    proposal = propose(listed(tmp_path / "tenants.csv", headers, ","), Category.RENT)
    assert places(proposal)["columns.surname"] == "Last name"
    assert places(proposal)["columns.reference"] == "CustomerID"
    assert places(proposal)["amount.column"] == "Amount due"


def test_a_column_with_a_strange_name_is_recognised_by_its_cells_and_doubted(tmp_path: Path) -> None:
    headers = {
        "X1" if name == "PC" else "Veld 7" if name == "Geb. datum" else name: what for name, what in HEADERS.items()
    }
    proposal = propose(listed(tmp_path / "huur.csv", headers))
    assert places(proposal)["columns.postcode"] == "X1"
    assert places(proposal)["columns.birth_date"] == "Veld 7"
    doubted = {one.column.header for one in proposal.placed if one.doubt[0]}
    assert doubted == {"X1", "Veld 7"}


def test_two_columns_that_could_both_be_the_amount_are_doubted(tmp_path: Path) -> None:
    rows = people()
    lines = [";".join([*HEADERS, "Saldo achterstand"])]
    lines += [";".join([*(one[what] for what in HEADERS.values()), one["amount"]]) for one in rows]
    file = tmp_path / "huur.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    amount = next(one for one in propose(file).placed if one.place == "amount.column")
    assert "andere kolom" in amount.doubt[0]


def test_whole_numbers_that_are_far_too_large_for_euros_are_asked_about(tmp_path: Path) -> None:
    file = listed(tmp_path / "huur.csv", HEADERS, amount="")
    text = file.read_text(encoding="utf-8").splitlines()
    cents = [line.replace(";;", f";{9000 + 137 * (at % 20)};") for at, line in enumerate(text)]
    file.write_text("\n".join([text[0], *cents[1:]]), encoding="utf-8")
    proposal = propose(file)
    assert proposal.document["amount"]["unit"] == "cent"
    assert any("cents" in english for _, english in proposal.questions)


def test_stand_ins_for_an_unknown_birth_date_are_found(tmp_path: Path) -> None:
    file = listed(tmp_path / "huur.csv", HEADERS)
    lines = file.read_text(encoding="utf-8").splitlines()
    for at in range(1, 9):
        cells = lines[at].split(";")
        cells[3] = "01-01-1970"
        lines[at] = ";".join(cells)
    file.write_text("\n".join(lines), encoding="utf-8")
    assert propose(file).document["unknown_birth_dates"] == [date(1970, 1, 1)]


def test_lines_above_the_header_and_the_date_in_them_are_found(tmp_path: Path) -> None:
    file = listed(tmp_path / "lijst.csv", HEADERS)
    file.write_text("Huurachterstanden;;\nPeildatum: 31-10-2026;;\n\n" + file.read_text(encoding="utf-8"), "utf-8")
    document = propose(file).document
    assert document["reference_date"] == {"label": "Peildatum:"}
    assert document["category"] == "rent"


def test_the_sheet_that_holds_the_list_is_named(tmp_path: Path) -> None:
    letter = [["Deze lijst komt uit het systeem."], ["Vragen? Bel ons."]]
    rows = [[one[what] for what in HEADERS.values()] for one in people()]
    file = tmp_path / "huur.xlsx"
    write_workbook(file, ("Toelichting", letter), ("Lijst", [list(HEADERS), *rows]))
    assert propose(file).document["file"] == {"format": "workbook", "sheet": "Lijst"}


def test_what_the_file_can_not_tell_is_asked_and_nothing_is_pushed_before(tmp_path: Path) -> None:
    proposal = propose(listed(tmp_path / "huur.csv", HEADERS))
    assert "recorded" not in proposal.document
    assert proposal.profile.push_obstacle is not None
    assert sum(english.startswith(("recorded", "social_collection")) for _, english in proposal.questions) == 2


def with_status(path: Path, header: str, states: tuple[str, ...]) -> Path:
    rows = [line.split(";") for line in listed(path, HEADERS).read_text(encoding="utf-8").splitlines()]
    cells = [header, *(states[at % len(states)] for at in range(len(rows) - 1))]
    path.write_text("\n".join(";".join((*row, cell)) for row, cell in zip(rows, cells, strict=True)) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("header", ["Status", "Betaalstatus", "Stand"])
def test_a_column_that_says_what_is_paid_changes_nothing_before_somebody_confirms_it(
    tmp_path: Path, header: str
) -> None:
    file = with_status(tmp_path / "huur_2026-10.csv", header, ("Open", "Betaald", "deels betaald", "Gesloten"))
    proposal = propose(file)
    assert any("settled" in question and "Betaald" in question for question, _ in proposal.questions)
    text = as_yaml(proposal, file.name, "nl")
    profile, (suggested,) = yaml.safe_load(text), [line for line in text.splitlines() if line.startswith("# settled:")]
    assert "settled" not in profile
    assert not check(read_export(file, proposal.profile), proposal.profile).settled
    confirmed = Profile.model_validate(yaml.safe_load(text.replace("# settled:", "settled:")))
    assert confirmed.settled is not None
    assert set(confirmed.settled.values) == {"Betaald", "Gesloten"}, suggested
    assert set(confirmed.settled.otherwise) == {"Open", "deels betaald"}
    assert len(check(read_export(file, confirmed), confirmed).settled) == 30


@pytest.mark.parametrize(
    ("header", "states"),
    [
        ("Status", ("Open", "deels betaald", "niet betaald")),
        ("Afspraak", ("Open", "Betaald")),
        ("Status", ("betaald", *(f"wacht op antwoord {at}" for at in range(20)))),
    ],
)
def test_no_other_column_is_taken_to_say_what_is_paid(tmp_path: Path, header: str, states: tuple[str, ...]) -> None:
    assert propose(with_status(tmp_path / "huur_2026-10.csv", header, states)).unconfirmed == {}


def test_a_list_without_an_amount_is_refused_and_says_what_is_missing(tmp_path: Path) -> None:
    headers = {name: what for name, what in HEADERS.items() if what != "amount"}
    with pytest.raises(UnreadableFile, match=r"amount\.column; columns found: 'Contractnr\.'"):
        propose(listed(tmp_path / "huur.csv", headers))


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7", b"zomaar een brief\nzonder lijst\n", b"<html></html>", b"{}", b"[1, 2"]
)
def test_what_is_no_list_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "iets.csv"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile):
        propose(file)


def test_a_list_without_a_header_shows_no_cell_of_it(tmp_path: Path) -> None:
    file = tmp_path / "huur.csv"
    file.write_text("\n".join(";".join(one.values()) for one in people()), encoding="utf-8")
    with pytest.raises(UnreadableFile, match="no row is recognised") as refused:
        propose(file)
    assert "Boer" not in str(refused.value)


def test_the_written_profile_is_the_proposed_one_and_holds_no_cell(tmp_path: Path) -> None:
    proposal = propose(listed(tmp_path / "huur.csv", HEADERS))
    for lang in LANGS:
        text = as_yaml(proposal, "huur.csv", lang)
        assert Profile.model_validate(yaml.safe_load(text)) == proposal.profile
        assert not any(value in text for one in people() for value in (one["id"], one["surname"], one["phone"]))


def test_the_command_writes_a_profile_once_and_says_what_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = listed(tmp_path / "huur.csv", HEADERS)
    done = CliRunner().invoke(app, ["profile", str(file), "--yes", "--lang", "en"])
    assert done.exit_code == 0, done.output
    assert "vroegsein creditor check" in done.output
    assert read_profile(tmp_path / "huur.yaml").columns.surname == ("Achternaam",)
    again = CliRunner().invoke(app, ["profile", str(file), "--yes"])
    assert again.exit_code == 2
