"""Running the desk's web app until it is stopped."""

import uvicorn

from client.home import Home
from desk.main import create_app
from desk.users import Users

HOST = "127.0.0.1"


def run(home: Home, pilot_id: str, users: Users, port: int) -> None:
    """Serve browsers on this machine. No request is logged here: the service's access log holds every look."""
    app = create_app(home, pilot_id, users, port)
    uvicorn.run(app, host=HOST, port=port, server_header=False, access_log=False, log_level="warning")
