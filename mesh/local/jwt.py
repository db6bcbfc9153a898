"""RequestAuthentication to Envoy's jwt_authn filter.

A call without a token passes here: whether that is enough is for an AuthorizationPolicy to say. A call with a token that is
expired, of another issuer, or not signed by one of the keys ends here.
"""

from mesh.local.document import Json
from mesh.local.model import Pod, World

NAME = "envoy.filters.http.jwt_authn"
DELIMITED = {"permission", "scope"}
# A public key whose private one was thrown away when it was made: nobody can sign with it.
NOBODYS_KEYS = '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"nobody","alg":"EdDSA","x":"IYCgCl2hNPW5EupwtrDopdBM5YKjAENKECOmzeJR9vY"}]}'


def jwt_filters(world: World, pod: Pod) -> list[Json]:
    """One filter for all rules that concern the pod, in the order of their issuers; none without a rule."""
    rules = [
        rule
        for document in world.selected("RequestAuthentication", pod)
        for rule in document.spec.get("jwtRules") or []
    ]
    if not rules:
        return []
    rules.sort(key=lambda rule: str(rule["issuer"]))
    names = [f"origins-{number}" for number in range(len(rules))]
    config = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {name: provider(world, pod, rule) for name, rule in zip(names, rules, strict=True)},
        "rules": [{"match": {"prefix": "/"}, "requires": requirement(names)}],
        "bypass_cors_preflight": True,
    }
    return [{"name": NAME, "typed_config": config}]


def requirement(names: list[str]) -> Json:
    """No token, or a good one of any of the rules."""
    each: list[Json] = [
        {"requires_any": {"requirements": [{"provider_name": name}, {"allow_missing": {}}]}} for name in names
    ]
    if len(each) == 1:
        return each[0]
    return {
        "requires_any": {
            "requirements": [*({"provider_name": name} for name in names), {"requires_all": {"requirements": each}}]
        }
    }


def provider(world: World, pod: Pod, rule: Json) -> Json:
    found: Json = {
        "issuer": rule["issuer"],
        "payload_in_metadata": "payload",
        "normalize_payload_in_metadata": {
            "space_delimited_claims": sorted(DELIMITED | set(rule.get("spaceDelimitedClaims") or []))
        },
        "local_jwks": {"inline_string": keys(world, rule)},
    }
    if rule.get("audiences"):
        found["audiences"] = rule["audiences"]
    if rule.get("forwardOriginalToken"):
        found["forward"] = True
    if rule.get("outputPayloadToHeader"):
        found["forward_payload_header"] = rule["outputPayloadToHeader"]
    if rule.get("outputClaimToHeaders"):
        found["claim_to_headers"] = [
            {"header_name": item["header"], "claim_name": item["claim"]} for item in rule["outputClaimToHeaders"]
        ]
    if rule.get("fromHeaders"):
        found["from_headers"] = [
            {"name": item["name"], **({"value_prefix": item["prefix"]} if item.get("prefix") else {})}
            for item in rule["fromHeaders"]
        ]
    for field, name in (("fromParams", "from_params"), ("fromCookies", "from_cookies")):
        if rule.get(field):
            found[name] = rule[field]
    if pod.gateway:
        found["clear_route_cache"] = True
    return found


def keys(world: World, rule: Json) -> str:
    """The keys in the rule, or those that were fetched for its URI. Until they are there no token is good, as with istiod."""
    if rule.get("jwks"):
        return str(rule["jwks"])
    return world.keys.get(rule.get("jwksUri") or rule.get("jwks_uri", ""), NOBODYS_KEYS)
