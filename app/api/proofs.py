"""The log's proofs, for everybody who takes part in a pilot: checkpoints, inclusion, consistency, cosignatures."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from app import proving
from app.api.deps import AnyCaller, LogKey, LogWitness, Pools
from app.errors import problems
from app.proving import NotInLog
from app.publishing import PilotUnknown
from privacy.checkpoints import CheckpointRefused
from signals.report import Hex32, Slug, Wire

router = APIRouter(tags=["proofs"])

PilotQuery = Annotated[Slug, Query(alias="pilotId")]
Note = Annotated[str, Field(max_length=10_000, description="C2SP signed note")]
Size = Annotated[int, Query(ge=0, le=2**53, description="Leaves of a tree")]


class Cosignature(Wire):
    """A desk's word that it saw this checkpoint and nothing contrary to it (C2SP tlog-cosignature)."""

    checkpoint: Note
    signature: Annotated[str, Field(max_length=1_000)]


class NewestCheckpoint(Wire):
    """The signed head of the log, and each desk's newest cosignature."""

    checkpoint: Note
    cosignatures: tuple[Cosignature, ...]


class InclusionProof(Wire):
    """Where a leaf stands, and the hashes that lead from it to the root (RFC 6962)."""

    leaf_index: int
    hashes: tuple[Hex32, ...]


class ConsistencyProof(Wire):
    """The hashes that show the smaller tree to be the beginning of the larger one (RFC 6962)."""

    hashes: tuple[Hex32, ...]


@router.get("/checkpoints/newest", responses=problems(PilotUnknown, NotInLog))
def read_newest_checkpoint(pilot_id: PilotQuery, caller: AnyCaller, pools: Pools) -> NewestCheckpoint:
    """The newest checkpoint of a pilot's log."""
    found = proving.newest_checkpoint(pools, caller.organisation_id, pilot_id)
    seen = tuple(Cosignature(checkpoint=note, signature=signature) for note, signature in found.cosignatures)
    return NewestCheckpoint(checkpoint=found.checkpoint, cosignatures=seen)


@router.get("/inclusion-proofs", responses=problems(PilotUnknown, NotInLog))
def read_inclusion_proof(
    pilot_id: PilotQuery,
    leaf_hash: Annotated[Hex32, Query(alias="leafHash")],
    tree_size: Annotated[int, Query(alias="treeSize", ge=1, le=2**53)],
    caller: AnyCaller,
    pools: Pools,
) -> InclusionProof:
    """Prove that a leaf is in the log of that size; to a creditor, of its own receipts alone."""
    index, hashes = proving.inclusion(pools, caller.organisation_id, pilot_id, bytes.fromhex(leaf_hash), tree_size)
    return InclusionProof(leaf_index=index, hashes=tuple(hashed.hex() for hashed in hashes))


@router.get("/consistency-proofs", responses=problems(PilotUnknown, NotInLog))
def read_consistency_proof(
    pilot_id: PilotQuery, first: Size, second: Size, caller: AnyCaller, pools: Pools
) -> ConsistencyProof:
    """Prove that the log at size `second` holds the log at size `first` unchanged."""
    hashes = proving.consistency(pools, caller.organisation_id, pilot_id, first, second)
    return ConsistencyProof(hashes=tuple(hashed.hex() for hashed in hashes))


@router.put("/cosignatures", responses=problems(PilotUnknown, CheckpointRefused))
def put_cosignature(
    cosignature: Cosignature, pilot_id: PilotQuery, caller: LogWitness, pools: Pools, log_key: LogKey
) -> Cosignature:
    """Leave a desk's cosignature; an older one of the same desk gives way."""
    proving.keep_cosignature(
        pools, caller.organisation_id, pilot_id, cosignature.checkpoint, cosignature.signature, log_key
    )
    return cosignature
