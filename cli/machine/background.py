"""How the processes that keep a home running begin: they make nothing that others can read, and log JSON lines."""

import os
import sys

import structlog


def begin() -> None:
    """Once, first of all."""
    os.umask(0o077)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
