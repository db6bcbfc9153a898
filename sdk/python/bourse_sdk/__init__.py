"""Clients of the Bourse exchange, asynchronous and synchronous."""
