"""All tables of the first release. Phase: expand, nothing reads them yet.

Every key begins with pilot_id, so that the tables can be distributed on it (Citus). No foreign keys here: they come in
a migration of their own, after the place where a distributed set-up would hook in. The access log has none at all,
because it outlives what it tells of.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REGISTRY = (
    # Reference tables: small, seldom written, read by all.
    """
    CREATE TABLE registry.organisation (
        organisation_id text PRIMARY KEY,
        document jsonb NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )""",
    """
    CREATE TABLE registry.organisation_key (
        organisation_id text NOT NULL,
        kid text NOT NULL,
        use text NOT NULL CHECK (use IN ('auth', 'signing', 'envelope')),
        role text NOT NULL CHECK (role IN ('creditor', 'debt-help', 'privacy-officer', 'operator')),
        public jsonb NOT NULL,
        state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'revoked')),
        PRIMARY KEY (organisation_id, kid)
    )""",
    """
    CREATE TABLE registry.rule_set (
        rule_set text PRIMARY KEY,
        text text NOT NULL,
        hash bytea NOT NULL CHECK (octet_length(hash) = 32)
    )""",
    """
    CREATE TABLE registry.pilot (
        pilot_id text PRIMARY KEY,
        municipality_id text NOT NULL,
        starts date NOT NULL,
        ends date NOT NULL CHECK (ends >= starts),
        document jsonb NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        locked_at timestamptz
    )""",
    """
    CREATE TABLE registry.agreement (
        pilot_id text NOT NULL,
        organisation_id text NOT NULL,
        starts date NOT NULL,
        ends date NOT NULL CHECK (ends >= starts),
        document jsonb NOT NULL,
        PRIMARY KEY (pilot_id, organisation_id)
    )""",
    """
    CREATE TABLE registry.signed_document (
        pilot_id text NOT NULL,
        version integer NOT NULL CHECK (version > 0),
        jws text NOT NULL,
        PRIMARY KEY (pilot_id, version)
    )""",
    """
    CREATE TABLE registry.key_envelope (
        pilot_id text NOT NULL,
        organisation_id text NOT NULL,
        epoch integer NOT NULL CHECK (epoch > 0),
        envelope bytea NOT NULL,
        PRIMARY KEY (pilot_id, organisation_id, epoch)
    )""",
    """
    CREATE TABLE registry.used_assertion (
        organisation_id text NOT NULL,
        jti text NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (organisation_id, jti)
    )""",
)

INTAKE = (
    """
    CREATE TABLE intake.delivery (
        pilot_id text NOT NULL,
        delivery_id uuid NOT NULL,
        creditor_id text NOT NULL,
        period text NOT NULL,
        category text NOT NULL,
        expected_count integer NOT NULL CHECK (expected_count >= 0),
        content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
        state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'completing', 'completed')),
        opened_at timestamptz NOT NULL,
        completing_at timestamptz,
        completed_at timestamptz,
        manifest text,
        key_envelope bytea,
        accepted integer,
        refused integer,
        receipt text,
        PRIMARY KEY (pilot_id, delivery_id),
        UNIQUE (pilot_id, creditor_id, period, category, content_hash)
    )""",
    "CREATE INDEX delivery_waiting ON intake.delivery (pilot_id, completing_at) WHERE state = 'completing'",
    """
    CREATE TABLE intake.part (
        pilot_id text NOT NULL,
        delivery_id uuid NOT NULL,
        number integer NOT NULL CHECK (number > 0),
        sha256 bytea NOT NULL,
        accepted integer NOT NULL,
        refused integer NOT NULL,
        root bytea NOT NULL,
        PRIMARY KEY (pilot_id, delivery_id, number)
    )""",
    """
    CREATE TABLE intake.refused_row (
        pilot_id text NOT NULL,
        delivery_id uuid NOT NULL,
        part integer NOT NULL,
        line integer NOT NULL,
        pointer text NOT NULL,
        code text NOT NULL,
        PRIMARY KEY (pilot_id, delivery_id, part, line, pointer)
    )""",
    # `sent` is the report in clear, byte for byte what the creditor signed; the set-based steps read columns from it.
    """
    CREATE TABLE intake.staged_report (
        pilot_id text NOT NULL,
        delivery_id uuid NOT NULL,
        part integer NOT NULL,
        line integer NOT NULL,
        report_id uuid NOT NULL,
        sent text NOT NULL,
        wrapped_key bytea NOT NULL,
        contact bytea NOT NULL,
        proof bytea NOT NULL,
        PRIMARY KEY (pilot_id, delivery_id, part, line)
    )""",
)

SIGNALS = (
    """
    CREATE TABLE signals.report (
        pilot_id text NOT NULL,
        report_id uuid NOT NULL,
        creditor_id text NOT NULL,
        delivery_id uuid NOT NULL,
        reference uuid NOT NULL,
        period text NOT NULL,
        kind text NOT NULL,
        category text NOT NULL,
        amount_euros integer NOT NULL,
        months integer NOT NULL,
        arrears_since date NOT NULL,
        since_derived boolean NOT NULL,
        reported_on date NOT NULL,
        received_on date NOT NULL,
        social_collection jsonb NOT NULL,
        urgent text[] NOT NULL,
        district uuid NOT NULL,
        dwelling uuid NOT NULL,
        street_dwelling uuid NOT NULL,
        building uuid NOT NULL,
        has_addition boolean NOT NULL,
        state text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'shut_out')),
        person_id uuid,
        household_id uuid,
        PRIMARY KEY (pilot_id, report_id)
    )""",
    "CREATE INDEX report_reference ON signals.report (pilot_id, creditor_id, reference, period)",
    "CREATE INDEX report_person ON signals.report (pilot_id, person_id)",
    "CREATE INDEX report_household ON signals.report (pilot_id, household_id, period)",
    "CREATE INDEX report_building ON signals.report (pilot_id, building)",
    "CREATE INDEX report_street_dwelling ON signals.report (pilot_id, street_dwelling)",
    """
    CREATE TABLE signals.report_key (
        pilot_id text NOT NULL,
        key uuid NOT NULL,
        report_id uuid NOT NULL,
        strong boolean NOT NULL,
        birth uuid,
        PRIMARY KEY (pilot_id, key, report_id)
    )""",
    "CREATE INDEX report_key_report ON signals.report_key (pilot_id, report_id)",
    # Disclosure level "contact": what only the municipality opens, and the creditor's proof that it wrote it.
    """
    CREATE TABLE signals.sealed_report (
        pilot_id text NOT NULL,
        report_id uuid NOT NULL,
        household_id uuid,
        sent text NOT NULL,
        wrapped_key bytea NOT NULL,
        contact bytea NOT NULL,
        part integer NOT NULL,
        proof bytea NOT NULL,
        PRIMARY KEY (pilot_id, report_id)
    )""",
    "CREATE INDEX sealed_report_household ON signals.sealed_report (pilot_id, household_id)",
    # A report without a basis leaves its id and nothing else.
    """
    CREATE TABLE signals.shut_out (
        pilot_id text NOT NULL,
        report_id uuid NOT NULL,
        delivery_id uuid NOT NULL,
        PRIMARY KEY (pilot_id, report_id)
    )""",
    """
    CREATE TABLE signals.link_change (
        pilot_id text NOT NULL,
        run_id uuid NOT NULL,
        report_id uuid NOT NULL,
        old_person uuid,
        new_person uuid,
        old_household uuid,
        new_household uuid,
        reason text NOT NULL,
        PRIMARY KEY (pilot_id, run_id, report_id)
    )""",
    """
    CREATE TABLE signals.signal (
        pilot_id text NOT NULL,
        signal_id uuid NOT NULL,
        household_id uuid NOT NULL,
        period text NOT NULL,
        tray text NOT NULL,
        rules text[] NOT NULL,
        urgent boolean NOT NULL,
        priority integer NOT NULL,
        received_on date NOT NULL,
        deadline date NOT NULL,
        PRIMARY KEY (pilot_id, signal_id),
        UNIQUE (pilot_id, household_id, period)
    )""",
    "CREATE INDEX signal_worklist ON signals.signal (pilot_id, (NOT urgent), deadline, (-priority), signal_id)",
    """
    CREATE TABLE signals.signal_categories (
        pilot_id text NOT NULL,
        signal_id uuid NOT NULL,
        household_id uuid NOT NULL,
        categories text[] NOT NULL,
        creditors integer NOT NULL,
        PRIMARY KEY (pilot_id, signal_id)
    )""",
    "CREATE INDEX signal_categories_household ON signals.signal_categories (pilot_id, household_id)",
    """
    CREATE TABLE signals.signal_facts (
        pilot_id text NOT NULL,
        signal_id uuid NOT NULL,
        household_id uuid NOT NULL,
        rule_set text NOT NULL,
        amount_euros integer NOT NULL,
        months integer NOT NULL,
        district uuid NOT NULL,
        reports uuid[] NOT NULL,
        explanation jsonb NOT NULL,
        PRIMARY KEY (pilot_id, signal_id)
    )""",
    "CREATE INDEX signal_facts_household ON signals.signal_facts (pilot_id, household_id)",
)

PRIVACY = (
    # The log's events. `body` and `salt` may go at the end of their term; the leaf stays.
    """
    CREATE TABLE privacy.event (
        pilot_id text NOT NULL,
        event_id uuid NOT NULL,
        at timestamptz NOT NULL,
        kind text NOT NULL,
        keep_until date NOT NULL,
        salt bytea NOT NULL,
        body jsonb NOT NULL,
        PRIMARY KEY (pilot_id, event_id)
    )""",
    "CREATE INDEX event_time ON privacy.event (pilot_id, at, event_id)",
    "CREATE TABLE privacy.unsealed (pilot_id text NOT NULL, event_id uuid NOT NULL, PRIMARY KEY (pilot_id, event_id))",
    # What an event allows, for a few seconds. The event's id is the pass, so nobody who serves requests may list these.
    # `asks` is what was asked for, without the request's proof; `next` the place at which a full page ends.
    """
    CREATE TABLE privacy.access_scope (
        pilot_id text NOT NULL,
        event_id uuid NOT NULL,
        opened_at timestamptz NOT NULL,
        role text NOT NULL,
        level integer NOT NULL,
        asks jsonb NOT NULL,
        households uuid[] NOT NULL,
        signals uuid[] NOT NULL,
        next jsonb,
        PRIMARY KEY (pilot_id, event_id)
    )""",
    # For whom the glass is broken, and until when. Why stands in the event alone.
    """
    CREATE TABLE privacy.break_glass (
        pilot_id text NOT NULL,
        event_id uuid NOT NULL,
        role text NOT NULL,
        actor text NOT NULL,
        purpose text NOT NULL,
        until timestamptz NOT NULL,
        PRIMARY KEY (pilot_id, event_id)
    )""",
    """
    CREATE TABLE privacy.access_closed (
        pilot_id text NOT NULL,
        event_id uuid NOT NULL,
        closing_event uuid NOT NULL,
        PRIMARY KEY (pilot_id, event_id)
    )""",
    # The Merkle tree (RFC 6962): a leaf per event, the hashes of full subtrees, the head.
    """
    CREATE TABLE privacy.log_leaf (
        pilot_id text NOT NULL,
        leaf_index bigint NOT NULL,
        event_id uuid NOT NULL,
        kind text NOT NULL,
        keep_until date NOT NULL,
        commitment bytea NOT NULL,
        leaf_hash bytea NOT NULL,
        PRIMARY KEY (pilot_id, leaf_index),
        UNIQUE (pilot_id, event_id)
    )""",
    """
    CREATE TABLE privacy.log_node (
        pilot_id text NOT NULL,
        level integer NOT NULL,
        position bigint NOT NULL,
        hash bytea NOT NULL,
        PRIMARY KEY (pilot_id, level, position)
    )""",
    """
    CREATE TABLE privacy.log_head (
        pilot_id text PRIMARY KEY,
        tree_size bigint NOT NULL,
        root bytea NOT NULL,
        sealed_at timestamptz NOT NULL
    )""",
    """
    CREATE TABLE privacy.consent (
        pilot_id text NOT NULL,
        consent_id uuid NOT NULL,
        category text NOT NULL,
        given_on date NOT NULL,
        valid_until date NOT NULL,
        notice text NOT NULL,
        given_by text NOT NULL,
        sealed bytea NOT NULL,
        withdrawn_on date,
        PRIMARY KEY (pilot_id, consent_id)
    )""",
    """
    CREATE TABLE privacy.consent_key (
        pilot_id text NOT NULL,
        key uuid NOT NULL,
        consent_id uuid NOT NULL,
        strong boolean NOT NULL,
        birth uuid,
        PRIMARY KEY (pilot_id, key, consent_id)
    )""",
    # Changes of basis that a desk asks for; the linker carries each out under the pilot's lock.
    """
    CREATE TABLE privacy.basis_change (
        pilot_id text NOT NULL,
        change_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('consent', 'withdrawal')),
        body jsonb NOT NULL,
        asked_at timestamptz NOT NULL DEFAULT now(),
        done_at timestamptz,
        outcome text,
        PRIMARY KEY (pilot_id, change_id)
    )""",
    "CREATE INDEX basis_change_waiting ON privacy.basis_change (pilot_id, asked_at) WHERE done_at IS NULL",
)


def upgrade() -> None:
    for statement in (*REGISTRY, *INTAKE, *SIGNALS, *PRIVACY):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("an earlier schema is had by restoring a backup: the access log is never undone")
