"""A form in the browser for a creditor without an export: the landlord of three houses."""
