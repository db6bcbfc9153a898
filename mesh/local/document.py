"""Kubernetes documents with the lines that they were written on, and what is said about those that cannot be translated."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from mesh.local.depth import require_shallow

Json = dict[str, Any]
Key = str | int
FIELD_PATH = tuple[Key, ...]
DEFAULT_NAMESPACE = "bourse"
MERGE = "tag:yaml.org,2002:merge"
TWICE = "the key {} is there twice"
# What YAML 1.1 reads as text here, and kubectl's reader as a boolean or a number.
READ_OTHERWISE = re.compile(r"[yYnN]|[-+]?0o[0-7_]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in one document that the local mesh does not do as a cluster would."""

    file: str
    line: int
    kind: str
    name: str
    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind} {self.name}: {self.path}: {self.why}"


class Untranslatable(Exception):
    """Nothing was changed: the documents hold what the local mesh does not translate. Every problem is named."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Document:
    """One Kubernetes object. `node` is where its lines come from; None when it was not read from a file."""

    body: Json
    file: str = "(given)"
    node: yaml.Node | None = field(default=None, compare=False, repr=False)
    first_line: int = 0

    @property
    def kind(self) -> str:
        return str(self.body.get("kind", ""))

    @property
    def metadata(self) -> Json:
        found = self.body.get("metadata")
        return found if isinstance(found, dict) else {}

    @property
    def name(self) -> str:
        return str(self.metadata.get("name", ""))

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace") or DEFAULT_NAMESPACE)

    @property
    def annotations(self) -> Mapping[str, str]:
        found = self.metadata.get("annotations")
        return found if isinstance(found, dict) else {}

    @property
    def spec(self) -> Json:
        found = self.body.get("spec")
        return found if isinstance(found, dict) else {}

    @property
    def key(self) -> tuple[str, str, str]:
        """Who it is. A kustomization has no name: each is its own."""
        return self.kind, self.namespace, self.name or self.file

    def line(self, path: FIELD_PATH) -> int:
        """The line of the field at `path`, or of the nearest thing around it; 0 when no file is behind this document."""
        if self.node is None:
            return 0
        node, line = self.node, self.node.start_mark.line
        for step in path:
            found = step_into(node, step)
            if found is None:
                break
            line, node = found
        return self.first_line + int(line) + 1

    def part(self, path: FIELD_PATH, kind: str, body: Json) -> "Document":
        """The part at `path` as a document of its own, with its lines."""
        node = self.node
        for step in path:
            found = step_into(node, step) if node is not None else None
            node = found[1] if found else None
        return Document({**body, "kind": kind, "metadata": {"name": self.name}}, self.file, node, self.first_line)

    def problem(self, path: FIELD_PATH, why: str) -> Problem:
        return Problem(self.file, self.line(path), self.kind, self.name, dotted(path), why)


def step_into(node: yaml.Node, step: Key) -> tuple[int, yaml.Node] | None:
    """The line and the value of one key or index of a YAML node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item.start_mark.line, item
    return None


def dotted(path: FIELD_PATH) -> str:
    """`spec.http[0].match[1].uri` of a path of keys and indices."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "(document)"


def below(value: Any, path: FIELD_PATH) -> Iterator[tuple[FIELD_PATH, Any]]:
    """The parts of a value, each with its path, and behind it its own."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key), part
        yield from below(part, (*path, key))


def read_text(text: str, file: str, first_line: int = 0) -> Iterator[Document]:
    """Every document of a YAML text. Untranslatable when it is no YAML, a key is there twice, or a document is no mapping."""
    try:
        require_shallow(text)
        for node in yaml.compose_all(text, Loader=yaml.CSafeLoader):
            body = construct(node)
            if body is None:
                continue
            if not isinstance(body, dict) or not isinstance(body.get("kind", ""), str):
                raise Untranslatable(
                    [
                        Problem(
                            file, first_line + node.start_mark.line + 1, "", "", "(document)", "is no Kubernetes object"
                        )
                    ]
                )
            yield Document(body, file, node, first_line)
    except (yaml.YAMLError, ValueError) as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        why = error.problem if isinstance(error, yaml.MarkedYAMLError) else error
        line = first_line + (mark.line + 1 if mark else 0)
        raise Untranslatable([Problem(file, line, "", "", "(document)", f"is no YAML: {why}")]) from error


def construct(node: yaml.Node) -> Any:
    """The Python value of a composed node. Dates stay text, as for Kubernetes."""
    return Plain().construct_document(node)


class Plain(yaml.constructor.SafeConstructor):
    """As kubectl reads it: dates are text, and so are numbers of base 60, such as 1:40. A key that is there twice is an error,
    and so is a text without quotes that kubectl would read as something else.
    """

    def text(self, node: yaml.ScalarNode) -> str:
        if not node.style and READ_OTHERWISE.fullmatch(node.value):
            why = (
                f"{node.value} is a boolean or a number for kubectl, and none here: write it another way, or in quotes"
            )
            raise yaml.constructor.ConstructorError(None, None, why, node.start_mark)
        return str(self.construct_scalar(node))

    def whole(self, node: yaml.ScalarNode) -> int | str:
        return self.text(node) if ":" in node.value else int(self.construct_yaml_int(node))

    def fraction(self, node: yaml.ScalarNode) -> float | str:
        return self.text(node) if ":" in node.value else float(self.construct_yaml_float(node))

    yaml_constructors: ClassVar[dict[Any, Any]] = {
        **yaml.constructor.SafeConstructor.yaml_constructors,
        "tag:yaml.org,2002:timestamp": yaml.constructor.SafeConstructor.construct_yaml_str,
        "tag:yaml.org,2002:str": text,
        "tag:yaml.org,2002:int": whole,
        "tag:yaml.org,2002:float": fraction,
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, TWICE.format(key.value), key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)
