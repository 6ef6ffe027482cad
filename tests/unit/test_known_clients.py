"""A desk's list of known clients as its own system exports it: who is read, who is left out and why."""

from datetime import date
from pathlib import Path

import pytest

from cli.demo import EXAMPLES
from client.decoding import UnreadableFile
from client.known_clients import ClientListProfile, read_client_list
from signals.documents import DocumentError, read_document

PROFILE = read_document(EXAMPLES / "known-clients.yaml", ClientListProfile)
HEAD = "Cliëntnummer;Naam;Geboortedatum;Adres;Postcode;Woonplaats;Telefoon;E-mail;Einddatum"
ON = date(2026, 11, 24)


def written(folder: Path, *lines: str) -> Path:
    file = folder / "export.csv"
    file.write_text("\n".join([HEAD, *lines, ""]), encoding="utf-8")
    return file


def test_the_example_is_read_with_last_days_and_without_whose_help_has_ended() -> None:
    found = read_client_list(EXAMPLES / "waterbeek" / "known-clients.csv", PROFILE, ON)
    assert (len(found.clients), found.ended, found.unread) == (5, 1, ())
    assert [client.until for client in found.clients] == [None, date(2027, 12, 31), None, None, None]
    assert found.clients[0].contact.birth_date == date(1973, 5, 7)


def test_each_line_that_can_not_be_used_is_told_with_its_reason(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "1;J. Bos;1980-01-01;Dorpsstraat 1;1111 AA;Dorp;;;",
        "2;J. Bos;;Dorpsstraat 1;1111 AA;Dorp;;;",
        "3;J. Bos;01-01-1900;Dorpsstraat 1;1111 AA;Dorp;;;",
        "4;J. Bos;1980-01-01;Dorpsstraat 1;1111 AA;Dorp;;;binnenkort",
        "5;J. Bos;1980-01-01;Dorpsstraat 1;1111 AA;Dorp;;;;te veel",
        "6;J. Bos;1980-01-01;Dorpsstraat 1;1111 AA;Dorp;;;24-11-2026",
        "7;J. Bos;1980-01-01;Dorpsstraat 1;1111 AA;Dorp;;;23-11-2026",
    )
    found = read_client_list(file, PROFILE, ON)
    assert (len(found.clients), found.ended) == (2, 1)
    assert found.unread == (
        (3, "unrecognisable"),
        (4, "unrecognisable"),
        (5, "unreadable_until"),
        (6, "unreadable_row"),
    )


def test_a_list_and_its_people_say_nothing_of_them_when_printed() -> None:
    found = read_client_list(EXAMPLES / "waterbeek" / "known-clients.csv", PROFILE, ON)
    assert "Kowalski" not in f"{found} {found.clients[0]}"


def test_a_file_without_the_columns_or_a_profile_without_a_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(UnreadableFile):
        read_client_list(file, PROFILE, ON)
    bad = tmp_path / "bad.yaml"
    bad.write_text("profile: x\nfile: {format: csv}\ncolumns: {reference: Nr, address: Adres}\n", encoding="utf-8")
    with pytest.raises(DocumentError, match="name"):
        read_document(bad, ClientListProfile)
