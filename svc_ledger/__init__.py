"""The ledger: participants, accounts, holds, transfers and settlement, in double entry on PostgreSQL.

Guarantees: every movement is a transfer between two ledger accounts; no balance goes below zero; a hold is ended by
this service alone, together with its cursor on the journal; each journal event is settled exactly once, in order.

One name beyond those that every service has: `metrics`, which reads counts of several parts on request and belongs to none.
"""
