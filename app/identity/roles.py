"""Roles of organisations' keys, and what each may ask for."""

from signals.pilot import Role

__all__ = ["MEANING", "SCOPES", "Role"]

SCOPES: dict[Role, frozenset[str]] = {
    Role.CREDITOR: frozenset({"deliveries:write", "deliveries:read", "objections:write", "keys:read"}),
    Role.DEBT_HELP: frozenset({"signals:read", "consents:write", "pilots:write", "keys:write", "log:witness"}),
    Role.PRIVACY_OFFICER: frozenset({"log:read", "log:witness"}),
    Role.OPERATOR: frozenset({"registry:read"}),
}

MEANING: dict[str, str] = {
    "deliveries:write": "Send deliveries of reports",
    "deliveries:read": "Read the state of one's own deliveries",
    "keys:read": "Fetch one's own sealed pilot keys",
    "signals:read": "Read signals of one's own municipality",
    "objections:write": "Pass on an objection about one's own contract",
    "consents:write": "Record what residents say: consent, refusal, withdrawal, objection, and its decision",
    "pilots:write": "Publish signed pilot documents",
    "keys:write": "Put sealed pilot keys ready for creditors, and seal anew what is sealed to one's municipality",
    "log:read": "Read the access log of one's own municipality",
    "log:witness": "Cosign checkpoints of one's own pilots' logs",
    "registry:read": "Read pilots, organisations and agreements",
}
