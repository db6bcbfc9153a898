"""YAML that is nested no deeper than its readers can follow: they call themselves for each level."""

from typing import Any

import yaml

DEPTH_LIMIT = 100
ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def require_shallow(text: str) -> None:
    """Raises YAMLError, with line and column, for YAML of more than DEPTH_LIMIT levels, and for what is no YAML."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, ENDS):
            depth -= 1
        if depth > DEPTH_LIMIT:
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(None, None, f"nested deeper than {DEPTH_LIMIT} levels", mark)
