"""A person as the match keys see one: every part normalised, nothing shown by accident."""

from typing import NamedTuple

from privacy.identity import Contact
from privacy.normalise.addresses import Address, normalise_address
from privacy.normalise.contacts import normalise_email, normalise_phone
from privacy.normalise.dates import normalise_birth_date
from privacy.normalise.names import Name, normalise_name


class Person(NamedTuple):
    """Who a report is about, in one spelling; what the creditor doesn't know is ""."""

    name: Name
    birth: str
    address: Address
    phone: str
    email: str

    def __repr__(self) -> str:
        """Give nobody away."""
        return "Person(<normalised>)"


def normalise(contact: Contact) -> Person:
    """Bring one creditor's spelling to the classes that all creditors share. Nothing is refused."""
    return Person(
        normalise_name(contact),
        normalise_birth_date(contact.birth_date),
        normalise_address(contact),
        normalise_phone(contact.phone),
        normalise_email(contact.email),
    )
