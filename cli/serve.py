"""`vroegsein serve`: the API in this process, the linker in one of its own, the embedded database under both."""

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Annotated
from urllib.parse import urlsplit

import typer
import uvicorn
from rich.console import Console

from app.db.sessions import SERVING
from app.logs import log_config
from app.main import create_app
from app.serving import serving
from app.settings import load_settings
from cli.operator import database, sessions_at

app = typer.Typer(help="Run the service (API and linker) until it is stopped.")
RESTART_AFTER = 2.0  # seconds, when a linker ended by itself


@app.callback(invoke_without_command=True)
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on; else that of VROEGSEIN_PUBLIC_URL")] = None,
) -> None:
    """Run the API and the linker until stopped by a signal. Needs `operator init` and `operator migrate` first."""
    settings = load_settings()
    parts = urlsplit(settings.public_url)
    port = port or parts.port or (443 if parts.scheme == "https" else 80)
    # uvicorn raises the signal again when it is done; by default that would end us before the linker is told.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with database(settings) as (address, passfiles):
        stop = threading.Event()
        keeper = threading.Thread(target=_keep_a_linker, args=(stop,), name="linker-keeper", daemon=True)
        keeper.start()
        try:
            service = create_app(settings, serving(sessions_at(address, passfiles, SERVING)))
            Console(stderr=True, highlight=False).print(f"Vroegsein on {settings.public_url}/v1", markup=False)
            uvicorn.run(
                service,
                host=host,
                port=port,
                log_config=log_config(settings.log_level),
                server_header=False,
                access_log=False,
            )
        finally:
            stop.set()
            keeper.join(timeout=30)


def _keep_a_linker(stop: threading.Event) -> None:
    """Run a linker until told to stop; one that ends by itself (killed, out of memory) is followed by another."""
    while not stop.is_set():
        linker = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "operator", "linker"],
            env={**os.environ, "VROEGSEIN_PARENT": str(os.getpid())},
        )
        while linker.poll() is None and not stop.wait(0.2):
            pass
        if stop.is_set():
            linker.send_signal(signal.SIGTERM)
            try:
                linker.wait(20)
            except subprocess.TimeoutExpired:
                linker.kill()
        else:
            time.sleep(RESTART_AFTER)
