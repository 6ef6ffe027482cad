"""The whole job on the examples: every row accounted for, no resident's data anywhere in the database or in a log."""

import base64
import csv
import json
import re
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from app.db.embedded import embedded
from cli.demo import EXAMPLES, _run
from cli.demo_play import Outcome
from cli.demo_world import Places
from client.export import read_export
from client.profiles import Profile
from client.rows import Row
from signals.documents import read_document

LONGEST = 6  # words of a street or a surname
# Shorter words occur by chance in millions of random bytes, of letters (four bytes or more read as each) sooner still.
SURE, SURE_OF_LETTERS = 6, 8
AT_RANDOM = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{16,}\b")  # ids and hashes


@dataclass(frozen=True)
class Played:
    """The demo as it ended, its database still there."""

    outcome: Outcome
    dump: str
    types: dict[str, str]  # of schema.table.column
    said: dict[str, str]  # by the service with its linker, at debug level, and by PostgreSQL


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    folder = Path(tempfile.mkdtemp(prefix="vroegsein-demo-"))
    folder.chmod(0o711)  # as root the database's own user must get through, which pytest's folders don't let it
    places = Places(folder)
    with embedded(places.service_home / "postgresql") as server:
        with ExitStack() as ending:
            talkative = ending.enter_context(pytest.MonkeyPatch.context())
            talkative.setenv("VROEGSEIN_LOG_LEVEL", "DEBUG")
            outcome = _run(places, EXAMPLES, "nl", ending)
        dump = _dump(server.programs, server.as_superuser("vroegsein"))
        with psycopg.connect(**server.as_superuser("vroegsein")) as connection:
            rows = connection.execute(
                "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"
            )
            types = {f"{schema}.{table}.{column}": kind for schema, table, column, kind in rows}
        logs = {"service": places.service_log, "database": places.service_home / "postgresql" / "postgresql.log"}
        said = {name: log.read_text(encoding="utf-8") for name, log in logs.items()}
        yield Played(outcome, dump, types, said)
    places.clear()


def test_every_row_is_sent_or_refused_with_a_reason(played: Played) -> None:
    figures = played.outcome.figures()
    truth = sum(len(_truth(file)) for file in EXAMPLES.glob("*/truth.csv"))
    assert figures["reports_read"] == figures["reports_sent"] + sum(figures["refused"].values())
    assert figures["reports_read"] - figures["refused"]["repeated"] == truth
    assert figures["log_verified"]
    assert figures["opened"] > 0
    assert figures["access_events"] > figures["opened"]


def test_every_opened_report_opens_and_is_what_its_creditor_signed(played: Played) -> None:
    reports = [report for _pilot, opened in played.outcome.opened for _row, report in opened.reports]
    assert reports
    assert not [report for report in reports if isinstance(report, Exception)]


def test_a_withdrawal_takes_signals_from_the_worklist(played: Played) -> None:
    ((before, after),) = played.outcome.withdrawn.values()
    assert after < before


def test_doubtful_links_are_put_before_a_person_with_both_sides_opened(played: Played) -> None:
    queues = [queue for queue, _opened in played.outcome.doubts.values()]
    assert all(queue["complete"] for queue in queues)
    (opened,) = [opened for _queue, opened in played.outcome.doubts.values() if opened]
    assert opened.one
    assert opened.other


def test_one_report_is_proven_and_was_seen_by_the_municipality(played: Played) -> None:
    assert played.outcome.proof is not None
    file, proven = played.outcome.proof
    assert file.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert proven.seen_at is not None


def test_a_resident_of_each_pilot_is_answered_by_letter(played: Played) -> None:
    for files in played.outcome.letters.values():
        told = {file.suffix: file for file in files}
        assert set(told) == {".pdf", ".html", ".json"}
        answer = json.loads(told[".json"].read_bytes())
        assert answer["reports"]
        assert {look["role"] for look in answer["looks"]} == {"debt-help", "privacy-officer"}
    assert set(played.outcome.letters) == set(played.outcome.documents)


def test_no_resident_is_in_the_database(played: Played) -> None:
    """Surnames, streets, phones, e-mails, birth dates, postcodes and contracts of every row, as whole words.

    Words that the registry's own documents hold say nothing: a rule says "meer dan", a resident is called Van der Meer.
    """
    texts, raw = _contents(played)
    terms = _private_terms()
    found = _held((AT_RANDOM.sub(" ", text) for text in texts), terms)
    assert not found, f"{len(found)} terms in text columns"
    # Runs that read as text, in UTF-8 or Windows-1252 alike; shorter ones occur by chance.
    runs = re.findall(rb"[\x20-\x7e\x80-\xff]{%d,}" % SURE, b"\n".join(raw))
    read = (run.decode(encoding, "ignore") for run in runs for encoding in ("utf-8", "cp1252"))
    sure = {term for term in terms if len(term) >= (SURE if re.search(r"\d", term) else SURE_OF_LETTERS)}
    found = _held(read, sure)
    assert not found, f"{len(found)} terms in bytes"


def test_no_resident_is_in_a_log_at_debug_level(played: Played) -> None:
    assert " DEBUG vroegsein.linker work " in played.said["service"]
    assert " INFO uvicorn" in played.said["service"]
    assert played.said["database"]
    terms = _private_terms()
    for name, said in played.said.items():
        found = _held([AT_RANDOM.sub(" ", said)], terms)
        assert not found, f"{len(found)} terms in the log of the {name}"


def _private_terms() -> set[str]:
    """What must not be found, without the words of the registry's own documents."""
    terms = _terms()
    terms -= _held((file.read_text(encoding="utf-8") for file in _public_files()), terms)
    assert len(terms) > 10_000
    return terms


def _truth(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _dump(programs: Path, login: dict[str, str]) -> str:
    environment = {"PGPASSFILE": str(login["passfile"])}
    address = ["-h", str(login["host"]), "-p", str(login.get("port", 5432)), "-U", str(login["user"])]
    done = subprocess.run(
        [programs / "pg_dump", *address, "--data-only", str(login["dbname"])],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _contents(played: Played) -> tuple[list[str], list[bytes]]:
    """What stands in text columns, JWS decoded, and the bytes of bytea columns; ids, numbers and times left out."""
    texts, raw = [], []
    columns: list[str] = []
    for line in played.dump.splitlines():
        head = re.match(r"COPY (\S+) \((.*)\) FROM stdin;", line)
        if head:
            columns = [f"{head[1]}.{column.strip().strip(chr(34))}" for column in head[2].split(",")]
            continue
        if line == "\\.":
            columns = []
        if not columns:
            continue
        for column, value in zip(columns, line.split("\t"), strict=True):
            kind = played.types[column]
            if kind == "bytea" and value.startswith("\\\\x"):
                raw.append(bytes.fromhex(value[3:]))
            elif kind in {"text", "jsonb", "ARRAY"} and not column.endswith((".sent",)):
                texts.append(_decoded(value))
            elif column.endswith(".sent"):
                texts.append(value)
    assert texts
    assert raw
    return texts, raw


def _decoded(value: str) -> str:
    if not re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", value):
        return value
    return " ".join(
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "replace")
        for part in value.split(".")[:2]
    )


def _public_files() -> Sequence[Path]:
    return [*EXAMPLES.glob("registry/*.yaml"), Path(__file__).parents[2] / "signals/data/default.yaml"]


def _held(texts: Iterable[str], terms: set[str]) -> set[str]:
    """Which terms stand in the texts as a run of one to six whole words, folded."""
    begin = {term.partition(" ")[0] for term in terms}
    found: set[str] = set()
    for text in texts:
        folded = fold(text)
        words = re.findall(r"[\w@.+-]*[\w]", folded) + re.findall(r"\w+", folded)
        for i in (i for i, word in enumerate(words) if word in begin):
            found |= terms & {" ".join(words[i : i + n]) for n in range(1, LONGEST + 1)}
    return found


def fold(text: str) -> str:
    """Lower case, without accents."""
    if text.isascii():
        return text.casefold()
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _terms() -> set[str]:
    """What must not be found, of every row of every export."""
    terms: set[str] = set()
    for file in sorted(EXAMPLES.glob("*/*_2026-*")):
        profile = read_document(EXAMPLES / "profiles" / f"{file.stem.split('_')[0]}.yaml", Profile)
        for row in read_export(file, profile).rows:
            if isinstance(row, Row):
                terms |= _terms_of(row)
    folded = {fold(term) for term in terms if len(term) > 2}
    # A name also by its words alone: "a. van 't hof" as "a van t hof", which no run of whole words would be else.
    return folded | {" ".join(re.findall(r"\w+", term)) for term in folded if not re.search(r"[\d@]", term)} - {""}


def _terms_of(row: Row) -> set[str]:
    contact = row.contact
    surname = re.sub(r"^(dhr|mevr|mw|hr)\.? ", "", contact.surname or contact.name, flags=re.IGNORECASE)
    street = contact.street or re.split(r"\s\d", contact.address)[0]
    postcodes = re.findall(r"\b([1-9]\d{3})\s*([A-Za-z]{2})\b", f"{contact.postcode} {contact.address}")
    terms = {surname, f"{contact.prefix} {surname}".strip(), street, contact.email, row.reference}
    terms |= {f"{digits}{letters}" for digits, letters in postcodes} | {f"{d} {x}" for d, x in postcodes}
    digits = re.sub(r"\D", "", contact.phone)
    terms |= {contact.phone.strip(), digits, digits.removeprefix("0"), f"+31{digits[-9:]}" if digits else ""}
    if contact.birth_date:
        terms |= {contact.birth_date.isoformat(), f"{contact.birth_date:%d-%m-%Y}", f"{contact.birth_date:%Y%m%d}"}
    return {term for term in terms if term}


def test_known_clients_have_a_tray_of_their_own_with_what_is_urgent_on_top(played: Played) -> None:
    (pilot,) = played.outcome.known_clients
    apart = [signal for signal in played.outcome.worklists[pilot] if signal["tray"] == "known_client"]
    assert apart
    assert apart[0]["urgent"]
