"""Making functions of the schema `gate`: they belong to `vroegsein_gate`, a role that nobody logs in as (0008)."""

from collections.abc import Iterable, Mapping

from alembic import op

GATE = "vroegsein_gate"


def create_functions(functions: Iterable[str], callers: Mapping[str, tuple[str, ...]]) -> None:
    """Create `functions` as the gate's own; `callers` says which logins may call which, by its name and arguments."""
    op.execute(f"GRANT CREATE ON SCHEMA gate TO {GATE}")
    op.execute(f"SET LOCAL ROLE {GATE}")
    for function in functions:
        op.execute(function)
    for function, logins in callers.items():
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        for login in logins:
            op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO vroegsein_{login}")
    op.execute("RESET ROLE")
    op.execute(f"REVOKE CREATE ON SCHEMA gate FROM {GATE}")
