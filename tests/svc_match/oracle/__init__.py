"""The plain engine: the rules in the most obvious way, and what the packed core must equal event for event."""
