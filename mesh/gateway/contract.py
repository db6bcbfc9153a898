"""The public services, as protoc describes them. Nothing is imported of the stubs."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc_tools
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
PACKAGES = ("ledger", "match", "order", "quote")
ERRORS = "google/rpc/error_details.proto"  # The transcoder writes an error's details only when it knows their types.
RULES = "bourse/types/v1/callers.proto"  # Who may call is no matter of the wire.


def described() -> FileDescriptorSet:
    """All files of the public services without comments and options: what a translation of their messages needs."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "set"
        arguments = [
            "protoc",
            f"--proto_path={PROTOS}",
            f"--proto_path={Path(grpc_tools.__file__).with_name('_proto')}",
            f"--proto_path={Path(error_details_pb2.__file__).parents[2]}",
            f"--descriptor_set_out={output}",
            "--include_imports",
            *(
                str(path)
                for package in PACKAGES
                for path in sorted((PROTOS / "bourse" / package / "v1").glob("*.proto"))
            ),
            ERRORS,
        ]
        if protoc.main(arguments) != 0:
            raise RuntimeError("protoc refused the protos; its words are above")
        found = FileDescriptorSet.FromString(output.read_bytes())
    return FileDescriptorSet(file=[bare(file) for file in found.file if file.name not in (RULES, DESCRIPTOR)])


DESCRIPTOR = "google/protobuf/descriptor.proto"


def bare(file: FileDescriptorProto) -> FileDescriptorProto:
    if RULES in file.dependency:
        file.dependency.remove(RULES)
    for service in file.service:
        for method in service.method:
            method.ClearField("options")
    return file


def services(files: FileDescriptorSet) -> list[str]:
    """Full names of the services."""
    return [f"{file.package}.{service.name}" for file in files.file for service in file.service]


def requests(files: FileDescriptorSet) -> dict[str, str]:
    """The request message of each method whose caller sends one request, by path."""
    return {
        f"/{file.package}.{service.name}/{method.name}": method.input_type.lstrip(".")
        for file in files.file
        for service in file.service
        for method in service.method
        if not method.client_streaming
    }


def fields(files: FileDescriptorSet, messages: Iterator[str] | list[str]) -> dict[str, list[FieldDescriptorProto]]:
    """The fields of these messages, and of all that stand in them."""
    known = {f"{file.package}.{message.name}": message for file in files.file for message in file.message_type}
    found: dict[str, list[FieldDescriptorProto]] = {}
    waiting = list(messages)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = list(fields_of(known[name]))
            waiting += [field.type_name.lstrip(".") for field in found[name] if is_message(field)]
    return dict(sorted(found.items()))


def fields_of(message: DescriptorProto) -> Iterator[FieldDescriptorProto]:
    assert not message.nested_type, f"{message.name}: maps and nested messages are in no request yet"
    yield from message.field


def is_message(field: FieldDescriptorProto) -> bool:
    return field.type == FieldDescriptorProto.TYPE_MESSAGE


def is_truth(field: FieldDescriptorProto) -> bool:
    return field.type == FieldDescriptorProto.TYPE_BOOL


def is_list(field: FieldDescriptorProto) -> bool:
    return field.label == FieldDescriptorProto.LABEL_REPEATED


def values(files: FileDescriptorSet) -> dict[str, list[str]]:
    """The names of each enum's values."""
    return {
        f"{file.package}.{enum.name}": [value.name for value in enum.value]
        for file in files.file
        for enum in file.enum_type
    }
