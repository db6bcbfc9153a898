"""What each refusal says to people: what is wrong, and what to do."""

from chassis.units import INT64_MAX
from svc_match.core.events import Reason
from svc_match.core.instrument import MAX_PRICE_E4
from svc_match.core.layout import (
    BASIS_POINTS,
    HIDDEN_ORDERS_LIMIT,
    PEAKS_LIMIT,
    PEGGED_ORDERS_LIMIT,
    TRAILING_STOPS_LIMIT,
)
from svc_match.core.leases import PARTICIPANT_LEASES_LIMIT
from svc_match.core.restrictions import PER_SECOND_LIMIT
from svc_match.core.terms import ENTRIES_LIMIT, FILL_LIMIT, QUOTES_LIMIT, SHARE_LIMIT, WINDOW_LIMIT_US

CLIENT_ORDER_ID_LENGTH_LIMIT = 36
BUST_REASON_LENGTH_LIMIT = 200
ACCOUNT_LENGTH_LIMIT = 128
PARTICIPANT_LENGTH_LIMIT = 36
MIN_GRACE_MS, MAX_GRACE_MS = 1_000, 300_000

WORDS: dict[Reason, tuple[str, str]] = {
    Reason.SYMBOL_UNKNOWN: ("this shard has no such instrument", "name an instrument of ListInstruments"),
    Reason.MARKET_CLOSED: ("the instrument is closed", "send it when the phase is OPEN; cancels are taken"),
    Reason.MARKET_HALTED: ("trading in the instrument is halted", "send it when the phase is OPEN; cancels are taken"),
    Reason.INSTRUMENT_SUSPENDED: ("the instrument is suspended", "wait until it is listed again; cancels are taken"),
    Reason.INSTRUMENT_DELISTED: ("the instrument is delisted", "name another instrument"),
    Reason.PRICE_INVALID: ("the price is not positive", "name a price"),
    Reason.PRICE_OFF_TICK: ("the price is not a multiple of the tick size", "round it to the tick size"),
    Reason.PRICE_OUT_OF_LIMITS: ("the price is outside the instrument's limits", "name a price within the limits"),
    Reason.PRICE_OUTSIDE_COLLAR: (
        "the price is farther from the instrument's reference price than its collar allows",
        "name a price within the collar",
    ),
    Reason.QUANTITY_INVALID: ("the quantity is not positive", "name a quantity"),
    Reason.QUANTITY_OFF_LOT: ("the quantity is not a multiple of the lot size", "round it to the lot size"),
    Reason.QUANTITY_OUT_OF_LIMITS: ("the quantity is above the instrument's limit", "split the order"),
    Reason.QUANTITY_BELOW_EXECUTED: (
        "the new total is not more than what is executed already",
        "name a larger total, or cancel the order",
    ),
    Reason.AMOUNT_INVALID: (
        "a MARKET buy names a price or an amount; a MARKET sell neither; a LIMIT order no amount",
        "set price_e4 or amount_e4 as the order's type wants it",
    ),
    Reason.NOTIONAL_OVERFLOW: ("price times quantity with the fee exceeds int64", f"keep it at most {INT64_MAX}"),
    Reason.NOTIONAL_OUT_OF_LIMITS: ("price times quantity is above the instrument's limit", "split the order"),
    Reason.HOLD_TOO_SMALL: ("what is held does not cover the worst cost", "send the command again for a new hold"),
    Reason.ORDER_UNKNOWN: ("the account has no such order on this date", "name an open order of the account"),
    Reason.ORDER_FINISHED: ("the order is finished", "nothing is left to do"),
    Reason.POST_ONLY_WOULD_TRADE: (
        "the post-only order would trade at once, and no other price is left to it",
        "name a price that does not meet the other side",
    ),
    Reason.TRAILING_LIMIT: (
        f"{TRAILING_STOPS_LIMIT} trailing stops wait in the instrument",
        "send a stop that does not trail, or send it later",
    ),
    Reason.MARKET_IN_AUCTION: (
        "an auction collects orders: none is IOC, FOK, post-only or pegged, or has a minimum",
        "leave it out, or send it when the phase is OPEN",
    ),
    Reason.MARKET_NOT_IN_AUCTION: (
        "no auction that the order is for collects orders",
        "send it while one does, or with another time in force",
    ),
    Reason.PEGGED_LIMIT: (
        f"{PEGGED_ORDERS_LIMIT} orders of the instrument are pegged",
        "send a LIMIT order, or send it later",
    ),
    Reason.HIDDEN_LIMIT: (
        f"{HIDDEN_ORDERS_LIMIT} hidden orders of the instrument are open",
        "leave it out, or send it later",
    ),
    Reason.CLIENT_ORDER_ID_REUSED: ("the id was used with other fields", "use a new client_order_id"),
    Reason.TRADING_DATE_WRONG: ("the trading date is not the open one", "name the open trading date"),
    Reason.IDENTITY_LIMIT: ("the shard has taken all the commands that a date can have", "wait for the next date"),
    Reason.COMMAND_MISSING: ("the submission holds no command", "set one of those that there are"),
    Reason.ACCOUNT_INVALID: (f"an account is 1 to {ACCOUNT_LENGTH_LIMIT} characters", "name the account"),
    Reason.CLIENT_ORDER_ID_INVALID: (
        f"a client_order_id is 1 to {CLIENT_ORDER_ID_LENGTH_LIMIT} printable ASCII characters",
        "use such an id",
    ),
    Reason.SIDE_INVALID: ("the side is neither BUY nor SELL", "set it"),
    Reason.ORDER_TYPE_INVALID: (
        "there is no such type",
        "name LIMIT, MARKET, MARKET_TO_LIMIT, STOP, STOP_LIMIT, ONE_CANCELS_OTHER or PEGGED",
    ),
    Reason.TIME_IN_FORCE_INVALID: (
        "LIMIT takes any but unspecified, MARKET any but DAY, GTC, GTD; MARKET_TO_LIMIT these and IOC, stops these, all others DAY",
        "set one of these",
    ),
    Reason.STOP_PRICE_INVALID: (
        "a stop names the price that triggers it, ONE_CANCELS_OTHER one beyond its limit; all others name none",
        "name such a stop price, or 0",
    ),
    Reason.STOP_LIMIT_PRICE_INVALID: (
        "only ONE_CANCELS_OTHER has a limit once its stop price is reached, at that price or beyond; its sell may have none",
        "name such a price, or 0",
    ),
    Reason.STOP_TRIGGER_INVALID: (
        "a stop or a ONE_CANCELS_OTHER order is triggered by LAST_TRADE or BEST_QUOTE, all others by nothing",
        "set one of these, or leave it out",
    ),
    Reason.HIDDEN_INVALID: ("only a LIMIT order that stands can be hidden", "leave it out, or send a LIMIT DAY order"),
    Reason.POST_ONLY_INVALID: (
        "only a LIMIT order that stands can be post-only, by REJECT or SLIDE",
        "leave it out, or send a LIMIT DAY order",
    ),
    Reason.SELF_TRADE_PREVENTION_INVALID: ("there is no such way of preventing self-trades", "name one that there is"),
    Reason.TRAILING_INVALID: (
        f"a STOP or STOP_LIMIT trails by an amount of at most {MAX_PRICE_E4} or by at most {BASIS_POINTS} basis points, not by both",
        "name one of them, or 0",
    ),
    Reason.PEG_INVALID: (
        f"a PEGGED order follows BID, ASK or MIDDLE with an offset of at most {MAX_PRICE_E4} either way, all others nothing",
        "set one of these, or leave both out",
    ),
    Reason.DISPLAY_QUANTITY_INVALID: (
        f"an iceberg is a LIMIT DAY order, not hidden, that displays whole lots, less than its quantity and at least 1/{PEAKS_LIMIT} of it",
        "name such a part, or 0 to display all",
    ),
    Reason.MINIMUM_QUANTITY_INVALID: (
        "a minimum is of whole lots and at most the quantity; stops and post-only orders have none",
        "name such a quantity, or 0",
    ),
    Reason.EXPIRE_DATE_INVALID: (
        "a GTD order names the last date on which it stands, its own or a later one, or the time until when; all others neither",
        "name a day as yyyymmdd from the order's trading date on, or 0",
    ),
    Reason.EXPIRE_TIME_INVALID: (
        "a GTD order names the time until when it stands or the last date on which it does, not both; all others neither",
        "name microseconds since the Unix epoch, or 0",
    ),
    Reason.EXPIRE_TIME_PAST: ("the order's time is over", "name a time that is still to come"),
    Reason.TRADING_DATE_OPEN: ("another trading date is open", "close it first"),
    Reason.TRADING_DATE_PAST: ("the date is not later than all before it", "name a later date"),
    Reason.TRADING_DATE_INVALID: ("the date is not a day as yyyymmdd", "name a day, such as 20260105"),
    Reason.TRADING_DATE_NOT_OPEN: ("the trading date is not open", "open it first"),
    Reason.PHASE_INVALID: ("the phase is unknown", "name CLOSED, OPEN, HALTED or AUCTION"),
    Reason.AUCTION_KIND_INVALID: (
        "an auction is OPENING, CLOSING, VOLATILITY or RESUMPTION, no other phase is any of these",
        "name one of them for AUCTION, or leave it out",
    ),
    Reason.INSTRUMENT_EXISTS: ("the symbol has other fields already", "use another symbol"),
    Reason.INSTRUMENT_INVALID: (
        "a field of the instrument is outside its limits",
        "see Instrument's comments; a currency is a code of ISO 4217, a symbol is none",
    ),
    Reason.INSTRUMENT_NOT_CLOSED: ("the instrument's phase is not CLOSED", "close it first"),
    Reason.INSTRUMENT_HAS_ORDERS: (
        "orders of the instrument are open, which stand by what this field says",
        "let them end first, or leave the field as it is",
    ),
    Reason.LISTING_INVALID: ("the listing is unknown", "name LISTED, SUSPENDED or DELISTED"),
    Reason.PARTICIPANT_INVALID: (
        f"a participant is 1 to {PARTICIPANT_LENGTH_LIMIT} printable characters without '/'",
        "name a participant of ListParticipants",
    ),
    Reason.PARTICIPANT_KILLED: (
        "the exchange has stopped the participant: it places and replaces no orders",
        "ask the exchange; cancels are taken",
    ),
    Reason.PARTICIPANT_LIMIT: ("the shard has as many of such participants as it can", "release another one first"),
    Reason.ORDER_RATE_EXCEEDED: (
        "the participant sends more orders a second than it may",
        "send it later, under a new client_order_id; cancels are taken",
    ),
    Reason.ORDER_RATE_INVALID: (
        f"a rate is 1 to {PER_SECOND_LIMIT} orders a second and 1 to {PER_SECOND_LIMIT} at once, or 0 and 0 for none",
        "name such numbers",
    ),
    Reason.LEASE_UNKNOWN: (
        "the participant has no such lease, or it is over",
        "renew the lease, then send the order under a new client_order_id",
    ),
    Reason.LEASE_INVALID: (
        f"a lease has a name like a client_order_id, and stands for {MIN_GRACE_MS} to {MAX_GRACE_MS} ms",
        "name it so",
    ),
    Reason.LEASE_LIMIT: (
        f"the participant has {PARTICIPANT_LEASES_LIMIT} leases, or all together as many as the shard can",
        "renew one of its own, or try again when some are over",
    ),
    Reason.CALENDAR_INVALID: (
        "dates and times ascend, each date opens first and closes last, steps are a second apart, and some are still to come",
        "correct the field; see Transition's comments",
    ),
    Reason.MAKER_PROTECTION_ACTIVE: (
        "the account's quotes were pulled, as they traded as often or as much as it said",
        "send the quotes with reset, under a new client_order_id",
    ),
    Reason.ORDER_IS_QUOTE: (
        "the order is a side of a quote",
        "send a mass quote; cancels are taken",
    ),
    Reason.QUOTE_LIMIT: (
        f"an account quotes at most {QUOTES_LIMIT} sides on a shard",
        "withdraw some first, with quantity 0",
    ),
    Reason.QUOTE_INVALID: (
        f"a mass quote has 1 to {ENTRIES_LIMIT} entries, an instrument once, a bid below its offer, and no price without a quantity",
        "correct the entry",
    ),
    Reason.MAKER_PROTECTION_INVALID: (
        f"a limit is at most {FILL_LIMIT} trades or {SHARE_LIMIT} shares, and has a window of at most {WINDOW_LIMIT_US} us",
        "name limits with a window, or all 0",
    ),
    Reason.INSTRUMENT_LIMIT: ("the shard has as many instruments as it can", "use another shard"),
    Reason.TRADE_UNKNOWN: (
        "the shard's journal has no such trade",
        "name the id of a trade, such as a statement shows",
    ),
    Reason.TRADE_OF_EARLIER_DATE: (
        "the trade's date is not open any more, and what it moved is final",
        "agree on a transfer instead",
    ),
    Reason.TRADE_BUSTED: ("the trade is busted already", "nothing is left to do"),
    Reason.BUST_REASON_INVALID: (
        f"a reason is 1 to {BUST_REASON_LENGTH_LIMIT} printable characters",
        "say why the trade is busted",
    ),
    Reason.BUST_LIMIT: ("as many trades are busted as can be on one date", "halt trading, and close the date"),
}
