"""Spellings of one address are one class; different homes stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.identity import Contact
from privacy.normalise.additions import normalise_addition
from privacy.normalise.addresses import NOWHERE, normalise_address, normalise_street

ADDITIONS = st.sampled_from(("", "a", "c", "2", "3a", "hs", "bis", "rd", "zw", "a2"))


@given(st.text(max_size=25))
def test_an_addition_is_its_own_class(text: str) -> None:
    assert normalise_addition(normalise_addition(text)) == normalise_addition(text)


@given(st.text(max_size=40), st.text(max_size=10), st.text(max_size=10))
def test_any_text_can_be_read_as_an_address(address: str, number: str, addition: str) -> None:
    for contact in (Contact(address=address), Contact(street=address, house_number=number, addition=addition)):
        read = normalise_address(contact)
        assert read.number == "" or read.number[0] != "0"


@given(st.integers(1, 99999), ADDITIONS, st.sampled_from(("{0}{1}", "{0} {1}", "{0}-{1}", "{0}/{1}", "000{0} {1}")))
def test_number_and_addition_read_the_same_in_one_column_two_and_behind_the_street(
    number: int, addition: str, form: str
) -> None:
    if addition[:1].isdigit() and form == "{0}{1}":
        form = "{0} {1}"
    behind = form.format(number, addition.upper())
    expected = ("6789ca", str(number), addition, normalise_street("Kerkstraat"))
    assert normalise_address(Contact(address=f"Kerkstraat {behind}, 6789 ca")) == expected
    assert normalise_address(Contact(address=f"Kerkstr. {behind}", postcode="6789  CA")) == expected
    assert normalise_address(Contact(street="Kerkstraat", house_number=behind, postcode="6789CA")) == expected
    parts = Contact(street="Kerkstraat", house_number=f"0{number}", addition=f" {addition}", postcode="NL-6789CA")
    assert normalise_address(parts) == expected


@pytest.mark.parametrize(
    "spellings",
    [
        ("hs", "HS", "-hs", " hs", "huis", "HUIS", "bg", "beg. grond", "parterre", "begane grond", "beg.gr.", "bgg"),
        ("ahs", "A-hs", "A huis", "A bg"),
        ("bis", "BIS", "-bis", "bs", "Bs"),
        ("2", "II", "-2", " 2", "02", "2-hoog", "2hg", "2e etage", "2e verdieping", "kamer 2", "app. 2", "ii", "/2"),
        ("2", "2-h", "2e", "2e verd.", "II hoog", "k2", "k. 2", "kmr. 2", "ap 2", "appt. 2", "2e et."),
        ("to", "t/o", "T.O.", " t.o."),
        ("", "t/m 14", " tm 14", "t.e.m. 14"),
        ("bisa", "bis A", "bis-a", "bs A"),
        ("rd", "RD", "rood", "-rd"),
        ("zw", "zwart"),
        ("c", "C", "-C", "/c", " c "),
        ("a2", "A 2", "A-2", "a/02", "A-II", "AII", "A 2-hoog", "A2hoog"),
        ("", " ", "-", "."),
        ("a", "A c/o Bakker", "A t.a.v. de erven"),
    ],
)
def test_spellings_of_one_addition_are_one_class(spellings: tuple[str, ...]) -> None:
    assert {normalise_addition(spelling) for spelling in spellings} == {spellings[0]}


@pytest.mark.parametrize(
    ("one", "other"),
    [("a", "b"), ("1", "2"), ("hs", ""), ("a2", "2"), ("rd", "zw"), ("bis", "b"), ("h", "hs"), ("k", "2"), ("ai", "i")],
)
def test_different_additions_stay_apart(one: str, other: str) -> None:
    assert normalise_addition(one) != normalise_addition(other)


@pytest.mark.parametrize(
    "spellings",
    [
        ("Ds. Talmastraat", "Dominee Talmastraat", "ds Talmastr.", "Talmastraat", "DS. TALMASTRAAT"),
        ("Prinses Beatrixlaan", "Prinses Beatrixln", "Pr. Beatrixlaan", "Beatrixlaan"),
        ("Laan van Nieuw-Oosteinde", "Laan v. Nieuw Oosteinde", "Laan Nieuw Oosteinde", "LAAN VAN NIEUW-OOSTEINDE"),
        ("1e Weteringdwarsstraat", "Eerste Weteringdwarsstraat", "1ste Weteringdwarsstr.", "1e Weteringdwstr"),
        ("Oudezijds Achterburgwal", "Oude Zijds Achterburgwal", "O.Z. Achterburgwal"),
        ("Prof. mr. P.J. Oudlaan", "Professor Oudlaan", "Prof.Mr.P.J.Oudln"),
        ("Stationsplein", "Stationspln", "Stationspln."),
        ("Burgemeester Jansenstraat", "Burg. Jansenstr", "Burgemeester Janssenstraat"),
        ("IJsselkade", "Ysselkade", "IJsselkd"),
        ("'s-Gravenweg", "s Gravenwg", "s-Gravenweg"),
        ("Korte Nieuwstraat", "Korte Nieuwstr."),
        ("Mr. Troelstralaan", "Troelstraln", "Meester Troelstralaan"),
    ],
)
def test_spellings_of_one_street_are_one_class(spellings: tuple[str, ...]) -> None:
    assert {normalise_street(spelling) for spelling in spellings} == {normalise_street(spellings[0])}


@pytest.mark.parametrize(
    ("one", "other"), [("Kerkstraat", "Kerklaan"), ("Dorpsstraat", "Dorpsplein"), ("Prinsenweg", "Koningsweg")]
)
def test_different_streets_stay_apart(one: str, other: str) -> None:
    assert normalise_street(one) != normalise_street(other)


@pytest.mark.parametrize(
    ("address", "street", "number", "addition"),
    [
        ("Bjornsingel 37C, 6789ca", "Bjornsingel", "37", "c"),
        ("Leveringsweg 46F", "Leveringsweg", "46", "f"),
        ("Hugoweg 28-F", "Hugoweg", "28", "f"),
        ("Julianastraat 62/5", "Julianastraat", "62", "5"),
        ("Lisapad 60 2", "Lisapad", "60", "2"),
        ("Plein 1944 35, 6789CA", "Plein 1944", "35", ""),
        ("Plein 1944 19-E", "Plein 1944", "19", "e"),
        ("Laan 1940-1945 12", "Laan 1940-1945", "12", ""),
        ("1e Weteringdwarsstraat 8 2", "1e Weteringdwarsstraat", "8", "2"),
        ("Meidoornstraat 47hs", "Meidoornstraat", "47", "hs"),
        ("Victoriapad 54BIS, 6789 CA Ergens", "Victoriapad", "54", "bis"),
        ("Kerkstraat nr. 12 III-hoog", "Kerkstraat nr", "12", "3"),
        ("6789 CA, Kerkstraat 12", "Kerkstraat", "12", ""),
        ("Kerkstraat 12, Ergens", "Kerkstraat", "12", ""),
        ("Kerkstraat 12 Ergenshuizen", "Kerkstraat", "12", ""),
        ("Kerkstraat", "Kerkstraat", "", ""),
    ],
)
def test_an_address_in_one_column_is_taken_apart(address: str, street: str, number: str, addition: str) -> None:
    read = normalise_address(Contact(address=address))
    assert (read.street, read.number, read.addition) == (normalise_street(street), number, addition)
    assert read.postcode == ("6789ca" if "6789" in address else "")


def test_a_postcode_column_goes_before_what_looks_like_one_behind_the_street() -> None:
    read = normalise_address(Contact(address="Kerkstraat 1200 BG", postcode="6789 CA"))
    assert read[:3] == ("6789ca", "1200", "hs")


def test_the_digits_of_an_unfinished_postcode_are_kept() -> None:
    assert normalise_address(Contact(street="Kerkstraat", house_number="1", postcode="6789")).postcode == "6789"


def test_a_post_office_box_is_no_home() -> None:
    assert normalise_address(Contact(address="Postbus 12, 6789 CA")) == NOWHERE


def test_an_address_shows_itself_to_nobody() -> None:
    assert "kerk" not in repr(normalise_address(Contact(address="Kerkstraat 12"))).lower()
