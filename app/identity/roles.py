"""Roles of organisations' keys, and what each may ask for."""

from signals.pilot import Role

__all__ = ["MEANING", "SCOPES", "Role"]

SCOPES: dict[Role, frozenset[str]] = {
    Role.CREDITOR: frozenset({"deliveries:write", "deliveries:read", "feedback:read", "objections:write", "keys:read"}),
    Role.DEBT_HELP: frozenset(
        {
            *("signals:read", "links:review", "cases:read", "cases:write", "records:read"),
            *("consents:write", "basis-changes:read", "monitor:read", "creditors:read"),
            *("pilots:write", "keys:write", "rules:write", "log:witness"),
        }
    ),
    Role.PRIVACY_OFFICER: frozenset(
        {
            *("residents:read", "residents:write", "basis-changes:read", "log:read", "log:erase", "log:witness"),
            *("monitor:read", "creditors:read"),
        }
    ),
    Role.OPERATOR: frozenset({"registry:read"}),
}

MEANING: dict[str, str] = {
    "deliveries:write": "Send deliveries of reports",
    "deliveries:read": "Read the state of one's own deliveries",
    "feedback:read": "Read what became of one's own reports",
    "keys:read": "Fetch one's own sealed pilot keys",
    "signals:read": "Read signals of one's own municipality",
    "objections:write": "Pass on an objection about one's own contract",
    "consents:write": "Record what residents say and how it was decided; keep the knock-out list",
    "cases:read": "Read the cases of one's own municipality",
    "cases:write": "Open cases for signals of one's own municipality, and write in them",
    "links:review": "Look at doubtful links of one's own municipality, and decide about them",
    "rules:write": "Try rule sets out on one's own pilots, propose them and activate what a colleague proposed",
    "basis-changes:read": "Ask whether a change of basis holds by now",
    "residents:read": "Answer a resident: all that is held about one",
    "residents:write": "Erase a resident's reports, or pause one that is said to be wrong",
    "pilots:write": "Publish signed pilot documents",
    "keys:write": "Put sealed pilot keys ready for creditors, and seal anew what is sealed to one's municipality",
    "log:read": "Read the access log of one's own municipality",
    "log:erase": "Have events of one's own municipality's log erased before their day",
    "log:witness": "Cosign checkpoints of one's own pilots' logs",
    "monitor:read": "Read monthly tables of one's own pilots, with small numbers left out",
    "creditors:read": "See which creditors of one's own pilots delivered which months",
    "records:read": "Give account of a period: all reports and cases of one's own pilot",
    "registry:read": "Read pilots, organisations and agreements",
}
