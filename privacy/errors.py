"""The root of what the privacy layer refuses. Only the edge (app/errors.py) knows the HTTP status."""

from typing import ClassVar


class PrivacyError(Exception):
    """The privacy layer refuses something that a caller may well try.

    Each subclass names a public `code` (kebab-case, never reused) and opens its docstring with one line that a caller
    may read. The message tells what to do next and never holds a person's data.
    """

    code: ClassVar[str]
