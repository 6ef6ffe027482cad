"""Spellings of one name are one class; different names stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.identity import Contact
from privacy.normalise.names import INFIXES, initial, normalise_name, surnames, whole_name
from privacy.normalise.sounds import sound
from privacy.normalise.text import plain

LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=14)
SURNAMES = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=12).filter(
    lambda word: not word.startswith(("van", "de", "te", "vd")) and word not in INFIXES
)


@given(LETTERS)
def test_a_sound_is_its_own_sound(word: str) -> None:
    assert sound(sound(word)) == sound(word)


@given(st.text(max_size=30))
def test_plain_text_is_ascii_and_its_own_plain_text(text: str) -> None:
    assert plain(text).isascii()
    assert plain(plain(text)) == plain(text)


@given(st.text(max_size=40), st.sampled_from(("given-first", "surname-first")))
def test_any_text_can_be_read_as_a_name(text: str, order: str) -> None:
    name = whole_name(text, order)
    assert all(part.isalpha() and part.isascii() for part in name.surnames)
    assert len(name.initial) <= 1
    assert text not in repr(name) or len(text) < 12


@given(SURNAMES, st.sampled_from(sorted(INFIXES)), st.sampled_from(("{0} {1}", "{1}, {0}", "{0}  {1}", "{0}. {1}")))
def test_infixes_count_for_nothing(surname: str, infix: str, form: str) -> None:
    assert surnames(form.format(infix, surname)) == surnames(surname)
    assert surnames(form.format(infix, surname).upper()) == surnames(surname)


@pytest.mark.parametrize(
    "spellings",
    [
        ("de Jong", "Jong, de", "DE JONG", "deJong", "d eJong", "deJ ong", "Jong", "de  Jong", "DEJONG"),
        (
            "van der Meer",
            "v.d. Meer",
            "v/d Meer",
            "vd Meer",
            "Meer, van der",
            "van de rMeer",
            "Vandermeer",
            "VanderMeer",
        ),
        ("van Beek", "vn Beek", "v. Beek", "va nBeek", "VAN BEEK"),
        ("van 't Hof", "van ’t Hof", "van t Hof", "Hof, van 't", "v.'t Hof"),
        ("Meijer", "Meyer", "Meier", "MEIJER", "Meĳer"),
        ("IJzerman", "Yzerman", "Ijzerman", "ĲZERMAN"),
        ("Yılmaz", "Yilmaz", "YILMAZ", "YıLMAZ", "Y?lmaz", "Yýlmaz", "YÄ±lmaz"),
        ("Müller", "Muller", "Mueller", "MÃ¼ller", "MÜLLER", "Mu\u0308ller"),
        ("Şahin", "Sahin", "ŞAHİN", "Åžahin"),
        ("Erdoğan", "Erdogan", "ERDOĞAN"),
        ("Sørensen", "Sorensen", "SØRENSEN"),
        ("Wałęsa", "Walesa", "Walęsa"),
        ("Janssen", "Jansen", "JANSSEN"),
        ("Smit", "Smith", "Smid", "Smidt"),
        ("Hernández", "Hernandez", "HERNANDEZ"),
        ("Cornelissen", "Kornelissen", "Cornelisen"),
        ("Bosch", "Bos"),
        ("El Amrani", "Amrani, El", "el-Amrani", "EL AMRANI", "Elamrani", "ElAmrani"),
        ("Al-Hassani", "Al Hassani", "Alhassani", "Hassani, Al-", "AL- HASSANI"),
        ("Ben Ali", "Benali", "BEN ALI", "Ben-Ali"),
        ("'t Hart", "t Hart", "' t Hart", "Hart, 't"),
        ("l'Ami", "L'AMI", "Ami, l'", "l' Ami"),
        ("uit den Bogaard", "u. den Bogaard", "UIT DEN BOGAARD", "Bogaard, uit den"),
        ("van het Kaar", "v/h Kaar", "Kaar, v.h."),
    ],
)
def test_spellings_of_one_surname_are_one_class(spellings: tuple[str, ...]) -> None:
    assert {surnames(spelling) for spelling in spellings} == {surnames(spellings[0])}
    assert len(surnames(spellings[0])) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("Bakker", "Dekker"), ("de Jong", "de Jager"), ("Smit", "Smits"), ("Peters", "Pieterse"), ("Kaya", "Kok")],
)
def test_different_surnames_stay_apart(one: str, other: str) -> None:
    assert surnames(one) != surnames(other)


@pytest.mark.parametrize(
    "text",
    [
        "Jansen-de Vries",
        "de Vries-Jansen",
        "Jansen - de Vries",
        "Jansen e/v de Vries",
        "de Vries geb. Jansen",
        "Jansen (de Vries)",
        "JANSEN-DE VRIES",
    ],
)
def test_a_partners_name_in_either_order_gives_both_surnames(text: str) -> None:
    assert set(surnames(text)) == {*surnames("Jansen"), *surnames("de Vries")}


@pytest.mark.parametrize(
    ("contact", "surname", "first"),
    [
        (Contact(name="K. v.d. Meer"), "van der Meer", "K"),
        (Contact(name="Dhr. M.S. Smit"), "Smit", "M"),
        (Contact(name="Mevr. Fam. de Boer"), "de Boer", ""),
        (Contact(name="Mw. J.D. Jansen"), "Jansen", "J"),
        (Contact(name="LDE van der Heijden"), "van der Heijden", "L"),
        (Contact(name="MR de Vries"), "de Vries", "M"),
        (Contact(name="Mr. P. de Vries"), "de Vries", "P"),
        (Contact(name="S. d eJong"), "de Jong", "S"),
        (Contact(name="J deV ries"), "de Vries", "J"),
        (Contact(name="Mare v.d. Berg"), "van den Berg", "M"),
        (Contact(name="de Vries"), "de Vries", ""),
        (Contact(name="Jong, de, J."), "de Jong", "J"),
        (Contact(name="Jong, J. de"), "de Jong", "J"),
        (Contact(name="Jong, de"), "de Jong", ""),
        (Contact(name="Jong, D"), "de Jong", "D"),
        (Contact(name="de Vries J.P."), "de Vries", "J"),
        (Contact(name="DE GRAAF Y", name_order="surname-first"), "de Graaf", "Y"),
        (Contact(name="VAN DEN BRINK ADG", name_order="surname-first"), "van den Brink", "A"),
        (Contact(name="VAN BOVEN J", name_order="surname-first"), "van Boven", "J"),
        (Contact(name="VRIES J DE", name_order="surname-first"), "de Vries", "J"),
        (Contact(name="BERG VAN DEN T", name_order="surname-first"), "van den Berg", "T"),
        (Contact(name="HOF VAN T JPM", name_order="surname-first"), "van 't Hof", "J"),
        (Contact(name="HOF J VAN 'T", name_order="surname-first"), "van 't Hof", "J"),
        (Contact(surname="Berg van den", initials="T."), "van den Berg", "T"),
        (Contact(surname="Berg van den-de Jong", initials="T."), "van den Berg-de Jong", "T"),
        (Contact(name="BAKKER DE", name_order="surname-first"), "Bakker", "D"),
        (Contact(name="GOYAERTS VAN WADERLE AM", name_order="surname-first"), "Goyaerts van Waderle", "A"),
        (Contact(name="ALI MR", name_order="surname-first"), "Ali", "M"),
        (Contact(name="VAN DIJK", name_order="surname-first"), "van Dijk", ""),
        (Contact(surname="Jong, de", initials="S.A."), "de Jong", "S"),
        (Contact(surname="Meer", prefix="van der", initials="ZRN"), "van der Meer", "Z"),
        (Contact(surname="Dijkstra", initials="D.S."), "Dijkstra", "D"),
        (Contact(surname="Ali", initials="I.N.G."), "Ali", "I"),
        (Contact(surname="Noël", first_name="Zoë"), "Noel", "Z"),
        (Contact(surname="Blom", first_name="Mirte", initials="ML"), "Blom", "M"),
        (Contact(surname="Jansen, P."), "Jansen", "P"),
        (Contact(name="De heer J.A. de Vries"), "de Vries", "J"),
        (Contact(name="de heer en mevrouw K. Smit"), "Smit", "K"),
        (Contact(name="De heer ir. Ruben aan de Stegge"), "aan de Stegge", "R"),
        (Contact(name="Familie T. Ypma"), "Ypma", "T"),
        (Contact(name="Mevr. dr. A. Post"), "Post", "A"),
        (Contact(name="Lampe, L E", name_order="surname-first"), "Lampe", "L"),
        (Contact(name="Jong, de, J A", name_order="surname-first"), "de Jong", "J"),
        (Contact(name="Maria op 't Land"), "op 't Land", "M"),
        (Contact(name="LAND M OP HET", name_order="surname-first"), "op het Land", "M"),
        (Contact(name="LAND M OP'T", name_order="surname-first"), "op 't Land", "M"),
        (Contact(name="KHATTABI N EL", name_order="surname-first"), "El Khattabi", "N"),
        (Contact(name="MOUSSA I BEN", name_order="surname-first"), "Ben Moussa", "I"),
        (Contact(name="STEGGE RA A.D.", name_order="surname-first"), "aan de Stegge", "R"),
        (Contact(name="BERG AAJ V. DEN", name_order="surname-first"), "van den Berg", "A"),
        (Contact(name="KAAR HA V/H", name_order="surname-first"), "van het Kaar", "H"),
        (Contact(name="HONT SH D'", name_order="surname-first"), "d' Hont", "S"),
        (Contact(name="HASSANI KHN AL-", name_order="surname-first"), "Al-Hassani", "K"),
        (Contact(name="AMI MW L'", name_order="surname-first"), "l'Ami", "M"),
        (Contact(name="VISSER J P", name_order="surname-first"), "Visser", "J"),
        (Contact(name="DE GRAAF AL", name_order="surname-first"), "de Graaf", "A"),
        (Contact(name="VAN DEN BERG EL", name_order="surname-first"), "van den Berg", "E"),
        (Contact(name="J. de Vries h/o Klusbedrijf Snel"), "de Vries", "J"),
        (Contact(name="Kapsalon t.a.v. J. de Vries"), "de Vries", "J"),
        (Contact(name="Bakkerij de Vries"), "de Vries", ""),
        (Contact(name="P. Bloemen"), "Bloemen", "P"),
        (Contact(name="B.V. de Vries"), "de Vries", "B"),
    ],
)
def test_names_are_read_whole_and_in_parts(contact: Contact, surname: str, first: str) -> None:
    assert normalise_name(contact) == (surnames(surname), initial(first))


def test_a_surname_behind_several_first_names_is_among_those_read() -> None:
    assert surnames("Dijk")[0] in whole_name("Anna Maria van Dijk", "given-first").surnames
    assert surnames("Goyaerts van Waderle")[0] in whole_name("Jan Goyaerts van Waderle", "given-first").surnames


@pytest.mark.parametrize(
    "spellings",
    [("J.", "J", "JPM", "j.p.", "Jan", "Jan Piet"), ("Cees", "Kees", "C."), ("IJsbrand", "Ysbrand", "IJ.", "I")],
)
def test_initials_and_first_names_are_one_class(spellings: tuple[str, ...]) -> None:
    assert len({initial(spelling) for spelling in spellings}) == 1


def test_a_name_shows_itself_to_nobody() -> None:
    assert "jansen" not in repr(whole_name("P. Jansen", "given-first")).lower()
