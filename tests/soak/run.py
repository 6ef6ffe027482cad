"""One soak: the script undisturbed, then once more with faults; the two ends must be the same."""

import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from signals.days import AMSTERDAM
from tests.soak.clients import Client, Clients
from tests.soak.exports import Script, Step, write_script
from tests.soak.faults import Fault, Injector, Kind, draw
from tests.soak.proxy import Trigger
from tests.soak.state import COUNTED, End, check_receipts_kept, differences, digest, end_of
from tests.soak.world import PILOT, TOWN, SoakFailed, SoakWorld, kill
from tests.world import CREDITORS

FAULTS_A_STEP = 3
REPEATS = 2  # of a step that is done, as long as there are others to come
PATIENCE = 120.0  # seconds for one command
TRIES = 4  # until an undisturbed command must have said that it is done


@dataclass
class Outcome:
    """What came of a soak."""

    seed: int
    injected: Counter[Kind] = field(default_factory=Counter)
    attempts: int = 0
    seconds: float = 0.0
    end: dict[str, int] = field(default_factory=dict)
    receipts: int = 0
    digest: str = ""
    disk: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a command: its exit code, what it said, which requests it made."""

    code: int
    said: str
    seen: tuple[str, ...]

    @property
    def done(self) -> bool:
        return self.code == 0


class Soak:
    """A world, a script and a seed."""

    def __init__(self, folder: Path, faults: int, seed: int, tell: Callable[[str], None] = lambda _said: None) -> None:
        self.world = SoakWorld(folder)
        self.clients = Clients(folder / "commands", self.world.environment("client"))
        self.faults, self.tell = faults, tell
        self.outcome = Outcome(seed)
        self._others: list[tuple[Client, Path | None]] = []
        self._today = datetime.now(UTC).astimezone(AMSTERDAM).date()

    def run(self) -> Outcome:
        """Raises SoakFailed: the promise was not kept."""
        begun, seed = time.monotonic(), self.outcome.seed
        steps = -(-self.faults // FAULTS_A_STEP)
        script = write_script(self.world.folder / "files", seed, steps, self._today)
        self.world.set_up(self._today)
        self.world.begin(small_disk=False)
        seen = [self._undisturbed(step).seen for step in script.steps]
        undisturbed = self._finish(script)
        self.tell(f"undisturbed: {self._counts(undisturbed)}")
        self.world.begin(small_disk=True)
        self.outcome.disk = "a small file system" if self.world.mounted else "RLIMIT_FSIZE"
        kinds = _kinds(seed, self.faults)
        left: list[Fault] = []
        for at, step in enumerate(script.steps):
            mine = [fault.kind for fault in left] + kinds[at * FAULTS_A_STEP : (at + 1) * FAULTS_A_STEP]
            faults = draw(seed, at, seen[at], mine)
            left = self._disturbed(step, faults, last=step is script.steps[-1])
        disturbed = self._finish(script)
        self._compare(undisturbed, disturbed)
        self.outcome.seconds = time.monotonic() - begun
        return self.outcome

    def close(self) -> None:
        """End and remove everything."""
        self.clients.close()
        self.world.close()

    def _disturbed(self, step: Step, faults: list[Fault], *, last: bool) -> list[Fault]:
        """Strike at each attempt, then repeat until it is done. Gives the faults that are left for the next step.

        Some faults stop nothing; once the step is done all the same, one more strikes at a repeat of it, which has
        fewer requests, and the others have to wait for more to break.
        """
        done, moved = 0, 0
        while faults and (last or done < REPEATS):
            fault = faults.pop(0)
            attempt, struck = self._attempt(step, fault)
            self.tell(f"{step.name}: {fault} → {attempt.code if struck else 'not reached'}")
            done += attempt.done
            if struck:
                self.outcome.injected[fault.kind] += 1
                moved = 0
            elif last and moved < len(attempt.seen):
                faults.insert(0, fault.moved_to(attempt.seen[-1 - moved]))
                moved += 1
            else:
                faults.append(fault)
                if done:
                    break
        self._undisturbed(step)
        return faults

    def _undisturbed(self, step: Step) -> Attempt:
        for _ in range(TRIES):
            attempt, _struck = self._attempt(step, None)
            if attempt.done:
                return attempt
            self.tell(f"{step.name}: not done yet: {attempt.said}")
        raise SoakFailed(f"{step.name}: not done after {TRIES} undisturbed tries: {attempt.said}")

    def _attempt(self, step: Step, fault: Fault | None) -> tuple[Attempt, bool]:
        """Run the command once, with a fault or without, and have everything running again afterwards."""
        world, injector = self.world, Injector(self.world, lambda copied: self._again(step, copied=copied))
        self.outcome.attempts += 1
        started: list[Client] = []

        def act() -> bool:
            assert fault is not None
            if fault.linking:
                injector.strike_amid_linking(fault, started[0])
                return False
            return injector.strike(fault, started[0])

        trigger = Trigger(fault.label, fault.phase, act) if fault else None
        world.proxy.watch(trigger)
        started.append(self._command(step))
        attempt = self._ended(step, started[0])
        injector.undo()
        world.heal()
        for other, copy in self._others:
            self._ended(step, other)
            if copy is not None:
                shutil.rmtree(copy)
        self._others.clear()
        return attempt, trigger is not None and trigger.fired.is_set()

    def _command(self, step: Step, home: Path | None = None) -> Client:
        home = home or self.world.places.home(step.home).path
        return self.clients.start([*step.words, "--home", str(home)], step.said)

    def _ended(self, step: Step, client: Client) -> Attempt:
        ended = client.wait(PATIENCE)
        if ended is None:
            kill(client.pid)
            raise SoakFailed(f"{step.name}: did not end within {PATIENCE:.0f} s")
        code, out, errors = ended
        if "Traceback" in errors:
            raise SoakFailed(f"{step.name}: a fault is not explained but falls through:\n{errors[-2000:]}")
        return Attempt(code, (errors.strip() or out.strip())[-300:], tuple(self.world.proxy.seen))

    def _again(self, step: Step, *, copied: bool) -> None:
        """The same command a second time: in the same home, or in a copy as on another machine."""
        home = self.world.places.home(step.home).path
        copy = self.world.folder / f"copy-{len(self._others)}" if copied else None
        if copy is not None:
            shutil.copytree(home, copy)
        self._others.append((self._command(step, copy), copy))

    def _finish(self, script: Script) -> End:
        """Check what must hold by itself, and read the end."""
        for creditor in {step.home for step in script.steps if step.home in CREDITORS}:
            self._must("creditor receipts", creditor, "creditor", "receipts")
        self._must("the log", TOWN, "desk", "audit", "--user", "soak")
        self.outcome.receipts = check_receipts_kept(self.world)
        end = end_of(self.world)
        self.world.stop()
        return end

    def _must(self, what: str, home: str, *words: str) -> None:
        """A command must say that all is well; a receipt of a moment ago may have to wait for its place in the log."""
        for _ in range(20):
            attempt, _struck = self._attempt(Step(what, home, (*words, "--pilot", PILOT)), None)
            if attempt.done:
                return
            time.sleep(1)
        raise SoakFailed(f"{what} of {home}: {attempt.said}")

    def _compare(self, undisturbed: End, disturbed: End) -> None:
        if datetime.now(UTC).astimezone(AMSTERDAM).date() != self._today:  # what was received later has later days
            undisturbed, disturbed = ({**end, "days": Counter()} for end in (undisturbed, disturbed))
        if found := differences(undisturbed, disturbed):
            raise SoakFailed("the end is not that of the undisturbed run:\n  " + "\n  ".join(found))
        self.outcome.end, self.outcome.digest = self._counts(disturbed), digest(disturbed)

    def _counts(self, end: End) -> dict[str, int]:
        reports = [json.loads(row) for row in end["reports"]]
        clusters = {name: len({row[f"{name}_id"] for row in reports}) for name in ("person", "household")}
        return {**{name: end[name].total() for name in COUNTED}, **clusters}


def _kinds(seed: int, count: int) -> list[Kind]:
    """So many kinds of fault, each as often as any other, in an order that the seed gives."""
    kinds = [list(Kind)[at % len(Kind)] for at in range(count)]
    random.Random(f"kinds {seed}").shuffle(kinds)
    return kinds
