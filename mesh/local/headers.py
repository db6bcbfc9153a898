"""What a route sets, adds and removes among headers, as istiod translates it."""

from mesh.local.document import Json


def changed_headers(headers: Json | None) -> Json:
    """What is set, added and removed, in the order of the names. Pseudo headers are not; the authority is a rewrite."""
    found: Json = {}
    for side in ("request", "response"):
        wanted = (headers or {}).get(side) or {}
        added = []
        for field, action in (("set", "OVERWRITE_IF_EXISTS_OR_ADD"), ("add", "APPEND_IF_EXISTS_OR_ADD")):
            for name, value in sorted((wanted.get(field) or {}).items()):
                if not is_internal(name):
                    added.append({"header": {"key": name, "value": value}, "append_action": action})
        removed = [name for name in wanted.get("remove") or [] if not is_internal(name)]
        found |= {f"{side}_headers_to_add": added} if added else {}
        found |= {f"{side}_headers_to_remove": removed} if removed else {}
    return found


def add_headers(route: Json, more: Json) -> None:
    for name, values in more.items():
        route[name] = [*route.get(name, []), *values]


def is_internal(header: str) -> bool:
    return header.startswith(":") or header.lower() == "host"


def authority(headers: Json | None) -> str | None:
    """The :authority (or host) that a route sets; set goes before add."""
    request = (headers or {}).get("request") or {}
    for field in ("set", "add"):
        for name, value in (request.get(field) or {}).items():
            if name.lower() in (":authority", "host"):
                return str(value)
    return None
