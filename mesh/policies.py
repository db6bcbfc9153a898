"""Who may call which method, as the option `callers` in the protos says it: mesh/istio/policies.yaml, and the table in docs/callers.md.

`make policies`. A method that names no caller is in no rule, and so is closed.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.rpc import status_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
POLICIES, TABLE = ROOT / "mesh" / "istio" / "policies.yaml", ROOT / "docs" / "callers.md"
OPTION = "bourse.types.v1.callers"
MESH = "cluster.local/ns/bourse"
PORT = 50051
OPEN = ("grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
OPEN_TO = ("gateway", "monitor")
# Tokens end at the services, so their sidecars see them. A broker's need not say a role: an issuer of brokers alone may not know the word.
TOKENS = {
    "CALLER_BROKER": (
        '"request.auth.claims[participant]", values: ["*"]',
        '"request.auth.claims[role]", notValues: [operator, service]',
    ),
    "CALLER_OPERATOR": ('"request.auth.claims[role]", values: [operator]',),
}
TABLE_HEAD = """\
# Who may call what

Generated from the option `callers` in the protos by `make policies`, with the mesh's policies (`mesh/istio/policies.yaml`). Brokers and
operators come in through the gateway with a token, services and the monitor have certificates. An empty cell is PERMISSION_DENIED, and
so is whoever is not in the table. What a broker may do with an account that is not its own is each method's matter.
"""
HEAD = "# Generated from the option `callers` in the protos by `make policies`.\n"


@dataclass(frozen=True, slots=True)
class Method:
    """`path` is /package.Service/Method; `callers` are names of bourse.types.v1.Caller, in the protos' order."""

    path: str
    callers: tuple[str, ...]


def services(protos: Path = ROOT / "protos") -> dict[str, list[Method]]:
    """The methods of each service process, by its name on the network (svc-order), in the protos' order."""
    pool = descriptor_pool.DescriptorPool()
    files = compiled(protos).file
    for file in files:
        pool.Add(file)
    option: Any = pool.FindExtensionByName(OPTION)
    named = option.enum_type.values_by_number
    options = message_factory.GetMessageClass(pool.FindMessageTypeByName("google.protobuf.MethodOptions"))
    found: dict[str, list[Method]] = {}
    for file in files:
        for service in pool.FindFileByName(file.name).services_by_name.values():
            _, package, _ = file.package.split(".")
            for method in service.methods:
                said: Any = options.FromString(method.GetOptions().SerializeToString())
                callers = tuple(named[number].name for number in said.Extensions[option])
                found.setdefault(f"svc-{package}", []).append(Method(f"/{service.full_name}/{method.name}", callers))
    return found


def compiled(protos: Path) -> descriptor_pb2.FileDescriptorSet:
    """Every proto of the folder and what it imports, imports first."""
    with tempfile.NamedTemporaryFile() as output:
        folders = (protos, Path(grpc_tools.__file__).with_name("_proto"), Path(status_pb2.__file__).parents[2])
        paths = [f"--proto_path={folder}" for folder in folders]
        sources = [str(path) for path in sorted(protos.glob("bourse/**/*.proto"))]
        if protoc.main(["protoc", *paths, "--include_imports", f"--descriptor_set_out={output.name}", *sources]) != 0:
            raise RuntimeError("protoc refused the protos; its words are above")
        return descriptor_pb2.FileDescriptorSet.FromString(Path(output.name).read_bytes())


def text(services: dict[str, list[Method]]) -> str:
    """The policies, one a service, as YAML."""
    return HEAD + "---\n".join("".join(policy(name, methods)) for name, methods in sorted(services.items()))


def policy(name: str, methods: Iterable[Method]) -> Iterator[str]:
    yield (
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
        f"metadata: {{name: {name}, namespace: bourse}}\nspec:\n"
        f"  selector:\n    matchLabels: {{app: {name}}}\n  action: ALLOW\n  rules:\n"
    )
    yield from rule("health and reflection", OPEN_TO, [f"/{service}/*" for service in OPEN])
    opened: dict[str, list[str]] = {}
    for method in methods:
        for caller in method.callers:
            opened.setdefault(caller, []).append(method.path)
    for caller, paths in opened.items():
        by_token = caller in TOKENS
        accounts = ("gateway",) if by_token else (caller.removeprefix("CALLER_").lower().replace("_", "-"),)
        yield from rule(caller, accounts, paths, TOKENS.get(caller, ()))


def rule(comment: str, accounts: Iterable[str], paths: Iterable[str], conditions: Iterable[str] = ()) -> Iterator[str]:
    principals = ", ".join(f"{MESH}/sa/{account}" for account in accounts)
    yield f"  # {comment}\n  - from:\n    - source: {{principals: [{principals}]}}\n"
    yield f'    to:\n    - operation:\n        ports: ["{PORT}"]\n        paths:\n'
    yield from (f'        - "{path}"\n' if path.endswith("*") else f"        - {path}\n" for path in paths)
    if conditions := tuple(conditions):
        yield "    when:\n"
        yield from (f"    - {{key: {condition}}}\n" for condition in conditions)


def table(services: dict[str, list[Method]]) -> str:
    """Callers by method, as Markdown."""
    columns = dict.fromkeys(caller for methods in services.values() for method in methods for caller in method.callers)
    callers = sorted(columns, key=lambda caller: (caller.startswith("CALLER_SVC"), caller))
    return "\n".join(
        [
            TABLE_HEAD,
            row("method", *(caller.removeprefix("CALLER_").lower() for caller in callers), "monitor"),
            "|---|" + ":-:|" * (len(callers) + 1),
            *(
                row(f"`{method.path[1:]}`", *(cell(caller in method.callers) for caller in callers), "")
                for _, methods in sorted(services.items())
                for method in methods
            ),
            *(row(f"`{service}`", *(cell(caller in TOKENS) for caller in callers), "yes") for service in OPEN),
            "",
        ]
    )


def cell(admitted: bool) -> str:
    return "yes" if admitted else ""


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    found = services()
    POLICIES.write_text(text(found), "utf-8")
    TABLE.write_text(table(found), "utf-8")
