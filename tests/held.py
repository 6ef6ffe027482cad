"""What the parties of a small world hold: tokens, and for every place of the API a value of their own pilot's."""

import base64
import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from psycopg.types.json import Jsonb

from app.log_sealing import seal_waiting
from client.checking import SendableRow
from client.delivering import MANIFEST_SIGNED_AS
from client.oauth import ASSERTION_TYPE, ServiceLogin
from client.opening import REKEYED_AS
from client.preparing import Preparer
from client.trust import join
from privacy.checkpoints import cosign, read_checkpoint
from privacy.log_erasures import Erasure, Reason
from privacy.sealing import Envelope
from privacy.signing import sign
from signals.days import AMSTERDAM
from signals.pilot import Role
from signals.report import Category, Manifest, PartSummary, Report
from signals.rulesets import default_rule_set, default_text
from tests.callers import VIEWER
from tests.operations import Operation
from tests.world import CREDITORS, PERIOD, PILOTS, World, make_row

ACTOR = "0123456789abcdef"
PROOF = {"Vroegsein-Request-Proof": VIEWER["Vroegsein-Request-Proof"]}
PURPOSES = {Role.DEBT_HELP: "offer-help", Role.PRIVACY_OFFICER: "audit", Role.CREDITOR: "offer-help"}
# Where an operation wants another purpose than its role's usual one.
PURPOSE_OF = {
    "openBreakGlass": "emergency",
    "searchResidents": "answer-resident",
    **dict.fromkeys(("listLinkDoubts", "readLinkDoubt", "decideLink"), "review-links"),
    **dict.fromkeys(
        ("askForBacktest", "readBacktestResult", "proposeRuleSet", "activateRuleSet", "readRuleSetShadow"),
        "compare-rules",
    ),
}
HEX16, HEX32 = "ab" * 16, "cd" * 32
KEYS = {
    "building": HEX16,
    "dwelling": HEX16,
    "epoch": 1,
    "hasAddition": False,
    "scheme": "v1.hmac",
    "streetDwelling": HEX16,
    "strong": [HEX16],
    "weak": [{"birth": HEX16, "key": HEX16}],
}


@contextmanager
def callers(world: World, pilot: str, creditor: str) -> Iterator[dict[Role, httpx.Client]]:
    """A client for each role in a pilot, with a real token and no header of its own."""
    town = PILOTS[pilot]
    logins = {
        Role.CREDITOR: ServiceLogin(world.url, creditor, world.home(creditor).jwk("auth.jwk")),
        **{
            role: ServiceLogin(world.url, town, world.home(town).jwk(f"auth-{role.value}.jwk"))
            for role in (Role.DEBT_HELP, Role.PRIVACY_OFFICER)
        },
    }
    with ExitStack() as ending:
        yield {
            role: ending.enter_context(httpx.Client(base_url=f"{world.url}/v1", auth=login, timeout=60))
            for role, login in logins.items()
        }


@contextmanager
def stranger(world: World) -> Iterator[httpx.Client]:
    """A client without a token."""
    with httpx.Client(base_url=f"{world.url}/v1", timeout=60) as client:
        yield client


def hand(operation: Operation, clients: Mapping[Role, httpx.Client], without: httpx.Client) -> httpx.Client:
    """The client that gets into an operation."""
    return clients[operation.roles[0]] if operation.wants_token else without


def purposed(held: Mapping[str, Any], role: Role, operation: Operation) -> dict[str, Any]:
    """The values with a purpose that the pilot gives this role for this operation."""
    return {**held, "Vroegsein-Purpose": PURPOSE_OF.get(operation.raw["operationId"], PURPOSES[role])}


def assertion(world: World, organisation: str, name: str = "auth.jwk") -> str:
    """A fresh proof of an organisation, by one of its keys."""
    return ServiceLogin(world.url, organisation, world.home(organisation).jwk(name)).assertion()


def values(world: World, pilot: str, creditor: str, role: Role) -> dict[str, Any]:
    """For every place of the API a value that is right in this pilot, for this creditor or this role of the desk.

    Everything that can be there already is there: whoever sends it in its own pilot changes little and gets an answer.
    """
    town = PILOTS[pilot]
    category = CREDITORS[creditor].value
    delivery = open_delivery(world, creditor, pilot, [make_row("open", "Open", house_number="9", phone="")])
    document = world.rows("SELECT version, jws FROM registry.signed_document WHERE pilot_id = %(p)s", p=pilot)[0]
    signal = world.rows(
        "SELECT signal_id::text, urgent, deadline::text, priority FROM signals.signal WHERE pilot_id = %(p)s"
        " ORDER BY NOT urgent, deadline, -priority, signal_id LIMIT 1",
        p=pilot,
    )[0]
    change = world.rows("SELECT change_id::text FROM privacy.basis_change WHERE pilot_id = %(p)s", p=pilot)[0][0]
    objections = world.rows("SELECT objection_id::text FROM privacy.objection WHERE pilot_id = %(p)s", p=pilot)
    objection = objections[0][0] if objections else str(uuid.UUID(int=1 << 103))
    report = world.rows("SELECT report_id::text FROM signals.report WHERE pilot_id = %(p)s LIMIT 1", p=pilot)[0][0]
    others = world.rows(  # where there is one: what is handed over is shown no more
        "SELECT report_id::text FROM signals.report r WHERE pilot_id = %(p)s AND NOT EXISTS (SELECT FROM signals.signal"
        " WHERE signal_id = %(s)s::uuid AND household_id = r.household_id) ORDER BY report_id LIMIT 1",
        p=pilot,
        s=signal[0],
    )
    place = json.dumps([signal[1], signal[2], signal[3], signal[0]]).encode()
    return {
        "Vroegsein-Actor": ACTOR,
        "Vroegsein-Purpose": PURPOSES[role],
        **PROOF,
        "pilotId": pilot,
        "organisationId": creditor,
        "version": document[0],
        "document": document[1],
        "envelope": base64.b64encode(bytes(60)).decode(),
        "epoch": 1,
        "signalId": signal[0],
        "cursor": base64.urlsafe_b64encode(place).decode(),
        "newerThan": f"2026-01-05.{uuid.UUID(int=0)}",
        "firstDay": "2026-10-01",
        "lastDay": "2026-10-31",
        "tray": None,
        "period": PERIOD,
        "rule": None,
        "limit": 50,
        "after": -1,
        "changeId": change,
        "category": category,
        "givenOn": "2026-01-01",
        "validUntil": "2027-01-01",
        "withdrawnOn": "2026-11-01",
        "refusedOn": "2026-11-01",
        "objectedOn": "2026-11-01",
        "objection": objection,
        "decision": "dismissed",
        "decidedOn": "2026-11-02",
        "state": "pending",
        "reference": HEX16,
        "references": [HEX16],
        "ending": "settled",
        "endedOn": "2026-11-01",
        "erasedOn": "2026-11-01",
        "ground": "unlawful",
        "identity": "digid",
        "notTheirs": [str(uuid.UUID(int=1 << 105))],
        "askedOn": "2026-11-01",
        "report": report,
        "doubtId": _a_doubt(world, pilot, report),
        "caseId": (case := _a_case(world, pilot, report)),
        "place": base64.urlsafe_b64encode(json.dumps([None, case]).encode()).decode(),
        "stage": "new",
        "worker": "team-noord",
        "dueBy": "2030-01-01",
        "If-Match": '"0"',
        "entry": {"kind": "taken_up", "on": datetime.now(AMSTERDAM).date().isoformat()},
        "one": [report],
        "other": [report],
        "why": "other",
        "answer": "same",
        "wrong": ["amount"],
        "ruleSet": default_text(),
        "against": None,
        "periods": [PERIOD],
        "backtestId": _a_backtest(world, pilot),
        "proposalId": str(uuid.UUID(int=1 << 109)),
        "notice": "notice-1",
        "reason": "an eviction is announced for today",
        "givenBy": "desk",
        "keys": KEYS,
        "sealed": "00",
        "erasure": Erasure(pilot, (HEX32,), Reason.ORDERED, datetime.now(UTC)).signed(
            world.home(town).jwk("signing.jwk")
        ),
        "listId": str(uuid.UUID(int=1 << 105)),
        "clients": [{"keys": KEYS, "sealed": "00", "until": "2027-01-01"}],
        "complete": False,
        "behind": str(uuid.UUID(int=0)),
        "unkeyed": False,
        "reportIds": [others[0][0] if others else report],
        "toPilot": "bland",
        **_of_rekeying(world, pilot, delivery),
        "sealings": [{"sealingId": delivery["deliveryId"], "sealed": base64.b64encode(bytes(60)).decode()}],
        **delivery,
        **_of_the_log(world, pilot, creditor),
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(world, town, "auth-debt-help.jwk"),
        "scope": "signals:read",
    }


def _a_doubt(world: World, pilot: str, report: str) -> str:
    """A doubtful link that waits for a person, of no household, so that nothing settles it meanwhile."""
    doubt = str(uuid.uuid5(uuid.NAMESPACE_URL, pilot))
    with world.database.as_superuser() as connection:
        connection.execute(
            "INSERT INTO signals.doubt VALUES (%s, %s, 'fits-several', false, 'asked', %s, '{}', '{}', %s)"
            " ON CONFLICT DO NOTHING",
            [pilot, doubt, [report], PERIOD],
        )
    return doubt


def _a_case(world: World, pilot: str, report: str) -> str:
    """A case about that report, in which nothing was written yet."""
    case = str(uuid.uuid5(uuid.NAMESPACE_URL, f"case of {pilot}"))
    file = """
        INSERT INTO signals.case_file (pilot_id, case_id, opened_at, opened_by, offer_by, worker, joins)
        VALUES (%s, %s, now(), %s, '2026-12-01', 'anna', false) ON CONFLICT DO NOTHING
    """  # joins: else the linker writes in it at some moment
    about = "INSERT INTO signals.case_report (pilot_id, case_id, report_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
    with world.database.as_superuser() as connection:
        connection.execute(file, [pilot, case, ACTOR])
        connection.execute(about, [pilot, case, report])
    return case


def _a_backtest(world: World, pilot: str) -> str:
    """A back-test with a result, as an earlier one left it."""
    asked = str(uuid.uuid5(uuid.NAMESPACE_DNS, pilot))
    none = {"old": 0, "new": 0}
    named = {"name": "default@1", "hash": HEX32}
    lead = {"flagged": 0, "before": none, "missed": none, "medianDays": {"old": None, "new": None}}
    result = {
        "old": named,
        "new": named,
        "periods": [PERIOD],
        "setAside": [],
        "months": [],
        "weeks": [],
        "leadTime": {**lead, "earlier": 0, "later": 0},
        "falseAlarms": {"told": none, "count": none},
    }
    with world.database.as_superuser() as connection:
        connection.execute(
            "INSERT INTO signals.backtest (pilot_id, backtest_id, candidate, periods, state)"
            " VALUES (%s, %s, '', %s, 'done') ON CONFLICT DO NOTHING",
            [pilot, asked, [PERIOD]],
        )
        connection.execute(
            "INSERT INTO signals.backtest_result VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [pilot, asked, Jsonb(result)],
        )
    return asked


def activation(world: World, pilot: str) -> dict[str, Any]:
    """A colleague's proposal that waits, and the next pilot document with its rule set and nothing else changed."""
    proposal, rule_set = str(uuid.uuid4()), default_rule_set()
    with world.database.as_superuser() as connection:
        connection.execute(
            "INSERT INTO registry.rule_set_proposal (pilot_id, proposal_id, rule_set, hash, text, proposed_by)"
            " VALUES (%s, %s, %s, %s, %s, 'somebody else')",
            [pilot, proposal, rule_set.name, rule_set.hash(), default_text()],
        )
    document = world.documents[pilot]
    changes = {"version": document.version + 1, "rule_set_hash": rule_set.hash().hex()}
    signed = document.model_copy(update=changes).signed(world.home(PILOTS[pilot]).jwk("signing.jwk"))
    return {"proposalId": proposal, "document": signed}


def _of_rekeying(world: World, pilot: str, delivery: dict[str, Any]) -> dict[str, Any]:
    """A re-keying of a report that nobody has, signed by the desk."""
    line = json.loads(delivery["lines"].splitlines()[0])
    sent = Report.model_validate(line["report"]).canonical().decode()
    town, nobodys = PILOTS[pilot], str(uuid.UUID(int=1 << 105))
    said = Manifest(
        category=Category.OTHER,
        content_hash=HEX32,
        creditor=town,
        delivery_key_check=HEX32,
        key_envelope_sha256=hashlib.sha256(base64.b64decode(delivery["keyEnvelope"])).hexdigest(),
        parts=(),
        period=PERIOD,
        pilot=pilot,
        recipient_key=world.documents[pilot].recipient_key,
    )
    report = {"reportId": nobodys, "sent": sent, "proof": "", **line["sealed"]}
    said_by = world.home(town).jwk("signing.jwk")
    return {
        "rekeying": sign(said.model_dump_json(by_alias=True).encode(), said_by, REKEYED_AS),
        "reports": [report],
        "nodes": [{"nodeId": nobodys, "keys": KEYS}],
    }


def _of_the_log(world: World, pilot: str, creditor: str) -> dict[str, Any]:
    """The leaf of that creditor's receipt (or another, if it has none), sizes, a checkpoint that the desk cosigned."""
    seal_waiting(world.sessions, json.loads((world.folder / "service" / "keys" / "log-signing.jwk").read_bytes()))
    found = world.rows(
        "SELECT h.checkpoint, h.tree_size, encode(l.leaf_hash, 'hex') FROM privacy.log_head h"
        " JOIN privacy.log_leaf l USING (pilot_id) LEFT JOIN intake.delivery d USING (pilot_id, leaf_hash)"
        " WHERE pilot_id = %(p)s ORDER BY creditor_id IS DISTINCT FROM %(c)s, leaf_index LIMIT 1",
        p=pilot,
        c=creditor,
    )
    note, size, leaf = found[0]
    checkpoint = read_checkpoint(note, world.documents[pilot].log_key)
    signature = cosign(checkpoint, PILOTS[pilot], world.home(PILOTS[pilot]).jwk("signing.jwk"), 1_790_000_000)
    sizes = {"treeSize": size, "first": 1, "second": size}
    return {"leafHash": leaf, **sizes, "checkpoint": note, "signature": signature}


def open_delivery(world: World, creditor: str, pilot: str, rows: list[SendableRow]) -> dict[str, Any]:
    """A delivery with one part that is still open, and what its creditor would send again or to complete it."""
    home, category = world.home(creditor), CREDITORS[creditor]
    hashed = hashlib.sha256(f"{pilot} {creditor} {[row.reference for row in rows]}".encode()).hexdigest()
    new = {"pilotId": pilot, "period": PERIOD, "category": category.value}
    with world.creditor(creditor) as service:
        joined = join(home, service, pilot)
        envelope = Envelope.new(pilot, creditor, joined.document.recipient_key)
        opened = service.post("/deliveries", {**new, "expectedCount": len(rows), "contentHash": hashed})
        preparer = Preparer(joined, home.secret("secret.key"), envelope)
        lines = b"\n".join(preparer.prepare(row).as_line() for row in rows)
        part = service.put_lines(f"/deliveries/{opened['deliveryId']}/parts/1", lines, pilotId=pilot)
        sealed = envelope.sealed_to(joined.recipients, hashed)
    return {
        "deliveryId": opened["deliveryId"],
        "expectedCount": len(rows),
        "contentHash": hashed,
        "number": 1,
        "lines": lines,
        "Content-Digest": digest(lines),
        "keyEnvelope": base64.b64encode(sealed).decode(),
        "manifest": manifest(world, creditor, pilot, category, hashed, sealed, [part], envelope.check()),
    }


def digest(content: bytes) -> str:
    """The header of a part (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def manifest(
    world: World,
    creditor: str,
    pilot: str,
    category: Category,
    hashed: str,
    sealed: bytes,
    parts: list[dict[str, Any]],
    key_check: str = HEX32,
) -> str:
    """What a creditor signs at the end of a delivery."""
    said = Manifest(
        category=category,
        content_hash=hashed,
        creditor=creditor,
        delivery_key_check=key_check,
        key_envelope_sha256=hashlib.sha256(sealed).hexdigest(),
        parts=tuple(PartSummary.model_validate({k: part[k] for k in PartSummary.model_fields}) for part in parts),
        period=PERIOD,
        pilot=pilot,
        recipient_key=world.documents[pilot].recipient_key,
    )
    return sign(
        said.model_dump_json(by_alias=True).encode(), world.home(creditor).jwk("signing.jwk"), MANIFEST_SIGNED_AS
    )


NOBODYS: Mapping[str, Any] = {
    "pilotId": "nowhere",
    "organisationId": "nobody",
    "signalId": str(uuid.UUID(int=1 << 100)),
    "deliveryId": str(uuid.UUID(int=1 << 101)),
    "changeId": str(uuid.UUID(int=1 << 102)),
    "objection": str(uuid.UUID(int=1 << 104)),
    "report": str(uuid.UUID(int=1 << 106)),
    "doubtId": str(uuid.UUID(int=1 << 107)),
    "caseId": str(uuid.UUID(int=1 << 108)),
    "backtestId": str(uuid.UUID(int=1 << 109)),
    "proposalId": str(uuid.UUID(int=1 << 110)),
}  # what no pilot has, in the form of what they have


def facts_of(world: World, pilot: str) -> set[str]:
    """Every text and every id of 12 characters or more in the rows of a pilot, of whichever table."""
    found: set[str] = set()
    tables = world.rows(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind IN ('r', 'p') AND a.attname = 'pilot_id'"
    )
    for (table,) in tables:
        for (row,) in world.rows(f"SELECT to_jsonb(t) FROM {table} t WHERE pilot_id = %(pilot)s", pilot=pilot):
            found |= {text for text in _texts(row) if len(text) >= 12}
    return found | {text.replace("-", "") for text in found if len(text) == 36}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            yield from _texts(below)
    elif isinstance(value, str):
        yield value.removeprefix("\\x")
