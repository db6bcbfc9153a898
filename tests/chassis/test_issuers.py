"""An OpenID Connect issuer beside the exchange's own: whom each may name, and how its keys change."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from chassis import identity
from chassis.errors import Refusal
from chassis.identity import Verifier, issuers
from chassis.settings import Process
from tests.chassis.conftest import Keys
from tests.provider import AUDIENCE, ISSUER, Provider


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    """A fresh provider."""
    return Provider(tmp_path)


@pytest.fixture
def verifier(keys: Keys, provider: Provider) -> Verifier:
    """As a service has it when the provider is named for brokers."""
    told = Process(
        name="p",
        listen="",
        token_file="",
        jwks=str(keys.file),
        jwt_issuer="bourse",
        jwt_audience="bourse",
        broker_jwks=str(provider.key_set),
        broker_jwt_issuer=ISSUER,
        broker_jwt_audience=AUDIENCE,
    )
    return Verifier(*issuers(told))


async def reason(verifier: Verifier, token: str) -> str:
    """Why the token is refused."""
    with pytest.raises(Refusal) as caught:
        await verifier.verify(token)
    return caught.value.reason


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_its_tokens_are_brokers(verifier: Verifier, provider: Provider, algorithm: str) -> None:
    """With or without a role, signed with a key of either kind, whose algorithm the key set leaves out."""
    provider.rotate(algorithm, "second")
    for claims in ({}, {"role": "broker"}):
        seen = await verifier.verify(provider.token(**claims))
        assert (seen.rule, seen.name, seen.participant) == ("CALLER_BROKER", "ann", "alpha")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"role": "operator"}, "TOKEN_INVALID"),
        ({"role": "service", "sub": "svc_order"}, "TOKEN_INVALID"),
        ({"role": ["broker"]}, "TOKEN_INVALID"),
        ({"participant": None}, "TOKEN_INVALID"),
        ({"participant": ""}, "TOKEN_INVALID"),
        ({"participant": ["alpha"]}, "TOKEN_INVALID"),
        ({"iss": "https://id.example/realms/others"}, "TOKEN_WRONG_ISSUER"),
        ({"iss": "bourse", "aud": "bourse", "role": "operator"}, "TOKEN_INVALID"),
        ({"iss": None}, "TOKEN_INVALID"),
        ({"aud": "bourse"}, "TOKEN_WRONG_AUDIENCE"),
        ({"exp": 1}, "TOKEN_EXPIRED"),
    ],
)
async def test_it_can_name_nobody_else(
    verifier: Verifier, provider: Provider, claims: dict[str, Any], expected: str
) -> None:
    """No operator, no service, no broker of no participant; nor can it pass for the exchange's own issuer."""
    assert await reason(verifier, provider.token(**claims)) == expected


async def test_the_exchanges_own_key_names_all_but_brokers(verifier: Verifier, keys: Keys) -> None:
    """Services and operators are as before; a broker's token of that key is no longer one."""
    assert (await verifier.verify(keys.token("service", "svc_order"))).rule == "CALLER_SVC_ORDER"
    assert (await verifier.verify(keys.token("operator"))).rule == "CALLER_OPERATOR"
    assert await reason(verifier, keys.token("broker", participant="alpha")) == "TOKEN_INVALID"
    assert await reason(verifier, keys.token("operator", iss=ISSUER, aud=AUDIENCE)) == "TOKEN_INVALID"


async def test_its_keys_rotate(verifier: Verifier, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new key is found once a token names it; a key that is withdrawn then signs no more."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    await verifier.verify(provider.token())
    of_the_first = provider.token(sub="bob")
    provider.rotate("RS256", "second", keep=False)
    clock[0] += identity.KEYS_RELOAD_SECONDS
    assert (await verifier.verify(provider.token())).participant == "alpha"
    assert await reason(verifier, of_the_first) == "TOKEN_INVALID"


async def test_its_trouble_is_not_the_exchanges(verifier: Verifier, provider: Provider, keys: Keys) -> None:
    """While its key set cannot be read its brokers are told to try again, and services go on."""
    provider.key_set.unlink()
    assert await reason(verifier, provider.token()) == "KEYS_UNREADABLE"
    assert (await verifier.verify(keys.token("service", "svc_match"))).rule == "CALLER_SVC_MATCH"


async def test_a_key_for_encryption_signs_nothing(verifier: Verifier, provider: Provider) -> None:
    """A key set may hold both kinds."""
    provider.publish(use="enc")
    assert await reason(verifier, provider.token()) == "TOKEN_INVALID"


async def test_a_deep_token_is_refused(verifier: Verifier) -> None:
    """What is read before the signature cannot break the reader."""
    deep = jwt.utils.base64url_encode(b"[" * 2900).decode()
    head = jwt.utils.base64url_encode(b'{"alg":"ES256","kid":"first"}').decode()
    for token in (f"{head}.{deep}.AA", f"{deep}.{head}.AA"):
        assert await reason(verifier, token) == "TOKEN_INVALID"
