"""Match keys that the desk makes: for what stands under another pilot key, and for what came without any.

It fetches the reports with their sealed details, and leaves them again with match keys under the newest pilot key.
"""

import base64
import hashlib
import uuid
from collections.abc import Sequence
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response
from pydantic import Field, ValidationError
from sqlalchemy.dialects.postgresql import JSONB

from app.api.basis_changes import NOTED, BasisChange, PilotQuery, changed
from app.api.deps import KeyKeeper, Pools
from app.api.pilots import Token
from app.api.sealings import BEGINNING
from app.api.signals import ReportOfHousehold, look, report_of
from app.db.sessions import Login, Sessions
from app.errors import problems
from app.gate import Gate, LookRefused, Scope
from app.problems import InputMistake, InvalidInput
from app.publishing import PilotUnknown, newest_document, refuse_others
from privacy.signing import NotSigned, verify
from signals.consents import Keyed, Rekeyed
from signals.report import Base64, Manifest, MatchKeys, Report, Wire

router = APIRouter(tags=["rekeyings"])
PAGE = 100
SIGNED_AS = "vroegsein/rekeying/v1"

MAY = sa.text("SELECT gate.may_rekey()")
LIST = sa.text("SELECT * FROM gate.reports_to_rekey(:epoch, :behind, :limit)")
UNKEYED = sa.text("SELECT * FROM gate.reports_to_key(:behind, :limit)")
STAGE = sa.text("""
    SELECT gate.stage_rekeying(:rekeying, :period, :hash, :manifest, :envelope, :reports, :nodes)
""").bindparams(sa.bindparam("reports", type_=JSONB), sa.bindparam("nodes", type_=JSONB))


class ReportsToRekey(Wire):
    """A page of reports under another epoch than the newest document's, or not keyed yet, by id.

    `next` is null on the last page.
    """

    reports: tuple[ReportOfHousehold, ...]
    epoch: int
    next: uuid.UUID | None


class RekeyedReport(Wire):
    """One report with its new match keys: in clear and canonical, its details sealed anew, its proof (base64)."""

    report_id: uuid.UUID
    sent: Annotated[str, Field(max_length=20_000)]
    wrapped_key: Annotated[Base64, Field(min_length=80, max_length=80)]
    contact: Base64
    proof: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$", max_length=4_000)]


class RekeyedNode(Wire):
    """A consent or objection with its new match keys; without any: a report that the desk could not open."""

    node_id: uuid.UUID
    keys: MatchKeys | None


class Rekeying(Wire):
    """Some reports and nodes under the newest epoch, as one delivery of the desk's: its manifest (JWS) and its key."""

    rekeying: Token
    key_envelope: Base64
    reports: Annotated[tuple[RekeyedReport, ...], Field(max_length=PAGE)]
    nodes: Annotated[tuple[RekeyedNode, ...], Field(max_length=1_000)]


class Staged(Wire):
    """What waits to be carried out."""

    reports: int
    nodes: int


@router.get("/rekeyings", responses=problems(LookRefused, PilotUnknown))
def list_reports_to_rekey(
    pilot_id: PilotQuery,
    viewer: KeyKeeper,
    pools: Pools,
    behind: Annotated[uuid.UUID, Query(description="`next` of the page before")] = BEGINNING,
    unkeyed: Annotated[bool, Query(description="Those that came without match keys, and no others")] = False,  # noqa: FBT002 - a query's member
) -> ReportsToRekey:
    """Reports with their sealed details whose match keys are of another epoch than the newest document's."""
    epoch = _epoch(pools, viewer.caller.organisation_id, pilot_id)
    asks = {"ask": "rekey", "behind": str(behind), "epoch": epoch, "unkeyed": unkeyed}
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        _refuse_shallow(scope)
        values = {"epoch": epoch, "behind": behind, "limit": PAGE}
        rows = scope.connection.execute(UNKEYED if unkeyed else LIST, values).mappings().all()
        scope.shown += [str(row["report_id"]) for row in rows]
    found = tuple(report_of(dict(row), ReportOfHousehold) for row in rows)
    return ReportsToRekey(reports=found, epoch=epoch, next=found[-1].report_id if len(found) == PAGE else None)


@router.post("/rekeyings", status_code=201, responses=problems(LookRefused, NotSigned, PilotUnknown))
def stage_rekeying(rekeying: Rekeying, pilot_id: PilotQuery, viewer: KeyKeeper, pools: Pools) -> Staged:
    """Leave reports and nodes with new match keys; they wait until all are carried out together."""
    manifest = _signed(pools, viewer.caller.organisation_id, pilot_id, rekeying.rekeying)
    envelope = base64.b64decode(rekeying.key_envelope)
    if hashlib.sha256(envelope).hexdigest() != manifest.key_envelope_sha256:
        raise NotSigned("the delivery key is not the one that was signed")
    _refuse_other_forms(rekeying.reports)
    asks = {"ask": "stage-rekeying", "reports": len(rekeying.reports), "nodes": len(rekeying.nodes)}
    said = rekeying.model_dump(mode="json", by_alias=True)
    values = {
        "rekeying": uuid.uuid4(),
        "period": manifest.period,
        "hash": bytes.fromhex(manifest.content_hash),
        "manifest": rekeying.rekeying,
        "envelope": envelope,
        "reports": said["reports"],
        "nodes": said["nodes"],
    }
    with Gate(pools).open(look(viewer, pilot_id), asks, Login.RECORDER) as scope:
        _refuse_shallow(scope)
        scope.connection.execute(STAGE, values)
        scope.shown += [str(report.report_id) for report in rekeying.reports]
    return Staged(reports=len(rekeying.reports), nodes=len(rekeying.nodes))


@router.post("/keying-completions", status_code=201, responses=NOTED | problems(LookRefused))
def carry_out_keying(
    keyed: Keyed, pilot_id: PilotQuery, viewer: KeyKeeper, pools: Pools, response: Response
) -> BasisChange:
    """Give reports that came without match keys those that were left for them: they join the others, if they may."""
    return changed(pools, viewer, pilot_id, keyed, response)


@router.post("/rekeying-completions", status_code=201, responses=NOTED | problems(LookRefused))
def carry_out_rekeying(
    rekeyed: Rekeyed, pilot_id: PilotQuery, viewer: KeyKeeper, pools: Pools, response: Response
) -> BasisChange:
    """Put all that was left in the place of the old match keys, together; `incomplete` where something is missing."""
    return changed(pools, viewer, pilot_id, rekeyed, response)


def _refuse_shallow(scope: Scope) -> None:
    """Reports are opened for this: the purpose must disclose contact details. Raises LookRefused."""
    if not scope.connection.execute(MAY).scalar_one():
        raise LookRefused("purpose-below-contact")


def _epoch(pools: Sessions, municipality: str, pilot_id: str) -> int:
    """The newest document's epoch. Raises PilotUnknown."""
    with pools.begin(Login.OPENER) as connection:
        refuse_others(connection, municipality, pilot_id)
        document = newest_document(connection, pilot_id)
    if document is None:
        raise PilotUnknown("there is no signed document of this pilot")
    return document.epoch


def _signed(pools: Sessions, municipality: str, pilot_id: str, token: str) -> Manifest:
    """The manifest, by the key that the newest document names. Raises PilotUnknown, NotSigned."""
    with pools.begin(Login.OPENER) as connection:
        refuse_others(connection, municipality, pilot_id)
        document = newest_document(connection, pilot_id)
    if document is None:
        raise PilotUnknown("there is no signed document of this pilot")
    try:
        manifest = Manifest.model_validate_json(verify(token, document.signing, SIGNED_AS))
    except ValidationError:
        raise NotSigned("what was signed is no manifest") from None
    if (manifest.pilot, manifest.creditor) != (pilot_id, municipality):
        raise NotSigned("the manifest was signed for another pilot or municipality")
    return manifest


def _refuse_other_forms(reports: Sequence[RekeyedReport]) -> None:
    """Each must be a report in canonical form: columns are read from its text later. Raises InvalidInput."""
    mistakes = []
    for index, report in enumerate(reports):
        try:
            canonical = Report.model_validate_json(report.sent).canonical() == report.sent.encode()
        except ValidationError:
            canonical = False
        if not canonical:
            detail = "must be a report in canonical form"
            mistakes.append(InputMistake(pointer=f"/reports/{index}/sent", code="report", detail=detail))
    if mistakes:
        raise InvalidInput(errors=mistakes)
