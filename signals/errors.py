"""The root of what the domain refuses. Only the edge (app/errors.py) knows the HTTP status."""

from typing import ClassVar


class SignalsError(Exception):
    """Reports, deliveries, rule sets or signals can't be handled as asked.

    Each subclass names a public `code` (kebab-case, never reused) and opens its docstring with one line that a caller
    may read. The message tells what to do next and never holds a person's data.
    """

    code: ClassVar[str]
