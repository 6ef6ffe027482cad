"""Who works at this desk, and in which roles: `users.yaml` in the desk's home."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from client.home import HomeUnusable
from signals.documents import Document, read_document
from signals.report import Slug

EXAMPLE = """users:
  - {name: anna, shown: Anna Jansen, roles: [worker]}
  - {name: bram, shown: Bram de Boer, roles: [team-lead, worker]}
  - {name: carla, shown: Carla Smit, roles: [privacy-officer]}
  - {name: dirk, shown: Dirk Mulder, roles: [pilot-manager]}
"""


class DeskRole(StrEnum):
    """What somebody does at the desk. The service knows two roles; these are the desk's own, and finer."""

    WORKER = "worker"
    TEAM_LEAD = "team-lead"
    PRIVACY_OFFICER = "privacy-officer"
    PILOT_MANAGER = "pilot-manager"


class User(Document):
    """Somebody at this desk. `name` is what cases are assigned to, `shown` what colleagues read."""

    name: Slug
    shown: Annotated[str, Field(min_length=1, max_length=80)]
    roles: Annotated[tuple[DeskRole, ...], Field(min_length=1)]


class Users(Document):
    """All of them, each name once."""

    users: Annotated[tuple[User, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({user.name for user in self.users}) != len(self.users):
            raise ValueError("a name stands there twice: looks could not be told apart")
        return self

    def named(self, name: str) -> User | None:
        """The user of this name."""
        return next((user for user in self.users if user.name == name), None)


def read_users(home: Path) -> Users:
    """The users of this desk. Raises HomeUnusable when nobody is listed, DocumentError when the file has mistakes."""
    file = home / "users.yaml"
    if not file.exists():
        raise HomeUnusable(f"nobody may sign in yet: write {file}, for example\n{EXAMPLE}")
    return read_document(file, Users)
