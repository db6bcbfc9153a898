"""What is applied to a cluster would be admitted there: every object, as kustomize makes it, and what it refers to."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mesh import policies, schemas
from mesh.local import rules
from mesh.schemas import vendor
from tests.mesh import validation
from tests.mesh.kustomization import Json, build, documents

ROOT = Path(__file__).resolve().parents[2]
ISTIO = ROOT / "mesh" / "istio"
OVERLAYS = sorted(path.parent for path in (ROOT / "k8s" / "overlays").glob("*/kustomization.yaml"))
FOLDERS = [ROOT / "k8s" / "base", ISTIO, *OVERLAYS]
KUSTOMIZE_SECONDS = 60
HOLDS = Path(schemas.__file__).parent

AT = "apiVersion: networking.istio.io/v1\nmetadata: {name: x}\n"
SECURITY = "apiVersion: security.istio.io/v1\nmetadata: {name: x}\n"
REFUSED = {
    "a field that is none": (AT + "kind: Sidecar\nspec: {egres: []}", "'egres' was unexpected"),
    "a field deep inside": (
        AT + "kind: VirtualService\nspec: {http: [{retries: {atempts: 1}}]}",
        "'atempts' was unexpected",
    ),
    "another type": (AT + "kind: VirtualService\nspec: {http: [{timeout: 15}]}", "is not of type 'string'"),
    "a value that is none of its list": (
        SECURITY + "kind: PeerAuthentication\nspec: {mtls: {mode: STRONG}}",
        "is not one of",
    ),
    "two of a kind of match": (
        AT + "kind: VirtualService\nspec: {http: [{match: [{uri: {exact: a, prefix: b}}]}]}",
        "valid under",
    ),
    "a timeout of nothing": (AT + "kind: VirtualService\nspec: {http: [{timeout: 0s}]}", "duration greater than 1ms"),
    "two sets of keys": (
        SECURITY + 'kind: RequestAuthentication\nspec: {jwtRules: [{issuer: a, jwks: "{}", jwksUri: "https://a"}]}',
        "only one of jwks or jwksUri",
    ),
    "keys at no https address": (
        SECURITY + 'kind: RequestAuthentication\nspec: {jwtRules: [{issuer: a, jwksUri: "ftp://a"}]}',
        "url must have scheme http",
    ),
    "keys nowhere": (
        SECURITY + "kind: RequestAuthentication\nspec: {jwtRules: [{issuer: a, jwksUri: somewhere}]}",
        "url must have scheme http",
    ),
    "a port of a workload nobody selects": (
        SECURITY + 'kind: PeerAuthentication\nspec: {portLevelMtls: {"80": {mode: STRICT}}}',
        "portLevelMtls requires selector",
    ),
    "a wildcard as a label": (
        SECURITY + 'kind: AuthorizationPolicy\nspec: {selector: {matchLabels: {app: "svc-*"}}}',
        "wildcard not allowed in label value",
    ),
    "a port number twice": (
        AT + "kind: ServiceEntry\nspec: {hosts: [a], ports: [{number: 1, name: a}, {number: 1, name: b}]}",
        "port number cannot be duplicated",
    ),
    "a container's field that is none": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, livenesProbe: {}}]}",
        "'livenesProbe' was unexpected",
    ),
    "a field that must be there": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, volumeMounts: [{name: a}]}]}",
        "'mountPath' is a required property",
    ),
    "a port twice": (
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 1}, {port: 1, protocol: TCP}, {port: 1}]}",
        "is there twice",
    ),
    "a kind that nobody knows": ("apiVersion: v1\nkind: Servise\nmetadata: {name: x}", "no schema"),
}


def named(document: Json) -> tuple[str, str, str]:
    return document["kind"], document["metadata"].get("namespace", ""), document["metadata"]["name"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_every_object_is_admitted(folder: Path) -> None:
    """Each object has its kind's fields and no other, and keeps the CEL rules of its schema; none is there twice."""
    objects = build(folder)
    wrong = {named(document): found for document in objects if (found := validation.problems(document))}
    assert not wrong
    assert len({named(document) for document in objects}) == len(objects) > 0


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_cluster_would_refuse_is_refused(case: str) -> None:
    """The check of the test above fails on it, and says why."""
    text, why = REFUSED[case]
    (problem,) = validation.problems(yaml.safe_load(text))
    assert why in problem


def test_every_rule_can_be_evaluated() -> None:
    """There is no CEL rule in the schemas that cel-python, with Kubernetes' functions, does not understand."""
    found = {rule for key in schemas.kinds() for rule in validation.rules(schemas.schema(*key))}
    assert len(found) > 30
    for rule in found:
        rules.program(rule)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_kustomize_makes_the_same(folder: Path) -> None:
    """`kubectl kustomize` makes the very objects that the tests look at."""
    program = next(
        (words for words in (["kubectl", "kustomize"], ["kustomize", "build"]) if shutil.which(words[0])), None
    )
    if program is None:
        pytest.skip("neither kubectl nor kustomize is on PATH")
    done = subprocess.run([*program, folder], capture_output=True, text=True, timeout=KUSTOMIZE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    made = {named(document): document for document in yaml.load_all(done.stdout, yaml.CSafeLoader)}
    assert made == {named(document): document for document in build(folder)}


def test_every_file_is_applied() -> None:
    """A file of k8s/base or mesh/istio that no kustomization names would be forgotten; install.yaml alone is for Istio's installer."""
    for folder in (ROOT / "k8s" / "base", ISTIO):
        (said,) = documents(folder / "kustomization.yaml")
        there = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml", "install.yaml"}
        assert there == set(said["resources"])


def test_the_policies_are_fresh() -> None:
    """mesh/istio/policies.yaml and docs/callers.md are what `make policies` makes of the protos."""
    found = policies.services()
    assert policies.POLICIES.read_text("utf-8") == policies.text(found), "run `make policies`"
    assert policies.TABLE.read_text("utf-8") == policies.table(found), "run `make policies`"


def test_the_schemas_are_those_that_were_published(tmp_path: Path) -> None:
    """`make schemas` makes the committed files again, byte for byte."""
    if shutil.which("go") is None:
        pytest.skip("go is not on PATH")
    command = ["go", "mod", "download", vendor.ISTIO_API, vendor.KUBERNETES]
    cached = subprocess.run(command, cwd="/", env={**os.environ, "GOPROXY": "off"}, capture_output=True, check=False)
    if cached.returncode:
        pytest.skip("Go has not fetched the modules on this machine: `make schemas` does")
    vendor.vendor(tmp_path)
    for made in tmp_path.iterdir():
        assert made.read_bytes() == (HOLDS / made.name).read_bytes(), f"run `make schemas`: {made.name}"


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda folder: folder.name)
def test_an_installation_leaves_no_example_behind(overlay: Path) -> None:
    """Every name that differs by installation is changed by the overlay."""
    left = {word for document in build(overlay) for word in words(document) if ".bourse.example" in word}
    assert not left


def words(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for inner in value.values() for word in words(inner)]
    if isinstance(value, list):
        return [word for inner in value for word in words(inner)]
    return [str(value)]
