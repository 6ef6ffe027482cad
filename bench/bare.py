"""The service without gate and log, for `bench.gate` to compare with: the same routes on a login past every policy.

    python -m bench.bare PORT

The superuser of an embedded database reads at once and nothing is written down. Only a bench may do so: the gate is
exchanged in this process, and nothing in `app/` can be told to.
"""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import uvicorn

from app import looking
from app.api import signals
from app.db.embedded import DATABASE, embedded
from app.db.sessions import SERVING, Login, Sessions
from app.gate import Look, Scope
from app.logs import log_config
from app.main import create_app
from app.serving import serving
from app.settings import load_settings
from cli.operator import sessions_at


@dataclass(slots=True)
class Ungated(Scope):
    """A transaction that sees all, with the question that was asked."""

    asks: dict[str, Any] = field(default_factory=dict)


class NoGate:
    """In the gate's place: one transaction, and no question asked."""

    engine: sa.Engine

    def __init__(self, _sessions: Sessions) -> None:
        pass

    @contextmanager
    def open(self, look: Look, asks: dict[str, Any], _login: Login = Login.READER) -> Iterator[Scope]:
        """A transaction that sees all."""
        with self.engine.begin() as connection:
            yield Ungated(connection, look.pilot, uuid.UUID(int=0), asks=asks)


# What the gate's functions do in two phases, in one bare statement: the page, and the columns of all levels.
PAGE = sa.text("""
    SELECT s.signal_id, s.household_id, s.period, s.tray, s.rules, s.urgent, s.priority, s.received_on, s.deadline,
           c.categories, c.creditors, f.rule_set, f.amount_euros, f.months,
           replace(f.district::text, '-', '') AS district, f.explanation
    FROM signals.signal s
    LEFT JOIN signals.signal_categories c ON c.pilot_id = s.pilot_id AND c.signal_id = s.signal_id
    LEFT JOIN signals.signal_facts f ON f.pilot_id = s.pilot_id AND f.signal_id = s.signal_id
    WHERE s.pilot_id = :pilot
      AND (CAST(:tray AS text) IS NULL OR s.tray = :tray)
      AND (CAST(:period AS text) IS NULL OR s.period = :period)
      AND (CAST(:rule AS text) IS NULL OR :rule = ANY (s.rules))
      AND (CAST(:signal AS uuid) IS NULL
           OR (NOT s.urgent, s.deadline, -s.priority, s.signal_id)
            > (NOT CAST(:urgent AS boolean), CAST(:deadline AS date), -CAST(:priority AS integer),
               CAST(:signal AS uuid)))
    ORDER BY NOT s.urgent, s.deadline, -s.priority, s.signal_id LIMIT :limit
""")


def bare_page(scope: Ungated) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """In the place of `looking.worklist_page`."""
    asks = scope.asks
    place = dict(zip(("urgent", "deadline", "priority", "signal"), asks.get("after") or (None,) * 4, strict=True))
    filters = {name: asks.get(name) for name in ("tray", "period", "rule")}
    found = scope.connection.execute(PAGE, {"pilot": scope.pilot, "limit": asks["limit"], **filters, **place})
    rows = [dict(row) for row in found.mappings()]
    if len(rows) < asks["limit"]:
        return rows, None
    last = rows[-1]
    return rows, [last["urgent"], str(last["deadline"]), last["priority"], str(last["signal_id"])]


def main() -> None:
    """Serve until stopped."""
    settings = load_settings()
    with embedded(settings.home / "postgresql") as server:
        # SQLAlchemy's own habits, and statements prepared by the driver: as fast as it goes.
        NoGate.engine = sa.create_engine(
            "postgresql+psycopg://", connect_args=server.as_superuser(DATABASE), pool_size=8, max_overflow=0
        )
        signals.Gate = NoGate  # type: ignore[attr-defined, assignment]
        looking.worklist_page = bare_page  # type: ignore[assignment]
        service = create_app(settings, serving(sessions_at(server.address, server.passfiles, SERVING)))
        uvicorn.run(
            service,
            host="127.0.0.1",
            port=int(sys.argv[1]),
            log_config=log_config(),
            server_header=False,
            access_log=False,
        )


if __name__ == "__main__":
    main()
