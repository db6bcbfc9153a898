"""The environment, read with errors that name the variable."""

from dataclasses import dataclass

import pytest

from chassis.settings import Process, SettingsError, read


@dataclass(frozen=True, kw_only=True)
class Settings(Process):
    """Settings of a service."""

    shard: int
    match_shards: dict[int, str]
    loud: bool = False


COMPLETE = {
    "BOURSE_NAME": "svc_match-0",
    "BOURSE_LISTEN": "127.0.0.1:0",
    "BOURSE_JWKS": "/jwks.json",
    "BOURSE_JWT_ISSUER": "bourse",
    "BOURSE_JWT_AUDIENCE": "bourse",
    "BOURSE_TOKEN_FILE": "/token",
    "BOURSE_SHARD": "3",
    "BOURSE_MATCH_SHARDS": "0=127.0.0.1:1,1=127.0.0.1:2",
}


def test_the_environment_becomes_typed_fields() -> None:
    """Text, whole numbers, truth and lists of addresses; what has a default may be absent or empty."""
    settings = read(Settings, COMPLETE | {"BOURSE_LOUD": "true", "BOURSE_METRICS_LISTEN": ""})
    assert (settings.name, settings.shard, settings.loud, settings.metrics_listen) == ("svc_match-0", 3, True, "")
    assert settings.match_shards == {0: "127.0.0.1:1", 1: "127.0.0.1:2"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [("BOURSE_SHARD", ""), ("BOURSE_SHARD", "x"), ("BOURSE_LOUD", "maybe"), ("BOURSE_MATCH_SHARDS", "127.0.0.1")],
)
def test_a_missing_or_unreadable_variable_is_named(variable: str, value: str) -> None:
    """The error says which variable, its value, and what to set it to."""
    with pytest.raises(SettingsError, match=f"{variable}.*set it to a") as caught:
        read(Settings, COMPLETE | {variable: value})
    assert value in str(caught.value)


@pytest.mark.parametrize(("variable", "value"), [("BOURSE_LOG_LEVEL", "loud"), ("BOURSE_LOG_FORMAT", "xml")])
def test_a_choice_that_is_none_is_named(variable: str, value: str) -> None:
    """The error says which variable, its value, and what there is to choose from."""
    with pytest.raises(SettingsError, match=f"{variable}='{value}' is unknown; set it to one of "):
        read(Settings, COMPLETE | {variable: value})


@pytest.mark.parametrize(
    "named", [("/b.json", "", ""), ("/b.json", "idp", ""), ("", "idp", "x"), ("/b.json", "bourse", "x")]
)
def test_an_issuer_of_brokers_is_named_whole(named: tuple[str, str, str]) -> None:
    """Key set, issuer and audience, or nothing; and not the issuer that there is already."""
    variables = ("BOURSE_BROKER_JWKS", "BOURSE_BROKER_JWT_ISSUER", "BOURSE_BROKER_JWT_AUDIENCE")
    with pytest.raises(SettingsError, match="set all or none"):
        read(Settings, COMPLETE | dict(zip(variables, named, strict=True)))
