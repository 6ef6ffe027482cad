"""Requests made from the description of the API: each operation, with a value for every place that it names.

A new operation is so covered without being named. A new place is a failure that says what to add.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.identity.roles import SCOPES, Role
from app.main import create_app

Values = Mapping[str, Any]
LINES, FORM, JSON = "application/x-ndjson", "application/x-www-form-urlencoded", "application/json"
DESCRIPTION = create_app(None).openapi()


class NoValue(AssertionError):
    """A place in the description that the tests have no value for."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API as the description has it."""

    method: str
    path: str
    raw: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def wants_token(self) -> bool:
        return "security" in self.raw

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(scope for needs in self.raw.get("security", []) for scope in needs["ClientCredentials"])

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles whose tokens get in."""
        return tuple(role for role in Role if self.scopes <= SCOPES[role])

    @property
    def kind(self) -> str | None:
        """The media type of its body."""
        return next(iter(self.raw["requestBody"]["content"])) if "requestBody" in self.raw else None

    @property
    def body(self) -> Mapping[str, Any]:
        """The schema of its body."""
        return resolved(self.raw["requestBody"]["content"][self.kind]["schema"]) if self.kind else {}

    def parameters(self, where: str) -> list[str]:
        return [str(p["name"]) for p in self.raw.get("parameters", []) if p["in"] == where]

    def names(self) -> list[str]:
        """Every place of a request: parameters, then members of the body."""
        parameters = [name for where in ("path", "query", "header") for name in self.parameters(where)]
        return [*parameters, *self.body.get("properties", {}), *(["lines"] if self.kind == LINES else [])]

    def request(self, values: Values) -> dict[str, Any]:
        """What `httpx.Client.request` takes for it. Raises NoValue."""
        path = self.path
        for name in self.parameters("path"):
            path = path.replace(f"{{{name}}}", str(self.value(values, name)))
        found: dict[str, Any] = {"method": self.method, "url": path}
        found["params"] = {name: self.value(values, name) for name in self.parameters("query")}
        found["headers"] = {name: self.value(values, name) for name in self.parameters("header")}
        if self.kind == LINES:
            found["content"] = self.value(values, "lines")
            found["headers"]["Content-Type"] = LINES
        elif self.kind is not None:
            members = {name: self.member(values, name) for name in self.body["properties"]}
            found["json" if self.kind == JSON else "data"] = members
        return found

    def value(self, values: Values, name: str) -> Any:
        if name not in values:
            raise NoValue(f"{self} has a place {name!r} that the attacks know no value for: add one to tests/held.py")
        return values[name]

    def member(self, values: Values, name: str) -> Any:
        schema = resolved(self.body["properties"][name])
        if "const" in schema:
            return schema["const"]
        value = self.value(values, name)
        missing = list(left_out(schema, value, name))
        if missing:
            raise NoValue(f"{self} has members that the attacks know no value for: add {missing} in tests/held.py")
        return value


def operations() -> list[Operation]:
    """All of them, with and without a token."""
    return [
        Operation(method.upper(), path, raw)
        for path, item in DESCRIPTION["paths"].items()
        for method, raw in item.items()
    ]


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a reference."""
    found: Mapping[str, Any] = schema
    while "$ref" in found:
        found = DESCRIPTION["components"]["schemas"][found["$ref"].rsplit("/", 1)[-1]]
    return found


def left_out(schema: Mapping[str, Any], value: Any, at: str) -> Iterator[str]:
    """The places below a member for which a value has nothing."""
    for kind in (schema, *schema.get("anyOf", [])):
        found = resolved(kind)
        if isinstance(value, Mapping):
            yield from (f"{at}/{name}" for name in found.get("properties", {}) if name not in value)
            for name, below in found.get("properties", {}).items():
                yield from left_out(resolved(below), value.get(name), f"{at}/{name}")
        elif isinstance(value, Sequence) and "items" in found:
            if not value:
                yield f"{at}/0"
            for n, below in enumerate(value):
                yield from left_out(resolved(found["items"]), below, f"{at}/{n}")
