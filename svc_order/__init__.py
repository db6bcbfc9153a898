"""Order entry, the history of orders and the drop copy.

It owns nothing that cannot be derived again: the journal (svc_match) and the ledger are the truth. It guarantees
that a command is answered as done only when the journal holds it, that commands of one session reach each shard
in the order sent, and that a participant sees and touches its own orders only.

Four names beyond those that every service has: `entry`, the sessions whose order is what this service is for, and
`stages`, the two steps that they share, are use cases that would make `app` too long to read; `clients` is gRPC out,
since this service alone commands others, where `rpc` is gRPC in; and `metrics` names what all of these count.
"""
