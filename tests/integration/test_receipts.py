"""A creditor's proof that it reported: receipts, the proof of one report, what is kept for it and for how long."""

import io
import json
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pypdf
import pytest
from typer.testing import CliRunner, Result

from app.log_sealing import seal_waiting
from cli import creditor
from cli.main import build
from client import delivering
from client.checking import SendableRow
from client.delivering import DeliveryDisturbed, Receipt, deliver
from client.home import Home
from client.log_watch import follow_log
from client.proving import NothingToProve, Place, check_receipts, prove_report
from client.receipts import KeptDelivery, clear_kept, keeping, kept_deliveries
from client.service import Service, ServiceRefused, ServiceUnreachable
from client.trust import join
from privacy.report_proof import Proven, ReportProof, verify_proof
from privacy.signing import NotSigned, new_signing_key, sign
from signals.days import AMSTERDAM
from signals.pilot import Role
from signals.report import Category
from tests.conftest import Database
from tests.world import World, checked_of, make_row, small_world

HER: dict[str, Any] = {"surname": "Yıldız-van 't Hof", "initials": "N.", "amount_cents": 34_567, "months": 2}
OTHERS = [make_row(f"c{n}", house_number=str(n), phone=f"061234567{n}") for n in range(1, 7)]


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A landlord that delivered seven reports; an eighth line was refused."""
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        small_debt = make_row("small", amount_cents=4_000, house_number="77", phone="")
        world.push("housing", "aland", [*OTHERS, make_row("HC 1001", **HER), small_debt])
        yield world


def seal(world: World) -> None:
    seal_waiting(world.sessions, json.loads((world.folder / "service" / "keys" / "log-signing.jwk").read_bytes()))


def proof_of(
    world: World, contract: str, name: str = "housing", pilot: str = "aland", period: str | None = None
) -> tuple[ReportProof, Proven]:
    seal(world)
    with world.creditor(name) as service:
        return prove_report(world.home(name), service, pilot, contract, period)


def places(world: World, name: str = "housing", pilot: str = "aland") -> list[Place]:
    seal(world)
    with world.creditor(name) as service:
        return [checked.place for checked in check_receipts(world.home(name), service, pilot)]


def test_a_proof_shows_who_was_reported_for_how_much_by_whom_and_when(world: World) -> None:
    _proof, proven = proof_of(world, "hc1001")
    assert proven.details["surname"] == HER["surname"]
    assert (proven.details["contract"], proven.details["amount_cents"]) == ("HC 1001", 34_567)
    assert (proven.report.amount_euros, proven.report.months) == (345, 2)
    event = proven.receipt.event
    assert (event.creditor, event.pilot, event.period, event.accepted, event.refused) == (
        *("housing", "aland", "2026-10"),
        *(7, 1),
    )


def test_the_desk_opens_the_details_that_the_creditor_can_prove(world: World) -> None:
    proof, proven = proof_of(world, "HC 1001")
    sealed = world.rows("SELECT sent FROM signals.sealed_report WHERE sent = %(sent)s", sent=proof.sent)
    assert len(sealed) == 1
    assert "salt" not in proven.details
    assert proof.salt not in str(world.rows("SELECT sent, encode(contact, 'hex') FROM signals.sealed_report"))


@pytest.mark.parametrize("contract", ["small", "never"])
def test_a_refused_line_and_an_unknown_contract_have_no_proof(world: World, contract: str) -> None:
    with pytest.raises(NothingToProve):
        proof_of(world, contract)


def test_a_report_that_was_shut_out_is_proven_like_any_other(world: World) -> None:
    """Promise 5: energy in `bland` rests on consent; she gave none, he did."""
    his = make_row("his", "Bakker", category=Category.ENERGY, house_number="31", phone="0611111111")
    hers = make_row("hers", "Smit", category=Category.ENERGY, house_number="32", phone="0622222222")
    world.consent("bland", his.contacts[0])
    world.push("power", "bland", [his, hers])
    assert len(world.rows("SELECT FROM signals.shut_out WHERE pilot_id = 'bland'")) == 1
    proofs = [proof_of(world, contract, "power", "bland") for contract in ("his", "hers")]
    assert [set(proof.model_dump()) for proof, _proven in proofs] == [set(ReportProof.model_fields)] * 2
    assert [proven.details["surname"] for _proof, proven in proofs] == ["Bakker", "Smit"]
    assert proofs[0][1].receipt == proofs[1][1].receipt


def test_a_contract_that_stands_in_two_parts_counts_and_is_proven_once(world: World) -> None:
    rows = [
        make_row("twice", category=Category.HEALTH_INSURANCE, amount_cents=11_100),
        make_row("Twice", category=Category.HEALTH_INSURANCE, amount_cents=22_200),
        make_row("once", category=Category.HEALTH_INSURANCE, house_number="41", phone=""),
    ]
    with world.creditor("health") as service:
        home = world.home("health")
        checked = checked_of(rows, Category.HEALTH_INSURANCE)
        done = deliver(home, service, join(home, service, "aland"), checked, part_rows=1)
    assert (done.accepted, [code for _line, code in done.refused]) == (2, ["repeated"])
    assert proof_of(world, "twice", "health")[1].details["amount_cents"] == 11_100
    assert proof_of(world, "once", "health")[0].index == 1


def test_what_is_reported_again_is_proven_by_its_month(world: World) -> None:
    month: dict[str, Any] = {"reported_on": date(2026, 9, 30), "arrears_since": date(2026, 8, 30)}
    world.push("housing", "aland", [make_row("c1", amount_cents=7_700, **month)], "2026-09")
    assert proof_of(world, "c1")[1].receipt.event.period == "2026-09"  # the one that came in last
    assert proof_of(world, "c1", period="2026-10")[1].details["amount_cents"] == 34_550
    with pytest.raises(NothingToProve):
        proof_of(world, "c1", period="2026-08")


def test_a_receipt_is_seen_by_the_municipality_when_its_desk_cosigned_the_log(world: World) -> None:
    world.push("power", "aland", [make_row("e1", category=Category.ENERGY)])
    assert places(world, "power") == [Place.IN_LOG]
    assert proof_of(world, "e1", "power")[1].seen_at is None
    with world.desk("aland", "audit", Role.PRIVACY_OFFICER) as service:
        follow_log(world.home("town-a"), service, world.documents["aland"])
    assert places(world, "power") == [Place.SEEN]
    assert proof_of(world, "e1", "power")[1].seen_at is not None


def test_a_push_that_broke_off_after_completion_can_still_be_proven(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_arguments: object) -> None:
        raise DeliveryDisturbed

    rows = [make_row("e9", category=Category.ENERGY, house_number="59", phone="")]
    with monkeypatch.context() as patched:
        patched.setattr(delivering, "_taken_up", broken_off)
        with pytest.raises(DeliveryDisturbed):
            world.push("power", "aland", rows)
    assert world.push("power", "aland", rows).was_there
    assert proof_of(world, "e9", "power")[1].details["contract"] == "e9"


def test_a_receipt_of_something_else_than_was_sent_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator alters a leaf before it is taken up; or it signs with a key that nobody signed for."""
    rows = [make_row("e7", category=Category.ENERGY, house_number="57", phone="")]
    with world.database.as_superuser() as connection:
        connection.execute(
            "CREATE FUNCTION public.alter_leaf() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.leaf := sha256(NEW.leaf); RETURN NEW; END $$"
        )
        connection.execute(
            "CREATE TRIGGER altering BEFORE INSERT ON intake.staged_report"
            " FOR EACH ROW EXECUTE FUNCTION public.alter_leaf()"
        )
    try:
        with pytest.raises(DeliveryDisturbed, match="not of what was sent"):
            world.push("power", "aland", rows)
    finally:
        with world.database.as_superuser() as connection:
            connection.execute("DROP TRIGGER altering ON intake.staged_report")
    forged = sign(b"{}", new_signing_key(), "vroegsein/receipt/v1")
    monkeypatch.setattr(delivering, "_taken_up", lambda *_: {"deliveryId": "x", "accepted": 1, "receipt": forged})
    with pytest.raises(NotSigned):
        world.push("power", "aland", rows)


def test_what_is_kept_is_its_owners_alone_and_goes_at_the_end_of_its_term(world: World, tmp_path: Path) -> None:
    home = world.home("housing")
    files = list((home.path / "receipts").iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    until = {kept.keep_until for kept in kept_deliveries(home) if kept.period == "2026-10"}
    today = datetime.now(AMSTERDAM).date()
    assert until <= {today + timedelta(days=1826), today + timedelta(days=1825)}  # the night may have passed midnight
    copy = type(home)(tmp_path)
    for file in files:
        copy.keep_private(f"receipts/{file.name}", file.read_bytes())
    assert clear_kept(copy, min(until)) == 0
    assert clear_kept(copy, max(until) + timedelta(days=1)) == len({file.name.split(".")[0] for file in files})
    assert list((tmp_path / "receipts").iterdir()) == []
    with keeping(copy, KeptDelivery(delivery="d", keep_until=date(2026, 11, 1), period="2026-10", pilot="aland")):
        pass  # a push that never came to its end
    assert clear_kept(copy, date(2026, 11, 2)) == 1


@dataclass
class Interrupted:
    """A creditor's connection where something happens just before a part, or instead of the answer to a completion."""

    service: Service
    before_part: Callable[[], object] = lambda: None
    instead_of_completing: Callable[[Callable[..., dict[str, Any]]], dict[str, Any]] = lambda complete: complete()

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        return self.service.get(path, **query)

    def post(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        return self.service.post(path, body, **query)

    def put_lines(self, path: str, body: bytes, **query: str) -> dict[str, Any]:
        self.before_part()
        return self.service.put_lines(path, body, **query)

    def put(self, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        return self.instead_of_completing(lambda service=self.service: service.put(path, body, **query))


def push(world: World, home: Home, rows: Sequence[SendableRow], **happens: Any) -> Receipt:
    with world.creditor("housing") as service:
        joined = join(home, service, "aland")
        through: Any = Interrupted(service, **happens)
        return deliver(home, through, joined, checked_of(rows, Category.RENT))


def is_proven(world: World, contract: str) -> bool:
    return proof_of(world, contract)[1].details["contract"] == contract


def no_answer(_complete: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    raise ServiceUnreachable("cut")


def test_two_pushes_of_one_export_at_once_give_one_receipt_that_proves_its_reports(world: World) -> None:
    """The second begins and ends while the first is sending its part, or is about to complete it."""
    home = world.home("housing")
    for contract, moment in (("at once 1", "before_part"), ("at once 2", "instead_of_completing")):
        rows = [make_row(contract, "Tweeling", house_number="91", phone="")]
        first = partial(push, world, home, rows)

        def meanwhile(complete: Callable[..., dict[str, Any]] = dict, other: Any = first) -> dict[str, Any]:
            other()
            return complete()

        with pytest.raises(ServiceRefused) as refused:
            first(**{moment: meanwhile})
        assert refused.value.rule == "delivery-complete"
        assert first().was_there
        assert is_proven(world, contract)


def test_a_completion_that_arrives_amid_the_next_attempt_is_the_one_that_is_proven(world: World) -> None:
    home, rows = world.home("housing"), [make_row("late", "Laat", house_number="92", phone="")]
    late: list[Callable[..., dict[str, Any]]] = []

    def never_answered(complete: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        late.append(complete)
        return no_answer(complete)

    def arrives() -> None:
        with world.creditor("housing") as service:
            late.pop()(service)

    with pytest.raises(ServiceUnreachable):
        push(world, home, rows, instead_of_completing=never_answered)
    with pytest.raises(ServiceRefused):
        push(world, home, rows, before_part=arrives)
    assert push(world, home, rows).was_there
    assert is_proven(world, "late")


def test_an_attempt_that_never_completed_leaves_nothing_once_there_is_a_receipt(world: World) -> None:
    home, rows = world.home("housing"), [make_row("broken off", "Halverwege", house_number="93", phone="")]
    for _ in range(2):
        with pytest.raises(ServiceUnreachable):
            push(world, home, rows, instead_of_completing=no_answer)
    receipt = push(world, home, rows)
    left = {file.name for file in (home.path / "receipts").glob(f"{receipt.delivery}*")}
    assert left == {f"{receipt.delivery}.json", f"{receipt.delivery}.jsonl.gz"}
    assert is_proven(world, "broken off")


def test_a_refusal_that_was_a_lie_does_not_make_another_receipt_good(world: World, tmp_path: Path) -> None:
    """The operator says that another run completed it, and then shows a receipt of it; no key of the creditor's did."""
    home, rows = world.home("housing"), [make_row("a lie", "Leugen", house_number="95", phone="")]
    push(world, home, rows)
    for file in (home.path / "receipts").glob("*"):  # nothing here knows of that push
        (tmp_path / file.name).write_bytes(file.read_bytes())
        file.unlink()
    forged = sign(b"{}", new_signing_key(), "vroegsein/delivery/v1")
    for manifest in (None, forged):
        with world.creditor("housing") as service:
            joined, lying = join(home, service, "aland"), Lying(service, manifest=manifest)
            with pytest.raises(DeliveryDisturbed, match="not of what was sent"):
                deliver(home, cast("Service", lying), joined, checked_of(rows, Category.RENT))
    assert push(world, home, rows).was_there
    for file in tmp_path.iterdir():
        (home.path / "receipts" / file.name).write_bytes(file.read_bytes())


@dataclass
class Lying(Interrupted):
    """A service that shows another manifest than the one that closed a delivery."""

    manifest: str | None = None

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        return {**self.service.get(path, **query), "manifest": self.manifest}


def test_another_machine_that_pushed_too_gets_the_receipt_and_keeps_no_reports(world: World, tmp_path: Path) -> None:
    """Of the same creditor, with a copy of its home: what was taken is not what it sealed."""
    home, rows = world.home("housing"), [make_row("two machines", "Dubbel", house_number="94", phone="")]
    copy = Home(tmp_path / "copy")
    shutil.copytree(home.path, copy.path)
    with pytest.raises(ServiceRefused):
        push(world, copy, rows, before_part=lambda: push(world, home, rows))
    assert push(world, copy, rows).signed == push(world, home, rows).signed
    assert is_proven(world, "two machines")


def run(world: World, *words: str) -> Result:
    return CliRunner().invoke(creditor.app, [*words, "--home", str(world.home("housing").path), "--pilot", "aland"])


@pytest.fixture(scope="module")
def made(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proof's file, as the command makes it."""
    folder = tmp_path_factory.mktemp("proof")
    seal(world)
    done = CliRunner().invoke(
        creditor.app,
        ["proof", "-", "--out", str(folder), "--home", str(world.home("housing").path), "--pilot", "aland"],
        input="HC 1001\n",
    )
    assert done.exit_code == 0, done.output
    (file,) = folder.glob("*.json")
    assert str(file) in done.stdout.replace("\n", "")
    assert not {"yıldız", "hc", "1001", "hc1001"} & set(file.name.lower().split("-"))
    return file


def verified(file: Path, *words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(build("verify-receipt"), ["verify-receipt", str(file), *words], input=typed)


def test_anybody_checks_a_proof_with_the_file_and_the_fingerprint_alone(world: World, made: Path) -> None:
    fingerprint = world.documents["aland"].fingerprint()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    for lang, words in (("nl", "Dit bewijs klopt"), ("en", "This proof holds")):
        checked = verified(made, "--fingerprint", fingerprint, "--lang", lang)
        assert (checked.exit_code, words in checked.stdout, HER["surname"] in checked.stdout) == (0, True, True)
    assert verified(made, typed=f"{fingerprint}\n").exit_code == 0
    assert verified(made.with_name("none.json"), "--fingerprint", fingerprint).exit_code == 2


def test_a_proof_that_does_not_hold_is_refused_with_a_reason(world: World, made: Path, tmp_path: Path) -> None:
    fingerprint = world.documents["aland"].fingerprint()
    altered = tmp_path / "altered.json"
    altered.write_text(made.read_text(encoding="utf-8").replace("34567", "94567"), encoding="utf-8")
    for file, typed, lang, why in (
        (altered, fingerprint, "nl", "niet wat er is gemeld"),
        (altered, fingerprint, "en", "not those that were reported"),
        (made, world.documents["bland"].fingerprint(), "nl", "niet van de gemeente"),
    ):
        checked = verified(file, "--fingerprint", typed, "--lang", lang)
        assert (checked.exit_code, checked.stdout) == (1, "")
        assert why in " ".join(checked.stderr.split())


def test_the_paper_is_one_page_for_a_judge_that_says_what_it_proves_and_what_not(world: World, made: Path) -> None:
    read = pypdf.PdfReader(io.BytesIO(made.with_suffix(".pdf").read_bytes()))
    (page,) = read.pages
    said = " ".join(page.extract_text().split())
    for words in (
        *("housing", "town-a", HER["surname"], "HC 1001", "345,67", "2 maanden", "Dorpsstraat 12"),
        *(f"vroegsein verify-receipt {made.name}", world.documents["aland"].fingerprint(), "Het bewijst niet"),
    ):
        assert words in said
    assert "0612345678" not in said
    assert stat.S_IMODE(made.with_suffix(".pdf").stat().st_mode) == 0o600


def test_the_command_lists_receipts_and_whether_they_are_in_the_log(world: World) -> None:
    seal(world)
    listed = run(world, "receipts", "--lang", "en")
    assert (listed.exit_code, "in the log" in listed.stdout) == (0, True)


def test_after_retention_old_proofs_hold_and_new_ones_are_made(world: World, made: Path) -> None:
    """Last of this file: it takes all reports away."""
    while world.linker.keep_terms(date(2027, 12, 1)):
        pass
    with world.database.as_superuser() as connection:
        assert connection.execute("SELECT FROM signals.sealed_report").fetchall() == []
        connection.execute("DELETE FROM privacy.event WHERE kind = 'delivery'")
    old = ReportProof.model_validate_json(made.read_bytes())
    assert verify_proof(old, world.documents["aland"].fingerprint()).details["contract"] == "HC 1001"
    assert proof_of(world, "HC 1001")[1].details == old.details
