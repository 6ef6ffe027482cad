"""The registry as documents: what is applied stands once; what contradicts is refused with its line, and nothing is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
import yaml

from app import registry
from app.db.sessions import Login, make_engine
from app.registry import Change
from cli.demo_world import DEFAULT_RULES
from client.home import Home, Settings, init_creditor, init_desk
from signals.documents import DocumentError
from signals.pilot import Pilot, Role
from signals.report import Kind
from tests.conftest import Database
from tests.world import agreement_document, pilot_document

TABLES = ("organisation", "organisation_key", "pilot", "agreement", "rule_set")
AS_OWNER = sa.text("SET LOCAL ROLE vroegsein_owner")
Document = dict[str, Any] | str | Path


@pytest.fixture(scope="module")
def engine(module_database: Database) -> Iterator[sa.Engine]:
    login = module_database.server.as_superuser(module_database.address.database)
    engine = make_engine(login, pool_size=1)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """The owner's work, one transaction per test, taken back at its end."""
    with engine.connect() as connection:
        connection.execute(AS_OWNER)
        yield connection
        connection.rollback()


@pytest.fixture
def applied(connection: sa.Connection, tmp_path: Path) -> sa.Connection:
    """A registry with a town, a creditor, their pilot, agreement and keys."""
    apply(connection, tmp_path, *basis(tmp_path))
    return connection


def basis(folder: Path) -> list[Document]:
    return [
        organisation("town-a", "debt-help", "privacy-officer"),
        organisation("housing", "creditor"),
        pilot_document("aland", "town-a"),
        agreement_document("aland", "housing"),
        DEFAULT_RULES,
        *publics(folder),
    ]


def publics(folder: Path) -> list[Path]:
    desk, creditor = Home(folder / "town-a"), Home(folder / "housing")
    return [
        init_desk(desk, Settings(organisation="town-a", service_url="https://v.example")),
        init_creditor(creditor, Settings(organisation="housing", service_url="https://v.example")),
    ]


def organisation(name: str, *roles: str, **changes: Any) -> dict[str, Any]:
    return {"kind": "organisation", "id": name, "name": name.title(), "roles": list(roles)} | changes


def keys(name: str, *entries: tuple[str, str], role: str = "creditor") -> dict[str, Any]:
    """Keys by (id, what the key is)."""
    return {
        "kind": "keys",
        "organisation": name,
        "keys": [
            {"kid": kid, "use": "signing", "role": role, "public": {"kty": "OKP", "crv": "Ed25519", "x": value}}
            for kid, value in entries
        ],
    }


def files(folder: Path, *documents: Document) -> list[Path]:
    """Each document in a file of its own, in the order given; a path stands for itself."""
    found = []
    for number, document in enumerate(documents):
        if isinstance(document, Path):
            found.append(document)
            continue
        text = document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False)
        found.append(folder / f"document-{number}.yaml")
        found[-1].write_text(text, encoding="utf-8")
    return found


def apply(connection: sa.Connection, folder: Path, *documents: Document) -> list[Change]:
    changes = registry.plan(connection, files(folder, *documents))
    registry.carry_out(connection, changes)
    return changes


def refused(connection: sa.Connection, folder: Path, *documents: Document) -> list[str]:
    """The mistakes of a plan that contradicts; each must name a line that holds the word it is about."""
    before = everything(connection)
    with pytest.raises(DocumentError) as error:
        apply(connection, folder, *documents)
    assert everything(connection) == before
    return [str(mistake) for mistake in error.value.mistakes]


def everything(connection: sa.Connection) -> dict[str, Any]:
    tables = [f"registry.{table}" for table in TABLES] + ["privacy.event"]
    return {table: seen(connection, f"SELECT to_jsonb(t) FROM {table} t ORDER BY t::text") for table in tables}


def seen(connection: sa.Connection, statement: str) -> list[Any]:
    """What stands, events too, which the owner who writes them can't read."""
    connection.execute(sa.text("RESET ROLE"))
    found = list(connection.execute(sa.text(statement)).scalars())
    connection.execute(AS_OWNER)
    return found


def at(mistake: str, folder: Path) -> str:
    """The text of the line that a mistake points at."""
    name, line, _column = mistake.split(":")[:3]
    path = folder / name
    return (path if path.exists() else DEFAULT_RULES).read_text().splitlines()[int(line) - 1].strip()


def test_documents_are_applied_in_any_order_and_stand_as_they_were_written(
    connection: sa.Connection, tmp_path: Path
) -> None:
    documents = basis(tmp_path)
    changes = apply(connection, tmp_path, *reversed(documents))
    assert [change.is_new for change in changes] == [True] * len(documents)
    standing = registry.load(connection)
    assert (set(standing.organisations), set(standing.pilots)) == ({"town-a", "housing"}, {"aland"})
    assert (set(standing.agreements), set(standing.rule_sets)) == ({("aland", "housing")}, {"default@1"})
    assert len(standing.keys) == 6
    assert standing.pilots["aland"] == Pilot.model_validate(pilot_document("aland", "town-a"))


def test_one_file_may_hold_all_documents(connection: sa.Connection, tmp_path: Path) -> None:
    documents = [document for document in basis(tmp_path) if isinstance(document, dict)]
    apply(connection, tmp_path, DEFAULT_RULES, yaml.safe_dump_all(documents))
    assert set(registry.load(connection).agreements) == {("aland", "housing")}


def test_applying_once_more_changes_nothing(applied: sa.Connection, tmp_path: Path) -> None:
    before = everything(applied)
    changes = apply(applied, tmp_path, *basis(tmp_path))
    assert all(change.changes_nothing for change in changes)
    assert everything(applied) == before


def test_a_document_that_is_left_out_stays(applied: sa.Connection, tmp_path: Path) -> None:
    apply(applied, tmp_path, organisation("power", "creditor"))
    assert set(registry.load(applied).organisations) == {"town-a", "housing", "power"}


def test_a_change_is_shown_value_by_value_and_then_stands(applied: sa.Connection, tmp_path: Path) -> None:
    terms = pilot_document("aland", "town-a")
    terms["categories"]["rent"]["minimum_euros"] = 75
    terms["postcodes"] = ["1111"]
    terms["ends"] = "2028-01-31"
    (change,) = apply(applied, tmp_path, terms)
    assert not change.is_new
    assert change.differences == (
        ("categories.rent.minimum_euros", "50", "75"),
        ("ends", "2027-12-31", "2028-01-31"),
        ("postcodes", "1111, 1112", "1111"),
    )
    row = applied.execute(sa.text("SELECT ends::text, document ->> 'ends' FROM registry.pilot")).one()
    assert tuple(row) == ("2028-01-31", "2028-01-31")
    assert registry.load(applied).pilots["aland"].categories["rent"].minimum_euros == 75  # type: ignore[index]  # a StrEnum


def test_what_is_added_and_what_goes_is_shown_with_a_dash(applied: sa.Connection, tmp_path: Path) -> None:
    terms = pilot_document("aland", "town-a")
    del terms["purposes"]["count"]
    terms["categories"]["water"] = {"basis": "statutory", "source": "Drinkwaterwet"}
    (change,) = apply(applied, tmp_path, terms)
    shown = {path: (old, new) for path, old, new in change.differences}
    assert shown["purposes.count.level"] == ("index", "–")
    assert shown["categories.water.source"] == ("–", "Drinkwaterwet")


EXPERIMENT = {
    "article": "Stcrt. 2024, 10148, art. 2.1",
    "creditors": ["housing"],
    "starts": "2026-01-01",
    "ends": "2026-12-31",
}


def on(basis: str, experiment: dict[str, Any] | None = None) -> dict[str, Any]:
    """A pilot in which rent rests on this basis."""
    told = {"experiment": EXPERIMENT | experiment} if experiment is not None else {}
    return pilot_document("aland", "town-a", categories={"rent": {"basis": basis, "source": "x", **told}})


@pytest.mark.parametrize(
    ("pilot", "line", "word"),
    [
        (on("consent"), "basis: consent", "basis in law"),
        (on("experiment"), "basis: experiment", "article"),
        (on("statutory", {}), "basis: statutory", "no other"),
        (on("experiment", {"creditors": ["nobody"]}), "- nobody", "no organisation nobody"),
        (on("experiment", {"creditors": ["town-a"]}), "- town-a", "role creditor"),
        (on("experiment", {"ends": "2028-01-01"}), "ends: '2028-01-01'", "the pilot runs"),
        (on("experiment", {"starts": "2025-12-31"}), "starts: '2025-12-31'", "the pilot runs"),
        (on("experiment", {"ends": "2025-01-01"}), "article: ", "ends before it starts"),
    ],
    ids=["consent", "no-article", "statutory", "nobody", "no-creditor", "ends", "starts", "order"],
)
def test_a_basis_that_contradicts_the_law_or_its_own_experiment_is_refused_at_its_line(
    applied: sa.Connection, tmp_path: Path, pilot: dict[str, Any], line: str, word: str
) -> None:
    (mistake,) = refused(applied, tmp_path, pilot)
    assert at(mistake, tmp_path).startswith(line)
    assert word in mistake


@pytest.mark.parametrize(("purpose", "minutes"), [("audit", 30), ("offer-help", 0), ("offer-help", 481)])
def test_a_glass_is_broken_to_see_something_for_some_minutes(
    applied: sa.Connection, tmp_path: Path, purpose: str, minutes: int
) -> None:
    pilot = on("statutory")
    pilot["purposes"][purpose]["break_glass"] = {"minutes": minutes}
    (mistake,) = refused(applied, tmp_path, pilot)
    assert "break_glass" in mistake or "minutes" in mistake
    pilot["purposes"][purpose] = {**pilot["purposes"]["offer-help"], "break_glass": {"minutes": 480}}
    apply(applied, tmp_path, pilot)


def test_an_experiment_without_its_article_is_refused(applied: sa.Connection, tmp_path: Path) -> None:
    pilot = on("experiment", {})
    del pilot["categories"]["rent"]["experiment"]["article"]
    (mistake,) = refused(applied, tmp_path, pilot)
    assert "article" in mistake


def test_consent_counts_where_no_law_names_a_basis_and_in_an_experiment(applied: sa.Connection, tmp_path: Path) -> None:
    pilot = on("experiment", {"evidence": "consent"})
    pilot["categories"]["other"] = {"basis": "consent", "source": "x"}
    pilot["categories"]["rent"]["kinds"] = {"hand_over": {"basis": "statutory", "source": "x"}}
    apply(applied, tmp_path, pilot)
    rests = set(registry.load(applied).pilots["aland"].rests_on_consent())
    assert rests == {f"other/{kind}" for kind in Kind} | {f"rent/{kind}" for kind in Kind} - {"rent/hand_over"}


def test_a_kind_can_not_rest_on_consent_where_the_law_names_a_basis(applied: sa.Connection, tmp_path: Path) -> None:
    pilot = on("statutory")
    pilot["categories"]["rent"]["kinds"] = {
        "hand_over": {"basis": "consent", "source": "x"},
        "update": {"basis": "statutory", "source": "x"},
    }
    both = refused(applied, tmp_path, pilot)
    assert [at(mistake, tmp_path) for mistake in both] == ["basis: consent", "basis: statutory"]


def test_a_new_key_is_added_beside_the_old_ones(applied: sa.Connection, tmp_path: Path) -> None:
    (_desk, public) = publics(tmp_path)
    document = yaml.safe_load(public.read_text())
    document["keys"].append(keys("housing", ("new-key-2", "AAAA"))["keys"][0])
    (change,) = apply(applied, tmp_path, document)
    assert change.differences == (("keys.new-key-2", "–", "added"),)
    assert len(registry.load(applied).keys) == 7


def test_a_pilots_log_tells_what_changed_in_it_and_not_what_did_not(applied: sa.Connection, tmp_path: Path) -> None:
    def events() -> list[Any]:
        return seen(
            applied, "SELECT body FROM privacy.event WHERE pilot_id = 'aland' AND kind = 'registry' ORDER BY at"
        )

    assert [body["document"] for body in events()] == ["pilot aland", "agreement of housing with aland"]
    apply(applied, tmp_path, pilot_document("aland", "town-a", ends="2028-01-31"), organisation("power", "creditor"))
    apply(applied, tmp_path, pilot_document("aland", "town-a", ends="2028-01-31"))
    assert len(events()) == 3
    assert (events()[-1]["document"], events()[-1]["new"], events()[-1]["values"]) == ("pilot aland", False, ["ends"])


def change(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return document | changes


PILOT, AGREEMENT = pilot_document("aland", "town-a"), agreement_document("aland", "housing")
CONTRADICTIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown municipality": (
        pilot_document("cland", "nowhere"),
        "municipality: nowhere",
        "no organisation nowhere with role debt-help",
    ),
    "a creditor for a municipality": (
        pilot_document("cland", "housing"),
        "municipality: housing",
        "no organisation housing with role debt-help",
    ),
    "changed municipality": (change(PILOT, municipality="town-b"), "municipality: town-b", "is town-a's"),
    "a category that an agreement still names": (
        change(PILOT, categories={"energy": PILOT["categories"]["energy"]}),
        "energy:",
        "the agreement of housing still names rent",
    ),
    "unknown rule set": (change(PILOT, rule_set="default@9"), "rule_set: default@9", "no rule set default@9"),
    "a pilot that ends before it starts": (change(PILOT, ends="2025-12-31"), "kind: pilot", "ends before it starts"),
    "an unknown word": (change(PILOT, postcode=["1111"]), "postcode:", 'did you mean "postcodes"?'),
    "no full postcode": (change(PILOT, postcodes=["111"]), "- '111'", "postcodes.0"),
    "unknown pilot": (change(AGREEMENT, pilot="cland"), "pilot: cland", "no pilot cland"),
    "unknown creditor": (change(AGREEMENT, creditor="nobody"), "creditor: nobody", "no organisation nobody"),
    "a municipality for a creditor": (
        change(AGREEMENT, creditor="town-a"),
        "creditor: town-a",
        "no organisation town-a with role creditor",
    ),
    "an agreement that starts before the pilot": (
        change(AGREEMENT, starts="2025-12-31"),
        "starts: '2025-12-31'",
        "from 2026-01-01 until 2027-12-31",
    ),
    "an agreement that outlives the pilot": (
        change(AGREEMENT, ends="2028-01-01"),
        "ends: '2028-01-01'",
        "from 2026-01-01 until 2027-12-31",
    ),
    "a category that the pilot has no terms for": (
        change(AGREEMENT, categories=["rent", "water"]),
        "- water",
        "no terms for water",
    ),
    "keys of nobody": (keys("nobody", ("some-key", "AAAA")), "organisation: nobody", "no organisation nobody"),
    "a role that the organisation lacks": (
        keys("housing", ("some-key", "AAAA"), role="privacy-officer"),
        "role: privacy-officer",
        "housing does not have the role privacy-officer",
    ),
    "one key id for two keys": (
        keys("housing", ("some-key", "AAAA"), ("some-key", "BBBB")),
        "- kid: some-key",
        "this key id stands with another key",
    ),
    "no kind": ({"id": "aland"}, "id: aland", "say which kind of document this is"),
    "another kind": ({"kind": "contract"}, "kind: contract", "say which kind of document this is"),
}


@pytest.mark.parametrize(("document", "line", "words"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_is_refused_with_its_line_and_nothing_is_written(
    applied: sa.Connection, tmp_path: Path, document: dict[str, Any], line: str, words: str
) -> None:
    beside = [organisation("town-b", "debt-help"), organisation("power", "creditor")]
    (mistake,) = refused(applied, tmp_path, *beside, document)
    assert words in mistake
    found = at(mistake, tmp_path)
    assert found == line or found.removeprefix("- ") == line


def test_a_municipality_delivers_nothing_to_its_own_pilot(applied: sa.Connection, tmp_path: Path) -> None:
    """Its deliveries there are what it keyed."""
    also = organisation("town-a", "debt-help", "privacy-officer", "creditor")
    (mistake,) = refused(applied, tmp_path, also, change(AGREEMENT, creditor="town-a"))
    assert "a municipality is no creditor of its own pilot" in mistake
    assert at(mistake, tmp_path) == "creditor: town-a"


def test_a_municipality_hands_over_one_household_at_a_time_and_no_list_of_all(
    applied: sa.Connection, tmp_path: Path
) -> None:
    also = organisation("town-b", "debt-help", "privacy-officer", "creditor")
    agreement = change(AGREEMENT, creditor="town-b", keying="desk")
    (mistake,) = refused(applied, tmp_path, also, agreement)
    assert "feed must be changes" in mistake
    apply(applied, tmp_path, also, change(AGREEMENT, creditor="town-b", keying="desk", feed="changes"))


def test_a_key_id_never_gets_another_key(applied: sa.Connection, tmp_path: Path) -> None:
    (_desk, public) = publics(tmp_path)
    document = yaml.safe_load(public.read_text())
    kid = document["keys"][1]["kid"]
    document["keys"][1]["public"]["x"] = "AAAA"
    (mistake,) = refused(applied, tmp_path, document)
    assert "keys.1.kid: this key id stands with another key" in mistake
    assert at(mistake, tmp_path) == f"- kid: {kid}"


def test_two_documents_do_not_give_one_key_id_two_keys(applied: sa.Connection, tmp_path: Path) -> None:
    roles = organisation("power", "creditor", "debt-help")
    other = keys("power", ("some-key", "BBBB"), role="debt-help")
    (mistake,) = refused(applied, tmp_path, roles, keys("power", ("some-key", "AAAA")), other)
    assert mistake.startswith("document-2.yaml:4:")


def test_the_same_document_twice_with_other_contents_is_refused(applied: sa.Connection, tmp_path: Path) -> None:
    one, other = organisation("power", "creditor"), organisation("power", "creditor") | {"name": "Another"}
    (mistake,) = refused(applied, tmp_path, one, other)
    assert mistake == "document-1.yaml:1:1: organisation power stands here for the second time, with other contents"
    apply(applied, tmp_path, one, one)
    assert "power" in registry.load(applied).organisations


def test_a_rule_set_never_changes_under_its_version(applied: sa.Connection, tmp_path: Path) -> None:
    text = DEFAULT_RULES.read_text()
    other = re.sub(r"(?m)^(\s*at_least: )(\d+)", lambda found: found[1] + str(int(found[2]) + 1), text, count=1)
    other = other if other != text else re.sub(r"at_least: (\d+)", r"at_least: 9\1", text, count=1)
    assert other != text
    (mistake,) = refused(applied, tmp_path, other)
    assert "default@1 stands with other contents: a changed rule set is a new version" in mistake
    assert at(mistake, tmp_path).startswith("version: 1")
    apply(applied, tmp_path, re.sub(r"(?m)^version: 1", "version: 2", other))
    assert set(registry.load(applied).rule_sets) == {"default@1", "default@2"}


def test_a_remark_in_a_rule_set_is_no_change(applied: sa.Connection, tmp_path: Path) -> None:
    (change,) = apply(applied, tmp_path, DEFAULT_RULES.read_text() + "\n# read by both lawyers\n")
    assert change.changes_nothing


def test_every_contradiction_of_all_files_is_told_at_once(applied: sa.Connection, tmp_path: Path) -> None:
    pilot = pilot_document("cland", "nowhere", rule_set="none@1")
    agreement = change(AGREEMENT, creditor="nobody", pilot="nowhere")
    mistakes = refused(applied, tmp_path, organisation("power", "creditor"), pilot, agreement)
    assert [mistake.split(":")[0] for mistake in mistakes] == ["document-1.yaml"] * 2 + ["document-2.yaml"] * 2


def test_a_second_document_in_a_file_is_pointed_at_by_the_files_own_lines(
    applied: sa.Connection, tmp_path: Path
) -> None:
    both = yaml.safe_dump_all([organisation("power", "creditor"), change(AGREEMENT, creditor="nobody")])
    (mistake,) = refused(applied, tmp_path, both)
    assert at(mistake, tmp_path) == "creditor: nobody"


@pytest.mark.parametrize("text", ["", "kind: [", "- 1", "kind: pilot\nkind: pilot\n", "just words"])
def test_a_file_that_is_no_document_is_refused_by_name_and_line(
    applied: sa.Connection, tmp_path: Path, text: str
) -> None:
    mistakes = refused(applied, tmp_path, organisation("power", "creditor"), text)
    assert {mistake.split(":")[0] for mistake in mistakes} == {"document-1.yaml"}


def test_a_municipality_is_not_moved_past_the_check(applied: sa.Connection) -> None:
    """The statement that writes a pilot does not touch whose it is."""
    document = registry.load(applied).pilots["aland"].model_copy(update={"municipality": "town-b"})
    registry.carry_out(applied, [Change(document, "", "pilot aland", is_new=True)])
    found = applied.execute(sa.text("SELECT municipality_id FROM registry.pilot")).scalar_one()
    assert found == "town-a"


def test_what_is_loaded_has_the_roles_of_the_keys(applied: sa.Connection) -> None:
    roles = sorted(key.role for key in registry.load(applied).keys.values())
    assert roles == [Role.CREDITOR] * 3 + [Role.DEBT_HELP] * 2 + [Role.PRIVACY_OFFICER]


@pytest.mark.parametrize("login", [login for login in Login if login is not Login.OWNER])
def test_no_login_that_serves_can_write_the_registry(module_database: Database, login: Login) -> None:
    with module_database.connect(login.value) as connection:
        for statement in (
            "INSERT INTO registry.organisation VALUES ('x', '{}')",
            "INSERT INTO registry.organisation_key VALUES ('x', 'some-key', 'auth', 'operator', '{}')",
            "UPDATE registry.organisation_key SET public = '{}'",
            "UPDATE registry.pilot SET document = '{}'",
            "DELETE FROM registry.agreement",
            "DELETE FROM registry.signed_document",
            "UPDATE registry.key_envelope SET envelope = ''",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)


def test_documents_stand_as_json_in_the_registry(applied: sa.Connection) -> None:
    document = applied.execute(sa.text("SELECT document FROM registry.agreement")).scalar_one()
    assert json.loads(json.dumps(document))["categories"] == ["rent"]
