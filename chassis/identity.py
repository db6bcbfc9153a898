"""Who calls, and whether they may: JWTs verified in the service itself, once a call or stream. Certificates: see peers.py.

The token comes as metadata `authorization: Bearer <JWT>` (RFC 6750, RFC 7519). Deny by default: a
method without a rule is refused to everybody. Each issuer has its own key set, audience and roles: the one that the operator of
the exchange names for brokers cannot make an operator or a service.
"""

import asyncio
import json
import time
import urllib.request
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import grpc
import jwt
from google.protobuf.descriptor import ServiceDescriptor

from chassis.errors import Refusal
from chassis.settings import Process

ALGORITHMS = ("EdDSA", "ES256", "RS256")
CALLERS_OPTION = "bourse.types.v1.callers"
VERIFIED_TOKEN_LIMIT = 4096
TOKEN_BYTES_LIMIT = 4096
KEYS_BYTES_LIMIT = 1 << 20
KEYS_RELOAD_SECONDS = 5.0
KEYS_TIMEOUT_SECONDS = 3.0
ROLES = frozenset({"broker", "operator", "service"})
BROKERS = frozenset({"broker"})
SERVICES = frozenset({"service"})
EARLY, GENERAL = "early", "general"
RINGS = (EARLY, GENERAL)
OPEN_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.")

Metadata = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller. `participant` is empty unless `role` is "broker"; `expires_at` is Unix seconds, infinite without a
    token; `ring` is one of RINGS, and GENERAL where no gateway names another.
    """

    role: str
    name: str
    participant: str
    expires_at: float
    ring: str = GENERAL

    @property
    def rule(self) -> str:
        """The name of this caller in a method's rule: CALLER_BROKER, CALLER_OPERATOR, CALLER_SVC_ORDER, ..."""
        return "CALLER_" + (self.name if self.role == "service" else self.role).upper()


CALLER: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """The verified caller of the call being served; only inside a servicer method."""
    return CALLER.get()


def rules(service: ServiceDescriptor, option: str = CALLERS_OPTION) -> dict[str, frozenset[str]]:
    """Which callers each method of `service` allows, by full method path, read from its method option."""
    extension: Any = service.file.pool.FindExtensionByName(option)
    allowed = {}
    for method in service.methods:
        numbers = method.GetOptions().Extensions[extension]
        names = frozenset(extension.enum_type.values_by_number[number].name for number in numbers)
        allowed[f"/{service.full_name}/{method.name}"] = names
    return allowed


_KEY_UNNAMED = "it names no key, and the issuer's key set has not exactly one"


class Issuer:
    """Who signs tokens: the `iss` and `aud` that they carry, and the roles that they may give.

    `keys` is a key set: a file path or an https URL. A token that names no key is of the only one, if there is only one. An unknown
    key id, or none, reloads the key set, at most once in KEYS_RELOAD_SECONDS.
    """

    def __init__(self, keys: str, name: str, audience: str, roles: frozenset[str] = ROLES) -> None:
        self.name = name
        self.audience = audience
        self.roles = roles
        self._source = keys
        self._keys: dict[str, jwt.PyJWK] = {}
        self._loaded_at = -KEYS_RELOAD_SECONDS
        self._loading = asyncio.Lock()

    async def key(self, key_id: str) -> jwt.PyJWK:
        """The key of that id, the only one for no id; raises Refusal TOKEN_INVALID or KEYS_UNREADABLE."""
        if key_id not in self._keys:
            async with self._loading:
                if key_id not in self._keys and time.monotonic() - self._loaded_at >= KEYS_RELOAD_SECONDS:
                    self._loaded_at = time.monotonic()
                    self._keys = await asyncio.to_thread(_load_keys, self._source)
        if key_id in self._keys:
            return self._keys[key_id]
        if not key_id and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        raise _invalid(f"no key {key_id!r} in the issuer's key set" if key_id else _KEY_UNNAMED)

    def caller(self, claims: Mapping[str, Any]) -> Caller:
        """Whom verified claims name. An issuer of brokers alone need not say that they are brokers."""
        role = claims.get("role", "broker" if self.roles == BROKERS else "")
        participant = claims.get("participant") if role == "broker" else ""
        if role not in sorted(self.roles):
            raise _invalid(f"its role is {role!r}, not {' or '.join(sorted(self.roles))}, as {self.name!r} may give")
        if not isinstance(participant, str) or (role == "broker" and not participant):
            raise _invalid("a broker's token names no participant")
        return Caller(role, str(claims["sub"]), participant, float(claims["exp"]))


def issuers(told: Process) -> list[Issuer]:
    """The exchange's own issuer, and the one that is named for brokers; then its own gives no broker's token. In a mesh
    there are no services' tokens.
    """
    own = told.jwks, told.jwt_issuer, told.jwt_audience
    roles = ROLES - SERVICES if told.mesh else ROLES
    if not told.broker_jwks:
        return [Issuer(*own, roles)]
    named = told.broker_jwks, told.broker_jwt_issuer, told.broker_jwt_audience
    return [Issuer(*own, roles - BROKERS), Issuer(*named, BROKERS)]


class Verifier:
    """Verifies tokens, each against the issuer that it names.

    Verified tokens are remembered, at most VERIFIED_TOKEN_LIMIT of them, and never past their expiry.
    """

    def __init__(self, *issuers: Issuer) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._verified: OrderedDict[str, Caller] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """The caller that `token` names; raises Refusal UNAUTHENTICATED saying what is wrong with it."""
        known = self._verified.get(token)
        if known is None:
            known = await self._caller(token)
            self._verified[token] = known
            if len(self._verified) > VERIFIED_TOKEN_LIMIT:
                self._verified.popitem(last=False)
        if known.expires_at <= time.time():
            self._verified.pop(token, None)
            raise expired()
        return known

    async def caller(self, metadata: Metadata) -> Caller:
        """The caller of a call with this metadata, known by its token."""
        return await self.verify(bearer(metadata))

    async def _caller(self, token: str) -> Caller:
        if len(token) > TOKEN_BYTES_LIMIT:
            raise _invalid(f"the token is longer than {TOKEN_BYTES_LIMIT} bytes")
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
            issuer = self._issuer(unverified["payload"])
            claims = jwt.decode(
                token,
                await issuer.key(str(unverified["header"].get("kid", ""))),
                algorithms=list(ALGORITHMS),
                issuer=issuer.name,
                audience=issuer.audience,
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "verify_iat": False,
                },  # an issuer's clock may be ahead
            )
        except jwt.ExpiredSignatureError:
            raise expired() from None
        except jwt.InvalidAudienceError:
            raise _unauthenticated("TOKEN_WRONG_AUDIENCE", f"the token is not for {issuer.audience!r}") from None
        except (jwt.PyJWTError, RecursionError) as error:
            raise _invalid(str(error)) from None
        return issuer.caller(claims)

    def _issuer(self, claims: Mapping[str, Any]) -> Issuer:
        name = claims.get("iss")
        if not isinstance(name, str):
            raise _invalid("it names no issuer")
        if name not in self._issuers:
            known = " or ".join(map(repr, self._issuers))
            raise _unauthenticated("TOKEN_WRONG_ISSUER", f"the token is not from {known}")
        return self._issuers[name]


def bearer(metadata: Metadata) -> str:
    """The token in a call's metadata; raises Refusal TOKEN_MISSING."""
    scheme, _, token = str(dict(metadata).get("authorization", "")).partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthenticated("TOKEN_MISSING", "send metadata authorization: Bearer <JWT>")
    return token.strip()


def allow(who: Caller, method: str, allowed: Mapping[str, frozenset[str]]) -> None:
    """Passes if `method` allows the caller; raises Refusal PERMISSION_DENIED CALLER_NOT_ALLOWED."""
    if who.rule not in allowed.get(method, frozenset()):
        raise Refusal(
            grpc.StatusCode.PERMISSION_DENIED,
            "CALLER_NOT_ALLOWED",
            f"{who.rule} may not call {method}",
            field="authorization",
            value=who.rule,
            fix="call with a token of: " + (", ".join(sorted(allowed.get(method, ()))) or "nobody"),
        )


def _load_keys(source: str) -> dict[str, jwt.PyJWK]:
    try:
        if source.startswith("https://"):
            with urllib.request.urlopen(source, timeout=KEYS_TIMEOUT_SECONDS) as response:  # noqa: S310 - https only
                text = response.read(KEYS_BYTES_LIMIT)
        else:
            with open(source, "rb") as file:
                text = file.read(KEYS_BYTES_LIMIT)
        found = jwt.PyJWKSet.from_dict(json.loads(text)).keys
        return {key.key_id or "": key for key in found if key.public_key_use != "enc"}
    except (OSError, ValueError, jwt.PyJWTError) as error:
        message = f"the issuer's key set cannot be read: {error}"
        raise Refusal(grpc.StatusCode.UNAVAILABLE, "KEYS_UNREADABLE", message, value=source, fix="try again") from error


def _unauthenticated(reason: str, message: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.UNAUTHENTICATED, reason, message, field="authorization", fix="get a new token from the issuer"
    )


def _invalid(why: str) -> Refusal:
    return _unauthenticated("TOKEN_INVALID", f"the token cannot be accepted: {why}")


def expired() -> Refusal:
    """TOKEN_EXPIRED, as a call or a stream is told."""
    return _unauthenticated("TOKEN_EXPIRED", "the token has expired")
