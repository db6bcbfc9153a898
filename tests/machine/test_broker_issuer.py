"""Brokers whose tokens come from an OpenID Connect issuer, on a whole ledger."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner, Result

import cli.__main__ as command
from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from cli.machine import Machine, MachineError
from cli.machine.credentials import BrokerIssuer, Credentials
from cli.up import up
from tests.provider import AUDIENCE, ISSUER, Provider

PARTS = ["postgres", "nats", "svc_match-0", "svc_ledger"]


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    """A fresh provider."""
    return Provider(tmp_path)


@pytest.fixture
def own() -> Iterator[Machine]:
    """A machine that is not started."""
    machine = Machine(Path(tempfile.mkdtemp(prefix="bourse-test-")))
    yield machine
    machine.stop()
    machine.home.remove()


def list_accounts(machine: Machine, token: str) -> str:
    """OK, or the status that svc_ledger answers with."""
    with grpc.insecure_channel(machine.address("svc_ledger")) as channel:
        try:
            ledger_pb2_grpc.LedgerServiceStub(channel).ListAccounts(
                ledger_pb2.ListAccountsRequest(), metadata=(("authorization", f"Bearer {token}"),), timeout=10
            )
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"


def test_the_named_issuers_brokers_are_served(own: Machine, provider: Provider) -> None:
    """And stay so after a start that names nobody; the machine's own key serves operators and services as before."""
    named = BrokerIssuer(str(provider.key_set), ISSUER, AUDIENCE)
    of_own_key = broker_token_of(own.credentials)
    own.start(PARTS, shards=1, mesh=False, broker_issuer=named, leash=True)
    assert list_accounts(own, provider.token()) == "OK"
    assert list_accounts(own, provider.token(role="operator")) == "UNAUTHENTICATED"
    assert list_accounts(own, of_own_key) == "UNAUTHENTICATED"
    assert list_accounts(own, own.credentials.issue("ann", "operator")) == "OK"
    own.stop()
    own.start(["nats"], leash=True)
    told = {program.name: program.environment for program in own.programs()}
    assert told["svc_ledger"]["BOURSE_BROKER_JWT_ISSUER"] == ISSUER
    with pytest.raises(MachineError, match=ISSUER):
        own.credentials.issue("ann", "broker", "alpha")


def broker_token_of(credentials: Credentials) -> str:
    """Issued while nobody else was named."""
    credentials.key_set.parent.mkdir(parents=True)
    credentials.create()
    return credentials.issue("ann", "broker", "alpha")


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["--jwks", "https://id.example/jwks.json"], {}, "all of --jwks, --issuer and --audience"),
        (["--issuer", ISSUER, "--audience", AUDIENCE], {}, "all of --jwks, --issuer and --audience"),
        ([], {"BOURSE_BROKER_JWT_ISSUER": ISSUER}, "all of --jwks, --issuer and --audience"),
        ([], {"BOURSE_JWKS": "https://id.example/jwks.json"}, "all of --jwks, --issuer and --audience"),
        ([], {"BOURSE_JWT_ISSUER": ISSUER}, "all of --jwks, --issuer and --audience"),
        ([], {"BOURSE_JWT_AUDIENCE": AUDIENCE}, "all of --jwks, --issuer and --audience"),
        (["--issuer", ISSUER], {"BOURSE_JWKS": "http://x", "BOURSE_JWT_AUDIENCE": AUDIENCE}, "neither a file nor"),
        (["--jwks", "http://x", "--issuer", ISSUER, "--audience", AUDIENCE], {}, "neither a file nor an https:// URL"),
        (["--jwks", "https://x", "--issuer", "bourse", "--audience", AUDIENCE], {}, "this machine's own key"),
    ],
)
def test_half_an_issuer_is_refused(tmp_path: Path, arguments: list[str], variables: dict[str, str], said: str) -> None:
    """`bourse up` says what is missing and starts nothing, be it told by options or by the environment."""
    result: Result = CliRunner().invoke(command.main, ["up", "--home", str(tmp_path), *arguments], env=variables)
    assert (result.exit_code, said in result.output) == (1, True)
    assert Machine(tmp_path).state() is None


def test_a_choice_is_replaced_or_taken_back(own: Machine, provider: Provider) -> None:
    """Another issuer takes the place of the first, and an empty one brings the machine's own tokens back."""
    broker_token_of(own.credentials)
    for issuer in ("https://first.example", "https://second.example"):
        own.credentials.name_broker_issuer(BrokerIssuer(str(provider.key_set), issuer, AUDIENCE))
        assert own.credentials.broker_issuer.issuer == issuer
    own.credentials.name_broker_issuer(BrokerIssuer())
    assert own.credentials.issue("ann", "broker", "alpha")


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        ([], {"BOURSE_JWKS": "a", "BOURSE_JWT_ISSUER": "b", "BOURSE_JWT_AUDIENCE": "c"}, ("a", "b", "c")),
        (["--issuer", "x"], {"BOURSE_JWKS": "a", "BOURSE_JWT_ISSUER": "b"}, ("a", "x", None)),
        ([], {"BOURSE_JWKS": "a", "BOURSE_BROKER_JWKS": "x"}, ("x", None, None)),
        (["--jwks", "", "--issuer", "", "--audience", ""], {"BOURSE_JWKS": "a"}, ("", "", "")),
    ],
)
def test_the_environment_stands_for_options_that_are_not_given(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], variables: dict[str, str], told: tuple[str | None, ...]
) -> None:
    """BOURSE_JWKS, BOURSE_JWT_ISSUER and BOURSE_JWT_AUDIENCE; before them BOURSE_BROKER_..., and before both the options."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with up.make_context("up", list(arguments)) as context:
        assert tuple(context.params[name] for name in ("jwks", "issuer", "audience")) == told
