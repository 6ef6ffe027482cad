"""Retention: what is past its term goes from everywhere, what is not stays, and the log tells of it and adds up."""

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from app import retention
from app.db.sessions import Login
from app.retention import Step, carry_out, look_ahead
from client import desk_rights
from client.desk_rights import Held, look_up
from client.log_reading import read_log
from client.log_watch import LogAltered
from signals.days import AMSTERDAM
from signals.pilot import Role
from signals.report import Category
from signals.rights import ErasureGround, IdentityCheck
from tests.conftest import Database
from tests.world import LAST_DAY, PILOTS, World, as_login, make_row, pilot_document, small_world

HER: dict[str, Any] = {"surname": "Aksoy", "initials": "E.", "house_number": "3", "phone": "0611111111"}
HIM: dict[str, Any] = {"surname": "Bloem", "initials": "K.", "house_number": "9", "phone": "0622222222"}
POWER: dict[str, Any] = {"category": Category.ENERGY}
TERMS: dict[str, int] = pilot_document("aland", "town-a")["retention"]
LEFT_FOR_EVER = {
    "log_leaf",
    "log_node",
    "log_head",
    "retention_run",
    "feedback_run",
    "event",  # until their day, see below
}


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[World]:
    with small_world(database, tmp_path) as world:
        yield world


def today() -> date:
    return datetime.now(AMSTERDAM).date()


def run(world: World, day: date) -> list[Step]:
    return list(carry_out(world.sessions, day, world.linker.rule_set))


def row_of(reference: str, day: date = LAST_DAY, **details: Any) -> Any:
    return make_row(reference, reported_on=day, arrears_since=day - timedelta(days=30), **details)


def count(world: World, table: str) -> int:
    found: int = world.rows(f"SELECT count(*) FROM {table}")[0][0]
    return found


def contents(world: World, schemas: tuple[str, ...] = ("intake", "signals", "privacy")) -> dict[str, list[str]]:
    """Every row of every table, as text, when the linker has nothing more to do."""
    world.wait_until_reviewed()
    names = world.rows(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY (%(schemas)s)", schemas=list(schemas)
    )
    return {
        f"{schema}.{table}": [row[0] for row in world.rows(f"SELECT t::text FROM {schema}.{table} t ORDER BY 1")]
        for schema, table in names
    }


def leave_unfinished(world: World) -> None:
    """A delivery that was opened, filled and never completed."""
    world.push("power", "aland", [row_of("kept", **HIM, **POWER)])
    with world.database.as_superuser() as connection:
        connection.execute(
            "INSERT INTO intake.delivery (pilot_id, delivery_id, creditor_id, period, category, expected_count, "
            "content_hash, opened_at) VALUES ('aland', %(id)s, 'power', '2026-10', 'energy', 2, %(hash)s, now())",
            {"id": uuid.UUID(int=1), "hash": bytes(32)},
        )
        connection.execute(
            "INSERT INTO intake.part VALUES ('aland', %(id)s, 1, '', 1, 1, '')", {"id": uuid.UUID(int=1)}
        )
        connection.execute(
            "INSERT INTO intake.refused_row VALUES ('aland', %(id)s, 1, 2, '/report', 'x')", {"id": uuid.UUID(int=1)}
        )
        connection.execute(
            "INSERT INTO intake.staged_report VALUES ('aland', %(id)s, 1, 1, %(id)s, '{}', '', '', '', '')",
            {"id": uuid.UUID(int=1)},
        )


def old_event(world: World, keep_until: date, **body: Any) -> uuid.UUID:
    """An event whose last day is that one; it is sealed like any other."""
    event = uuid.uuid4()
    with world.database.as_superuser(autocommit=False) as connection:
        connection.execute(
            "INSERT INTO privacy.event VALUES ('aland', %s, now(), 'access', %s, %s, %s)",
            [event, keep_until, bytes(32), Jsonb({"kind": "access", "at": "2026-11-01T00:00:00Z", **body})],
        )
        connection.execute("INSERT INTO privacy.unsealed VALUES ('aland', %s)", [event])
    wait_until_sealed(world)
    return event


def wait_until_sealed(world: World) -> None:
    for _ in range(100):
        if not count(world, "privacy.unsealed"):
            return
        threading.Event().wait(0.1)
    raise AssertionError("the log was not sealed")


def log_of(world: World, pilot: str, day: date | None = None) -> tuple[dict[str, Any], ...]:
    with world.desk(pilot, "audit", Role.PRIVACY_OFFICER) as service:
        return read_log(world.home(PILOTS[pilot]), service, world.documents[pilot], day).events


def test_each_term_holds_through_its_last_day_and_no_longer(world: World) -> None:
    world.consent("bland", make_row("x", **HER).contacts[0])
    world.push("power", "bland", [row_of("her", **HER, **POWER), row_of("him", **HIM, **POWER)])
    leave_unfinished(world)
    stranger = make_row("x", surname="Vos", initials="Q.", house_number="77", phone="0633333333").contacts[0]
    world.refuse("bland", stranger, Category.RENT)
    world.decide("bland", world.object("bland", stranger), "dismissed")
    world.list_clients("bland", stranger)
    taken_up = max(today(), LAST_DAY)  # a delivery's day, and never before its month is over
    last_days = {
        "signals.report": LAST_DAY + timedelta(TERMS["report_days"]),
        "signals.report_key": LAST_DAY + timedelta(TERMS["report_days"]),
        "signals.sealed_report": LAST_DAY + timedelta(TERMS["report_days"]),
        "signals.link_change": LAST_DAY + timedelta(TERMS["report_days"]),
        "signals.signal": LAST_DAY + timedelta(TERMS["report_days"]),
        "signals.signal_categories": LAST_DAY + timedelta(TERMS["report_days"]),
        "signals.signal_facts": LAST_DAY + timedelta(TERMS["report_days"]),
        "signals.shut_out": taken_up + timedelta(TERMS["report_days"]),
        "intake.delivery WHERE key_envelope IS NOT NULL": taken_up + timedelta(TERMS["report_days"]),
        "intake.delivery WHERE state = 'completed'": taken_up + timedelta(TERMS["delivery_days"]),
        "intake.delivery WHERE state = 'open'": today() + timedelta(TERMS["unfinished_days"]),
        "intake.staged_report": today() + timedelta(TERMS["unfinished_days"]),
        "intake.refused_row": today() + timedelta(TERMS["unfinished_days"]),
        "privacy.consent": date(2027, 1, 1) + timedelta(TERMS["consent_days"]),
        "privacy.consent_key": date(2027, 1, 1) + timedelta(TERMS["consent_days"]),
        # A no holds as long as the pilot runs; one that was dismissed binds nobody.
        "privacy.objection WHERE state = 'stands'": date(2027, 12, 31) + timedelta(TERMS["objection_days"]),
        "privacy.objection_key": date(2027, 12, 31) + timedelta(TERMS["objection_days"]),
        "privacy.objection WHERE state = 'dismissed'": today() + timedelta(TERMS["objection_days"]),
        "privacy.known_client": today() + timedelta(TERMS["known_client_days"]),
        "privacy.known_client_key": today() + timedelta(TERMS["known_client_days"]),
        "privacy.basis_change": today() + timedelta(TERMS["consent_days"]),
        "privacy.access_scope": today() + timedelta(1),
        "privacy.access_closed": today() + timedelta(1),
    }
    stood = {what: count(world, what) for what in last_days}
    assert all(stood.values()), stood
    for day in sorted(set(last_days.values())):
        run(world, day)
        standing = {what: count(world, what) for what, last in last_days.items() if last >= day}
        assert standing == {what: stood[what] for what in standing}, day
        run(world, day + timedelta(1))
        gone = {what: count(world, what) for what, last in last_days.items() if last <= day}
        assert not any(gone.values()), (day, gone)


def test_what_is_past_goes_from_every_table_but_the_leaves_of_the_log(world: World) -> None:
    world.consent("bland", make_row("x", **HER).contacts[0])
    world.push("power", "bland", [row_of("her", **HER, **POWER), row_of("him", **HIM, **POWER)])
    world.withdraw("bland", make_row("x", **HER).contacts[0])
    leave_unfinished(world)
    wait_until_sealed(world)
    run(world, today() + timedelta(max(TERMS.values()) + 366))
    wait_until_sealed(world)
    assert {table.split(".")[1] for table, rows in contents(world).items() if rows} == LEFT_FOR_EVER


def test_what_is_not_past_stays_to_the_letter(world: World) -> None:
    world.consent("bland", make_row("x", **HER).contacts[0])
    world.push("power", "bland", [row_of("her", **HER, **POWER), row_of("him", **HIM, **POWER)])
    leave_unfinished(world)
    wait_until_sealed(world)
    before = contents(world)
    assert all(not step.removed for step in run(world, today()))
    assert contents(world) == before


def test_old_reports_go_and_the_household_keeps_the_newer_ones(world: World) -> None:
    for period, day, cents in (("2026-09", date(2026, 9, 30), 40_000), ("2026-10", LAST_DAY, 90_000)):
        world.push("housing", "aland", [row_of("home", day, amount_cents=cents, **HER)], period)
    assert {signal["tray"] for signal in world.signals("aland")} == {"single", "consecutive"}
    run(world, date(2026, 9, 30) + timedelta(TERMS["report_days"] + 1))
    (signal,) = world.signals("aland")
    assert (signal["period"], signal["tray"]) == ("2026-10", "single")
    assert world.rows("SELECT kind FROM signals.report") == [("early",)]  # nothing came before it any more


def test_each_run_is_an_event_with_counts_and_no_ids_and_a_second_one_on_the_day_does_nothing(world: World) -> None:
    world.push("housing", "aland", [row_of("a", **HER), row_of("b", **HIM)])
    reports = {str(row[0]) for row in world.rows("SELECT report_id FROM signals.report")}
    day = LAST_DAY + timedelta(TERMS["report_days"] + 1)
    assert sum(step.removed.get("reports", 0) for step in run(world, day)) == 2
    after_one = contents(world, ("intake", "signals"))
    told = "SELECT body FROM privacy.event WHERE pilot_id = 'aland' AND kind = 'retention' AND body ->> 'day' = %(day)s"
    ((body,),) = world.rows(told, day=day.isoformat())
    assert body["removed"]["reports"] == 2
    assert body["removed"]["signals"] == 2
    assert not any(report in str(body) for report in reports)
    assert all(not step.removed for step in run(world, day))
    assert not world.linker.keep_terms(day)
    assert contents(world, ("intake", "signals")) == after_one
    assert len(world.rows(told, day=day.isoformat())) == 1


def test_a_day_on_which_nothing_goes_is_an_event_too(world: World) -> None:
    assert not world.linker.keep_terms(day := today() + timedelta(1))
    assert world.rows(
        "SELECT body -> 'removed' FROM privacy.event WHERE pilot_id = 'bland' AND body ->> 'day' = %(day)s",
        day=day.isoformat(),
    ) == [({},)]


def test_two_runs_side_by_side_remove_each_thing_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    rows = [row_of(f"c{n}", house_number=str(n), surname=f"Naam{n}", phone=f"06123456{n:02}") for n in range(20)]
    world.push("housing", "aland", rows)
    day = LAST_DAY + timedelta(TERMS["report_days"] + 1)
    steps: list[Step] = []
    start = threading.Barrier(2)

    def one() -> None:
        start.wait()
        steps.extend(carry_out(world.sessions, day, world.linker.rule_set))

    runs = [threading.Thread(target=one) for _ in range(2)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert sum(step.removed.get("reports", 0) for step in steps) == 20
    assert max(step.removed.get("reports", 0) for step in steps) == 3
    assert count(world, "signals.report") == count(world, "signals.signal") == 0
    log_of(world, "aland")


def test_a_look_ahead_says_what_goes_when_and_changes_nothing(world: World) -> None:
    world.push("housing", "aland", [row_of("a", **HER), row_of("b", **HIM)])
    wait_until_sealed(world)
    before = contents(world)
    last = LAST_DAY + timedelta(TERMS["report_days"])
    for day, past in ((last, 0), (last + timedelta(1), 2)):
        (reports,) = [of for of in dict(look_ahead(world.sessions, day))["aland"] if of.name == "reports"]
        assert (reports.past, reports.oldest) == (past, LAST_DAY)
        assert reports.next_on == (None if past else last + timedelta(1))
    assert contents(world) == before


def test_the_log_adds_up_after_events_went_and_tells_them_by_their_leaves(world: World) -> None:
    stays, goes = old_event(world, today()), old_event(world, today() - timedelta(1))
    run(world, today())
    left = {row[0] for row in world.rows("SELECT event_id FROM privacy.event")}
    assert stays in left
    assert goes not in left
    gone = [event for event in log_of(world, "aland") if event["body"] is None]
    assert [(event["kind"], event["salt"]) for event in gone] == [("access", None)]


def test_an_event_that_is_missing_before_its_day_is_found(world: World) -> None:
    keep_until = today() + timedelta(3)
    event = old_event(world, keep_until)
    with world.database.as_superuser() as connection:
        connection.execute("DELETE FROM privacy.event WHERE event_id = %s", [event])
    with pytest.raises(LogAltered, match="missing"):
        log_of(world, "aland")
    with pytest.raises(LogAltered, match="missing"):
        log_of(world, "aland", keep_until)
    log_of(world, "aland", keep_until + timedelta(1))


def test_the_linker_can_not_delete_an_event_before_its_day_or_one_that_waits_to_be_sealed(world: World) -> None:
    old_event(world, today())
    before = count(world, "privacy.event")
    as_login(world, Login.LINKER, "DELETE FROM privacy.event")
    run(world, today() + timedelta(4_000))  # a clock that is wrong by years
    assert count(world, "privacy.event") > before


def test_after_a_vacuum_the_files_of_the_database_hold_nothing_of_what_went(world: World) -> None:
    """All but the write-ahead log: what that and a copy of it still hold stands in docs/data-life.md."""
    september, october = date(2026, 9, 30), LAST_DAY
    world.consent("bland", make_row("x", **HER).contacts[0])
    world.push("power", "bland", [row_of("old", september, **HER, **POWER)], "2026-09")
    world.push("housing", "bland", [row_of("old too", september, **HER)], "2026-09")
    went = secrets_of(world)
    world.push("housing", "bland", [row_of("new", october, **HIM)])
    stays = secrets_of(world) - went
    with world.database.as_superuser() as connection:
        connection.execute("ANALYZE")  # as the server does by itself: now its statistics hold samples too
        connection.execute("CHECKPOINT")
    assert found_in_files(world, went) == went
    day = date(2027, 1, 1) + timedelta(TERMS["consent_days"] + 1)  # the consent's keys go last
    with world.database.as_superuser() as connection:  # so that something is left to tell from
        connection.execute("UPDATE signals.report SET reported_on = %s WHERE reported_on = %s", [day, october])
    run(world, day)
    assert left_in_files(world, went, set()) == set()
    assert found_in_files(world, stays) >= {
        bytes(row[0].bytes) for row in world.rows("SELECT report_id FROM signals.report")
    }


def test_after_an_erasure_or_a_withdrawal_and_a_vacuum_only_what_keeps_it_out_is_in_the_files(world: World) -> None:
    """That is: match keys of the no, and the ids of what it shut out. At the ends of their terms those go too."""
    her, him = HER | {"birth_date": date(1990, 5, 1)}, HIM | {"birth_date": date(1970, 1, 9)}
    for who in (her, him):
        world.consent("bland", make_row("x", **who).contacts[0])
    world.push("power", "bland", [row_of("power", **her, **POWER), row_of("his", **him, **POWER)])
    world.push("housing", "bland", [row_of("home", **her)])
    went = secrets_of(world) | statements_of(world)
    erase(world, her)
    world.withdraw("bland", make_row("x", **him).contacts[0])
    stays = {row[0].bytes for row in world.rows("SELECT key FROM privacy.objection_key")}
    ids = {row[0].bytes for row in world.rows("SELECT report_id FROM signals.shut_out")}
    consented = statements_of(world)  # that he had consented, until a year after he took it back
    assert len(ids) == 3
    assert not {one for one in went if len(one) == 16} - stays - ids  # each key of what went is one of a no
    in_use = {bytes(row[0])[-24:] for row in world.rows("SELECT key_envelope FROM intake.delivery")}
    with world.database.as_superuser() as connection:
        connection.execute("ANALYZE")
    run(world, today())  # as each day: the planner forgets its samples
    kept = (stays | ids | consented | in_use) & went
    assert left_in_files(world, went, kept) == kept
    assert [(one.row["kind"], one.details) for one in look_up_her(world, her).found] == [("erasure", None)]
    run(world, LAST_DAY + timedelta(TERMS["log_days"] + 366))
    assert left_in_files(world, went, set()) == set()
    assert log_of(world, "bland")
    assert look_up_her(world, her).found == ()


def left_in_files(world: World, went: set[bytes], stays: set[bytes]) -> set[bytes]:
    """What the files hold of `went` after a vacuum; again, where a transaction that ran beside it held it up."""
    until = time.monotonic() + 30
    while True:
        world.wait_until_reviewed()
        with world.database.as_superuser() as connection:
            connection.execute("VACUUM FULL")
            connection.execute("CHECKPOINT")
        found = found_in_files(world, went)
        if found <= stays or time.monotonic() > until:
            return found
        time.sleep(0.5)


def look_up_her(world: World, who: dict[str, Any]) -> Held:
    home, document, contact = world.home("town-b"), world.documents["bland"], make_row("x", **who).contacts[0]
    with world.desk("bland", "answer-resident", Role.PRIVACY_OFFICER) as service:
        return look_up(home, service, document, contact, IdentityCheck.DOCUMENT_SHOWN)


def erase(world: World, who: dict[str, Any]) -> None:
    held = look_up_her(world, who)
    with world.desk("bland", "correct-resident", Role.PRIVACY_OFFICER) as service:
        home, document = world.home("town-b"), world.documents["bland"]
        desk_rights.erase(home, service, document, held, held.sure(), ErasureGround.CONSENT_WITHDRAWN)


def statements_of(world: World) -> set[bytes]:
    """The ends of who consented, as it is sealed."""
    return {bytes(row[0])[-24:] for row in world.rows("SELECT sealed FROM privacy.consent")}


def secrets_of(world: World) -> set[bytes]:
    """What stands for somebody: ids of reports and match keys, as uuids and as text; the ends of what is sealed."""
    ids = [
        row[0] for row in world.rows("SELECT report_id FROM signals.report UNION SELECT key FROM signals.report_key")
    ]
    sealed = [row[0] for row in world.rows("SELECT contact FROM signals.sealed_report")]
    sealed += [row[0] for row in world.rows("SELECT wrapped_key FROM signals.sealed_report")]
    sealed += [row[0] for row in world.rows("SELECT key_envelope FROM intake.delivery WHERE key_envelope IS NOT NULL")]
    return {one.bytes for one in ids} | {one[-24:] for one in sealed}


def found_in_files(world: World, wanted: set[bytes]) -> set[bytes]:
    """Which of them stand anywhere in the server's data folder, outside the write-ahead log."""
    cluster = (world.database.server.superuser.parent / "cluster").resolve()
    found: set[bytes] = set()
    files = (Path(folder) / name for folder, _, names in os.walk(cluster) for name in names)
    for file in files:
        if "pg_wal" in file.parts:
            continue
        with contextlib.suppress(OSError):  # of another test, gone since it was listed
            held = file.read_bytes() if file.is_file() else b""
            found |= {one for one in wanted - found if one in held}
    return found
