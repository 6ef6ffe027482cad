"""Birth dates: a stand-in for an unknown one is unknown, and a swapped day and month read the same.

Classes (all that a line names gets one form):
- 3 April and 4 March of one year;
- no date, 1900-01-01, 1901-01-01, 9999-12-31 and whatever else nobody alive was born on: unknown; so are 1911-11-11,
  1970-01-01 (day zero of computers) and 1999-09-09, which too many ledgers write for "not known".
"""

from datetime import date

_FIRST, _LAST = 1905, 2100  # years; what lies outside is an export's stand-in, nobody's birth date
_STAND_INS = frozenset({date(1911, 11, 11), date(1970, 1, 1), date(1999, 9, 9)})


def normalise_birth_date(born: date | None) -> str:
    """Write a birth date as YYYYMMDD, the smaller of day and month first where both could be a month; "": unknown."""
    if born is None or not _FIRST <= born.year <= _LAST or born in _STAND_INS:
        return ""
    month, day = sorted((born.month, born.day)) if born.day <= 12 else (born.month, born.day)
    return f"{born.year:04}{month:02}{day:02}"
