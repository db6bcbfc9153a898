"""What every service process stands on: server, client, identity, errors, telemetry, database, bus, drain.

Knows no service and imports no stub of ours.
"""
