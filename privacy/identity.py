"""Who a report is about, as the creditor wrote it. This leaves the creditor only sealed, or hashed into match keys."""

from dataclasses import dataclass, fields
from datetime import date
from operator import attrgetter


@dataclass(
    slots=True, kw_only=True, repr=False, unsafe_hash=True
)  # one for each row: freezing would take thrice as long
class Contact:
    """The resident's details in the creditor's own spelling, split as far as its export splits them.

    A mapping profile fills either the whole (`name`, `address`) or the parts; nothing here is corrected yet.
    `birth_date` is None when the export has none or has a known stand-in (such as 1 January 1900).
    """

    name: str = ""  # the whole name in one column; `name_order` says how it reads
    name_order: str = "given-first"  # or "surname-first", as in "DE GRAAF Y" and "Jong, de, J."
    surname: str = ""  # may hold prefix and partner name: "Jong, de", "van der Linden-Smit"
    prefix: str = ""
    initials: str = ""
    first_name: str = ""
    birth_date: date | None = None
    address: str = ""  # street, number and addition in one column, perhaps with the postcode behind it
    street: str = ""
    house_number: str = ""
    letter: str = ""
    addition: str = ""
    postcode: str = ""
    town: str = ""
    phone: str = ""
    email: str = ""

    def __repr__(self) -> str:
        """Names which details there are, never what they say: a contact in a traceback or log gives nobody away."""
        known = ", ".join(field.name for field in fields(self) if getattr(self, field.name))
        return f"Contact(<{known}>)"

    def as_json(self) -> dict[str, str]:
        """The details that are known, for sealing: text only, the birth date as YYYY-MM-DD.

        How a whole name reads is among them where there is one: match keys are made from it again.
        """
        told = {name: value for name, value in zip(_DETAILS, _values(self), strict=True) if value}
        if self.birth_date:
            told["birth_date"] = self.birth_date.isoformat()
        if not self.name:
            told.pop("name_order", None)
        return told


_DETAILS = tuple(field.name for field in fields(Contact))
_values = attrgetter(*_DETAILS)
