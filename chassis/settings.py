"""The environment, read once into a frozen dataclass."""

import os
import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar, get_type_hints

PREFIX = "BOURSE_"
MESH = re.compile(r"[a-z0-9.-]+/ns/[a-z0-9-]+")
LOG_FORMATS = ("json", "text")
LOG_LEVELS = ("debug", "info", "warning", "error")
S = TypeVar("S")


class SettingsError(Exception):
    """A variable is missing or unreadable; the message names it, its value and what to do."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """What every process is told. A service's own settings extend it; `name` is e.g. svc_match-0.

    `jwks`, `jwt_issuer` and `jwt_audience` say whose tokens it believes; the three of `broker_` whose tokens of brokers.
    `mesh` is trust domain and namespace (cluster.local/ns/bourse): services are known by certificates then, else by the
    tokens in their `token_file`. `egress` is the sidecar's socket for calls to others (empty: they are dialled as named).
    A stream is told to move when it is `stream_age_seconds` old, give or take a fifth.
    `consume` is false in a version beside the stable one: it writes nothing that follows from the bus.
    """

    name: str
    listen: str
    metrics_listen: str = ""
    jwks: str
    jwt_issuer: str
    jwt_audience: str
    broker_jwks: str = ""
    broker_jwt_issuer: str = ""
    broker_jwt_audience: str = ""
    token_file: str = ""
    mesh: str = ""
    egress: str = ""
    consume: bool = True
    log_format: str = "json"
    log_level: str = "info"
    drain_accept_seconds: float = 3.0
    stream_age_seconds: float = 1800.0

    def __post_init__(self) -> None:
        if self.mesh and not MESH.fullmatch(self.mesh):
            raise SettingsError(f"BOURSE_MESH={self.mesh!r} is unreadable; set it like cluster.local/ns/bourse")
        for variable, value, known in (
            ("BOURSE_LOG_FORMAT", self.log_format, LOG_FORMATS),
            ("BOURSE_LOG_LEVEL", self.log_level, LOG_LEVELS),
        ):
            if value not in known:
                raise SettingsError(f"{variable}={value!r} is unknown; set it to one of {', '.join(known)}")
        brokers = (self.broker_jwks, self.broker_jwt_issuer, self.broker_jwt_audience)
        if any(brokers) and (not all(brokers) or self.broker_jwt_issuer == self.jwt_issuer):
            names = "BOURSE_BROKER_JWKS, BOURSE_BROKER_JWT_ISSUER and BOURSE_BROKER_JWT_AUDIENCE"
            raise SettingsError(
                f"{names} are {brokers}; set all or none, and an issuer that is not {self.jwt_issuer!r}"
            )


def read(kind: type[S], environment: Mapping[str, str] = os.environ) -> S:
    """A `kind` whose every field `x` is read from BOURSE_X; fields with a default may be absent.

    Types: str, int, float, bool (true or false), and dict[int, str] ("0=host:port,1=host:port").
    """
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        variable = PREFIX + field.name.upper()
        text = environment.get(variable, "")
        if text:
            values[field.name] = _parse(variable, text, hints[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise SettingsError(f"{variable} is not set; set it to a {_words(hints[field.name])}")
    return kind(**values)


def _parse(variable: str, text: str, hint: Any) -> object:
    try:
        if hint is bool:
            return {"true": True, "false": False}[text.lower()]
        if hint == dict[int, str]:
            return {int(key): value for key, value in (pair.split("=", 1) for pair in text.split(","))}
        return hint(text)
    except (ValueError, KeyError):
        raise SettingsError(f"{variable}={text!r} is unreadable; set it to a {_words(hint)}") from None


def _words(hint: Any) -> str:
    words = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return 'list like "0=host:port,1=host:port"' if isinstance(hint, types.GenericAlias) else words[hint]
