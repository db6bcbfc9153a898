"""The matching core: pure and deterministic. Commands in, numbered events out; no clock, no I/O, no random number."""
