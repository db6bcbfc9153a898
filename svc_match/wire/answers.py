"""Answers: the results of commands, and why one was refused."""

from bourse.match.v1 import match_pb2
from bourse.types.v1 import command_pb2, market_pb2
from svc_match.core import events
from svc_match.core.events import Reason, Refused
from svc_match.core.words import WORDS


def result(own_id: str, result: events.Result) -> bytes:
    """One of the `results` of a SubmitResponse."""
    response = match_pb2.SubmitResponse()
    put_result(response.results.add(), own_id, result)
    return response.SerializeToString(deterministic=True)


def put_result(to: command_pb2.CommandResult, own_id: str, result: events.Result) -> None:
    """A command's answer. It is made from the event alone, so a repeat gets the same bytes."""
    to.client_order_id = own_id
    if type(result) is events.Accepted:
        to.outcome = command_pb2.OUTCOME_ACCEPTED
        to.order_id, to.sequence, to.quantity = result.order_id, result.sequence, result.quantity
    elif type(result) is events.Done:
        to.outcome = command_pb2.OUTCOME_CANCELLED
        to.order_id, to.sequence, to.quantity = result.order_id, result.sequence, result.cancelled_quantity
    elif type(result) is events.Replaced:
        to.outcome = command_pb2.OUTCOME_REPLACED
        to.order_id, to.sequence, to.quantity = result.order_id, result.sequence, result.open_quantity
    elif type(result) is events.MassCancelled:
        to.outcome = command_pb2.OUTCOME_CANCELLED
        to.sequence, to.orders = result.sequence, result.orders
    elif type(result) is events.MassQuoted:
        to.outcome = command_pb2.OUTCOME_ACCEPTED
        to.sequence, to.orders = result.sequence, result.quotes
    elif type(result) is events.LeaseChanged:
        to.outcome, to.sequence = command_pb2.OUTCOME_ACCEPTED, result.sequence
    elif type(result) is events.Rejected:
        to.outcome = command_pb2.OUTCOME_REJECTED
        to.order_id, to.sequence = result.order_id, result.sequence
        put_refusal(to.refusal, Refused(result.reason, result.field, result.value))
    elif type(result) is Refused:
        to.outcome = command_pb2.OUTCOME_REFUSED
        put_refusal(to.refusal, result)
    else:
        assert type(result) is events.Late
        to.outcome = command_pb2.OUTCOME_LATE


def put_refusal(to: market_pb2.Refusal, refused: Refused) -> None:
    """A refusal with the sentence and the remedy of its reason."""
    message, fix = WORDS[refused.reason]
    to.reason = refused.reason
    to.message = message
    metadata = to.metadata
    if refused.field:
        metadata["field"] = refused.field
        metadata["value"] = refused.value
    metadata["fix"] = fix


def refusal_but_value(reason: Reason, field: str) -> bytes:
    """A refusal that names a field, encoded up to the entry of `metadata` that has the value, which is the last one."""
    refusal = market_pb2.Refusal()
    put_refusal(refusal, Refused(reason, field))
    del refusal.metadata["value"]
    return refusal.SerializeToString(deterministic=True)


def refusal_value(value: str) -> bytes:
    """That last entry."""
    return market_pb2.Refusal(metadata={"value": value}).SerializeToString()
