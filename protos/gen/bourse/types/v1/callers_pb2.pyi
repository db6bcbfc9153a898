from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Caller(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CALLER_UNSPECIFIED: _ClassVar[Caller]
    CALLER_BROKER: _ClassVar[Caller]
    CALLER_OPERATOR: _ClassVar[Caller]
    CALLER_SVC_ORDER: _ClassVar[Caller]
    CALLER_SVC_MATCH: _ClassVar[Caller]
    CALLER_SVC_LEDGER: _ClassVar[Caller]
    CALLER_SVC_QUOTE: _ClassVar[Caller]
CALLER_UNSPECIFIED: Caller
CALLER_BROKER: Caller
CALLER_OPERATOR: Caller
CALLER_SVC_ORDER: Caller
CALLER_SVC_MATCH: Caller
CALLER_SVC_LEDGER: Caller
CALLER_SVC_QUOTE: Caller
CALLERS_FIELD_NUMBER: _ClassVar[int]
callers: _descriptor.FieldDescriptor
