"""The service without gate and log, for `bench.gate` to compare with: the same routes on a login past every policy.

    python -m bench.bare PORT

The superuser of an embedded database reads at once and nothing is written down. Only a bench may do so: the gate is
exchanged in this process, and nothing in `app/` can be told to.
"""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
import uvicorn

from app.api import signals
from app.db.embedded import DATABASE, embedded
from app.db.sessions import SERVING, Login, Sessions
from app.gate import Look, Scope
from app.logs import log_config
from app.main import create_app
from app.serving import serving
from app.settings import load_settings
from cli.operator import sessions_at


class NoGate:
    """In the gate's place: one transaction, and no question asked."""

    engine: sa.Engine

    def __init__(self, _sessions: Sessions) -> None:
        pass

    @contextmanager
    def open(self, look: Look, _asks: dict[str, Any], _login: Login = Login.READER) -> Iterator[Scope]:
        """A transaction that sees all."""
        with self.engine.begin() as connection:
            yield Scope(connection, look.pilot, uuid.UUID(int=0))


def main() -> None:
    """Serve until stopped."""
    settings = load_settings()
    with embedded(settings.home / "postgresql") as server:
        # SQLAlchemy's own habits, and statements prepared by the driver: as fast as it goes.
        NoGate.engine = sa.create_engine(
            "postgresql+psycopg://", connect_args=server.as_superuser(DATABASE), pool_size=8, max_overflow=0
        )
        signals.Gate = NoGate  # type: ignore[attr-defined, assignment]
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
