"""The ledger's tables. CHECK constraints repeat the core's rules; hot tables have no foreign keys and few indexes."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = """
CREATE TABLE participants (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,19}$'),
    title text NOT NULL CHECK (length(title) <= 100)
);
CREATE TABLE accounts (
    account_id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    participant text NOT NULL REFERENCES participants,
    CHECK (split_part(name, '/', 1) = participant)
);
-- A ledger account: (account, asset). flags as TigerBeetle's: 2 debits must not exceed credits, 4 credits must not exceed debits.
CREATE TABLE balances (
    balance_id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int4 NOT NULL REFERENCES accounts,
    asset text NOT NULL CHECK (asset ~ '^[A-Z0-9.]{1,12}$'),
    flags int2 NOT NULL,
    debits_pending int8 NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
    debits_posted int8 NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
    credits_pending int8 NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
    credits_posted int8 NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
    UNIQUE (account_id, asset),
    CONSTRAINT debits_must_not_exceed_credits CHECK (flags & 2 = 0 OR debits_pending + debits_posted <= credits_posted),
    CONSTRAINT credits_must_not_exceed_debits CHECK (flags & 4 = 0 OR credits_pending + credits_posted <= debits_posted)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- A hold is a pending transfer of the order's account: amount at first, remaining now.
CREATE SEQUENCE hold_id_blocks AS int8 INCREMENT BY 4096 MINVALUE 1 START WITH 1;
CREATE TABLE holds (
    hold_id int8 PRIMARY KEY CHECK (hold_id > 0),
    deadline_us int8 NOT NULL,
    amount int8 NOT NULL CHECK (amount >= 0),
    remaining int8 NOT NULL CHECK (remaining >= 0),
    price_e4 int8 NOT NULL,
    order_id int8,
    quantity int8 NOT NULL,
    executed int8 NOT NULL,
    account_id int4 NOT NULL,
    balance_id int4 NOT NULL,
    trading_date int4 NOT NULL,
    fee_e6 int4 NOT NULL,
    shard int2 NOT NULL,
    attempt int2 NOT NULL CHECK (attempt > 0),
    state int2 NOT NULL CHECK (state BETWEEN 1 AND 5),
    by_amount boolean NOT NULL,
    client_order_id text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 16),
    CONSTRAINT one_attempt UNIQUE (account_id, trading_date, client_order_id, attempt),
    CHECK (state <= 2 OR remaining = 0)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX holds_by_order ON holds (order_id) WHERE order_id IS NOT NULL;
-- Not by state: fills and ends of a bound hold then touch no index.
CREATE INDEX holds_unbound ON holds (shard, deadline_us) WHERE order_id IS NULL;

-- Transfers, in the order booked. Those of trades have a trade_id, those that were asked for by name a transfer_id.
-- flags as TigerBeetle's; a pending one (flags & 2) has a state (1 pending, 2 posted, 3 voided), the others have none.
CREATE SEQUENCE transfer_positions AS int8 MINVALUE 1 START WITH 1;
CREATE TABLE transfers (
    position int8 NOT NULL,
    amount int8 NOT NULL CHECK (amount >= 0),
    trade_id int8 NOT NULL,
    time_us int8 NOT NULL,
    debit_id int4 NOT NULL,
    credit_id int4 NOT NULL CHECK (credit_id <> debit_id),
    kind int2 NOT NULL CHECK (kind BETWEEN 1 AND 5),
    flags int2 NOT NULL DEFAULT 0,
    pending_state int2,
    transfer_id text,
    pending_id text,
    CHECK ((flags & 2 <> 0) = (pending_state IS NOT NULL))
);
CREATE INDEX transfers_by_debit ON transfers (debit_id, position);
CREATE INDEX transfers_by_credit ON transfers (credit_id, position);
CREATE UNIQUE INDEX transfers_by_id ON transfers (transfer_id) WHERE transfer_id IS NOT NULL;
-- Ids that a transfer failed under for a passing reason: used up all the same.
CREATE TABLE failed_transfers (transfer_id text PRIMARY KEY);

-- How far each shard's journal is settled.
CREATE TABLE cursors (
    shard int2 PRIMARY KEY CHECK (shard >= 0),
    incarnation text NOT NULL,
    sequence int8 NOT NULL CHECK (sequence >= 0),
    time_us int8 NOT NULL,
    stopped_sequence int8,
    stopped_reason text,
    stopped_message text
);
CREATE TABLE instruments (
    symbol text PRIMARY KEY,
    currency text NOT NULL,
    shard int2 NOT NULL
);

INSERT INTO participants VALUES ('exchange', 'The exchange');
INSERT INTO accounts (name, participant) VALUES ('exchange/vault', 'exchange'), ('exchange/fees', 'exchange');
"""


def upgrade() -> None:
    """Creates everything."""
    for statement in SQL.split(";\n"):
        if statement.strip():
            op.execute(statement)
