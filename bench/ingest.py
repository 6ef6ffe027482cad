r"""How fast deliveries are taken in: reports a second over HTTP, from the first byte to signals, with each stage apart.

    python -m bench.ingest --reports 200000 --json

In the same run the same lines go by `\copy` into a table of one column on the same server: `ratio` is the first over
the second, so that it says something on any machine.
"""

import argparse
import base64
import hashlib
import json
import os
import random
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.world import PILOT, BenchWorld, bench_world, peak_memory
from cli.words import errors
from client.checking import SendableRow
from client.delivering import MANIFEST_SIGNED_AS
from client.preparing import Preparer
from client.service import Service
from client.trust import JoinedPilot
from privacy.identity import Contact
from privacy.sealing import Envelope
from privacy.signing import sign
from signals.report import Category, Kind, Manifest, PartSummary, SocialCollection

PART_ROWS = 10_000
CREDITORS = {"rent-one": Category.RENT, "power-one": Category.ENERGY}
LAST_DAY = date(2026, 10, 31)
_STAGE = re.compile(r"stage (\w+) took ([0-9.]+) s")
SURNAMES = ("Jansen", "de Vries", "Bakker", "Visser", "Smit", "Meijer", "Mulder", "Bos", "Vos", "Peters", "Kok")


def main() -> None:
    """Run the bench; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=200_000)
    parser.add_argument("--json", action="store_true", help="no words, only the JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.reports)
    if not arguments.json:
        errors.print(result)
    print(json.dumps(result))


def measure(reports: int) -> dict[str, Any]:
    """Deliver so many reports of two creditors about the same households, then copy the same lines."""
    each = reports // len(CREDITORS)
    seconds: dict[str, float] = {"prepare": 0.0, "send": 0.0, "take_up": 0.0}
    bodies: list[bytes] = []
    os.environ["VROEGSEIN_LOG_LEVEL"] = "DEBUG"  # at which the stages are told
    with bench_world({name: (category, None) for name, category in CREDITORS.items()}) as world:
        for name, category in CREDITORS.items():
            with world.creditor(name) as (service, joined):
                _deliver(world, name, service, joined, (category, each), seconds, bodies)
        signals = world.linked("SELECT count(*) AS n FROM signals.signal")[0].n
        [keys] = world.linked("SELECT count(*) AS held, count(DISTINCT key) AS distinct FROM signals.report_key")
        memory = peak_memory(world.pid)
        stages = _stages(world.places.service_log)
        copied = _copy(world, bodies)
    taken = sum(seconds[stage] for stage in ("send", "take_up"))
    over_http, by_copy = each * len(CREDITORS) / taken, each * len(CREDITORS) / copied
    return {
        "reports": each * len(CREDITORS),
        "signals": signals,
        "keys_per_report": round(keys.held / (each * len(CREDITORS)), 2),
        "keys_known_already": round(1 - keys.distinct / keys.held, 3),
        "seconds": {stage: round(spent, 2) for stage, spent in (seconds | {"raw_copy": copied}).items()},
        "stage_seconds": stages,
        "reports_per_second": round(over_http),
        "copied_per_second": round(by_copy),
        "ratio": round(over_http / by_copy, 4),
        "peak_memory_mb": memory,
    }


def _stages(log: Path) -> dict[str, float]:
    """What the service and its linker say of each stage, added up: `parse` and `copy` are in `send`, the rest after."""
    spent: dict[str, float] = {}
    for name, took in _STAGE.findall(log.read_text(encoding="utf-8")):
        spent[name] = spent.get(name, 0.0) + float(took)
    return {name: round(took, 2) for name, took in spent.items()}


def _deliver(
    world: BenchWorld,
    name: str,
    service: Service,
    joined: JoinedPilot,
    what: tuple[Category, int],
    seconds: dict[str, float],
    bodies: list[bytes],
) -> None:
    category, count = what
    home = world.home(name)
    secret = home.secret("secret.key")
    envelope = Envelope.new(PILOT, name, joined.document.recipient_key)
    preparer = Preparer(joined, secret, envelope)
    begun = time.monotonic()
    rows = synthetic_rows(category, count)
    parts = []
    while chunk := [row for _n, row in zip(range(PART_ROWS), rows, strict=False)]:
        parts.append(b"\n".join(preparer.prepare(row).as_line() for row in chunk) + b"\n")
    bodies += parts
    seconds["prepare"] += time.monotonic() - begun
    hashed = hashlib.sha256(name.encode()).hexdigest()
    begun = time.monotonic()
    opened = service.post(
        "/deliveries",
        {
            "pilotId": PILOT,
            "period": "2026-10",
            "category": category.value,
            "expectedCount": count,
            "contentHash": hashed,
        },
    )
    where = f"/deliveries/{opened['deliveryId']}"
    summaries = []
    for number, body in enumerate(parts, start=1):
        taken = service.put_lines(f"{where}/parts/{number}", body, pilotId=PILOT)
        summaries.append(PartSummary.model_validate({k: taken[k] for k in ("number", "sha256", "accepted", "root")}))
    seconds["send"] += time.monotonic() - begun
    begun = time.monotonic()
    sealed_key = envelope.sealed_to(joined.recipients, hashed)
    manifest = Manifest(
        category=category,
        content_hash=hashed,
        creditor=name,
        delivery_key_check=envelope.check(),
        key_envelope_sha256=hashlib.sha256(sealed_key).hexdigest(),
        parts=tuple(summaries),
        period="2026-10",
        pilot=PILOT,
        recipient_key=envelope.recipient_key,
    )
    signed = sign(manifest.model_dump_json(by_alias=True).encode(), home.jwk("signing.jwk"), MANIFEST_SIGNED_AS)
    completion = {"keyEnvelope": base64.b64encode(sealed_key).decode(), "manifest": signed}
    state = service.put(f"{where}/completion", completion, pilotId=PILOT)
    while state["state"] != "completed":
        time.sleep(0.05)
        state = service.get(where, pilotId=PILOT)
    seconds["take_up"] += time.monotonic() - begun
    assert state["accepted"] == count, state["refusals"][:3]


def synthetic_rows(category: Category, count: int) -> Iterator[SendableRow]:
    """Made-up residents; the same ones for each category, so that households have several creditors."""
    chance = random.Random(2026)
    since = LAST_DAY - timedelta(days=30)
    day = since + timedelta(days=10)
    steps = SocialCollection(
        by="record", reminder_sent_on=day, contact_sought_on=day, pointed_at_help_on=day, offer_made_on=day
    )
    for number in range(count):
        contact = Contact(
            initials=chr(65 + number % 26) + chr(65 + number // 26 % 26),
            surname=SURNAMES[chance.randrange(len(SURNAMES))],
            birth_date=date(1940, 1, 1) + timedelta(days=chance.randrange(23_000)),
            street=f"Teststraat {number // 10_000}",
            house_number=str(number % 10_000 + 1),
            postcode=f"{1000 + number // 250 % 9000} {chr(65 + number % 26)}{chr(65 + number // 26 % 26)}",
            phone=f"06{10_000_000 + number}",
            email=f"r{number}@example.org",
        )
        yield SendableRow(
            line=number + 1,
            reference=f"{category.value}-{number}",
            contacts=(contact,),
            postcode_digits=contact.postcode[:4],
            amount_cents=5_000 + chance.randrange(100_000),
            months=1 + number % 3,
            arrears_since=since,
            since_derived=False,
            reported_on=LAST_DAY,
            category=category,
            kind=Kind.EARLY,
            urgent=(),
            social_collection=steps,
        )


def _copy(world: BenchWorld, bodies: list[bytes]) -> float:
    r"""Seconds that `\copy` takes for the same lines, into a table of one text column."""
    file = world.places.folder / "lines.ndjson"
    file.write_bytes(b"".join(bodies))
    file.chmod(0o644)
    login = world.server.as_superuser()
    statements = (
        "CREATE TABLE copied (line text)",
        rf"\copy copied FROM '{file}' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')",
    )
    address = ["-h", str(login["host"]), "-p", str(login.get("port", 5432)), "-U", str(login["user"]), "-d", "postgres"]
    spent = 0.0
    for statement in statements:
        begun = time.monotonic()
        subprocess.run(
            [str(world.server.programs / "psql"), "-qX", "-v", "ON_ERROR_STOP=1", *address, "-c", statement],
            env={"PGPASSFILE": str(login["passfile"])},
            check=True,
        )
        spent = time.monotonic() - begun
    return spent


if __name__ == "__main__":
    main()
