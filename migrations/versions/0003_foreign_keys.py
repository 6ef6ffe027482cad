"""Foreign keys, after the tables may have been distributed. Phase: expand.

Between tables of one pilot they carry pilot_id; to the small reference tables they need not.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEYS = (
    ("registry.organisation_key", "organisation_id", "registry.organisation"),
    ("registry.agreement", "pilot_id", "registry.pilot"),
    ("registry.agreement", "organisation_id", "registry.organisation"),
    ("registry.signed_document", "pilot_id", "registry.pilot"),
    ("registry.key_envelope", "pilot_id", "registry.pilot"),
    ("intake.delivery", "pilot_id", "registry.pilot"),
    ("intake.part", "pilot_id, delivery_id", "intake.delivery"),
    ("intake.refused_row", "pilot_id, delivery_id", "intake.delivery"),
    ("signals.report", "pilot_id, delivery_id", "intake.delivery"),
    ("privacy.consent_key", "pilot_id, consent_id", "privacy.consent"),
)


def upgrade() -> None:
    for table, columns, target in KEYS:
        op.execute(f"ALTER TABLE {table} ADD FOREIGN KEY ({columns}) REFERENCES {target} ({columns})")


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
