"""The end of a run, as two runs can be compared; and what must hold of it by itself."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias

from client.home import Home
from client.receipts import kept_deliveries
from tests.soak.world import PILOT, SoakFailed, SoakWorld
from tests.world import CREDITORS

# Each as rows of text. Left out is what differs between any two runs: ids that are drawn, moments, what is sealed or
# salted anew at each attempt, and the random match keys that fill up a report or a statement (they meet no other). What
# a resident says twice stands there twice, and means the same: so DISTINCT.
SHARED = "SELECT pilot_id, key FROM signals.report_key GROUP BY pilot_id, key HAVING count(*) > 1"
COMPARED = {
    "reports": """
        SELECT to_jsonb(r) - '{delivery_id,received_on}'::text[] || jsonb_build_object('content', d.content_hash)
        FROM signals.report r JOIN intake.delivery d USING (pilot_id, delivery_id)
    """,
    "match keys": f"SELECT to_jsonb(k) FROM signals.report_key k JOIN ({SHARED}) AS s USING (pilot_id, key)",
    "sealed reports": "SELECT to_jsonb(ARRAY[report_id, household_id]) FROM signals.sealed_report",
    "shut out": "SELECT to_jsonb(report_id) FROM signals.shut_out",
    "signals": "SELECT to_jsonb(s) - '{received_on,deadline}'::text[] FROM signals.signal s",
    "signals by category": "SELECT to_jsonb(s) FROM signals.signal_categories s",
    "facts": "SELECT to_jsonb(s) FROM signals.signal_facts s",
    "days": """
        SELECT jsonb_build_array(s.signal_id, s.received_on, s.deadline) FROM signals.signal s UNION ALL
        SELECT jsonb_build_array(r.report_id, r.received_on, NULL) FROM signals.report r
    """,
    "deliveries": """
        SELECT to_jsonb(ARRAY[creditor_id, period, category, state, content_hash::text, expected_count::text,
               accepted::text, refused::text]) FROM intake.delivery
    """,
    "refused lines": """
        SELECT jsonb_build_array(d.content_hash, f.part, f.line, f.code)
        FROM intake.refused_row f JOIN intake.delivery d USING (pilot_id, delivery_id)
    """,
    "staged lines": "SELECT to_jsonb(s.line) FROM intake.staged_report s",
    "waiting changes": "SELECT to_jsonb(change_id) FROM privacy.basis_change WHERE done_at IS NULL",
    "consents": "SELECT DISTINCT to_jsonb(ARRAY[category, given_on::text, withdrawn_on::text]) FROM privacy.consent",
    "objections": "SELECT DISTINCT to_jsonb(ARRAY[kind, state, category, since::text]) FROM privacy.objection",
    "keys of objections": f"""
        SELECT DISTINCT to_jsonb(key) FROM privacy.objection_key JOIN ({SHARED}) AS s USING (pilot_id, key)
    """,
    "receipts in the log": "SELECT to_jsonb(count(*)) FROM privacy.event WHERE kind = 'delivery'",
}
COUNTED = ("reports", "signals", "deliveries", "shut out", "objections")

End: TypeAlias = Mapping[str, Counter[str]]


def end_of(world: SoakWorld) -> End:
    """What stands in the database now."""
    with world.superuser() as connection:
        return {
            name: Counter(json.dumps(row[0], sort_keys=True) for row in connection.execute(statement).fetchall())
            for name, statement in COMPARED.items()
        }


def differences(undisturbed: End, disturbed: End) -> list[str]:
    """What is not the same, each with how much is missing and how much too many, and an example."""
    found = []
    for name in COMPARED:
        missing, extra = undisturbed[name] - disturbed[name], disturbed[name] - undisturbed[name]
        if missing or extra:
            example = next(iter(missing or extra))[:300]
            found.append(f"{name}: {missing.total()} missing, {extra.total()} too many, such as {example}")
    return found


def digest(end: End) -> str:
    """One short word for an end."""
    text = json.dumps({name: sorted(rows.elements()) for name, rows in end.items()})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_receipts_kept(world: SoakWorld) -> int:
    """See that each receipt that left the service stands, once, in database, log and its creditor's home.

    Returns how many. Raises SoakFailed.
    """
    with world.superuser() as connection:
        rows = connection.execute("SELECT delivery_id::text, creditor_id, receipt FROM intake.delivery").fetchall()
        told: Counter[str] = Counter(
            row[0]
            for row in connection.execute(
                "SELECT body ->> 'delivery' FROM privacy.event WHERE kind = 'delivery'"
            ).fetchall()
        )
    standing: dict[str, Any] = {delivery: receipt for delivery, _creditor, receipt in rows}
    for delivery, given in world.receipts.items():
        if given != {standing.get(delivery)}:
            raise SoakFailed(f"delivery {delivery}: {len(given)} receipts were given, and another one stands")
    if told != Counter(standing.keys()):
        told_of = {one: count for one, count in told.items() if count != 1}
        raise SoakFailed(f"the log does not tell of each delivery once: {told_of or set(standing) - set(told)}")
    for creditor in CREDITORS:
        kept = {one.delivery: one.receipt for one in kept_deliveries(Home(world.places.home(creditor).path))}
        own = {delivery: receipt for delivery, who, receipt in rows if who == creditor}
        if kept != own:
            raise SoakFailed(f"{creditor} keeps other receipts than the service gave for {PILOT}")
    return len(standing)
