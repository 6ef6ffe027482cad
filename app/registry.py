"""The registry: documents of pilots, organisations, keys, agreements and rule sets, and how they change.

`plan` compares files with what stands and refuses what contradicts; `carry_out` writes the difference. Both can be
repeated: a document that stands already changes nothing. Nothing is ever removed by leaving it out of a file.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.completion import WRITE_EVENT
from signals.documents import DocumentError, Mistake, Source, read_sources
from signals.pilot import KINDS, Agreement, Basis, Ground, Keying, Keys, Organisation, Pilot, PublicKey, Role
from signals.report import STATUTORY_CATEGORIES, Kind
from signals.rulesets import RuleSet, check_rule_set

AnyDocument = Pilot | Organisation | Keys | Agreement | RuleSet


@dataclass(frozen=True, slots=True)
class Change:
    """What one document does to the registry: nothing, or add, or change these values (path, old, new)."""

    document: AnyDocument
    text: str
    name: str
    is_new: bool
    differences: tuple[tuple[str, str, str], ...] = ()

    @property
    def changes_nothing(self) -> bool:
        """The registry holds exactly this already."""
        return not self.is_new and not self.differences


@dataclass(slots=True)
class Standing:
    """What the registry holds, by kind and name."""

    organisations: dict[str, Organisation] = field(default_factory=dict)
    pilots: dict[str, Pilot] = field(default_factory=dict)
    agreements: dict[tuple[str, str], Agreement] = field(default_factory=dict)
    keys: dict[tuple[str, str], PublicKey] = field(default_factory=dict)
    rule_sets: dict[str, bytes] = field(default_factory=dict)


def plan(connection: sa.Connection, paths: Sequence[Path]) -> list[Change]:
    """Read the files and compare them with the registry.

    Raises:
        DocumentError: a document can't be read, or contradicts the registry, itself or another one; with the line.
    """
    read = [(source, _read(source)) for path in paths for source in read_sources(path)]
    standing = load(connection)
    together = _with(standing, [document for _source, document in read])
    mistakes = [
        mistake for source, document in read for mistake in _contradictions(source, document, together, standing)
    ]
    mistakes += _twice(read)
    if mistakes:
        raise DocumentError(mistakes)
    order = (Organisation, Keys, RuleSet, Pilot, Agreement)  # what is named before what names it
    return sorted(
        (_compared(source, document, standing) for source, document in read),
        key=lambda change: order.index(type(change.document)),
    )


def carry_out(connection: sa.Connection, changes: Sequence[Change]) -> None:
    """Write the changes, in the caller's transaction; a pilot's own log tells of what changed in it."""
    for change in changes:
        if change.changes_nothing:
            continue
        document = change.document
        for statement, values in _writes(change):
            connection.execute(statement, values)
        pilot = document.id if isinstance(document, Pilot) else getattr(document, "pilot", None)
        if isinstance(pilot, str):
            body = {"document": change.name, "new": change.is_new, "values": [path for path, *_ in change.differences]}
            event = {"pilot": pilot, "event": uuid.uuid4(), "kind": "registry", "body": body}
            connection.execute(WRITE_EVENT, event)


def revoke(connection: sa.Connection, organisation: str, kids: Sequence[str] | None) -> dict[str, str]:
    """Revoke an organisation's keys, all or those named; returns each with its state before. Its pilots' logs tell.

    One that is not there revokes none and returns nothing.
    """
    found = connection.execute(
        sa.text("SELECT kid, state FROM registry.organisation_key WHERE organisation_id = :organisation ORDER BY kid"),
        {"organisation": organisation},
    )
    states = {row.kid: row.state for row in found if not kids or row.kid in kids}
    if not states or (kids and len(states) < len(set(kids))):
        return {}
    active = [kid for kid, state in states.items() if state == "active"]
    values: dict[str, Any] = {"organisation": organisation, "kids": active}
    connection.execute(
        sa.text("""
            UPDATE registry.organisation_key SET state = 'revoked'
            WHERE organisation_id = :organisation AND kid = ANY (:kids)
        """),
        values,
    )
    pilots = connection.execute(
        sa.text("""
            SELECT pilot_id FROM registry.pilot WHERE municipality_id = :organisation
            UNION SELECT pilot_id FROM registry.agreement WHERE organisation_id = :organisation
        """),
        values,
    ).scalars()
    for pilot in list(pilots) if active else []:
        body = {
            "document": f"keys of {organisation}",
            "new": False,
            "values": [f"keys.{kid}.revoked" for kid in active],
        }
        connection.execute(WRITE_EVENT, {"pilot": pilot, "event": uuid.uuid4(), "kind": "registry", "body": body})
    return states


def load(connection: sa.Connection) -> Standing:
    """All that the registry holds."""

    def rows(statement: str) -> Sequence[sa.Row[Any]]:
        return connection.execute(sa.text(statement)).all()

    standing = Standing()
    for row in rows("SELECT document FROM registry.organisation"):
        organisation = Organisation.model_validate(row.document)
        standing.organisations[organisation.id] = organisation
    for row in rows("SELECT document FROM registry.pilot"):
        pilot = Pilot.model_validate(row.document)
        standing.pilots[pilot.id] = pilot
    for row in rows("SELECT document FROM registry.agreement"):
        agreement = Agreement.model_validate(row.document)
        standing.agreements[agreement.pilot, agreement.creditor] = agreement
    for row in rows("SELECT organisation_id, kid, use, role, public FROM registry.organisation_key"):
        standing.keys[row.organisation_id, row.kid] = PublicKey(
            kid=row.kid, use=row.use, role=Role(row.role), public=row.public
        )
    for row in rows("SELECT rule_set, hash FROM registry.rule_set"):
        standing.rule_sets[row.rule_set] = row.hash
    return standing


def _read(source: Source) -> AnyDocument:
    kind = source.data.get("kind") if isinstance(source.data, dict) else None
    if kind == "rule-set":
        return check_rule_set(source)
    if kind in KINDS:
        return source.read(KINDS[kind])
    words = ", ".join([*KINDS, "rule-set"])
    raise DocumentError([source.mistake(("kind",), f"say which kind of document this is: {words}")])


def _name(document: AnyDocument) -> str:
    match document:
        case Pilot() | Organisation():
            return f"{document.kind} {document.id}"
        case Agreement():
            return f"agreement of {document.creditor} with {document.pilot}"
        case Keys():
            return f"keys of {document.organisation} ({', '.join(sorted({key.role for key in document.keys}))})"
        case RuleSet():
            return f"rule set {document.name}"


def _twice(read: Sequence[tuple[Source, AnyDocument]]) -> Iterator[Mistake]:
    seen: dict[str, AnyDocument] = {}
    for source, document in read:
        name = _name(document)
        if name in seen and seen[name] != document:
            yield source.mistake((), f"{name} stands here for the second time, with other contents")
        seen[name] = document


def _with(standing: Standing, documents: Sequence[AnyDocument]) -> Standing:
    """What the registry would hold, so that documents of one run may name each other in any order."""
    together = Standing(dict(standing.organisations), dict(standing.pilots), dict(standing.agreements))
    together.rule_sets, together.keys = dict(standing.rule_sets), dict(standing.keys)
    for document in documents:
        match document:
            case Organisation():
                together.organisations[document.id] = document
            case Pilot():
                together.pilots[document.id] = document
            case Agreement():
                together.agreements[document.pilot, document.creditor] = document
            case RuleSet():
                together.rule_sets[document.name] = document.hash()
            case Keys():
                for key in document.keys:
                    together.keys.setdefault((document.organisation, key.kid), key)
    return together


def _contradictions(source: Source, document: AnyDocument, together: Standing, standing: Standing) -> Iterator[Mistake]:
    match document:
        case Pilot():
            yield from _in_pilot(source, document, together, standing)
        case Agreement():
            yield from _in_agreement(source, document, together)
        case Keys():
            yield from _in_keys(source, document, together)
        case RuleSet():
            if standing.rule_sets.get(document.name, document.hash()) != document.hash():
                message = f"{document.name} stands with other contents: a changed rule set is a new version"
                yield source.mistake(("version",), message)
        case Organisation():
            pass


def _in_pilot(source: Source, pilot: Pilot, together: Standing, standing: Standing) -> Iterator[Mistake]:
    municipality = together.organisations.get(pilot.municipality)
    if municipality is None or Role.DEBT_HELP not in municipality.roles:
        yield source.mistake(("municipality",), f"there is no organisation {pilot.municipality} with role debt-help")
    before = standing.pilots.get(pilot.id)
    if before is not None and before.municipality != pilot.municipality:
        yield source.mistake(("municipality",), f"the pilot is {before.municipality}'s: another one is a new pilot")
    if pilot.rule_set not in together.rule_sets:
        yield source.mistake(
            ("rule_set",), f"there is no rule set {pilot.rule_set}: apply it first, or along with this"
        )
    yield from _in_grounds(source, pilot, together)
    for (pilot_id, creditor), agreement in together.agreements.items():
        lost = [category.value for category in agreement.categories if category not in pilot.categories]
        if pilot_id == pilot.id and lost:
            yield source.mistake(("categories",), f"the agreement of {creditor} still names {', '.join(lost)}")


def _in_grounds(source: Source, pilot: Pilot, together: Standing) -> Iterator[Mistake]:
    """Consent where the law names a basis of its own, and experiments of nobody, or longer than their pilot."""
    for category, terms in pilot.categories.items():
        if Kind.UPDATE in terms.kinds:
            update = ("categories", category.value, "kinds", Kind.UPDATE.value)
            yield source.mistake(update, "an update rests on what the first report rested on: name early instead")
        grounds: list[tuple[tuple[str, ...], Ground]] = [(("categories", category.value), terms)]
        grounds += [(("categories", category.value, "kinds", kind.value), of) for kind, of in terms.kinds.items()]
        for path, ground in grounds:
            if ground.basis is Basis.CONSENT and category in STATUTORY_CATEGORIES:
                message = f"{category.value} has a basis in law, so consent is none: statutory, or an experiment"
                yield source.mistake((*path, "basis"), message)
            experiment = ground.experiment
            if experiment is None:
                continue
            for index, creditor in enumerate(experiment.creditors):
                party = together.organisations.get(creditor)
                if party is None or Role.CREDITOR not in party.roles:
                    message = f"there is no organisation {creditor} with role creditor"
                    yield source.mistake((*path, "experiment", "creditors", index), message)
            if experiment.starts < pilot.starts or experiment.ends > pilot.ends:
                place = "starts" if experiment.starts < pilot.starts else "ends"
                message = f"the pilot runs from {pilot.starts} until {pilot.ends}"
                yield source.mistake((*path, "experiment", place), message)


def _in_agreement(source: Source, agreement: Agreement, together: Standing) -> Iterator[Mistake]:
    creditor = together.organisations.get(agreement.creditor)
    if creditor is None or Role.CREDITOR not in creditor.roles:
        yield source.mistake(("creditor",), f"there is no organisation {agreement.creditor} with role creditor")
        creditor = None
    pilot = together.pilots.get(agreement.pilot)
    if pilot is None:
        yield source.mistake(("pilot",), f"there is no pilot {agreement.pilot}")
        return
    if creditor is not None and creditor.id == pilot.municipality:
        yield source.mistake(("creditor",), "a municipality is no creditor of its own pilot: name its own department")
    elif creditor is not None and Role.DEBT_HELP in creditor.roles:
        if agreement.keying is not Keying.DESK:
            message = "a municipality hands over what others reported, without this pilot's key: keying must be desk"
            yield source.mistake(("creditor",), message)
        if agreement.feed != "changes":  # or the next household that moves here would settle this one's arrears
            message = "a municipality hands over one household at a time, not all that is open: feed must be changes"
            yield source.mistake(("creditor",), message)
    if agreement.starts < pilot.starts or agreement.ends > pilot.ends:
        place = "starts" if agreement.starts < pilot.starts else "ends"
        yield source.mistake((place,), f"the pilot runs from {pilot.starts} until {pilot.ends}")
    for index, category in enumerate(agreement.categories):
        if category not in pilot.categories:
            yield source.mistake(("categories", index), f"the pilot has no terms for {category.value}")


def _in_keys(source: Source, keys: Keys, together: Standing) -> Iterator[Mistake]:
    organisation = together.organisations.get(keys.organisation)
    if organisation is None:
        yield source.mistake(("organisation",), f"there is no organisation {keys.organisation}")
        return
    for index, key in enumerate(keys.keys):
        if key.role not in organisation.roles:
            yield source.mistake(
                ("keys", index, "role"), f"{keys.organisation} does not have the role {key.role.value}"
            )
        if together.keys[keys.organisation, key.kid] != key:
            yield source.mistake(("keys", index, "kid"), "this key id stands with another key: a new key has a new id")


def _compared(source: Source, document: AnyDocument, standing: Standing) -> Change:
    text, name = source.text, _name(document)
    match document:
        case RuleSet():
            return Change(document, text, name, document.name not in standing.rule_sets)
        case Keys():
            new = [key.kid for key in document.keys if (document.organisation, key.kid) not in standing.keys]
            if len(new) == len(document.keys):
                return Change(document, text, name, True)
            return Change(document, text, name, False, tuple((f"keys.{kid}", "–", "added") for kid in new))
        case Pilot():
            before: AnyDocument | None = standing.pilots.get(document.id)
        case Organisation():
            before = standing.organisations.get(document.id)
        case Agreement():
            before = standing.agreements.get((document.pilot, document.creditor))
    if before is None:
        return Change(document, text, name, True)
    old, new_values = _flat(before.model_dump(mode="json")), _flat(document.model_dump(mode="json"))
    differences = tuple(
        (path, old.get(path, "–"), new_values.get(path, "–"))
        for path in sorted({*old, *new_values})
        if old.get(path) != new_values.get(path)
    )
    return Change(document, text, name, False, differences)


def _flat(value: object, path: str = "") -> dict[str, str]:
    if isinstance(value, Mapping):
        return {p: v for key, inner in value.items() for p, v in _flat(inner, f"{path}.{key}".lstrip(".")).items()}
    if isinstance(value, list):
        return {path: ", ".join(str(item) for item in value)}
    return {path: str(value)}


def _writes(change: Change) -> Iterator[tuple[sa.TextClause, dict[str, Any]]]:
    document = change.document
    dumped = document.model_dump(mode="json")
    match document:
        case Organisation():
            yield (
                _json("""
                    INSERT INTO registry.organisation (organisation_id, document) VALUES (:id, :document)
                    ON CONFLICT (organisation_id) DO UPDATE SET document = excluded.document, applied_at = now()
                """),
                {"id": document.id, "document": dumped},
            )
        case Pilot():
            yield (
                _json("""
                    INSERT INTO registry.pilot (pilot_id, municipality_id, starts, ends, document)
                    VALUES (:id, :municipality, :starts, :ends, :document)
                    ON CONFLICT (pilot_id) DO UPDATE SET starts = excluded.starts, ends = excluded.ends,
                        document = excluded.document, applied_at = now()
                """),
                {
                    "id": document.id,
                    "municipality": document.municipality,
                    "starts": document.starts,
                    "ends": document.ends,
                    "document": dumped,
                },
            )
        case Agreement():
            yield (
                _json("""
                    INSERT INTO registry.agreement (pilot_id, organisation_id, starts, ends, document)
                    VALUES (:pilot, :creditor, :starts, :ends, :document)
                    ON CONFLICT (pilot_id, organisation_id) DO UPDATE SET starts = excluded.starts,
                        ends = excluded.ends, document = excluded.document
                """),
                {
                    "pilot": document.pilot,
                    "creditor": document.creditor,
                    "starts": document.starts,
                    "ends": document.ends,
                    "document": dumped,
                },
            )
        case RuleSet():
            yield (
                sa.text("INSERT INTO registry.rule_set (rule_set, text, hash) VALUES (:name, :text, :hash)"),
                {"name": document.name, "text": change.text, "hash": document.hash()},
            )
        case Keys():
            for key in document.keys:
                yield (
                    _json("""
                        INSERT INTO registry.organisation_key (organisation_id, kid, use, role, public)
                        VALUES (:organisation, :kid, :use, :role, :document) ON CONFLICT DO NOTHING
                    """),
                    {
                        "organisation": document.organisation,
                        "kid": key.kid,
                        "use": key.use,
                        "role": key.role.value,
                        "document": key.public,
                    },
                )


def _json(statement: str) -> sa.TextClause:
    return sa.text(statement).bindparams(sa.bindparam("document", type_=JSONB))
