"""Tokens: whose they are, and every way in which one is refused."""

import time
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest

from bourse.match.v1 import match_pb2
from chassis import identity
from chassis.errors import Refusal
from chassis.identity import Caller, Issuer, Verifier, allow, bearer, rules
from tests.chassis.conftest import Keys

GET_SHARD = "/bourse.match.v1.MatchService/GetShard"


async def test_a_token_names_its_caller(keys: Keys) -> None:
    """Role, name and participant are the token's; each kind of caller has its name in the rules."""
    verifier = keys.verifier()
    broker = await verifier.verify(keys.token("broker", "ann", participant="ACME"))
    service = await verifier.verify(keys.token("service", "svc_order"))
    assert (broker.role, broker.name, broker.participant, broker.rule) == ("broker", "ann", "ACME", "CALLER_BROKER")
    assert (service.rule, service.participant) == ("CALLER_SVC_ORDER", "")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"seconds": -5}, "TOKEN_EXPIRED"),
        ({"aud": "other"}, "TOKEN_WRONG_AUDIENCE"),
        ({"iss": "other"}, "TOKEN_WRONG_ISSUER"),
        ({"role": "king"}, "TOKEN_INVALID"),
        ({"role": "broker"}, "TOKEN_INVALID"),
        ({"nbf": 99999999999}, "TOKEN_INVALID"),
    ],
)
async def test_a_bad_token_is_refused_with_its_reason(keys: Keys, claims: dict[str, Any], reason: str) -> None:
    """Expired, for another audience, from another issuer, of no known role: each has a reason."""
    with pytest.raises(Refusal) as caught:
        await keys.verifier().verify(keys.token(**claims))
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)


async def test_a_forged_token_is_refused(keys: Keys, tmp_path: Path) -> None:
    """A signature of another key, no signature at all, a symmetric one, a token cut short, or a huge one."""
    (tmp_path / "forger").mkdir()
    forger = Keys(tmp_path / "forger")
    good = keys.token()
    unsigned = jwt.encode({"sub": "x", "role": "operator", "exp": 9e9, "aud": "bourse"}, "", "none")
    symmetric = jwt.encode({"sub": "x"}, "k" * 32, "HS256", {"kid": "one"})
    for token in (forger.token(), unsigned, symmetric, good[:-4], good[:20], "a.b.c", "x" * 5000):
        with pytest.raises(Refusal) as caught:
            await keys.verifier().verify(token)
        assert caught.value.reason == "TOKEN_INVALID"


async def test_a_verified_token_still_expires(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is not believed past its expiry."""
    verifier, token = keys.verifier(), keys.token(seconds=30)
    seen = await verifier.verify(token)
    monkeypatch.setattr(time, "time", lambda: seen.expires_at)
    with pytest.raises(Refusal, match="expired"):
        await verifier.verify(token)


async def test_a_new_key_is_picked_up_and_lookups_are_limited(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown key id reloads the key set, but not again within the named time."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    verifier = keys.verifier()
    await verifier.verify(keys.token(sub="a"))
    keys.publish("two")
    with pytest.raises(Refusal, match="no key 'two'"):
        await verifier.verify(keys.token(sub="b"))
    clock[0] += identity.KEYS_RELOAD_SECONDS
    await verifier.verify(keys.token(sub="b"))


async def test_a_token_that_names_no_key_is_of_the_only_one(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the key set has one key; of several nobody knows which, and it says so."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    verifier = keys.verifier()
    keys.key_id = ""
    assert (await verifier.verify(keys.token(sub="a"))).name == "a"
    keys.publish("one", "two")
    keys.key_id = ""
    clock[0] += identity.KEYS_RELOAD_SECONDS
    with pytest.raises(Refusal, match="names no key") as caught:
        await verifier.verify(keys.token(sub="b"))
    assert caught.value.reason == "TOKEN_INVALID"


async def test_an_unreadable_key_set_is_the_servers_trouble(keys: Keys) -> None:
    """A key set that is not there, or is no key set, is UNAVAILABLE, not the caller's fault."""
    token = keys.token()
    keys.file.write_text("no json")
    for source in (str(keys.file), str(keys.file) + "-absent"):
        with pytest.raises(Refusal) as caught:
            await Verifier(Issuer(source, "bourse", "bourse")).verify(token)
        assert caught.value.reason == "KEYS_UNREADABLE"


async def test_memory_for_tokens_is_bounded(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tokens are shown, at most the named number is remembered."""
    monkeypatch.setattr(identity, "VERIFIED_TOKEN_LIMIT", 3)
    verifier = keys.verifier()
    for n in range(10):
        await verifier.verify(keys.token(sub=str(n)))
    assert len(verifier._verified) == 3


def test_rules_are_read_from_the_method_options() -> None:
    """A method allows whom its option names; a method that nobody listed allows nobody."""
    allowed = rules(match_pb2.DESCRIPTOR.services_by_name["MatchService"])
    assert allowed[GET_SHARD] >= {"CALLER_OPERATOR", "CALLER_SVC_ORDER"}
    allow(Caller("operator", "ann", "", 0), GET_SHARD, allowed)
    for who, method in ((Caller("broker", "b", "ACME", 0), GET_SHARD), (Caller("operator", "a", "", 0), "/x.Y/Z")):
        with pytest.raises(Refusal) as caught:
            allow(who, method, allowed)
        assert caught.value.reason == "CALLER_NOT_ALLOWED"


@pytest.mark.parametrize("header", ["", "Bearer ", "Basic abc", "bearer"])
def test_a_missing_token_is_named(header: str) -> None:
    """No token, or another scheme, is TOKEN_MISSING; the scheme's case does not matter."""
    with pytest.raises(Refusal, match="authorization"):
        bearer([("authorization", header)])
    assert bearer([("authorization", "bEARER abc")]) == "abc"
