"""protobuf to core and back. Hot loops: one pass a batch, no call a field."""

from collections.abc import Iterable, Sequence

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import events_pb2
from bourse.types.v1 import market_pb2
from chassis.errors import MESSAGE_LIMIT, METADATA_VALUE_LIMIT
from chassis.follow import Span
from chassis.units import order_id as id_of
from svc_ledger.core import records
from svc_ledger.core.holds import Hold, HoldRequest, HoldResult, Refused
from svc_ledger.core.settlement import (
    KIND_NAMES,
    Accepted,
    Busted,
    Done,
    Event,
    Listed,
    Posting,
    Rejected,
    Replaced,
    Trade,
)
from svc_ledger.ports import Balance, Cursor, Entry, ShardBatch

SIDE_BUY = market_pb2.SIDE_BUY


def decode(payload: bytes) -> tuple[events_pb2.ExecutionBatch, Span]:
    """An execution batch as published, and what it covers."""
    batch = events_pb2.ExecutionBatch.FromString(payload)
    return batch, Span(batch.incarnation, batch.shard, batch.first_sequence, batch.last_sequence)


def shard_batch(batch: events_pb2.ExecutionBatch, first_new: int) -> ShardBatch:
    """What concerns the ledger of the batch's events from `first_new` on."""
    assert len(batch.events) == batch.last_sequence - batch.first_sequence + 1, "a sequence for each event"
    made: list[Event] = []
    shard, time_us = batch.shard, batch.time_us
    for sequence, event in enumerate(batch.events, batch.first_sequence):
        if sequence < first_new:
            continue
        kind = event.WhichOneof("event")
        if kind == "accepted":
            a = event.accepted
            made.append(
                Accepted(sequence, a.order_id, a.hold_id, a.account, a.quantity, a.held_price_e4, a.held_fee_e6)
            )
        elif kind == "trade":
            made.append(_trade(event.trade, sequence, shard, time_us))
        elif kind == "done":
            made.append(Done(sequence, event.done.order_id))
        elif kind == "rejected":
            made.append(Rejected(sequence, event.rejected.hold_id))
            made += [Rejected(sequence, hold_id) for hold_id in event.rejected.hold_ids]
        elif kind == "replaced":
            r = event.replaced
            made.append(
                Replaced(sequence, r.order_id, r.hold_id, r.quantity, r.open_quantity, r.held_price_e4, r.held_fee_e6)
            )
        elif kind == "restated":
            c = event.restated
            triggered = c.reason == events_pb2.RESTATE_REASON_TRIGGERED
            now = (c.quantity, c.open_quantity, c.held_price_e4, c.held_fee_e6, triggered)
            made.append(Replaced(sequence, c.order_id, 0, *now))
        elif kind == "busted":
            made.append(_busted(event.busted, sequence, time_us))
        elif kind == "instrument_added":
            instrument = event.instrument_added.instrument
            made.append(Listed(sequence, instrument.symbol, instrument.currency))
    return ShardBatch(shard, batch.incarnation, batch.last_sequence, time_us, made)


def _busted(b: events_pb2.TradeBusted, sequence: int, time_us: int) -> Busted:
    t = b.trade
    maker, taker = (t.maker_account, t.maker_fee_e4), (t.taker_account, t.taker_fee_e4)
    buy, sell = (taker, maker) if t.taker_side == SIDE_BUY else (maker, taker)
    return Busted(sequence, b.trade_id, time_us, t.symbol, t.price_e4, t.quantity, buy[0], sell[0], buy[1], sell[1])


def _trade(t: events_pb2.Trade, sequence: int, shard: int, time_us: int) -> Trade:
    maker = (t.maker_order_id, t.maker_fee_e4, t.maker_open_quantity)
    taker = (t.taker_order_id, t.taker_fee_e4, t.taker_open_quantity)
    buy, sell = (taker, maker) if t.taker_side == SIDE_BUY else (maker, taker)
    trade_id = id_of(shard, sequence)
    return Trade(
        sequence, trade_id, time_us, t.symbol, t.price_e4, t.quantity, buy[0], sell[0], buy[1], sell[1], buy[2], sell[2]
    )


def hold_requests(holds: Iterable[ledger_pb2.HoldRequest]) -> list[HoldRequest]:
    """Requests for holds."""
    return [
        HoldRequest(
            h.trading_date,
            h.account,
            h.client_order_id,
            h.digest,
            h.shard,
            h.asset,
            h.quantity,
            h.held_price_e4,
            h.held_fee_e6,
            h.amount_e4,
            h.replace,
            h.order_id,
            h.original_client_order_id,
            h.symbol,
            h.fixed_price,
        )
        for h in holds
    ]


def holds_response(results: Iterable[HoldResult]) -> ledger_pb2.CreateHoldsResponse:
    """Answers to requests for holds."""
    return ledger_pb2.CreateHoldsResponse(
        results=[
            ledger_pb2.HoldResult(
                state=r.state,  # type: ignore[arg-type]
                hold_id=r.hold_id,
                attempt=r.attempt,
                deadline_us=r.deadline_us,
                held_amount=r.held_amount,
                held_price_e4=r.held_price_e4,
                held_fee_e6=r.held_fee_e6,
                refusal=None if r.refused is None else refusal(r.refused),
            )
            for r in results
        ]
    )


def refusal(refused: Refused) -> market_pb2.Refusal:
    """Why not; long values are cut."""
    metadata = {key: value[:METADATA_VALUE_LIMIT] for key, value in refused.metadata.items()}
    return market_pb2.Refusal(reason=refused.reason, message=refused.message[:MESSAGE_LIMIT], metadata=metadata)


def transfer(t: ledger_pb2.Transfer) -> records.Transfer:
    """A transfer; an absent account is TigerBeetle's zero."""
    flags = (
        t.linked * records.LINKED
        | t.pending * records.PENDING
        | t.post_pending * records.POST
        | t.void_pending * records.VOID
        | t.post_part * records.POST_PART
    )
    debit: records.Id = (t.debit_account, t.asset) if t.debit_account else 0
    credit: records.Id = (t.credit_account, t.asset) if t.credit_account else 0
    return records.Transfer(t.transfer_id, debit, credit, t.amount, t.asset, t.pending_id or 0, flags)


def position(cursor: Cursor) -> market_pb2.ShardSequence:
    """A reader's position."""
    return market_pb2.ShardSequence(shard=cursor.shard, sequence=cursor.sequence, incarnation=cursor.incarnation)


def cursors(sequences: Iterable[market_pb2.ShardSequence]) -> list[Cursor]:
    """Positions that a caller names."""
    return [Cursor(at.shard, at.incarnation, at.sequence) for at in sequences]


def balance(found: Balance) -> ledger_pb2.Balance:
    """What an account has of an asset."""
    return ledger_pb2.Balance(
        account=found.account,
        asset=found.asset,
        debits_pending=found.debits_pending,
        debits_posted=found.debits_posted,
        credits_pending=found.credits_pending,
        credits_posted=found.credits_posted,
        available=found.credits_posted - found.debits_posted - found.debits_pending,
    )


def entry(found: Entry) -> ledger_pb2.Entry:
    """A line of a statement."""
    return ledger_pb2.Entry(
        entry_id=found.position,
        asset=found.asset,
        amount=found.amount,
        kind=KIND_NAMES[found.kind],
        trade_id=found.trade_id,
        transfer_id=found.transfer_id,
        time_us=found.time_us,
    )


def settlement(found: Sequence[Cursor]) -> ledger_pb2.GetSettlementResponse:
    """How far settlement is."""
    shards = [
        ledger_pb2.ShardSettlement(
            position=position(cursor),
            time_us=cursor.time_us,
            stopped=None if cursor.stopped is None else refusal(cursor.stopped),
        )
        for cursor in found
    ]
    return ledger_pb2.GetSettlementResponse(shards=shards)


def export_part(part: Sequence[Cursor | Balance | Hold | Posting]) -> ledger_pb2.ExportLedgerResponse:
    """A part of the ledger; all of one kind."""
    response = ledger_pb2.ExportLedgerResponse()
    for row in part:
        if isinstance(row, Cursor):
            response.sequences.append(position(row))
        elif isinstance(row, Balance):
            response.balances.append(balance(row))
        elif isinstance(row, Hold):
            response.holds.append(_open_hold(row))
        else:
            response.transfers.append(_posted(row))
    return response


def _open_hold(hold: Hold) -> ledger_pb2.OpenHold:
    account, asset = hold.key
    return ledger_pb2.OpenHold(
        hold_id=hold.hold_id,
        account=account,
        asset=asset,
        amount=hold.remaining,
        order_id=hold.order_id,
        deadline_us=hold.deadline_us,
        shard=hold.shard,
    )


def _posted(posting: Posting) -> ledger_pb2.PostedTransfer:
    return ledger_pb2.PostedTransfer(
        debit_account=posting.debit[0],
        credit_account=posting.credit[0],
        asset=posting.debit[1],
        amount=posting.amount,
        kind=KIND_NAMES[posting.kind],
        trade_id=posting.trade_id,
    )
