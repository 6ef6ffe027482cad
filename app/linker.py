"""The linker: the process without HTTP that takes up deliveries, changes bases, keeps terms and seals the log.

When nothing else waits, it runs back-tests and looks for doubtful links.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import sqlalchemy as sa

from app.backtesting import WAITING as BACKTESTS
from app.backtesting import run_backtest
from app.basis import carry_out
from app.case_reports import DUE as CASES
from app.case_reports import join_due
from app.completion import complete_delivery, lock_pilot
from app.db.sessions import Login, Sessions
from app.feedback import DUE as FEEDBACK
from app.feedback import tell_creditors
from app.last_net import where
from app.log_erasing import ERASURES, erase_step
from app.log_sealing import beat, seal_waiting
from app.logboek import Logboek
from app.monthly_tables import DUE as MONTHS
from app.monthly_tables import make_table
from app.notices import Notifier
from app.proposing import ACTIVATIONS, activate
from app.retention import DUE, Step, refresh_statistics, take_step
from app.reviewing import DUE as DOUBTS
from app.reviewing import review_step
from app.shadowing import DUE as SHADOWS
from app.shadowing import count_shadow
from app.waking import CHANNEL
from signals.days import AMSTERDAM
from signals.feedback import newest_batch
from signals.rulesets import RuleSet, parse_rule_set

_log = logging.getLogger("vroegsein.linker")

SEAL_EVERY = 1.0  # seconds: an event is provable within seconds
TELL_EVERY = 10.0  # seconds, where the Logboek has been told all or does not answer
NOTIFY_EVERY = 10.0  # seconds: a notice is of a day, and none is tried again within a minute
LOOK_EVERY = 2.0  # seconds, where no notice came

DELIVERIES = """
    SELECT pilot_id, delivery_id AS id FROM intake.delivery WHERE state = 'completing'
    ORDER BY completing_at, delivery_id
"""
CHANGES = """
    SELECT pilot_id, change_id AS id FROM privacy.basis_change WHERE done_at IS NULL ORDER BY asked_at, change_id
"""


class Linker:
    """One linker. Several may run: the pilot's lock makes them take turns, and what is done is found done."""

    def __init__(
        self,
        sessions: Sessions,
        log_key: dict[str, Any],
        logboek: Logboek | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self._sessions, self._log_key, self._logboek, self._notifier = sessions, log_key, logboek, notifier
        self._rule_sets: dict[tuple[str, bytes], RuleSet] = {}

    def work_off(self) -> int:
        """Do all that waits now, changes of basis first; returns how many things were done."""
        done = self._each(CHANGES, lambda c, pilot, change: carry_out(c, pilot, change, self.rule_set))
        done += self._each(ERASURES, erase_step)
        done += self._each(CASES, _join)
        done += self._each(ACTIVATIONS, lambda c, pilot, proposal: activate(c, pilot, proposal, self.rule_set))
        return done + self._each(
            DELIVERIES,
            lambda c, pilot, delivery: complete_delivery(
                c, pilot, delivery, self.rule_set, self._log_key, datetime.now(UTC)
            ),
        )

    def keep_terms(self, today: date) -> bool:
        """Take one step of the day's retention in each pilot where it isn't done; True while there is more to go."""
        steps: list[Step] = []

        def take(connection: sa.Connection, pilot: str, _: object) -> bool:
            steps.append(take_step(connection, pilot, today, self.rule_set))
            return True

        self._each(DUE, take, today=today)
        more = any(step.more for step in steps)
        if steps and not more:
            try:
                refresh_statistics(self._sessions)
            except Exception as error:  # noqa: BLE001 - tomorrow's run does so
                _log.error("the statistics were not refreshed: %s", where(error))
        return more

    def review(self) -> bool:
        """Take one step with each pilot's doubtful links; True while there may be more to do."""
        return self._each(DOUBTS, lambda c, pilot, _: review_step(c, pilot, self.rule_set)) > 0

    def try_rules(self) -> bool:
        """Run of each pilot one back-test that waits, and count a month by a proposal; True while there may be more."""
        done = self._each(BACKTESTS, lambda c, pilot, asked: run_backtest(c, pilot, asked, self.rule_set))
        return done + self._each(SHADOWS, lambda c, pilot, which: count_shadow(c, pilot, which, self.rule_set)) > 0

    def publish_months(self, today: date) -> int:
        """Make the monthly tables of all months that are closed; returns how many."""
        made = 0
        while done := self._each(
            MONTHS, lambda c, pilot, period: make_table(c, pilot, period, today, self.rule_set), today=today
        ):
            made += done  # of each pilot the next month
        return made

    def tell_creditors(self, today: date) -> int:
        """Write down what creditors are told in the batch of today, or in the last one if it was missed."""
        batch = newest_batch(today)
        return self._each(FEEDBACK, lambda c, pilot, _: tell_creditors(c, pilot, batch), batch=batch)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop: at once when a notice comes, and every two seconds in case one was lost."""
        sealer = threading.Thread(target=self._seal, args=(stop,), name="sealer", daemon=True)
        sealer.start()
        if self._logboek is not None:
            threading.Thread(target=self._tell, args=(self._logboek, stop), name="teller", daemon=True).start()
        if self._notifier is not None:  # in a thread of its own: whoever is called may take its time
            threading.Thread(target=self._notify, args=(self._notifier, stop), name="notifier", daemon=True).start()
        with self._sessions.engine(Login.LINKER).connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, psycopg.Connection)
            raw.autocommit = True
            raw.execute(f"LISTEN {CHANNEL}")
            published = date.min
            while not stop.is_set():
                self.work_off()
                today = datetime.now(AMSTERDAM).date()
                if self.keep_terms(today):
                    continue  # between two steps, what waits has its turn
                if self.try_rules() or self.review():
                    continue
                if published != today:  # on one day no month becomes due
                    self.publish_months(today)
                    self.tell_creditors(today)
                    published = today
                for _notice in raw.notifies(timeout=LOOK_EVERY, stop_after=1):
                    pass
        sealer.join()

    def rule_set(self, connection: sa.Connection, name: str) -> RuleSet:
        """The rule set of that name as the registry has it now."""
        row = connection.execute(
            sa.text("SELECT text, hash FROM registry.rule_set WHERE rule_set = :name"), {"name": name}
        ).one()
        key = (name, row.hash)
        if key not in self._rule_sets:
            self._rule_sets[key] = parse_rule_set(row.text, name)
        return self._rule_sets[key]

    def _each(self, waiting: str, work: Callable[[sa.Connection, str, Any], bool], **values: date) -> int:
        with self._sessions.begin(Login.LINKER) as connection:
            rows = connection.execute(sa.text(waiting), values).all()
        done = 0
        for row in rows:
            try:
                with self._sessions.begin(Login.LINKER) as connection:
                    done += work(connection, row.pilot_id, row.id)
                _log.debug("work %s of pilot %s is done", row.id, row.pilot_id)
            except Exception as error:  # noqa: BLE001 - one that fails waits for its next turn and holds up no others
                _log.error("work %s of pilot %s failed, to be tried again: %s", row.id, row.pilot_id, where(error))
        return done

    def _tell(self, logboek: Logboek, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                if logboek.tell(self._sessions):
                    continue
            except Exception as error:  # noqa: BLE001 - without a database nothing can be told
                _log.error("telling the Logboek failed, to be tried again: %s", where(error))
            stop.wait(TELL_EVERY)

    def _notify(self, notifier: Notifier, stop: threading.Event) -> None:
        while not stop.wait(NOTIFY_EVERY):
            try:
                notifier.notify(self._sessions, datetime.now(UTC))
            except Exception as error:  # noqa: BLE001 - without a database there is nothing to send
                _log.error("sending notices failed, to be tried again: %s", where(error))

    def _seal(self, stop: threading.Event) -> None:
        while not stop.wait(SEAL_EVERY):
            try:
                beat(self._sessions)
                seal_waiting(self._sessions, self._log_key)
            except Exception as error:  # noqa: BLE001 - the next second brings the next attempt
                _log.error("sealing the log failed, to be tried again: %s", where(error))


def _join(connection: sa.Connection, pilot: str, _: object) -> bool:
    lock_pilot(connection, pilot)
    return join_due(connection, pilot)
