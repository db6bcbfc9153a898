"""Who and what an AuthorizationPolicy names, one value at a time, to Envoy's matchers, as istiod translates them."""

import ipaddress
import re

from mesh.local.document import Json

TYPE = "type.googleapis.com/envoy.extensions."

PARTS_BEHIND_DOMAIN = 4  # ns, a namespace, sa, an account


def quoted(value: str) -> str:
    """The text as a regular expression of RE2 that means itself, as Go writes it."""
    return re.sub(r"[\\.+*?()|\[\]{}^$]", lambda letter: f"\\{letter[0]}", value)


def fits(pattern: str, value: str) -> bool:
    if pattern.startswith("*"):
        return value.endswith(pattern[1:])
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def text(value: str, prefix: str = "", *, ignore_case: bool = False) -> Json:
    """Istio's text: `*` is anything, `a*` a beginning, `*a` an end."""
    more: Json = {"ignore_case": True} if ignore_case else {}
    if value == "*":
        return regex(".+")
    if value.startswith("*"):
        return regex(f"{prefix}.*{quoted(value[1:])}") if prefix else {"suffix": value[1:], **more}
    if value.endswith("*"):
        return {"prefix": prefix + value[:-1], **more}
    return {"exact": prefix + value, **more}


def regex(pattern: str) -> Json:
    return {"safe_regex": {"regex": pattern}}


def header(name: str, value: str, *, ignore_case: bool = False) -> Json:
    return (
        {"name": name, "present_match": True}
        if value == "*"
        else {"name": name, "string_match": text(value, ignore_case=ignore_case)}
    )


def path(value: str) -> Json:
    if "{*}" in value or "{**}" in value:
        template = value.replace("{**}", "**").replace("{*}", "*")
        config = {"@type": TYPE + "path.match.uri_template.v3.UriTemplateMatchConfig", "path_template": template}
        return {"uri_template": {"name": "uri-template", "typed_config": config}}
    return {"url_path": {"path": text(value)}}


def address_range(block: str) -> Json:
    network = ipaddress.ip_network(block, strict=False)
    return {"address_prefix": block.partition("/")[0], "prefix_len": network.prefixlen}


def authenticated(matcher: Json) -> Json:
    return {"authenticated": {"principal_name": matcher}}


def principal(value: str) -> Json:
    return authenticated(text(value, "spiffe://"))


def trust_domain(value: str) -> Json:
    if "*" not in value:
        return authenticated({"prefix": f"spiffe://{value}/"})
    if value == "*":
        return authenticated({"prefix": "spiffe://"})
    before, _, after = value.partition("*")
    return authenticated(regex(f"spiffe://{quoted(before)}[^/]*{quoted(after)}/.*"))


def source_namespace(value: str) -> Json:
    return authenticated(regex(f".*/ns/{'.*'.join(quoted(part) for part in value.split('*'))}/.*"))


def request_principal(value: str) -> Json:
    """`issuer/subject` of the verified token; the last slash divides them, since an issuer may be a URL."""
    issuer, slash, subject = value.rpartition("/")
    anything = regex(".+")
    if value == "*":
        parts = anything, anything
    elif not slash:
        by_subject = value.startswith("*")
        parts = (
            (anything, text(value)) if by_subject else (text(value), anything if value.endswith("*") else {"exact": ""})
        )
    elif value.startswith("*"):
        parts = text(issuer), {"exact": subject}
    else:
        parts = {"exact": issuer}, text(subject)
    return {"and_ids": {"ids": [exact_claim("iss", parts[0]), exact_claim("sub", parts[1])]}}


def exact_claim(name: str, matcher: Json) -> Json:
    path_keys = [{"key": "payload"}, {"key": name}]
    return {
        "metadata": {"filter": "envoy.filters.http.jwt_authn", "path": path_keys, "value": {"string_match": matcher}}
    }
