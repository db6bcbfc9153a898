"""Protobuf to core and back. Order messages are passed on as they came; nothing is worded anew."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from operator import attrgetter

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import events_pb2, match_pb2
from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2, market_pb2
from svc_order.core.checks import Need
from svc_order.core.commands import (
    Cancel,
    Command,
    MassCancel,
    MassQuote,
    Place,
    QuoteEntry,
    RenewLease,
    Replace,
    Terms,
)
from svc_order.core.quotes import together
from svc_order.core.reference import Instrument, Shard
from svc_order.core.refused import Refused
from svc_order.core.saga import Hold
from svc_order.ports import Exported, OrderRow, Ticket

VALUE_LIMIT = 256
_terms_of = attrgetter(*Terms._fields)


def place(message: command_pb2.PlaceOrder) -> Place:
    """A PlaceOrder."""
    return Place(
        message.account,
        message.client_order_id,
        message.trading_date,
        message.symbol,
        message.side,
        message.type,
        message.time_in_force,
        message.price_e4,
        message.quantity,
        message.amount_e4,
        terms(message),
        message.traceparent,
        message.lease,
    )


def terms(message: command_pb2.PlaceOrder | events_pb2.OrderAccepted) -> Terms:
    """An order's terms as they were placed."""
    return Terms(*_terms_of(message))


def cancel(message: command_pb2.CancelOrder) -> Cancel:
    """A CancelOrder."""
    return Cancel(
        message.account,
        message.client_order_id,
        message.trading_date,
        message.order_id,
        message.original_client_order_id,
        message.symbol,
        message.traceparent,
    )


def replace(message: command_pb2.ReplaceOrder) -> Replace:
    """A ReplaceOrder."""
    return Replace(
        message.account,
        message.client_order_id,
        message.trading_date,
        message.order_id,
        message.original_client_order_id,
        message.symbol,
        message.price_e4,
        message.quantity,
        message.traceparent,
    )


def mass_cancel(message: command_pb2.MassCancel) -> MassCancel:
    """A MassCancel."""
    return MassCancel(
        message.account,
        message.client_order_id,
        message.trading_date,
        message.participant_wide,
        message.symbol,
        message.side,
        message.traceparent,
    )


def mass_quote(message: command_pb2.MassQuote) -> MassQuote:
    """A MassQuote."""
    return MassQuote(
        message.account,
        message.client_order_id,
        message.trading_date,
        tuple(
            QuoteEntry(one.symbol, one.bid_price_e4, one.bid_quantity, one.ask_price_e4, one.ask_quantity)
            for one in message.entries
        ),
        message.self_trade_prevention,
        message.fill_limit,
        message.share_limit,
        message.window_us,
        message.reset,
        message.lease,
        message.traceparent,
    )


def renew_lease(message: command_pb2.RenewLease) -> RenewLease:
    """A RenewLease."""
    return RenewLease(message.account, message.client_order_id, message.lease, message.grace_ms, message.traceparent)


def commands(messages: Iterable[command_pb2.OrderCommand]) -> list[tuple[Command | None, object]]:
    """Each command beside its message; None where the message names none."""
    read: list[tuple[Command | None, object]] = []
    for message in messages:
        kind = message.WhichOneof("command")
        if kind == "place":
            read.append((place(message.place), message))
        elif kind == "cancel":
            read.append((cancel(message.cancel), message))
        elif kind == "replace":
            read.append((replace(message.replace), message))
        elif kind == "mass_cancel":
            read.append((mass_cancel(message.mass_cancel), message))
        elif kind == "mass_quote":
            read.append((mass_quote(message.mass_quote), message))
        elif kind == "renew_lease":
            read.append((renew_lease(message.renew_lease), message))
        else:
            read.append((None, message))
    return read


def create_holds(incarnation: str, tickets: Iterable[Ticket]) -> ledger_pb2.CreateHoldsRequest:
    """Asks for the holds of tickets that need one."""
    request = ledger_pb2.CreateHoldsRequest(incarnation=incarnation)
    add = request.holds.add
    for ticket in tickets:
        command, need = ticket.command, ticket.need
        assert command is not None, "a refused message is not sent on"
        assert not isinstance(command, RenewLease), "a lease needs no hold"
        assert need is not None, "only commands that need a hold are sent to the ledger"
        if not isinstance(need, Need):
            for leg in need:
                add(
                    trading_date=command.trading_date,
                    account=command.account,
                    client_order_id=leg.client_order_id,
                    digest=ticket.digest,
                    shard=ticket.shard,
                    asset=leg.asset,
                    quantity=leg.quantity,
                    held_price_e4=leg.held_price_e4,
                    held_fee_e6=leg.held_fee_e6,
                    traceparent=ticket.traceparent,
                )
            continue
        hold = add(
            trading_date=command.trading_date,
            account=command.account,
            client_order_id=command.client_order_id,
            digest=ticket.digest,
            shard=ticket.shard,
            asset=need.asset,
            quantity=need.quantity,
            held_price_e4=need.held_price_e4,
            held_fee_e6=need.held_fee_e6,
            amount_e4=need.amount_e4,
        )
        if need.replace:
            hold.replace = True
            hold.order_id = need.order_id
            hold.original_client_order_id = need.original_client_order_id
            hold.symbol = need.symbol
        if need.fixed_price:
            hold.fixed_price = True
        if ticket.traceparent:
            hold.traceparent = ticket.traceparent
    return request


def holds(response: ledger_pb2.CreateHoldsResponse, tickets: Iterable[Ticket]) -> list[Hold]:
    """The ledger's answers, one a ticket. ValueError where there are not as many as were asked for."""
    answers, made = iter(_holds(response)), []
    for ticket in tickets:
        legs = () if ticket.need is None or isinstance(ticket.need, Need) else ticket.need
        count = len(legs) or 1
        some = list(islice(answers, count))
        if len(some) != count:
            raise ValueError(len(response.results))
        made.append(together(legs, some) if legs else some[0])
    if next(answers, None) is not None:
        raise ValueError(len(response.results))
    return made


def _holds(response: ledger_pb2.CreateHoldsResponse) -> list[Hold]:
    return [
        Hold(
            result.state,
            result.hold_id,
            result.deadline_us,
            result.held_amount,
            result.held_price_e4,
            result.held_fee_e6,
            refused(result.refusal) if result.HasField("refusal") else None,
        )
        for result in response.results
    ]


def refused(message: market_pb2.Refusal) -> Refused:
    """Another service's refusal."""
    return Refused(message.reason, message.message, dict(message.metadata))


def submit(incarnation: str, tickets: Sequence[Ticket], deadlines_us: Sequence[int]) -> match_pb2.SubmitRequest:
    """Submissions under the stored holds."""
    request = match_pb2.SubmitRequest(incarnation=incarnation)
    add = request.submissions.add
    for ticket, deadline_us in zip(tickets, deadlines_us, strict=True):
        hold = ticket.hold
        if hold is not None and hold.hold_id:
            submission = add(
                hold_id=hold.hold_id,
                held_amount=hold.held_amount,
                held_price_e4=hold.held_price_e4,
                held_fee_e6=hold.held_fee_e6,
                deadline_us=deadline_us,
            )
        else:
            submission = add(deadline_us=deadline_us)
            for leg in hold.legs if hold is not None else ():
                submission.quote_holds.add(
                    hold_id=leg.hold_id,
                    held_amount=leg.held_amount,
                    held_price_e4=leg.held_price_e4,
                    held_fee_e6=leg.held_fee_e6,
                )
        assert isinstance(ticket.message, command_pb2.OrderCommand)
        submission.command.CopyFrom(ticket.message)
        if ticket.traceparent:
            kind = submission.command.WhichOneof("command")
            assert kind is not None
            getattr(submission.command, kind).traceparent = ticket.traceparent
    return request


def results(tickets: Iterable[Ticket]) -> order_pb2.EnterOrdersResponse:
    """The answers of a session, in order."""
    response = order_pb2.EnterOrdersResponse()
    for ticket in tickets:
        result = ticket.result
        if isinstance(result, Refused):
            client_order_id = ticket.command.client_order_id if ticket.command is not None else ""
            response.results.add(
                client_order_id=client_order_id[:VALUE_LIMIT],
                outcome=command_pb2.OUTCOME_REFUSED,
                refusal=refusal(result),
            )
        else:
            assert isinstance(result, command_pb2.CommandResult)
            if ticket.goes_everywhere:
                result = of_all_shards([*ticket.before, ticket])
            response.results.append(result)
    return response


def of_all_shards(tickets: Sequence[Ticket]) -> command_pb2.CommandResult:
    """The answer to a command that went to several shards: what became of it is that of the first that did not do it, if any."""
    answer = command_pb2.CommandResult()
    for ticket in tickets:
        result = ticket.result
        assert isinstance(result, command_pb2.CommandResult)
        answer.client_order_id = result.client_order_id
        answer.outcome = answer.outcome or result.outcome
        answer.orders += result.orders
        one = answer.shards.add(
            shard=ticket.shard, outcome=result.outcome, sequence=result.sequence, orders=result.orders
        )
        if result.HasField("refusal"):
            one.refusal.CopyFrom(result.refusal)
            if not answer.HasField("refusal"):
                answer.outcome = result.outcome
                answer.refusal.CopyFrom(result.refusal)
    return answer


def refusal(why: Refused) -> market_pb2.Refusal:
    """A refusal as a message; long values are cut."""
    metadata = {key: value[:VALUE_LIMIT] for key, value in why.metadata.items()}
    return market_pb2.Refusal(reason=why.reason, message=why.message, metadata=metadata)


def instrument(message: market_pb2.Instrument) -> Instrument:
    """An instrument's reference data."""
    return Instrument(
        message.symbol,
        message.currency,
        message.tick_size_e4,
        message.lot_size,
        message.min_price_e4,
        message.max_price_e4,
        message.max_quantity,
        max(message.maker_fee_e6, message.taker_fee_e6),
        message.shard,
        tuple((band.price_from_e4, band.tick_size_e4) for band in message.tick_bands),
        message.max_notional_e4,
    )


def shard(message: match_pb2.GetShardResponse) -> Shard:
    """A shard's state."""
    return Shard(message.incarnation, message.sequence, message.trading_date)


def order(row: OrderRow) -> order_pb2.Order:
    """An order of the history."""
    message = order_pb2.Order(
        order_id=row.order_id,
        account=row.account,
        client_order_id=row.client_order_id,
        trading_date=row.trading_date,
        symbol=row.symbol,
        side=row.side,  # type: ignore[arg-type]
        type=row.type,  # type: ignore[arg-type]
        time_in_force=row.time_in_force,  # type: ignore[arg-type]
        price_e4=row.price_e4,
        quantity=row.quantity,
        executed_quantity=row.executed_quantity,
        open_quantity=row.open_quantity,
        executed_amount_e4=row.executed_amount_e4,
        fees_e4=row.fees_e4,
        state=row.state,  # type: ignore[arg-type]
        create_time_us=row.create_time_us,
        update_time_us=row.update_time_us,
        last_sequence=row.last_sequence,
        stop_price_e4=row.stop_price_e4,
        stop_trigger=row.stop_trigger,  # type: ignore[arg-type]
        display_quantity=row.display_quantity,
        hidden=row.hidden,
        post_only=row.post_only,  # type: ignore[arg-type]
        minimum_quantity=row.minimum_quantity,
        self_trade_prevention=row.self_trade_prevention,  # type: ignore[arg-type]
        trailing_amount_e4=row.trailing_amount_e4,
        trailing_bp=row.trailing_bp,
        stop_limit_price_e4=row.stop_limit_price_e4,
        peg=row.peg,  # type: ignore[arg-type]
        peg_offset_e4=row.peg_offset_e4,
        expire_date=row.expire_date,
        expire_time_us=row.expire_time_us,
        triggered=row.triggered,
        done_reason=row.done_reason,  # type: ignore[arg-type]
        lease=row.lease,
        busted_quantity=row.busted_quantity,
        busted_amount_e4=row.busted_amount_e4,
        busted_fees_e4=row.busted_fees_e4,
    )
    if row.refusal:
        message.refusal.CopyFrom(_stored(row.refusal))
    return message


def _stored(refusal: str) -> market_pb2.Refusal:
    """A refusal of the history; one that is damaged says so, and hides no other order."""
    try:
        match json.loads(refusal):
            case [str(reason), str(message), dict(metadata)]:
                return market_pb2.Refusal(reason=reason, message=message, metadata=metadata)
    except (ValueError, TypeError, RecursionError):
        pass
    return market_pb2.Refusal(
        reason="REFUSAL_DAMAGED", message="the stored refusal is damaged", metadata={"value": refusal[:VALUE_LIMIT]}
    )


def exported(part: Exported) -> order_pb2.ExportOrdersResponse:
    """A part of the history."""
    response = order_pb2.ExportOrdersResponse(
        orders=[order(row) for row in part.orders], participants=[row.participant for row in part.orders]
    )
    for number, at in part.positions.items():
        response.sequences.add(shard=number, sequence=at.sequence, incarnation=at.incarnation)
    for copy in part.copies:
        response.copies.add(
            shard=copy.shard,
            participant=copy.participant,
            first_sequence=copy.first,
            last_sequence=copy.last,
            updates=copy.updates,
        )
    return response


def watched(
    incarnation: str, shard_number: int, first: int, last: int, rows: Iterable[tuple[int, int, bytes]]
) -> order_pb2.WatchOrdersResponse:
    """A part of the drop copy: the rows' updates from `first` on."""
    response = order_pb2.WatchOrdersResponse()
    for row_first, _, encoded in rows:
        if row_first >= first:
            response.MergeFromString(encoded)
            continue
        whole = order_pb2.WatchOrdersResponse.FromString(encoded)
        response.updates.extend(one for one in whole.updates if one.sequence >= first)
    response.incarnation, response.shard = incarnation, shard_number
    response.first_sequence, response.last_sequence = first, last
    return response


def move_from(after: Mapping[int, tuple[int, str]]) -> order_pb2.WatchOrdersResponse:
    """Tells a reader of the drop copy to move, and where it is: by shard, sequence and incarnation."""
    response = order_pb2.WatchOrdersResponse()
    draining = response.draining
    if len(after) == 1:
        draining.resume_after_sequence = next(iter(after.values()))[0]
    for number, (sequence, incarnation) in after.items():
        draining.resume_after.add(shard=number, sequence=sequence, incarnation=incarnation)
    draining.SetInParent()
    return response
