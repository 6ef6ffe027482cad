"""The demo's world: its folders, its service, and the homes of creditors and desks with their keys."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

import signals
from app.db.embedded import EmbeddedError, remove
from client.home import Home, Settings, init_creditor, init_desk
from client.words import Lang, either
from desk.users import EXAMPLE
from signals.documents import read_sources


class DemoFailed(Exception):
    """The demo can't go on; the message says what to look at."""


DEFAULT_RULES = Path(signals.__file__).parent / "data" / "default.yaml"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the demo keeps things under one folder."""

    folder: Path

    @property
    def service_home(self) -> Path:
        """The service's data folder."""
        return self.folder / "service"

    @property
    def service_log(self) -> Path:
        """What the service says."""
        return self.folder / "service.log"

    def home(self, organisation: str) -> Home:
        """The home folder of a creditor or desk."""
        return Home(self.folder / "homes" / organisation)

    def service_environment(self, url: str) -> dict[str, str]:
        """The environment of the service and of the operator's commands; nothing in it is secret."""
        return {**os.environ, "VROEGSEIN_HOME": str(self.service_home), "VROEGSEIN_PUBLIC_URL": url}

    def note(self, pid: int, url: str) -> None:
        """Remember what runs: the service, then a desk."""
        (self.folder / "running.json").write_text(json.dumps([*self.noted(), (pid, url)]), encoding="utf-8")

    def noted(self) -> list[tuple[int, str]]:
        """Process and address of what was started last: the service, then a desk."""
        try:
            found = json.loads((self.folder / "running.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return []
        return [(pid, url) for pid, url in found]

    def running(self) -> list[tuple[int, str]]:
        """Those of them that answer."""
        return [(pid, url) for pid, url in self.noted() if _answers(url)]

    def clear(self) -> None:
        """Remove what an earlier demo left."""
        try:
            remove(self.service_home / "postgresql")
        except EmbeddedError as error:
            raise DemoFailed(str(error)) from None
        shutil.rmtree(self.folder, ignore_errors=True)

    def a_desk(self) -> Home:
        """The home of the first desk."""
        return next(home for home in map(Home, sorted((self.folder / "homes").iterdir())) if home.has("recipient.key"))

    def try_next(self, lang: Lang) -> list[tuple[str, str]]:
        """What to do next, in words and as a command."""
        desk = self.a_desk().path
        command = "vroegsein" if shutil.which("vroegsein") else str(Path(sys.executable).parent / "vroegsein")
        return [
            (
                either(lang, "De werklijst van een gemeente:", "A municipality's worklist:"),
                f"{command} desk list --home {desk}",
            ),
            (
                either(lang, "Eén signaal met contactgegevens (kies er een uit de lijst):", "One signal, opened:"),
                f"{command} desk show SIGNAAL --home {desk}",
            ),
            *[
                (either(lang, "In de browser, een naam per rol:", "In a browser, a name per role:"), url)
                for _pid, url in self.running()[1:]
            ],
            (either(lang, "Wie keek waarnaar:", "Who looked at what:"), f"{command} desk audit --home {desk}"),
            (
                either(lang, "Stoppen en opruimen:", "Stop and clear away:"),
                f"{command} demo --stop --folder {self.folder}",
            ),
        ]


@dataclass(frozen=True, slots=True)
class PilotFiles:
    """One pilot of the examples: its desk, and for each creditor the profile and the exports in order of month."""

    pilot: str
    desk: str
    consent: tuple[str, ...]  # categories that rest on the resident's consent
    exports: tuple[tuple[str, Path, Path], ...]  # creditor, profile, export
    known_clients: tuple[Path, Path] | None  # profile, export of the desk's own system


@dataclass(frozen=True, slots=True)
class World:
    """Everything that takes part."""

    places: Places
    url: str
    pilots: tuple[PilotFiles, ...]


def _answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return False
    return True


def free_port() -> int:
    """A port that is free now on the loopback address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def prepare(places: Places, data: Path, url: str) -> World:
    """Make all keys, the database and the registry of the examples in `data`."""
    documents = establish(places, sorted((data / "registry").glob("*.yaml")), url)
    return World(places, url, tuple(_pilots(documents, data)))


def establish(places: Places, files: list[Path], url: str) -> list[dict[str, Any]]:
    """Make the keys of every organisation in these registry documents, the database and the registry itself."""
    documents = [source.data for file in files for source in read_sources(file)]
    places.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    places.service_home.mkdir(mode=0o711, exist_ok=True)
    publics = []
    for organisation in (document for document in documents if document["kind"] == "organisation"):
        settings = Settings(organisation=organisation["id"], service_url=url)
        home = places.home(organisation["id"])
        if "creditor" in organisation["roles"]:
            publics.append(init_creditor(home, settings))
        else:
            publics.append(init_desk(home, settings))
            (home.path / "users.yaml").write_text(EXAMPLE, encoding="utf-8")
    operate(places, url, "init")
    operate(places, url, "migrate")
    operate(places, url, "apply", str(DEFAULT_RULES), *map(str, files), *map(str, publics))
    return documents


def operate(places: Places, url: str, *words: str) -> None:
    """Run one of the operator's commands."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "cli.main", "operator", *words],
        env=places.service_environment(url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemoFailed(f"vroegsein operator {words[0]}: {done.stderr or done.stdout}")


def start_service(places: Places, url: str) -> "subprocess.Popen[bytes]":
    """Start the service in the background, and wait until it answers. Raises DemoFailed."""
    return _started(places, ["serve"], url, "/v1/health", places.service_log)


def start_desk(places: Places) -> "subprocess.Popen[bytes]":
    """Start a desk's pages for browsers in the background and wait until they answer. Raises DemoFailed."""
    port, home = free_port(), places.a_desk().path
    words = ["desk", "serve", "--demo-sign-in", "--port", str(port), "--home", str(home)]
    return _started(places, words, f"http://127.0.0.1:{port}", "/sign-in", home / "desk.log")


def _started(places: Places, words: list[str], url: str, asked: str, log_file: Path) -> "subprocess.Popen[bytes]":
    with log_file.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "cli.main", *words],
            env=places.service_environment(url),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    for _attempt in range(300):
        if process.poll() is not None:
            raise DemoFailed(f"`vroegsein {' '.join(words[:2])}` did not start: see {log_file}")
        try:
            if httpx.get(f"{url}{asked}", timeout=2).is_success:
                places.note(process.pid, url)
                return process
        except httpx.TransportError:
            time.sleep(0.1)
    end(process)
    raise DemoFailed(f"`vroegsein {' '.join(words[:2])}` does not answer: see {log_file}")


def end(process: "subprocess.Popen[bytes]") -> None:
    """End it as an operator would, and wait until it is gone; the service with its linker and database."""
    process.terminate()
    process.wait(60)


def _pilots(documents: list[dict[str, Any]], data: Path) -> list[PilotFiles]:
    found = []
    for document in documents:
        if document["kind"] != "pilot":
            continue
        agreed = [d["creditor"] for d in documents if d["kind"] == "agreement" and d["pilot"] == document["id"]]
        exports = [
            (str(creditor), data / "profiles" / f"{creditor}.yaml", export)
            for creditor in agreed
            for export in (data / str(document["id"])).glob(f"{creditor}_*")
        ]
        exports.sort(key=lambda found: (found[2].stem.rsplit("_", 1)[-1], found[0]))
        categories = document["categories"]
        evidence = {name: (terms.get("experiment") or {}).get("evidence") for name, terms in categories.items()}
        consent = tuple(name for name in categories if evidence[name] == "consent")
        listed = (data / "known-clients.yaml", data / str(document["id"]) / "known-clients.csv")
        known = listed if all(file.exists() for file in listed) else None
        found.append(PilotFiles(str(document["id"]), str(document["municipality"]), consent, tuple(exports), known))
    return found
