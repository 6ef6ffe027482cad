"""What the gate and the log cost: pages of a worklist read over HTTP, with them and without, in one run.

    python -m bench.gate --json

Sixteen clients at once ask for pages of 50 signals (POST /v1/signals/_search). `gated` is the service as it is, its
linker sealing the log meanwhile; `bare` is the same route on a login past every policy (`bench/bare.py`). The two take
turns in short rounds, so that what else the machine does falls on both; `ratio` is gated over bare, in requests.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from statistics import quantiles
from typing import Any

import httpx
import psycopg

from app.db.embedded import DATABASE
from bench.ingest import LAST_DAY, synthetic_rows
from bench.world import PILOT, TOWN, BenchWorld, bench_world
from cli.demo_world import free_port
from cli.words import errors
from client.checking import Checked
from client.delivering import deliver
from client.desk_work import desk_service
from client.oauth import ServiceLogin
from client.service import Service
from privacy.request_proof import prove_request
from signals.pilot import Role
from signals.report import Category

CREDITORS = {"rent-one": Category.RENT, "power-one": Category.ENERGY}
PAGE = 50
PATH = "/v1/signals/_search"


def main() -> None:
    """Run the bench; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=5_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each of the two, in each round")
    parser.add_argument("--json", action="store_true", help="no words, only the JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.signals, arguments.clients, arguments.rounds, arguments.seconds)
    if not arguments.json:
        errors.print(result)
    print(json.dumps(result))


def measure(signals: int, clients: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Fill a pilot with so many signals, then read it both ways, in turns."""
    with bench_world({name: (category, None) for name, category in CREDITORS.items()}) as world:
        for name, category in CREDITORS.items():
            _fill(world, name, category, signals)
        with psycopg.connect(**world.server.as_superuser(DATABASE), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")  # as the server itself does within minutes
        with desk_service(world.home(TOWN), Role.DEBT_HELP, "bench", "worklist") as service:
            pages = list(_pages(service))
        with _bare(world) as bare:
            ports = {"gated": int(world.url.rpartition(":")[2]), "bare": bare}
            took: dict[str, list[float]] = {way: [] for way in ports}
            spent = dict.fromkeys(ports, 0.0)
            for port in ports.values():  # to warm up
                _round(port, _headers(world), pages, clients, 1)
            for number in range(rounds):
                headers = _headers(world)
                for way in sorted(ports, reverse=bool(number % 2)):
                    begun = time.perf_counter()
                    took[way] += _round(ports[way], headers, pages, clients, seconds)
                    spent[way] += time.perf_counter() - begun
    per_second = {way: len(took[way]) / spent[way] for way in ports}
    return {
        "clients": clients,
        "signals": signals,
        **{way: _figures(took[way], per_second[way]) for way in ports},
        "ratio": round(per_second["gated"] / per_second["bare"], 3),
    }


def _fill(world: BenchWorld, name: str, category: Category, signals: int) -> None:
    rows = tuple(synthetic_rows(category, signals))
    checked = Checked(
        source="bench",
        period="2026-10",
        reported_on=LAST_DAY,
        category=category,
        rows_read=len(rows),
        to_send=rows,
        refused=(),
        notes=(),
    )
    with world.creditor(name) as (service, joined):
        receipt = deliver(world.home(name), service, joined, checked)
    assert receipt.accepted == signals, receipt.refused[:3]


def _pages(service: Service) -> Iterator[bytes]:
    """The request for each page of the worklist."""
    search: dict[str, Any] = {"pilotId": PILOT, "limit": PAGE}
    while True:
        page = service.post("/signals/_search", search)
        if len(page["signals"]) == PAGE:
            yield json.dumps(search).encode()
        if page["next"] is None:
            return
        search = search | {"cursor": page["next"]}


@contextmanager
def _bare(world: BenchWorld) -> Iterator[int]:
    """Run the service without gate and log on the same database; gives its port."""
    port = free_port()
    running = subprocess.Popen(
        [sys.executable, "-m", "bench.bare", str(port)], env=world.places.service_environment(world.url)
    )
    try:
        for _attempt in range(300):
            try:
                HTTPConnection("127.0.0.1", port).connect()
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        yield port
    finally:
        running.terminate()
        running.wait(60)


def _headers(world: BenchWorld) -> dict[str, str]:
    """Those of a desk's request, with a fresh token: one lasts longer than a round."""
    login = ServiceLogin(world.url, TOWN, world.home(TOWN).jwk("auth-debt-help.jwk"))
    with httpx.Client(auth=login) as http:
        token = http.get(f"{world.url}/v1/health").request.headers["Authorization"]
    viewer = {"actor": "0123456789abcdef", "purpose": "worklist"}
    # One proof for the whole round: the service keeps it and does not check it, and the desk's work is not timed here.
    proof = prove_request(
        world.home(TOWN).jwk("signing.jwk"),
        "POST",
        PATH,
        json.dumps({"pilotId": PILOT}).encode(),
        viewer,
        datetime.now(UTC),
    )
    return {
        "Authorization": token,
        "Content-Type": "application/json",
        "Vroegsein-Actor": viewer["actor"],
        "Vroegsein-Purpose": viewer["purpose"],
        "Vroegsein-Request-Proof": proof,
    }


def _round(port: int, headers: dict[str, str], pages: Sequence[bytes], clients: int, seconds: float) -> list[float]:
    """Read random pages for so long; how long each request took, in seconds."""
    until = time.perf_counter() + seconds

    def client(number: int) -> list[float]:
        chance, took = random.Random(number), []
        connection = HTTPConnection("127.0.0.1", port)
        while (begun := time.perf_counter()) < until:
            connection.request("POST", PATH, chance.choice(pages), headers)
            answer = connection.getresponse()
            body = answer.read()
            took.append(time.perf_counter() - begun)
            assert answer.status == 200, body
        connection.close()
        return took

    with ThreadPoolExecutor(clients) as pool:
        return [one for some in pool.map(client, range(clients)) for one in some]


def _figures(took: Sequence[float], per_second: float) -> dict[str, float]:
    cuts = quantiles(took, n=100)
    return {
        "requests_per_second": round(per_second, 1),
        "p50_ms": round(cuts[49] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
    }


if __name__ == "__main__":
    main()
