"""How many files Envoys can watch here: each takes an inotify instance, and the kernel gives each user a limited number.

One that gets none aborts without a word that helps, so it is asked for beforehand.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.machine.home import MachineError
from cli.machine.mesh.pods import Place

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
RESERVE = 10  # For a version beside the stable ones.


def check_watches(places: Sequence[Place]) -> None:
    """MachineError when there are not enough for the files of these Envoys."""
    needed = sum(1 for place in places for _ in place.folder.glob("*/*.json")) + RESERVE
    if sys.platform == "linux" and (free := available(needed)) < needed:
        raise MachineError(
            f"the sidecars watch {needed} files, and the kernel has {free} of its {LIMIT.read_text().strip()} inotify instances "
            f"left for this user: end what uses them (another exchange?), raise fs.inotify.max_user_instances with sysctl, "
            f"or start without a mesh: --no-mesh"
        )


def available(wanted: int) -> int:
    """How many inotify instances could be made now, at most `wanted`."""
    library = ctypes.CDLL(None, use_errno=True)
    made: list[int] = []
    while len(made) < wanted and (descriptor := library.inotify_init1(os.O_CLOEXEC)) >= 0:
        made.append(descriptor)
    for descriptor in made:
        os.close(descriptor)
    return len(made)
