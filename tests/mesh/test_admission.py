"""What Istio's webhook refuses, the local mesh refuses by path: a policy that says nothing would let everybody in."""

import pytest
import yaml

from mesh.local.document import Document, read_text
from mesh.local.model import World
from mesh.local.refusal import problems_of
from mesh.local.sources import SOURCES

POLICY = (
    "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: own}}\nspec: {{action: {}{}}}\n"
)
EMPTY = "is empty"
HOLLOW = {
    "{from: []}": ("rules[0].from", EMPTY),
    "{from: [{}]}": ("rules[0].from[0]", "needs source"),
    "{from: [{source: {}}]}": ("rules[0].from[0].source", EMPTY),
    "{from: [{source: {principals: []}}]}": ("rules[0].from[0].source.principals", EMPTY),
    "{from: [{source: {namespaces: [bourse], notPrincipals: []}}]}": ("rules[0].from[0].source.notPrincipals", EMPTY),
    '{from: [{source: {principals: [a, ""]}}]}': ("rules[0].from[0].source.principals[1]", EMPTY),
    "{to: []}": ("rules[0].to", EMPTY),
    "{to: [{operation: {}}]}": ("rules[0].to[0].operation", EMPTY),
    "{to: [{operation: {paths: []}}]}": ("rules[0].to[0].operation.paths", EMPTY),
    "{to: [{operation: {methods: [GET]}}, {}]}": ("rules[0].to[1]", "needs operation"),
    "{when: []}": ("rules[0].when", EMPTY),
    "{when: [{key: source.namespace}]}": ("rules[0].when[0]", "needs values or notValues"),
    "{when: [{key: source.namespace, values: []}]}": ("rules[0].when[0].values", EMPTY),
    '{when: [{key: source.namespace, notValues: [""]}]}': ("rules[0].when[0].notValues[0]", EMPTY),
    "{when: [{key: source.ip, values: [here]}]}": ("rules[0].when[0].values[0]", "no address or block"),
    "{when: [{key: destination.port, notValues: [grpc]}]}": ("rules[0].when[0].notValues[0]", "no number of a port"),
    "{from: [{source: {serviceAccounts: [a/b/c]}}]}": (
        "rules[0].from[0].source.serviceAccounts[0]",
        "no service account",
    ),
    "{from: [{source: {notServiceAccounts: [svc-*]}}]}": (
        "rules[0].from[0].source.notServiceAccounts[0]",
        "no service account",
    ),
    "{from: [{source: {trustDomains: [a*b]}}]}": ("rules[0].from[0].source.trustDomains[0]", "no trust domain"),
    '{to: [{operation: {paths: ["/{**}/a/{*}"]}}]}': ("rules[0].to[0].operation.paths[0]", "not the last operator"),
    '{to: [{operation: {notPaths: ["/{name}"]}}]}': ("rules[0].to[0].operation.notPaths[0]", "is no path"),
    "{}, {from: [{source: {ipBlocks: []}}]}": ("rules[1].from[0].source.ipBlocks", EMPTY),
}


def policy(action: str, rest: str) -> Document:
    (document,) = read_text(POLICY.format(action, rest), "own.yaml")
    return document


@pytest.mark.parametrize("action", ["ALLOW", "DENY", "AUDIT"])
@pytest.mark.parametrize("rules", HOLLOW)
def test_a_policy_that_the_webhook_refuses_is_refused_by_path(rules: str, action: str) -> None:
    """Of any action, and that place alone."""
    (problem,) = problems_of(policy(action, f", rules: [{rules}]"))
    path, why = HOLLOW[rules]
    assert (problem.file, problem.line, problem.name, problem.path) == ("own.yaml", 4, "own", f"spec.{path}")
    assert why in problem.why


def test_to_deny_needs_rules() -> None:
    """DENY without rules denies nothing; ALLOW without rules allows nobody, which is what it says."""
    assert "DENY needs rules" in next(problems_of(policy("DENY", ""))).why
    assert "DENY needs rules" in next(problems_of(policy("DENY", ", rules: []"))).why
    assert not list(problems_of(policy("ALLOW", "")))
    assert not list(problems_of(policy("DENY", ", rules: [{}]")))


def test_what_the_webhook_accepts_is_accepted() -> None:
    """Wildcards, templates and every policy of our own."""
    rules = """{from: [{source: {principals: ["*"], requestPrincipals: ["*/me"]}}, {source: {trustDomains: ["*.example", "a*"]}}],
      to: [{operation: {paths: ["/a/{*}/b/{**}", "/*", "*/end"], ports: ["1"]}}], when: [{key: source.serviceAccount, values: [a/b, c]}]}"""
    (body,) = yaml.safe_load_all(f"[{rules}]")
    document = policy("ALLOW", "")
    assert not list(problems_of(Document({**document.body, "spec": {"rules": body}})))
    assert World.load(SOURCES).of("AuthorizationPolicy")
