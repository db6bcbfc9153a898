"""Everything that an exchange needs on one machine, from the Python package index: servers, credentials, supervision.

What holds: whoever dies is started again; `stop` leaves no process; whatever crashes, and however, the next start copes;
homes do not touch each other; passwords, keys and tokens are readable by the home's owner alone.
"""

from cli.machine.home import DEFAULT_SHARDS, MachineError, default_home
from cli.machine.machine import Machine

__all__ = ["DEFAULT_SHARDS", "Machine", "MachineError", "default_home"]
