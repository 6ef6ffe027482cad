"""What can rot in the documents: commands, settings, tables, words, formats, and whatever they point to."""

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from app.api.deliveries import MOST_PART_BYTES
from app.db.passfiles import LOGINS, OWNER
from app.errors import STATUS
from app.main import create_app
from app.problems import PLAIN
from app.settings import Settings
from cli.main import GROUPS, build
from privacy import merkle
from privacy.receipts import details_commitment
from privacy.references import content_hash, reference, report_id
from privacy.sealing import SealedReport, report_leaf
from signals.report import Manifest, Report

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
)
PACKAGES = ("app", "cli", "client", "desk", "privacy", "signals")
OURS_ALONE = {"VROEGSEIN_PARENT", "VROEGSEIN_TEST_RUN"}  # set by `serve` for its linker, and by the tests

# The words that code and API speak, and their Dutch; a word of these is renamed nowhere without renaming it everywhere.
WORDS = {
    "pilot": "pilot",
    "organisation": "organisatie",
    "agreement": "convenant",
    "delivery": "levering",
    "report": "vroegsignaal",
    "match key": "koppelsleutel",
    "person": "persoon",
    "household": "huishouden",
    "rule set": "regelset",
    "rule": "regel",
    "signal": "signaal",
    "case": "vroegsignaalzaak",
    "contact attempt": "contactpoging",
    "outcome": "resultaat",
    "feedback": "terugkoppeling",
    "access event": "inzagegebeurtenis",
    "checkpoint": "ijkpunt",
    "knock-out list": "uitsluitlijst",
}

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))


@each_document
def test_every_command_that_is_named_exists_with_its_options(document: Path) -> None:
    for words in _commands(document, "vroegsein"):
        group = words[0]
        if group.startswith("-"):  # `vroegsein --help`
            continue
        assert group in GROUPS, f"vroegsein {group}"
        command, rest = _group(group), words[1:]
        while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
            assert rest[0] in command.commands, f"vroegsein {' '.join(words)}"
            command, rest = _inside(command, rest[0]), rest[1:]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        asked = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert asked <= known, f"vroegsein {' '.join(words)}"


@each_document
def test_every_make_target_and_bench_that_is_named_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert {words[0] for words in _commands(document, "make") if re.fullmatch(r"[a-z-]+", words[0])} <= targets
    for words in _commands(document, "python -m"):
        module = ROOT / words[0].replace(".", "/")
        found = module.with_suffix(".py").exists() or (module / "__main__.py").exists()
        assert found or words[0] == "venv", words[0]


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    text = _without_blocks(document)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file), target


@each_document
def test_every_file_and_test_that_is_named_exists(document: Path) -> None:
    for word in _code_spans(document):
        name, _, test = word.partition("::")
        if not re.fullmatch(rf"({'|'.join(PACKAGES)}|bench|docs|examples|migrations|tests)/[\w./-]*", name):
            continue
        assert (ROOT / name).exists(), word
        if test:
            source = (ROOT / name).read_text(encoding="utf-8")
            assert re.search(rf"^def {re.escape(test)}\(", source, re.MULTILINE), word


def test_every_setting_is_documented_and_none_that_is_not_there() -> None:
    settings = {f"VROEGSEIN_{name.upper()}" for name in Settings.model_fields}
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            settings |= set(re.findall(r"VROEGSEIN_[A-Z_]*[A-Z]", file.read_text(encoding="utf-8")))
    table = set(re.findall(r"^\| `(VROEGSEIN_[A-Z_]+)` \|", _text(ROOT / "README.md"), re.MULTILINE))
    assert table == settings - OURS_ALONE
    for document in DOCUMENTS:
        named = set(re.findall(r"VROEGSEIN_[A-Z_]*[A-Z]", _text(document)))
        assert named <= settings, document.name


def test_the_life_of_every_table_is_told_and_of_none_that_is_not_there() -> None:
    migrations = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "migrations/versions").glob("*.py"))
    tables = set(re.findall(r"CREATE TABLE (\w+\.\w+)", migrations))
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \|", _text(ROOT / "docs/data-life.md"), re.MULTILINE)
    told = [f"{schema}.{table}" for schema, table in rows if schema in {name.split(".")[0] for name in tables}]
    assert len(tables) > 20
    assert sorted(told) == sorted(tables)


@pytest.mark.parametrize("name", ["database.md", "trust-model.md"])
def test_every_login_is_told_of(name: str) -> None:
    told = re.findall(r"^\| `(vroegsein_\w+)` \|", _text(ROOT / "docs" / name), re.MULTILINE)
    assert sorted(told) == sorted([OWNER, *LOGINS])


@pytest.mark.parametrize(("word", "dutch"), WORDS.items(), ids=WORDS)
def test_every_word_of_the_code_is_in_the_glossary_with_its_dutch(word: str, dutch: str) -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", _text(ROOT / "docs/glossary.md"), re.MULTILINE)
    terms = [({part.strip() for part in words.split(",")}, term) for words, term in rows]
    assert any(word in words and dutch in term for words, term in terms)


def test_no_word_has_two_entries_in_the_glossary() -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|", _text(ROOT / "docs/glossary.md"), re.MULTILINE)
    words = [part.strip() for row in rows for part in row.split(",") if part.strip() not in {"word", "---"}]
    assert len(words) == len(set(words))


def test_every_decision_is_in_the_index_once_in_order_and_has_its_parts() -> None:
    files = sorted(file.name for file in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    index = _text(ROOT / "docs/decisions/README.md")
    listed = re.findall(r"^\| (\d+) \| \[([^\]]+)\]\(([^)]+)\) \|", index, re.MULTILINE)
    assert [name for _, _, name in listed] == files
    for number, title, name in listed:
        text = _text(ROOT / "docs/decisions" / name)
        assert int(name[:4]) == int(number)
        assert text.startswith(f"# {number}. {title}\n"), name
        assert re.findall(r"^## (\w+)", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Rejected"], name


def test_the_page_on_the_api_names_every_operation_and_none_that_is_not_there() -> None:
    operations = {
        re.sub(r"\{\w+\}", "*", f"{method.upper()} /v1{path}")
        for path, methods in create_app().openapi()["paths"].items()
        for method in methods.keys() & {"get", "put", "post", "delete"}
    } - {"GET /v1/health"}
    named = re.findall(r"\b(?:GET|PUT|POST|DELETE) /v1/[^\s`?]+", _text(ROOT / "docs/api.md"))
    assert {_operation(call, operations) for call in named} == operations


def test_the_page_on_the_api_names_every_code_of_a_problem() -> None:
    codes = {error.code for error in STATUS} | {code for code, *_ in PLAIN.values()}  # type: ignore[attr-defined]  # every class in the table has one, tests say
    assert codes <= set(_code_spans(ROOT / "docs/api.md"))


def test_the_page_on_the_api_names_every_rule_that_refuses_a_delivery_or_a_line() -> None:
    rules = set()
    for name in ("intake.py", "intake_rules.py", "part_reading.py"):
        source = (ROOT / "app" / name).read_text(encoding="utf-8")
        rules |= set(re.findall(r'DeliveryRefused\("([a-z-]+)"', source))
        rules |= set(re.findall(r'"/[\w/]+", "([a-z-]+)"', source))
        rules |= set(re.findall(r'\("([a-z]+-not-running)"', source)) | set(re.findall(r'"(unreadable-line)"', source))
    rules |= {f"period-outside-{whose}" for whose in ("pilot", "agreement")}  # put together in refuse_dates
    assert len(rules) > 18
    assert rules <= set(_code_spans(ROOT / "docs/api.md"))


def test_the_page_on_the_api_names_every_tag_that_is_hashed_or_signed() -> None:
    tags = set()
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            tags |= set(re.findall(r"vroegsein/[a-z-]+/v\d+", file.read_text(encoding="utf-8")))
    assert tags == set(re.findall(r"vroegsein/[a-z-]+/v\d+", _text(ROOT / "docs/api.md")))


def test_the_example_of_a_manifest_is_one_in_the_form_that_is_signed() -> None:
    example = _json_block("Manifest")
    written = json.dumps(example, separators=(",", ":"))
    assert Manifest.model_validate(example).model_dump_json(by_alias=True) == written


def test_the_worked_example_is_right() -> None:
    secret, pilot, creditor, contract = bytes(range(32)), "example-pilot", "example-creditor", "hc-1001"
    example, figures = _json_block("Worked example"), _json_block("Worked example", 1)
    report = Report.model_validate_json(json.dumps(example))
    sent = json.dumps(example, separators=(",", ":")).encode()  # the page writes its members in the canonical order
    assert report.canonical() == sent
    assert report.reference == reference(secret, pilot, contract)
    assert report.commitment == details_commitment(bytes(range(16)), {"contract": contract, "amount_cents": 47_550})
    assert figures == {
        "reference": report.reference,
        "reportId": str(report_id(pilot, creditor, "2026-10", report.reference)),
        "contentHash": content_hash(secret, pilot, [b"row two", b"row one"]),
        "canonicalSha256": hashlib.sha256(sent).hexdigest(),
        "leafHash": merkle.leaf_hash(report_leaf(sent, SealedReport(bytes(60), bytes(528)))).hex(),
    }


def test_the_limits_that_the_page_on_the_api_names_are_those_of_the_service() -> None:
    text = " ".join(_text(ROOT / "docs/api.md").split())
    assert f"a part {MOST_PART_BYTES // 2**20} MiB" in text
    assert f"{Settings.model_fields['max_body_bytes'].default // 2**20} MiB (`VROEGSEIN_MAX_BODY_BYTES`)" in text


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _without_blocks(file: Path) -> str:
    return re.sub(r"^```.*?^```", "", _text(file), flags=re.MULTILINE | re.DOTALL)


def _blocks(file: Path) -> list[str]:
    return re.findall(r"^```\w*\n(.*?)^```", _text(file), flags=re.MULTILINE | re.DOTALL)


def _code_spans(file: Path) -> list[str]:
    """What stands between backticks in running text."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", _without_blocks(file))]


def _commands(file: Path, program: str) -> Iterator[list[str]]:
    """The words behind `program` wherever it begins a line of a block or a code span, past variables and folders."""
    lines = [line for block in _blocks(file) for line in block.splitlines()] + _code_spans(file)
    for line in lines:
        found = re.match(rf"(?:\w+=\S* )*(?:\S*/)?{re.escape(program)} (\S.*)", line)
        if found:
            yield found[1].partition("  ")[0].split()


@cache
def _group(name: str) -> TyperGroup | TyperCommand:
    whole = typer.main.get_command(build(name))
    assert isinstance(whole, TyperGroup)
    return _inside(whole, name)


def _inside(group: TyperGroup, name: str) -> TyperGroup | TyperCommand:
    found = group.commands[name]
    assert isinstance(found, TyperGroup | TyperCommand)
    return found


def _anchors(file: Path) -> set[str]:
    """As the usual hosts make them: lower case, blanks to hyphens, punctuation gone."""
    headings = re.findall(r"^#+ (.+)$", _without_blocks(file), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _operation(call: str, operations: set[str]) -> str:
    """The one operation of the service that `call` is an example of, or the call itself."""
    return next((known for known in operations if _fits(call.split("/"), known.split("/"))), call)


def _fits(steps: list[str], known: list[str]) -> bool:
    return len(steps) == len(known) and all(word in ("*", step) for step, word in zip(steps, known, strict=True))


def _json_block(heading: str, nth: int = 0) -> Any:
    """The `nth` JSON block behind a heading of the page on the API."""
    behind = re.split(rf"^#+ {re.escape(heading)}$", _text(ROOT / "docs/api.md"), flags=re.MULTILINE)[1]
    return json.loads(re.findall(r"^```json\n(.*?)^```", behind, flags=re.MULTILINE | re.DOTALL)[nth])
