"""The generated part of the gateway's YAML: fresh, whole, and closed where it cannot tell."""

import base64
import copy
from dataclasses import replace

import yaml
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from mesh.gateway import contract
from mesh.gateway.documents import documents
from mesh.gateway.replies import REPLIES
from mesh.local.document import Document
from mesh.local.model import World
from mesh.local.sources import SOURCES
from tests.mesh.gate import PLACE, gate

STRICT = "envoy.filters.http.lua.strict"


def test_what_is_generated_is_fresh() -> None:
    """The committed YAML is what `make gateway` makes of the protos."""
    stale = [path.name for path, made in documents().items() if path.read_text("utf-8") != made]
    assert not stale, f"run `make gateway`: {stale}"


def test_the_transcoder_knows_every_public_method() -> None:
    """Its descriptors have each service of the protos, and no option that the wire does not need."""
    (document,) = yaml.load_all(
        next(text for path, text in documents().items() if "json" in path.name), yaml.CSafeLoader
    )
    added = [patch["patch"]["value"] for patch in document["spec"]["configPatches"] if "value" in patch["patch"]]
    transcoder = next(one["typed_config"] for one in added if one["name"].endswith(".grpc_json_transcoder"))
    files = FileDescriptorSet.FromString(base64.b64decode(transcoder["proto_descriptor_bin"]))
    known = {service.split(".")[1] for service in contract.services(files)}
    assert known == {path.name for path in (contract.PROTOS / "bourse").iterdir() if path.name != "types"}
    assert transcoder["services"] == contract.services(files)


def test_reasons_have_one_meaning() -> None:
    """A reason always comes with the same status."""
    codes = {(reply.reason, reply.code) for reply in REPLIES}
    assert len(codes) == len({reason for reason, _ in codes})


def test_what_could_not_be_checked_does_not_pass() -> None:
    """A check that breaks lets a request by, in Envoy; the filter behind it does not."""
    with gate(broken()) as door:
        told = door.post(PLACE, {"place": {}}, door.token())
        assert (told.status, told.reason) == (500, "INTERNAL")
        forged = door.post(PLACE, {"place": {}}, door.token(), {"bourse-json": "checked"})
        assert (forged.status, forged.reason) == (500, "INTERNAL")


def broken() -> Document:
    """gateway-json with a check that fails."""
    (found,) = [one for one in World.load(SOURCES).of("EnvoyFilter") if one.name == "gateway-json"]
    body = copy.deepcopy(found.body)
    for patch in body["spec"]["configPatches"]:
        if patch["patch"].get("value", {}).get("name") == STRICT:
            patch["patch"]["value"]["typed_config"]["default_source_code"]["inline_string"] = BROKEN
    return replace(found, body=body)


BROKEN = "function envoy_on_request(handle) error('broken') end"
