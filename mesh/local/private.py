"""Files for their owner alone."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replaces the file's content at once, readable by the owner alone; it is on the disk when this returns."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
