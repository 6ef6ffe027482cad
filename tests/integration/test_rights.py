"""What a resident may ask: all that is held, from whom, who looked; erasure; a report that is said to be wrong."""

import io
import json
import re
import stat
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest
from typer.testing import CliRunner

from cli.desk import app as desk_app
from client import desk_basis, desk_pilot, desk_rights, rekeying
from client.checking import SendableRow
from client.desk_rights import Held
from client.home import Party
from client.known_clients import PURPOSE, Client, push_clients
from client.log_reading import read_log
from client.resident_answer import answer_of
from client.resident_letter import as_page, letter_of
from client.service import ServiceRefused
from privacy.identity import Contact
from signals.pilot import Role
from signals.report import Category
from signals.rights import ErasureGround, IdentityCheck, StatedFact
from tests.conftest import Database
from tests.world import PILOTS, World, make_row, small_world

HEALTH: dict[str, Any] = {"category": Category.HEALTH_INSURANCE}
POWER: dict[str, Any] = {"category": Category.ENERGY}
SEPTEMBER: dict[str, Any] = {"reported_on": date(2026, 9, 30), "arrears_since": date(2026, 8, 1)}
NEXT: dict[str, Any] = {"reported_on": date(2026, 11, 30), "arrears_since": date(2026, 10, 1)}
MakeRow = Callable[..., SendableRow]
SHOWN = IdentityCheck.DOCUMENT_SHOWN


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        yield world


_living = iter(range(10, 999))


@pytest.fixture
def her() -> dict[str, Any]:
    """A resident whom no other test knows."""
    number = next(_living)
    return {
        "surname": f"Aksoy{'abcdefghij'[number % 10]}{'klmnopqrst'[number // 10 % 10]}",
        "initials": "E.A.",
        "house_number": str(number),
        "phone": f"06{11_111_000 + number}",
        "birth_date": date(1990, 5, 13) + timedelta(days=number),
    }


@pytest.fixture
def row(her: dict[str, Any]) -> MakeRow:
    """Makes rows of contracts that no other test knows; a report is known by its contract and month."""
    return lambda contract, *rest, **details: make_row(f"{contract} of {her['phone']}", *rest, **details)


def older(her: dict[str, Any]) -> dict[str, Any]:
    return {"birth_date": her["birth_date"] - timedelta(days=5_000)}


def contract_of(details: Any) -> str:
    return str(details["contract"]).partition(" of ")[0]


def contact(details: dict[str, Any]) -> Contact:
    return make_row("x", **details).contacts[0]


def look_up(world: World, who: dict[str, Any], pilot: str = "aland", purpose: str = "answer-resident") -> Held:
    with world.desk(pilot, purpose, Role.PRIVACY_OFFICER) as service:
        home, document = world.home(PILOTS[pilot]), world.documents[pilot]
        return desk_rights.look_up(home, service, document, contact(who), SHOWN)


def answer(world: World, who: dict[str, Any], pilot: str = "aland") -> dict[str, Any]:
    held = look_up(world, who, pilot)
    return answer_of(held, world.documents[pilot], held.sure())


def erase(world: World, who: dict[str, Any], pilot: str = "aland") -> dict[str, Any]:
    held = look_up(world, who, pilot)
    with world.desk(pilot, "correct-resident", Role.PRIVACY_OFFICER) as service:
        home, document = world.home(PILOTS[pilot]), world.documents[pilot]
        return desk_rights.erase(home, service, document, held, held.sure(), ErasureGround.UNLAWFUL)


def letter(found: dict[str, Any]) -> str:
    """The letter's words, on one line."""
    return " ".join(re.sub("<[^>]*>", " ", as_page(letter_of(found))).replace("\xa0", " ").split())


def test_the_answer_tells_what_is_held_from_whom_since_when_on_which_basis_and_why(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    world.push("housing", "aland", [row("home", **her, amount_cents=156_600, months=3)])
    world.push("health", "aland", [row("care", **her, **HEALTH)])
    found = answer(world, her)
    assert {(one["creditor"], one["category"]) for one in found["reports"]} == {
        ("housing", "rent"),
        ("health", "health_insurance"),
    }
    rent = next(one for one in found["reports"] if one["category"] == "rent")
    assert rent["basis"] == {"basis": "statutory", "source": "Bgs art. 2", "evidence": "offer_not_refused"}
    assert (rent["details"]["amount_cents"], rent["details"]["contract"]) == (156_600, f"home of {her['phone']}")
    assert rent["keptUntil"] == "2027-10-31"
    text = letter(found)
    for words in (
        "€ 1.566,00",
        "3 maanden",
        "Huur: De wet zegt",
        f"achternaam {her['surname']}",
        "stuurde een herinnering op",
        "Signaal van oktober 2026: Twee schuldeisers melden in oktober 2026 een achterstand: huur en zorgverzekering",
        "meer dan één schuldeiser in dezelfde maand",
        "tot en met 31 oktober 2027",
        "Autoriteit Persoonsgegevens",
    ):
        assert words in text, words


def test_the_answer_tells_who_looked_when_and_for_what_by_function(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    world.push("housing", "aland", [row("home", **her)])
    with world.desk("aland", "offer-help") as service:
        page = service.post("/signals/_search", {"pilotId": "aland", "limit": 200})["signals"]
        household = look_up(world, her).found[0].row["reportId"]
        mine = next(s for s in page if household in str(s["explanation"]))
        service.get(f"/signals/{mine['signalId']}", pilotId="aland")
    looks = answer(world, her)["looks"]
    assert [(look["role"], look["purpose"], look["level"]) for look in looks] == [
        ("debt-help", "offer-help", "contact"),  # the page, then the one, around an answer
        ("privacy-officer", "answer-resident", "contact"),
        ("debt-help", "offer-help", "contact"),
        ("privacy-officer", "answer-resident", "contact"),  # this very answer
    ]
    assert set(looks[0]) == {"at", "organisation", "role", "purpose", "purposeWords", "basis", "level"}  # no actor
    assert "medewerker schuldhulp, town-a" in letter(answer(world, her))


def test_a_look_at_the_household_under_an_earlier_name_is_found(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    world.push("housing", "aland", [row("home", **her)])
    world.signals("aland")
    before = world.rows("SELECT household_id FROM signals.report WHERE state = 'live'")
    world.push("health", "aland", [row("care", **her, **HEALTH, **SEPTEMBER)], "2026-09")
    assert world.rows("SELECT household_id FROM signals.report WHERE state = 'live'") != before
    assert "worklist" in {look["purpose"] for look in answer(world, her)["looks"]}


def test_a_look_at_somebody_else_is_not_told(world: World, her: dict[str, Any], row: MakeRow) -> None:
    world.push("housing", "aland", [row("home", **her)])
    other = her | {"surname": "Zeldenrust", "initials": "Q.", "house_number": "2001", "phone": "0687654321"}
    world.push("housing", "aland", [row("other", **other)])
    answer(world, other)
    assert [look["purpose"] for look in answer(world, her)["looks"]] == ["answer-resident"]


OTHERS: dict[str, dict[str, Any]] = {  # to whom the keys may lead: at her address, or of her name, or both
    "same address": {"surname": "Zeldenrust", "initials": "Q.", "phone": "", "birth_date": date(1960, 2, 2)},
    "father": {"birth_date": date(1961, 12, 24), "phone": ""},
    "daughter with her telephone": {"birth_date": date(2001, 12, 24)},
    "twin": {"initials": "E.B."},
    "twin with another name": {"initials": "", "first_name": "Evert"},
    "without birth date": {"birth_date": None, "phone": ""},
    "namesake elsewhere": {"house_number": "3001", "phone": ""},
}


def test_what_may_be_somebody_elses_is_not_in_the_answer_unless_a_person_says_so(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    her = her | {"initials": "E.A.", "first_name": "Elif"}
    rows = [row(name, **her | changed, amount_cents=98_765) for name, changed in OTHERS.items()]
    world.push("housing", "aland", [row("hers", **her), *rows])
    held = look_up(world, her)
    found = answer_of(held, world.documents["aland"], held.sure())
    assert [contract_of(one["details"]) for one in found["reports"]] == ["hers"]
    assert not [name for name in OTHERS if name in json.dumps(found)]
    assert "987" not in letter(found)
    doubtful = {contract_of(one.details): one.id for one in held.doubtful() if one.details}
    assert doubtful.keys() == OTHERS.keys() - {"same address"}
    agreed = answer_of(held, world.documents["aland"], held.sure() | {doubtful["without birth date"]})
    assert {contract_of(one["details"]) for one in agreed["reports"]} == {"hers", "without birth date"}


def test_of_a_signal_of_the_household_what_others_owe_is_left_out(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    partner = her | {"surname": "Zeldenrust", "initials": "Q.", "phone": ""} | older(her)
    world.push("housing", "aland", [row("home", **her)])
    world.push("health", "aland", [row("partners", **partner, **HEALTH, amount_cents=777_700)])
    ((reports,),) = world.rows(
        "SELECT reports FROM signals.signal_facts WHERE amount_euros = 345 + 7777 AND pilot_id = 'aland'"
    )
    assert len(reports) == 2
    found = answer(world, her)
    (signal,) = found["signals"]
    assert (signal["ofHousehold"], signal["explanation"], len(signal["judged"])) == (True, None, 1)
    text = letter(found)
    assert "Over iemand anders vertellen wij u niets" in text
    for secret in ("7.777", "8.122", "zorgverzekering", "Zeldenrust", "meer dan één schuldeiser"):
        assert secret not in text


def test_a_signal_that_looks_back_at_anothers_report_tells_nothing_of_it(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    partner = her | {"surname": "Zeldenrust", "initials": "Q.", "phone": ""} | older(her)
    world.push("health", "aland", [row("partners", **partner, **HEALTH, **SEPTEMBER)], "2026-09")
    world.push("housing", "aland", [row("home", **her, months=2)])
    (signal,) = answer(world, her)["signals"]
    assert signal["ofHousehold"]
    alone = her | {"house_number": "4001", "phone": "0655512345", "initials": "V."} | older(her)
    world.push("health", "aland", [row("own", **alone, **HEALTH, **SEPTEMBER)], "2026-09")
    world.push("housing", "aland", [row("own home", **alone, months=2)])
    assert [signal["ofHousehold"] for signal in answer(world, alone)["signals"]] == [False, False]


def test_reports_that_are_paused_are_told_too(world: World, her: dict[str, Any], row: MakeRow) -> None:
    world.push("housing", "aland", [row("home", **her)])
    world.object("aland", contact(her))
    found = answer(world, her)
    assert [one["state"] for one in found["reports"]] == ["paused"]
    assert [(one["kind"], one["state"]) for one in found["objections"]] == [("objection", "pending")]
    assert "Wij moeten daar nog over beslissen" in letter(found)


def test_a_consent_is_told_with_its_notice_and_until_when(world: World, her: dict[str, Any], row: MakeRow) -> None:
    world.consent("bland", contact(her))
    world.push("power", "bland", [row("power", **her, **POWER)])
    found = answer(world, her, "bland")
    assert [consent["notice"] for consent in found["consents"]] == ["notice-1"]
    text = letter(found)
    assert "Op 1 januari 2026 gaf u toestemming voor het melden van energie (uitleg notice-1)." in text
    assert "Dit is een proef die in een regeling staat (Wgs art. 10, regulation art. 1). Het mag alleen met uw" in text


def test_who_is_on_the_knock_out_list_is_told_so_and_an_erasure_takes_the_entry_too(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    until = desk_basis.today() + timedelta(days=90)
    with world.desk("aland", PURPOSE) as service:
        clients = [Client(contact(her), until)]
        push_clients(world.home("town-a"), service, world.documents["aland"], clients, replace=False)
    told = answer(world, her)
    assert [one["until"] for one in told["knownClients"]] == [until.isoformat()]
    assert "lijst van inwoners die al schuldhulp krijgen" in letter(told)
    assert answer(world, {**her, **older(her)})["knownClients"] == []
    erase(world, her)
    assert answer(world, her)["knownClients"] == []


def test_when_nothing_is_held_the_letter_says_so(world: World, her: dict[str, Any], row: MakeRow) -> None:
    text = letter(answer(world, her))
    assert "Wij hebben nu geen meldingen over u." in text
    assert "Meldingen wissen wij na 365 dagen. Dat deden wij voor het laatst op" in text


def test_the_event_names_reports_and_how_identity_was_checked_and_no_key(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    world.push("housing", "aland", [row("home", **her)])
    held = look_up(world, her)
    ((body,),) = world.rows("""
        SELECT body FROM privacy.event WHERE kind = 'access' AND body #>> '{asks,ask}' = 'resident'
        ORDER BY at DESC LIMIT 1
    """)
    assert body["asks"]["identity"] == "document_shown"
    assert body["asks"]["reports"] == [str(held.found[0].id)]
    keys = world.rows("SELECT key FROM signals.report_key WHERE report_id = %(r)s", r=held.found[0].id)
    log = str(world.rows("SELECT body::text FROM privacy.event")) + str(
        world.rows("SELECT asks FROM privacy.event, LATERAL (SELECT body -> 'asks' AS asks) a")
    )
    assert len(keys) == 12
    assert not [key for (key,) in keys if str(key) in log or key.hex in log]
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        assert read_log(world.home("town-a"), service, world.documents["aland"]).not_asked_for == ()


def test_without_a_purpose_that_discloses_it_or_a_checked_identity_nothing_is_told(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    world.push("housing", "aland", [row("home", **her)])
    with pytest.raises(ServiceRefused) as refused:
        look_up(world, her, purpose="audit")
    assert (refused.value.status, refused.value.kind) == (403, "look-refused")
    assert world.rows(
        "SELECT body ->> 'refused' FROM privacy.event WHERE kind = 'refusal' ORDER BY at DESC LIMIT 1"
    ) == [("purpose-discloses-less",)]
    keys = desk_basis.keys_of(world.home("town-a"), world.documents["aland"], contact(her)).model_dump(by_alias=True)
    with world.desk("aland", "answer-resident", Role.PRIVACY_OFFICER) as service:
        for identity in ({}, {"identity": None}, {"identity": "by telephone"}):
            with pytest.raises(ServiceRefused) as refused:
                service.post("/residents/_search", {"pilotId": "aland", "keys": keys, **identity})
            assert refused.value.status == 400
    with world.desk("aland", "offer-help") as service, pytest.raises(ServiceRefused) as refused:
        service.post("/residents/_search", {"pilotId": "aland", "keys": keys, "identity": "digid"})
    assert (refused.value.status, refused.value.kind) == (403, "scope-missing")


def test_another_municipality_finds_nothing_and_can_not_tell(world: World, her: dict[str, Any], row: MakeRow) -> None:
    world.push("housing", "aland", [row("home", **her)])
    keys = desk_basis.keys_of(world.home("town-a"), world.documents["aland"], contact(her)).model_dump(by_alias=True)
    said = []
    with world.desk("bland", "answer-resident", Role.PRIVACY_OFFICER) as service:
        for pilot in ("aland", "nowhere"):
            with pytest.raises(ServiceRefused) as refused:
                service.post("/residents/_search", {"pilotId": pilot, "keys": keys, "identity": "digid"})
            said.append({**refused.value.problem, "instance": None})
        held = service.post("/residents/_search", {"pilotId": "bland", "keys": keys, "identity": "digid"})
    assert said[0] == said[1]
    assert not any(held[what] for what in ("reports", "signals", "consents", "objections", "looks"))


def test_an_erasure_takes_all_and_next_months_stay_out_and_the_answer_says_so(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    world.consent("bland", contact(her))
    world.push("power", "bland", [row("power", **her, **POWER)])
    world.push("housing", "bland", [row("home", **her), row("his", "Bloem", house_number="5001")])
    theirs = [one["reportId"] for one in answer(world, her, "bland")["reports"]]
    assert len(theirs) == 2
    assert erase(world, her, "bland")["outcome"] == "erased"
    for table in ("report", "report_key", "sealed_report", "link_change"):
        assert not world.rows(f"SELECT FROM signals.{table} WHERE report_id::text = ANY (%(r)s)", r=theirs)
    assert not world.rows("SELECT FROM signals.signal_facts WHERE reports::text[] && %(r)s", r=theirs)
    receipt = world.push("housing", "bland", [row("home", **her, **NEXT)], "2026-11")
    assert receipt.accepted == 1
    held = look_up(world, her, "bland")
    assert [(one.kind, one.row["kind"], one.details) for one in held.found] == [("objection", "erasure", None)]
    text = letter(answer_of(held, world.documents["bland"], {held.found[0].id}))
    assert "Wij hebben nu geen meldingen over u." in text
    assert "Wij hebben uw gegevens gewist (alle meldingen). De meldingen zijn gewist." in text
    assert world.rows("SELECT count(*) FROM signals.report WHERE pilot_id = 'bland' AND state = 'live'")[0][0] >= 1
    with world.desk("bland", "audit", Role.PRIVACY_OFFICER) as service:
        log = read_log(world.home("town-b"), service, world.documents["bland"])
    told = [event["body"] for event in log.events if event["kind"] == "basis-erasure"]
    assert [(body["outcome"], body["ground"]) for body in told] == [("erased", "unlawful")]
    assert log.not_asked_for == ()


def test_an_erasure_spares_the_twin_now_and_next_month(world: World, her: dict[str, Any], row: MakeRow) -> None:
    twin = her | {"initials": "E.B."}
    world.push("housing", "aland", [row("hers", **her), row("twins", **twin)])
    erase(world, her)
    assert [contract_of(one["details"]) for one in answer(world, twin)["reports"]] == ["twins"]
    world.push("housing", "aland", [row("hers", **her, **NEXT), row("twins", **twin, **NEXT)], "2026-11")
    assert {one["period"] for one in answer(world, twin)["reports"]} == {"2026-10", "2026-11"}
    assert answer(world, her)["reports"] == []


def test_an_erasure_unseals_nothing_more_of_what_the_resident_said(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    world.push("housing", "aland", [row("home", **her)])
    objection = world.object("aland", contact(her))
    erase(world, her)
    assert world.rows("SELECT state, sealed FROM privacy.objection WHERE objection_id = %(o)s", o=objection) == [
        ("stands", None)
    ]
    assert world.decide("aland", objection, "dismissed") == "no such objection"
    assert not answer(world, her)["reports"]


def test_a_report_that_is_said_to_be_wrong_is_not_used_until_somebody_decides(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    world.push("housing", "aland", [row("home", **her), row("garage", **her)])
    held = look_up(world, her)
    report = next(one.id for one in held.found if one.details and contract_of(one.details) == "home")
    with world.desk("aland", "correct-resident", Role.PRIVACY_OFFICER) as service:
        done = desk_rights.dispute(service, world.documents["aland"], held, report, [StatedFact.AMOUNT])
        assert done["outcome"] == "paused"
        gone = desk_rights.dispute(service, world.documents["aland"], held, uuid.uuid4(), [StatedFact.AMOUNT])
        assert gone["outcome"] == "no such report"

    def states() -> dict[str, str]:
        return {contract_of(one["details"]): one["state"] for one in answer(world, her)["reports"]}

    assert states() == {"home": "paused", "garage": "live"}
    world.push("housing", "aland", [row("home", **her, amount_cents=12_300), row("garage", **her)])
    assert states() == {
        "home": "paused",
        "garage": "live",
    }  # the creditor put it right; a person says whether that is so
    assert world.decide("aland", uuid.UUID(done["changeId"]), "dismissed") == "dismissed"
    assert states() == {"home": "live", "garage": "live"}
    corrected = [one["details"]["amount_cents"] for one in answer(world, her)["reports"]]
    assert sorted(corrected) == [12_300, 34_550]


def run(arguments: list[str], told: str) -> tuple[int, str]:
    done = CliRunner().invoke(desk_app, arguments, input=told)
    return done.exit_code, done.output


def test_the_command_shows_all_before_it_writes_and_writes_for_its_owner_alone(
    world: World, her: dict[str, Any], row: MakeRow, tmp_path: Path
) -> None:
    world.push("housing", "aland", [row("home", **her), row("twins", **her | {"initials": "E.B."})])
    who = json.dumps(contact(her).as_json())
    home = world.home("town-a")
    party = Party(name="Town A", address="Dorpsplein 1", contact="privacy@town-a.example", stored_in="NL")
    home.save(home.settings.model_copy(update={"municipality": party}))
    desk = ["--pilot", "aland", "--home", str(home.path), "--user", "officer"]
    assert run(["resident", *desk], who)[0] == 2  # how was it checked?
    code, seen = run(["resident", "--identity", "digid", *desk], who)
    assert code == 1
    assert "€ 345,50" in seen.replace("\xa0", " ")
    assert "E.B." in seen
    code, _said = run(["resident", "--identity", "digid", "--to", str(tmp_path / "to"), *desk], who)
    assert code == 0
    files = {file.suffix: file for file in (tmp_path / "to").iterdir()}
    assert set(files) == {".pdf", ".html", ".json"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
    assert not [file for file in files.values() if her["surname"].lower() in file.name.lower()]
    data = json.loads(files[".json"].read_bytes())
    assert [contract_of(one["details"]) for one in data["reports"]] == ["home"]
    paper = pypdf.PdfReader(io.BytesIO(files[".pdf"].read_bytes()))
    text = " ".join("\n".join(page.extract_text() for page in paper.pages).replace("\xa0", " ").split())
    page = files[".html"].read_text(encoding="utf-8").replace("\xa0", " ")
    for words in ("€ 345,50", "Wie er keek", "privacy@town-a.example", her["surname"]):
        assert words in text
        assert words in page
    assert "E.B." not in text + page + json.dumps(data)


def test_the_commands_erase_and_pause_and_the_letters_say_what_stays(
    world: World, her: dict[str, Any], row: MakeRow, tmp_path: Path
) -> None:
    world.push("housing", "aland", [row("home", **her)])
    who = json.dumps(contact(her).as_json())
    desk = ["--pilot", "aland", "--home", str(world.home("town-a").path), "--user", "officer", "--identity", "digid"]
    report = answer(world, her)["reports"][0]["reportId"]
    wrong = ["resident", "rectify", report, "--wrong", "amount", "--to", str(tmp_path / "wrong"), *desk]
    code, said = run(wrong, who)
    assert (code, "objection decide" in said) == (0, True)
    assert run(["resident", "erase", "--ground", "unlawful", *desk], who)[0] == 1  # not seen yet
    assert answer(world, her)["reports"]
    code, _said = run(["resident", "erase", "--ground", "unlawful", "--to", str(tmp_path / "gone"), *desk], who)
    assert code == 0
    assert answer(world, her)["reports"] == []
    (page,) = (tmp_path / "wrong").glob("*.html")
    assert "gebruiken wij de meldingen van dit contract niet (AVG artikel 18)" in page.read_text(encoding="utf-8")
    (page,) = (tmp_path / "gone").glob("*.html")
    assert "Dit blijft, en daarom" in page.read_text(encoding="utf-8")


def test_a_report_that_is_said_to_be_wrong_waits_under_a_new_pilot_key_and_no_other_does(
    world: World, her: dict[str, Any], row: MakeRow
) -> None:
    world.push("housing", "aland", [row("home", **her), row("garage", **her)])
    held = look_up(world, her)
    report = next(one.id for one in held.found if one.details and contract_of(one.details) == "home")
    with world.desk("aland", "correct-resident", Role.PRIVACY_OFFICER) as service:
        desk_rights.dispute(service, world.documents["aland"], held, report, [StatedFact.AMOUNT])
    home = world.home(PILOTS["aland"])
    with world.desk("aland", "rekey") as service:
        world.documents["aland"] = rekeying.begin_epoch(home, service, desk_pilot.own_document(home, service, "aland"))
        assert rekeying.rekey(home, service, world.documents["aland"], shut_out=False).outcome == "re-keyed"
    amended = [row(contract, **her, amount_cents=12_300) for contract in ("home", "garage")]
    assert world.push("housing", "aland", amended).accepted == 2
    states = {contract_of(one["details"]): one["state"] for one in answer(world, her)["reports"]}
    assert states == {"home": "paused", "garage": "live"}
