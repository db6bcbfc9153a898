"""Control commands: what an operator asks, and the tick of a leader."""

from typing import Any

from bourse.match.v1 import events_pb2, match_pb2
from bourse.types.v1 import market_pb2
from chassis.units import sequence_of
from svc_match.core import commands as core
from svc_match.core.events import Reason, Refused
from svc_match.core.instrument import AuctionKind, Listing, Phase
from svc_match.core.restrictions import PER_SECOND_LIMIT
from svc_match.core.schedule import STEPS_IN_ALL_LIMIT
from svc_match.core.words import BUST_REASON_LENGTH_LIMIT, PARTICIPANT_LENGTH_LIMIT
from svc_match.ports import Item
from svc_match.wire.commands import ITEM_HEAD, wrong_side
from svc_match.wire.executions import read_trade
from svc_match.wire.reference import instrument, step

CONTROLS: dict[int, Any] = {
    1: match_pb2.OpenTradingDateRequest,
    2: match_pb2.CloseTradingDateRequest,
    3: match_pb2.AddInstrumentRequest,
    4: match_pb2.SetPhaseRequest,
    20: match_pb2.ChangeInstrumentRequest,
    21: match_pb2.SetListingRequest,
    6: events_pb2.TradeBusted,  # with the trade as the journal has it
    30: match_pb2.EndOrdersRequest,
    31: match_pb2.KillParticipantRequest,
    32: match_pb2.ReleaseParticipantRequest,
    33: match_pb2.SetOrderRateRequest,
    40: match_pb2.SetCalendarRequest,
}
ADD_INSTRUMENT, SET_PHASE, TICK_KIND = 3, 4, 5
AGAINST = (
    match_pb2.EndOrdersRequest,
    match_pb2.KillParticipantRequest,
    match_pb2.ReleaseParticipantRequest,
    match_pb2.SetOrderRateRequest,
)
TICK = Item(core.Tick(), ITEM_HEAD.pack(TICK_KIND, 0))


def control(message: Any) -> Item:
    """An operator's request as a command."""
    body = message.SerializeToString()
    kind = next(number for number, request in CONTROLS.items() if isinstance(message, request))
    return Item(_control(message), ITEM_HEAD.pack(kind, len(body)) + body)


def _control(message: Any) -> core.Command | Refused:
    if isinstance(message, match_pb2.OpenTradingDateRequest):
        return core.OpenDate(message.trading_date)
    if isinstance(message, match_pb2.CloseTradingDateRequest):
        return core.CloseDate(message.trading_date)
    if isinstance(message, match_pb2.AddInstrumentRequest):
        return core.AddInstrument(instrument(message.instrument))
    if isinstance(message, match_pb2.ChangeInstrumentRequest):
        return core.ChangeInstrument(instrument(message.instrument))
    if isinstance(message, match_pb2.SetListingRequest):
        if int(message.listing) not in tuple(Listing):
            return Refused(Reason.LISTING_INVALID, "listing", str(message.listing))
        return core.SetListing(message.symbol, Listing(message.listing))
    if isinstance(message, events_pb2.TradeBusted):
        if not (0 < len(message.reason) <= BUST_REASON_LENGTH_LIMIT and message.reason.isprintable()):
            return Refused(Reason.BUST_REASON_INVALID, "reason", message.reason)
        return core.BustTrade(read_trade(sequence_of(message.trade_id), message.trade), message.reason)
    if isinstance(message, AGAINST):
        return _against(message)
    if isinstance(message, match_pb2.SetCalendarRequest):
        return _set_calendar(message)
    if message.phase not in tuple(Phase):
        return Refused(Reason.PHASE_INVALID, "phase", str(message.phase))
    if message.auction not in (tuple(AuctionKind) if message.phase == Phase.AUCTION else (0,)):
        return Refused(Reason.AUCTION_KIND_INVALID, "auction", str(message.auction))
    return core.SetPhase(message.symbol, Phase(message.phase), message.auction)


def _set_calendar(message: match_pb2.SetCalendarRequest) -> core.SetCalendar | Refused:
    if len(message.transitions) > STEPS_IN_ALL_LIMIT:
        return Refused(Reason.CALENDAR_INVALID, "transitions", str(len(message.transitions)))
    if message.remove == bool(message.transitions):
        field, value = ("remove", "true") if message.remove else ("transitions", "")
        return Refused(Reason.CALENDAR_INVALID, field, value)
    return core.SetCalendar(tuple(map(step, message.transitions)), message.seed)


def _against(message: Any) -> core.Command | Refused:
    """What the operator asks about a participant."""
    if isinstance(message, match_pb2.EndOrdersRequest):
        return _end_orders(message)
    if isinstance(message, match_pb2.KillParticipantRequest):
        return _wrong_participant(message.participant) or core.KillParticipant(message.participant)
    if isinstance(message, match_pb2.ReleaseParticipantRequest):
        return _wrong_participant(message.participant) or core.ReleaseParticipant(message.participant)
    return _set_order_rate(message.rate)


def _end_orders(message: match_pb2.EndOrdersRequest) -> core.EndOrders | Refused:
    wrong = _wrong_participant(message.participant) or wrong_side(message.side)
    return wrong or core.EndOrders(message.participant, message.symbol, message.side)


def _set_order_rate(rate: market_pb2.OrderRate) -> core.SetOrderRate | Refused:
    wrong = _wrong_participant(rate.participant)
    if wrong is not None:
        return wrong
    for field, value, other in (("per_second", rate.per_second, rate.burst), ("burst", rate.burst, rate.per_second)):
        if not 0 <= value <= PER_SECOND_LIMIT or (not value and other):
            return Refused(Reason.ORDER_RATE_INVALID, field, str(value))
    return core.SetOrderRate(rate.participant, rate.per_second, rate.burst)


def _wrong_participant(name: str) -> Refused | None:
    """Nothing is known here of who is a participant, but what none can be called."""
    if 0 < len(name) <= PARTICIPANT_LENGTH_LIMIT and name.isprintable() and "/" not in name:
        return None
    return Refused(Reason.PARTICIPANT_INVALID, "participant", name[: 2 * PARTICIPANT_LENGTH_LIMIT])
