"""`vroegsein demo`: the whole job on example data, on this machine alone, with real parts.

A service with its own database, as many clients as there are creditors, a desk per municipality; all over HTTP. The
demo knows no names: pilots, creditors and files are what the registry documents and the folders of the examples say.
"""

import json
import os
import signal
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from cli.demo_play import Outcome, Stopwatch, play
from cli.demo_shown import show_outcome
from cli.demo_world import DemoFailed, Places, end, free_port, prepare, start_desk, start_service
from cli.words import LangOption, console, errors
from client.words import Lang, either

app = typer.Typer(help="See the whole job on example data, on this machine alone.")

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
DEFAULT_FOLDER = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "vroegsein" / "demo"


@app.callback(invoke_without_command=True)
def demo(
    once: Annotated[bool, typer.Option("--once", help="In a fresh folder that is removed again at the end")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the demo that runs in the background")] = False,
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its data")] = DEFAULT_FOLDER,
    data: Annotated[Path, typer.Option(help="Examples: registry/, profiles/, a folder per pilot")] = EXAMPLES,
    lang: LangOption = "nl",
) -> None:
    """Play three months of all creditors, open signals at the desks; a service and a desk are left to look around.

    A second run finds what runs; --stop ends it. --once leaves nothing behind.
    """
    if not (data / "registry").is_dir():
        raise DemoFailed(f"there are no examples in {data}: run this from a clone, or name a folder with --data")
    if stop:
        _stop(Places(folder), lang)
        return
    if once:
        with tempfile.TemporaryDirectory(prefix="vroegsein-demo-", ignore_cleanup_errors=True) as fresh:
            Path(fresh).chmod(0o711)  # the database's own user must get through when this runs as root
            places = Places(Path(fresh))
            with ExitStack() as ending:
                outcome = _run(places, data, lang, ending)
            places.clear()
        _tell(outcome, places, lang, as_json=as_json, running=False)
        return
    places = Places(folder)
    running = places.running()
    if running and running[0] == places.noted()[0]:
        url = running[0][1]
        console.print(either(lang, f"De demo draait al op {url}.", f"The demo runs already at {url}."), markup=False)
        _next_steps(places, lang)
        return
    for pid, _url in running:  # a desk without its service
        _end(pid)
    places.clear()
    with ExitStack() as ending:
        outcome = _run(places, data, lang, ending)
        start_desk(places)
        ending.pop_all()  # both stay
    _tell(outcome, places, lang, as_json=as_json, running=True)


def _run(places: Places, data: Path, lang: Lang, ending: ExitStack) -> Outcome:
    """Set everything up, start the service, play; the service ends with `ending`."""
    stages = Stopwatch()
    with stages.timed("set_up"):
        url = f"http://127.0.0.1:{free_port()}"
        world = prepare(places, data, url)
    with stages.timed("start_service"):
        service = start_service(places, url)
        ending.callback(end, service)
    return play(world, stages, lang)


def _end(pid: int) -> None:
    """The same for what an earlier command started."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        for _attempt in range(600):
            os.kill(pid, 0)
            time.sleep(0.1)


def _stop(places: Places, lang: Lang) -> None:
    running = places.running()
    if not running:
        console.print(either(lang, "Er draait geen demo.", "No demo is running."))
        return
    for pid, _url in reversed(running):
        _end(pid)
    places.clear()
    console.print(either(lang, "De demo is gestopt en opgeruimd.", "The demo was stopped and cleared away."))


def _tell(outcome: Outcome, places: Places, lang: Lang, *, as_json: bool, running: bool) -> None:
    if as_json:
        show_outcome(outcome, lang, errors)
        print(json.dumps(outcome.figures(), ensure_ascii=False), flush=True)
        return
    show_outcome(outcome, lang, console)
    if running:
        _next_steps(places, lang)


def _next_steps(places: Places, lang: Lang) -> None:
    """What to try next, as commands to paste."""
    for words, command in places.try_next(lang):
        console.print(f"[dim]{words}[/]\n  {command}", soft_wrap=True)
