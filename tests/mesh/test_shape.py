"""What is written wrongly is refused where it stands, and neither misread nor left out."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mesh import schemas
from mesh.local.document import Document, Untranslatable, read_text
from mesh.local.model import World
from mesh.local.refusal import problems_of
from mesh.local.sources import MESH, SOURCES, WORKLOADS
from tests.mesh.schema_fields import ITEM, KEY, put
from tests.mesh.schema_fields import Path as Place
from tests.mesh.test_refusal import CHECKED, ONE_OF_EACH, schema_of, value_of

LOAD_TIMES = 15  # as long as libyaml takes to read the same text: half of it, where nothing else runs
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: own}\nspec: {selector: {app: own}}\n"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: own, namespace: bourse}
spec:
  selector: {matchLabels: {app: own}}
  template: {metadata: {labels: {app: own, tier: money, version: stable}}, spec: {containers: []}}
---
apiVersion: v1
kind: Service
metadata: {name: own, namespace: bourse}
spec: {selector: {app: own}, ports: [{name: grpc, port: 50051}]}
"""
OPEN = "kind: MeshConfig\nmetadata: {name: mesh}\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}\n"
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"


def places(kind: str) -> Iterator[tuple[Place, str]]:
    """Every field of the schema and all that it stands in, and what each is: a list, a mapping or a scalar."""
    seen = set()
    for field in schema_of(kind):
        for length in range(1, len(field.path) + 1):
            path, following = field.path[:length], field.path[length : length + 1]
            if path not in seen and path[-1] != ITEM and field.kind != "any":
                seen.add(path)
                yield (
                    path,
                    "list" if following == (ITEM,) else "mapping" if following or field.kind == "object" else "scalar",
                )


def others(kind: str, value: Any) -> list[Any]:
    """Values of the other types; the one that would be right is in them."""
    found: dict[str, list[Any]] = {
        "list": [{"k": value}, value, None],
        "mapping": [[{"k": value}], "text", None],
        "scalar": [[value], {"k": value}, None],
    }
    return found[kind]


@pytest.mark.parametrize("kind", CHECKED)
def test_a_field_of_another_type_is_refused_where_it_stands(kind: str) -> None:
    """Every field of every schema: a list for a scalar, a scalar for a list or a mapping, nothing for any of them."""
    leaves = {field.path: field for field in schema_of(kind)}
    for path, is_now in places(kind):
        for value in others(is_now, value_of(leaves[path]) if path in leaves else "text"):
            text = yaml.dump(put(ONE_OF_EACH[kind], path, value), Dumper=yaml.CSafeDumper, sort_keys=False)
            with pytest.raises(Untranslatable) as refused:
                World(list(read_text(text, "own.yaml")))
            whole = ".".join(path).replace(f".{ITEM}", "[0]").replace(KEY, "k")
            assert any(
                problem.path == whole or whole.startswith((f"{problem.path}.", f"{problem.path}["))
                for problem in refused.value.problems
            ), (path, value, refused.value)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("VirtualService", "spec.http.[].timeout", ["15s"]),
        ("VirtualService", "spec.hosts", "svc-quote"),
        ("Service", "spec.ports.[].port", "443"),
        ("Gateway", "spec.servers.[].tls", "SIMPLE"),
        ("Gateway", "spec.servers", {"port": {"number": 443}}),
        ("Gateway", "spec.servers", [None]),
        ("Gateway", "metadata", "text"),
        ("Gateway", "spec", "text"),
        ("AuthorizationPolicy", "metadata.annotations", "text"),
        ("Service", "metadata.labels", ["text"]),
    ],
)
def test_a_wrong_type_is_told_by_line_and_name(kind: str, path: str, value: Any) -> None:
    """By file, line, kind, name and path; nothing of it is iterated, and nothing crashes."""
    steps = tuple(path.split("."))
    text = yaml.dump(put(ONE_OF_EACH[kind], steps, value), Dumper=yaml.CSafeDumper, sort_keys=False)
    with pytest.raises(Untranslatable) as refused:
        World(list(read_text(text, "own.yaml")))
    name = "" if path == "metadata" else ONE_OF_EACH[kind]["metadata"]["name"]
    found = refused.value.problems
    assert all((one.file, one.kind, one.name) == ("own.yaml", kind, name) and one.line > 0 for one in found)
    assert any(one.path.startswith(path.replace(".[]", "[0]")) for one in found)


def test_yaml_that_nobody_can_follow_is_refused_by_its_line() -> None:
    """Nothing recurses into it."""
    with pytest.raises(Untranslatable, match=r"own.yaml:2: .*nested deeper than 100 levels"):
        list(read_text("kind: Service\nspec: " + "[" * 100_000, "own.yaml"))


def load(folder: Path, **files: str) -> World:
    for name, text in {"mesh": OPEN, **files}.items():
        (folder / f"{name}.yaml").write_text(text)
    return World.load([folder])


@pytest.mark.parametrize(
    ("said", "line", "why"),
    [
        ("resources: [mesh.yaml, securityy.yaml]\n", 3, r"resources\[1\]: securityy.yaml is neither a file"),
        ("resources:\n- mesh.yaml\n- policies\n", 5, r"resources\[1\]: policies is neither a file"),
        ("components: [podd]\n", 3, r"components\[0\]: podd is no folder"),
        ("patches:\n- {path: pods.yaml, target: {kind: Deployment}}\n", 4, r"patches\[0\].path: pods.yaml is no file"),
        ("patches: [x]\n", 3, r"patches\[0\]: x is no mapping"),
        (
            "patches: [{path: mesh.yaml, target: {kind: Deployment, namespace: a}}]\n",
            3,
            "target.namespace: is not applied",
        ),
        ("patches: [{path: mesh.yaml, target: {kind: '('}}]\n", 3, "is no regular expression"),
        ("resources: mesh.yaml\n", 3, "resources: mesh.yaml is no list"),
        ("namePrefix: own-\n", 3, "namePrefix: is not applied"),
        ("images: []\n", 3, "images: is not applied"),
    ],
)
def test_a_kustomization_names_what_is_there(tmp_path: Path, said: str, line: int, why: str) -> None:
    """A path that is nothing, and a field that is not applied, are refused by file, line and name: nothing falls out."""
    (tmp_path / "policies").mkdir()
    with pytest.raises(Untranslatable, match=rf"/kustomization.yaml:{line}: Kustomization .*: .*{why}"):
        load(tmp_path, kustomization=KUSTOMIZATION + said)


def test_a_component_only_patches(tmp_path: Path) -> None:
    """What else it could bring is refused."""
    (tmp_path / "pod").mkdir()
    (tmp_path / "pod" / "kustomization.yaml").write_text(COMPONENT + "resources: [own.yaml]\n")
    with pytest.raises(Untranslatable, match=r"pod/kustomization.yaml:3: Component .*: resources: is not applied"):
        load(tmp_path, kustomization=KUSTOMIZATION + "components: [pod]\n")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """So is one without YAML, one whose kustomization has another file's name, and a file of no objects."""
    for folder, why in ((tmp_path / "none", "is no file, and no folder"), (tmp_path, "is no file, and no folder")):
        with pytest.raises(Untranslatable, match=why):
            World.load([folder])
    with pytest.raises(Untranslatable, match=r"own.yaml.*holds no object"):
        load(tmp_path, own="# none\n", kustomization=KUSTOMIZATION + "resources: [own.yaml]\n")
    (tmp_path / "kustomization.yaml").rename(tmp_path / "kustomization.yml")
    with pytest.raises(Untranslatable, match=r"kustomization.yml.*is not read"):
        World.load([tmp_path])


def test_a_namespace_of_a_kustomization_is_that_of_its_objects(tmp_path: Path) -> None:
    """As kustomize does it."""
    said = KUSTOMIZATION + "namespace: other\nresources: [mesh.yaml, own.yaml]\n"
    assert [one.host for one in load(tmp_path, own=SERVICE, kustomization=said).services] == [
        "own.other.svc.cluster.local"
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("kind: Service\nspec: {}\nkind: Gateway\n", 3),
        ("kind: Service\nspec:\n  selector: {app: a}\n  selector: {app: b}\n", 4),
        ("kind: Service\n---\nkind: Service\nspec: {ports: [{port: 1, port: 2}]}\n", 4),
    ],
)
def test_a_key_that_is_there_twice_is_refused(text: str, line: int) -> None:
    """By file and line: the last does not win in silence."""
    with pytest.raises(Untranslatable, match=rf"own.yaml:{line}: .*the key \w+ is there twice"):
        list(read_text(text, "own.yaml"))


@pytest.mark.parametrize("text", ["kind: \x07\n", "kind: !!int a\n", "kind: [\n", "? {a: b}\n: c\n", "text\n"])
def test_what_is_no_yaml_is_refused(text: str) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(Untranslatable, match=r"own.yaml:\d+: "):
        list(read_text(text, "own.yaml"))


@pytest.mark.parametrize(
    ("text", "value"), [("1:40", "1:40"), ("-1:30.5", "-1:30.5"), ("010", 8), ("0x1F", 31), ("1_0", 10)]
)
def test_a_number_is_what_it_is_for_kubectl(text: str, value: int | str) -> None:
    """None of base 60: that is text."""
    (document,) = read_text(f"kind: Service\nspec: {text}\n", "own.yaml")
    assert document.body["spec"] == value


@pytest.mark.parametrize("text", ["y", "N", "08", "1e3", "0o10"])
def test_text_that_is_none_for_kubectl_is_refused(text: str) -> None:
    """By its line; in quotes it is text for both."""
    with pytest.raises(Untranslatable, match=rf"own.yaml:2: .*{text} is a boolean or a number for kubectl"):
        list(read_text(f"kind: Service\nspec: {text}\n", "own.yaml"))
    (document,) = read_text(f"kind: Service\nspec: '{text}'\n", "own.yaml")
    assert document.body["spec"] == text


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("tcp.maxConnections", "2147483648", "2147483648 is out of range"),
        ("tcp.maxConnections", "-1", "-1 is negative"),
        ("tcp.maxConnections", "1:40", "1:40 is no whole number"),
        ("http.maxRetries", "-1", "-1 is negative"),
    ],
)
def test_a_limit_that_is_none_is_told_by_line(path: str, value: str, why: str) -> None:
    """Not by an Envoy."""
    part, name = path.split(".")
    text = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: own}\nspec:\n  host: a\n"
        f"  trafficPolicy:\n    connectionPool:\n      {part}:\n        {name}: {value}\n"
    )
    (document,) = read_text(text, "own.yaml")
    found = {(one.line, one.path, one.why) for one in problems_of(document)}
    assert found == {(9, f"spec.trafficPolicy.connectionPool.{path}", why)}


@pytest.mark.parametrize("jwks", ["keys", "[]", "{}", '{"keys": {}}', "{"])
def test_keys_that_are_none_are_told_by_line(jwks: str) -> None:
    text = "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: own}\nspec:\n  jwtRules:\n  - issuer: a\n"
    (document,) = read_text(f"{text}    jwks: '{jwks}'\n", "own.yaml")
    assert [(one.line, one.path) for one in problems_of(document)] == [(7, "spec.jwtRules[0].jwks")]


@pytest.mark.parametrize(
    ("regex", "fine"), [("(", False), ("a)", False), ("[a", False), (r"\z[[:alpha:]]\pN", True), (".*", True)]
)
def test_a_pattern_that_is_none_is_told_by_line(regex: str, fine: bool) -> None:
    """What RE2 alone knows is left to it."""
    text = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: own}\nspec:\n  hosts: [a]\n  http:\n"
    route = f"  - route: [{{destination: {{host: a}}}}]\n    match:\n    - uri: {{regex: '{regex}'}}\n"
    (document,) = read_text(text + route, "own.yaml")
    found = [(one.line, one.path) for one in problems_of(document)]
    assert found == ([] if fine else [(9, "spec.http[0].match[0].uri.regex")])


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "X_Y"}}, "metadata.name"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a."}}, "metadata.name"),
        ({"kind": "AuthorizationPolicy", "metadata": {"name": "a"}, "spec": {}}, "apiVersion"),
        ({"apiVersion": "v1", "kind": "AuthorizationPolicy", "metadata": {"name": "a"}, "spec": {}}, "apiVersion"),
        ({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "a"}}, "apiVersion"),
        ({"apiVersion": 1, "kind": "Service", "metadata": {"name": "a"}}, "apiVersion"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {}}, "metadata.name"),
        ({"apiVersion": "v1", "kind": "Service"}, "metadata.name"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ["a"]}}, "metadata.name"),
        ({"kind": "no_part_in_envoy", "metadata": {"name": "a"}}, "(document)"),
        ({"kind": "proxy.istio.io/config", "metadata": {"name": "a"}}, "(document)"),
    ],
)
def test_an_object_is_known_by_version_kind_and_name(body: dict[str, Any], path: str) -> None:
    """Another's kind of the same name, or an object without one, is refused."""
    assert [problem.path for problem in problems_of(Document(body))] == [path]


@pytest.mark.parametrize("field", ["kind: own", "metadata: {}", "trustDomain: [own]", "trustDomainn: own"])
def test_what_stands_in_another_object_is_read_as_strictly(field: str) -> None:
    """MeshConfig in an IstioOperator: what it is not is refused at its own line."""
    text = (
        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: own}\nspec:\n  meshConfig:\n    "
    )
    (document,) = read_text(f"{text}{field}\n", "own.yaml")
    assert [(problem.line, problem.path) for problem in problems_of(document)] == [(6, field.partition(":")[0])]


def selecting(kind: str, selector: str) -> str:
    version = next(version for version, name in schemas.kinds() if name == kind)
    body = SPECS.get(kind, "")
    return (
        f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: sel, namespace: bourse}}\nspec:\n{body}  {selector}\n"
    )


SPECS = {
    "DestinationRule": "  host: own\n",
    "EnvoyFilter": "  configPatches: []\n",
    "Sidecar": "  outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n",
    "Gateway": "  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example]}]\n",
}
SELECTORS = {
    "AuthorizationPolicy": "selector: {{matchLabels: {}}}",
    "DestinationRule": "subsets: [{{name: one, labels: {}}}]",
    "EnvoyFilter": "workloadSelector: {{labels: {}}}",
    "Gateway": "selector: {}",
    "PeerAuthentication": "selector: {{matchLabels: {}}}",
    "RequestAuthentication": "selector: {{matchLabels: {}}}",
    "Sidecar": "workloadSelector: {{labels: {}}}",
    "Telemetry": "selector: {{matchLabels: {}}}",
}


@pytest.mark.parametrize("kind", SELECTORS)
def test_a_selector_means_a_workload(tmp_path: Path, kind: str) -> None:
    """Labels that no template of the YAML has would be in force for nobody, and are refused; every label of one is known."""
    fitting = selecting(kind, SELECTORS[kind].format("{app: own, tier: money}"))
    load(tmp_path, own=DEPLOYMENT, sel=fitting)
    for labels in ("{app: owm}", "{app: own, tier: monie}", "{teir: money}"):
        with pytest.raises(Untranslatable, match=rf"sel.yaml:\d+: {kind} sel: spec.*: no workload of the YAML carries"):
            load(tmp_path, sel=selecting(kind, SELECTORS[kind].format(labels)))
    with pytest.raises(Untranslatable, match="no workload of the YAML carries"):
        load(tmp_path, sel=fitting, own=DEPLOYMENT.replace("tier: money", "tier: other"))


def test_a_policy_of_a_namespace_without_workloads_is_refused(tmp_path: Path) -> None:
    """Without a selector too: it would be in force for nobody. That of the mesh's root namespace is for all."""
    policy = selecting("PeerAuthentication", "mtls: {mode: STRICT}")
    load(tmp_path, own=DEPLOYMENT, policy=policy.replace("namespace: bourse", "namespace: istio-system"))
    with pytest.raises(
        Untranslatable, match=r"policy.yaml:3: .* metadata.namespace: no workload of the YAML is in bourze"
    ):
        load(tmp_path, policy=policy.replace("namespace: bourse", "namespace: bourze"))


def test_a_route_for_callers_that_nobody_is_is_refused(tmp_path: Path) -> None:
    """Who calls is selected as any other workload."""
    route = "hosts: [own]\n  http: [{match: [{sourceLabels: {app: LABEL}}], directResponse: {status: 503}}]"
    load(tmp_path, own=DEPLOYMENT, route=selecting("VirtualService", route.replace("LABEL", "own")))
    with pytest.raises(Untranslatable, match=r"sourceLabels: no workload of the YAML carries app: owm"):
        load(tmp_path, route=selecting("VirtualService", route.replace("LABEL", "owm")))


def test_a_version_may_have_no_workload_yet(tmp_path: Path) -> None:
    """That of a subset; for whatever else selects by version it is then known too."""
    policy = selecting("AuthorizationPolicy", "selector: {matchLabels: {app: own, version: canary}}")
    with pytest.raises(Untranslatable, match="carries app: own, version: canary"):
        load(tmp_path, own=DEPLOYMENT, policy=policy)
    load(tmp_path, rule=selecting("DestinationRule", "subsets: [{name: canary, labels: {version: canary}}]"))


def test_the_yaml_is_loaded_quickly() -> None:
    """A command waits for it: it takes a few times as long as libyaml alone, on whatever machine."""
    folders = [source if source.is_dir() else source.parent for source in SOURCES]
    texts = [file.read_text("utf-8") for folder in {*folders} for file in sorted(folder.glob("*.yaml"))]

    def read() -> None:
        for text in texts:
            assert list(yaml.compose_all(text, Loader=yaml.CSafeLoader))

    World.load(SOURCES)
    rounds = [(seconds(lambda: World.load(SOURCES)), seconds(read)) for _ in range(5)]
    loaded, read_alone = map(min, zip(*rounds, strict=True))
    assert loaded < LOAD_TIMES * read_alone, rounds


def seconds(work: Callable[[], object]) -> float:
    """What it takes this process."""
    before = time.process_time()
    work()
    return time.process_time() - before


@pytest.mark.parametrize("folder", [WORKLOADS, MESH])
def test_every_file_of_the_folder_is_named(folder: Path) -> None:
    """None beside the kustomization is forgotten in it, but for what Istio itself is told."""
    (said,) = read_text((folder / "kustomization.yaml").read_text(), "kustomization.yaml")
    assert {*said.body["resources"]} == {file.name for file in folder.glob("*.yaml")} - {
        "kustomization.yaml",
        "install.yaml",
    }
