"""Order entry, the history of orders and the drop copy.

It owns nothing that cannot be derived again: the journal (svc_match) and the ledger are the truth. It guarantees
that a command is answered as done only when the journal holds it, that commands of one session reach each shard
in the order sent, and that a participant sees and touches its own orders only.
"""
