"""Which failures are explained in a sentence; all others are faults of ours and keep their traceback."""

from rich.markup import escape

from client.decoding import UnreadableFile
from client.delivering import DeliveryDisturbed
from client.home import HomeUnusable
from client.oauth import LoginRefused
from client.service import ServiceRefused, ServiceUnreachable
from privacy.errors import PrivacyError
from signals.documents import DocumentError


class MissingPart(Exception):
    """A group of the command was asked for whose libraries are not installed."""


EXPECTED: tuple[type[Exception], ...] = (
    DeliveryDisturbed,
    DocumentError,
    HomeUnusable,
    LoginRefused,
    MissingPart,
    PrivacyError,
    ServiceRefused,
    ServiceUnreachable,
    UnreadableFile,
)
# Of the service's side, by name: their modules need libraries that a creditor does not have.
EXPECTED_NAMES = frozenset(
    {
        "AddressError",
        "EmbeddedError",
        "LogboekUnusable",
        "MigrationError",
        "PassfileError",
        "ProvisioningError",
        "SettingsUnusable",
        "SigningKeyUnusable",
        "UnsafeLogin",
        "DemoFailed",
    }
)


def explained(error: Exception) -> str | None:
    """The sentence to show, with markup escaped, or None for a fault."""
    if isinstance(error, EXPECTED) or type(error).__name__ in EXPECTED_NAMES:
        return escape(str(error))
    return None
