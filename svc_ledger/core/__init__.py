"""What the ledger decides: no await, no clock, no I/O. Balances and holds are handed in, effects are handed back."""
