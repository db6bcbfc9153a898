"""The YAML files that people write: what stands where in them, or the line and column of what cannot be."""

from collections.abc import Sequence

import yaml

from mesh.local.depth import require_shallow

FILE_BYTES_LIMIT = 1 << 20


class FileError(Exception):
    """`line:column: what is wrong`."""

    def __init__(self, mark: yaml.Mark | None, message: str) -> None:
        place = f"{mark.line + 1}:{mark.column + 1}" if mark is not None else "1:1"
        super().__init__(f"{place}: {message}")


def composed(data: bytes) -> yaml.Node | None:
    """The YAML of a file, each node with its line and column. Raises FileError."""
    if len(data) > FILE_BYTES_LIMIT:
        raise FileError(None, f"the file is larger than {FILE_BYTES_LIMIT} bytes")
    try:
        text = data.decode("utf-8")
        require_shallow(text)
        root: yaml.Node | None = yaml.compose(text, yaml.SafeLoader)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start)
        column = error.start - data.rfind(b"\n", 0, error.start) - 1
        raise FileError(yaml.Mark("", 0, line, column, "", 0), "this is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        raise FileError(error.problem_mark, error.problem or "this is not YAML") from None
    except yaml.YAMLError as error:
        raise FileError(None, str(error)) from None
    return root


def fields_of(node: yaml.Node | None, known: Sequence[str], required: Sequence[str] = ()) -> dict[str, yaml.Node]:
    """The values of a mapping that has no other keys than those known, and has those required. Raises FileError."""
    if not isinstance(node, yaml.MappingNode):
        raise FileError(node.start_mark if node else None, f"a mapping with {', '.join(known)} is needed")
    fields: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if key.value not in known:
            raise FileError(key.start_mark, f"unknown key `{key.value}`; known are {', '.join(known)}")
        if key.value in fields:
            raise FileError(key.start_mark, f"`{key.value}` is there twice")
        fields[key.value] = value
    for name in required:
        if name not in fields:
            raise FileError(node.start_mark, f"`{name}` is missing")
    return fields


def list_of(node: yaml.Node | None) -> list[yaml.Node]:
    """The entries of a list, none where there is no list. Raises FileError."""
    if node is None:
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise FileError(node.start_mark, "a list is needed")
    nodes: list[yaml.Node] = node.value
    return nodes
