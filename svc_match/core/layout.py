"""The words of the core's packed records, int64 each. `layout.pxd` names the same numbers for C.

A command is COMMAND_WORDS; an event is as long as its kind says (TRADED_WORDS). Orders, levels, sides and books are records in
pools. A name with H_ or E_ counts int32 instead: two share a word.
"""

# A command. Head: kind | side << 8 | type << 16 | time in force << 24 | book + 1 (0 for none) << 32 | HELD << 48 | SPECIAL << 48.
# One with SPECIAL has the words of its terms behind it.
COMMAND_WORDS = 8
SPECIAL_WORDS = 8
AHEAD = 32  # words from a command that is executed to the one whose order is asked for
FAR_AHEAD = 80  # and to the one whose order is looked up
C_HEAD = 0
C_ACCOUNT = 1  # number | held fee << 32
C_PRICE = 2
C_QUANTITY = 3
C_AMOUNT = 4
C_HELD_PRICE = 5
C_HELD_AMOUNT = 6
C_ORDER = 7  # the id of the order that is cancelled or replaced
C_FLAGS = 8  # HIDDEN | post-only << 8 | self-trade prevention << 16 | stop trigger << 24
C_DISPLAY = 9
C_MINIMUM = 10
C_STOP = 11
C_TRAIL = 12  # how far a stop follows behind: an amount, or its basis points negated
C_SECOND = 13  # the limit of what a stop price makes of an order, 0 for none
C_PEG = 14  # which price it is pegged to, 0 for none
C_OFFSET = 15

PLACE = 1
CANCEL = 2
REPLACE = 3
MASS_CANCEL = 4
BUY = 0
SELL = 1
LIMIT = 1
MARKET = 2
MARKET_TO_LIMIT = 3
STOP = 4
STOP_LIMIT = 5
ONE_CANCELS_OTHER = 6
PEGGED = 7
DAY = 1
IOC = 2
FOK = 3
GOOD_FOR_AUCTION = 4
AT_OPEN = 5
AT_CLOSE = 6
HELD = 1
SPECIAL = 2
PLAIN = 0x1000000010000  # a limit order with a hold and without terms, as the head says it
PLAIN_MASK = 0x3000000FF0000
HIDDEN = 1
POST_ONLY_REJECT = 1
POST_ONLY_SLIDE = 2
PREVENTION_NONE = 1
CANCEL_NEWEST = 2
CANCEL_OLDEST = 3
CANCEL_BOTH = 4
DECREMENT = 5
LAST_TRADE = 1
BEST_QUOTE = 2
BID = 1
ASK = 2
MIDDLE = 3

# Events. Head: kind | detail << 8 | book + 1 (0 for none) << 16 | the command's number in its batch << 32.
ACCEPTED = 1  # head (detail: the time in force where it is not the command's), order
REJECTED = 2  # head (detail: PLACE, CANCEL, REPLACE), order, reason, field
TRADED = 3  # head (detail: taker's side), maker, taker, price, quantity, maker's open, taker's open, fees, accounts
REPLACED = 4  # head (detail: side, or NO_PRICE), order, open, held fee, held price
DONE = 5  # head (detail: reason), order, executed, cancelled, account
LEVEL = 6  # head (detail: side), price, quantity, orders
RESTATED = 7  # head (detail: reason), order, price, quantity, open, held price, held fee, account
INDICATIVE = 10  # head (detail: side of the surplus + 1, or 0), price, quantity, surplus
AUCTIONED = 11  # as TRADED; the maker is the older order
PHASED = 40  # head (detail: phase), kind of the auction
MASS_TAKEN = 20  # head, how many orders end
LEASE_RENEWED = 21  # head, until when
BANDS = 45  # head (detail: 1 in the limit state at the upper band, 2 at the lower), reference, lower and upper band
MAKER_PROTECTED = 26  # head, account, how many quotes end, fills, shares
ACCEPTED_WORDS = 2
REJECTED_WORDS = 4
TRADED_WORDS = 10
REPLACED_WORDS = 5
NO_PRICE = 2  # of a sell that has none
DONE_WORDS = 5
LEVEL_EVENT_WORDS = 4
RESTATED_WORDS = 8
INDICATIVE_WORDS = 4
PHASED_WORDS = 2
MASS_TAKEN_WORDS = 2
LEASE_RENEWED_WORDS = 2
BANDS_WORDS = 4
MAKER_PROTECTED_WORDS = 5
LARGEST_EVENT_WORDS = 64  # what a command writes at most beside its trades

FILLED = 1
CANCELLED = 2
IMMEDIATE = 3
DATE_CLOSED = 4
MINIMUM_QUANTITY = 5
SELF_TRADE = 6
AUCTION_OVER = 7
DELISTED = 15
EXPIRED = 14
MASS_CANCELLED = 8
KILLED = 9
SESSION_LOST = 10
MAKER_PROTECTION = 11
QUOTE_WITHDRAWN = 18
FILLS_LIMIT = 19

SLID = 1
LIMITED = 2
TRIGGERED = 3
DECREMENTED = 4
FOLLOWED = 5
BAND_PRICED = 9

# Why a command is rejected, and which of its fields is wrong.
SYMBOL_UNKNOWN = 1
MARKET_CLOSED = 2
MARKET_HALTED = 3
PRICE_INVALID = 4
PRICE_OFF_TICK = 5
PRICE_OUT_OF_LIMITS = 6
QUANTITY_INVALID = 7
QUANTITY_OFF_LOT = 8
QUANTITY_OUT_OF_LIMITS = 9
QUANTITY_BELOW_EXECUTED = 10
AMOUNT_INVALID = 11
NOTIONAL_OVERFLOW = 12
HOLD_TOO_SMALL = 13
ORDER_UNKNOWN = 14
ORDER_FINISHED = 15
POST_ONLY_WOULD_TRADE = 16
DISPLAY_QUANTITY_INVALID = 17
MINIMUM_QUANTITY_INVALID = 18
TRAILING_LIMIT = 50
STOP_PRICE_INVALID = 51
STOP_LIMIT_PRICE_INVALID = 52
PEGGED_LIMIT = 53
HIDDEN_LIMIT = 54
MARKET_IN_AUCTION = 30
MARKET_NOT_IN_AUCTION = 31
NOTIONAL_OUT_OF_LIMITS = 60
INSTRUMENT_SUSPENDED = 61
INSTRUMENT_DELISTED = 62
PRICE_OUTSIDE_COLLAR = 63
EXPIRE_TIME_PAST = 70
PARTICIPANT_KILLED = 40
ORDER_RATE_EXCEEDED = 41
LEASE_UNKNOWN = 42
ORDER_IS_QUOTE = 46
F_SYMBOL = 1
F_PRICE = 2
F_QUANTITY = 3
F_AMOUNT = 4
F_HELD_PRICE = 5
F_HELD_AMOUNT = 6
F_EXTRA = 7
F_ORDER = 8
F_ORIGINAL = 9
F_DISPLAY = 10
F_MINIMUM = 11
F_STOP = 12
F_TRAILING_AMOUNT = 40
F_TRAILING_BP = 41
F_SECOND = 42
F_PEG = 43
F_HIDDEN = 44
F_TIME_IN_FORCE = 20
F_POST_ONLY = 21
F_EXPIRE_TIME = 60
F_ACCOUNT = 30
F_LEASE = 31

# The pools that are read at random begin with some huge pages.
FIRST_ORDERS = 65_536
FIRST_LEVELS = 262_144

# An order: a cache line. A free one has id 0, and the next free slot in its links.
ORDER_WORDS = 8
O_ID = 0
O_LINKS = 1
O_TICK = 2
O_OPEN = 3
O_QUANTITY = 4
O_OWNER = 5
O_HELD_PRICE = 6
O_HELD_FEE = 7
ORDER_HALVES = 16
H_NEXT = 2
H_PREVIOUS = 3
H_SIDE = 10  # book * 2 + side
H_ACCOUNT = 11
H_FEE = 14
H_EXTENSION = 15  # of an order that is not plain: its record, else 0

# What an order has that is not plain. A free record has the next free one in its flags.
EXTENSION_WORDS = 8
X_FLAGS = 0  # as C_FLAGS | type << 32 | WAITING | FOR_AUCTION | IN_FRONT | QUOTE
X_DISPLAY = 1  # an iceberg's peak, 0 for others
X_SHOWN = 2  # what is displayed of an iceberg
X_MINIMUM = 3
X_STOP = 4  # the tick of a stop; of a pegged order as C_PEG
X_TRAIL = 5  # as C_TRAIL; of a pegged order as C_OFFSET
X_SECOND = 6  # the tick of C_SECOND; of a pegged order that of its limit; of a quote the number of its lease
PEGGED_ORDERS_LIMIT = 64  # of a book: a change of its best prices moves each of them
HIDDEN_ORDERS_LIMIT = 1_024  # of a book: whoever looks for what is displayed passes the levels of these
TRAILING_STOPS_LIMIT = 256  # of a book: a new extreme moves each of them
X_PLACED = 7  # the sequence since which an order that waits for an auction, or in front of one's prices, has its place
WAITING = 1 << 40  # it stands at no price
FOR_AUCTION = 1 << 41  # it ends with the auction
IN_FRONT = 1 << 42  # it waits in front of an auction's prices
QUOTE = 1 << 43  # it is a side of a quote; in C_FLAGS too
COMMAND_EVENTS_LIMIT = (
    8_192  # that a command, or what is due, writes before what it brings about waits for the next row
)
INDICATION_INTERVAL_US = 100_000  # from a change in an auction until what it would do is looked at
INDICATION_PRICE_US = (
    10  # until it is looked at again, for each price and each order in front of them that was looked at
)
AUCTION_PRICES_LIMIT = (
    65_536  # prices, and orders in front of them, that auctions look at before the rest waits for the next row
)
CLOSE_LOOKS_LIMIT = 65_536  # orders that stand and are looked at in one part of a date's end
ORDER_FILLS_LIMIT = 4_096  # trades of an order that arrives, or what its self-trade prevention does instead
PEAKS_LIMIT = 100  # times that an iceberg's peak may go into its quantity

# A row of an order that lasts: its id, and a date, NO_DATE, or NO_DATE + a journal time.
NO_DATE = 1_0000_0000  # behind every date
FINISHED_KEPT = 4_096  # rows of finished orders beside twice as many as orders are open

# The index of orders by id.
SEQUENCE = 0xFFFFFFFFFFFF
FIRST_RING = 524_288  # places, int32 each
RING_MOVED = 16  # places that move to a larger ring with each order

# A level: its oldest and newest displayed order, how many they are, and what is displayed; its oldest and newest hidden order; and how
# many of all have a record, as each hidden one has.
LEVEL_WORDS = 4
L_QUANTITY = 2
LEVEL_HALVES = 8
E_HEAD = 0
E_TAIL = 1
E_COUNT = 2
E_RECORDS = 3
E_HIDDEN_HEAD = 6
E_HIDDEN_TAIL = 7

# A side: its best tick (-1 for none) and its window of levels.
SIDE_WORDS = 8
S_BEST = 0
S_BASE = 1  # the window's first tick
S_SIZE = 2
S_OFFSET = 3  # the window's first level in the pool
S_ORIGIN = 4  # offset - base: a tick's level is tick + origin
S_LEVELS = 5  # how many levels of the window hold orders
S_FAR = 6  # how many levels hold orders outside it

# A book: what every order looks at stands in the first cache line.
BOOK_WORDS = 32
B_TICK_SIZE = 0
B_RECIPROCAL = 1  # 2**62 / tick size, rounded up: a division becomes a product
B_CLOSER = 2  # whether plain orders are looked at more closely: at lots, and at what a guarded book asks
B_LOW_PRICE = (
    3  # between these two and up to this quantity a limit order passes all checks; NO_LIMIT while the book is not open
)
B_HIGH_PRICE = 4
B_MOST = 5
B_PUBLIC = 6  # the number of its last public event
B_LAST = 7  # the price of the date's last trade, 0 for none
B_PHASE = 8
B_MAKER_FEE = 9
B_MIN_PRICE = 10
B_TAKER_FEE = 11
B_STOPS = 12  # how many stops wait
B_PROTECTION = 13  # how far a market order trades from the reference price, in 1/10 000 of it, 0 for any distance
B_GUARDED = 14  # whether protection.py has rules for it
B_LISTING = 15
B_AUCTION = 16  # the kind of the auction until it is uncrossed, 0 for none
B_LOT_SIZE = 17
B_MAX_PRICE = 18
B_MAX_QUANTITY = 19
B_STEP = 20  # the ticks of which a price is a multiple between B_LOW_PRICE and B_HIGH_PRICE
B_WALL = 21  # how far from the reference price a trade needs no auction, in 1/10 000 of it, 0 for any distance
B_DISPLAYED = 22  # whether what waits asks for the best prices that are displayed
B_PEGS = 23  # how many orders are pegged
B_BANDED = 24  # whether bands.py has rules for it
B_LOW = 25  # the lowest and the highest tick at which a book with bands trades while it is open
B_HIGH = 26
B_HIDDEN = 27  # how many hidden orders stand
B_REFERENCE = 28  # the price that the operator set, or that of the last date's last trade, 0 for none
B_BAND_SUM = 29  # the prices of the trades of the newest interval of its bands, and how many they are
B_BAND_COUNT = 30
B_BAND_END = 31  # when this interval ends
BAND_SUM_LIMIT = 1 << 61  # above this they are noted elsewhere
BAND_INTERVALS = 10  # whose trades a reference price is the mean of
BAND_STEP = 100  # it changes by this part of itself, or not at all

# A book that was looked at is quiet, and not looked at again, before a journal time, up to a number of trades in B_BAND_COUNT, and
# while its last trade's price, and its best ticks, are not below or above these. Of a side the words are two behind those of the other.
QUIET_WORDS = 8
Q_US = 0  # 0 once it is woken
Q_TRADES = 1
Q_LAST_LOW = 2
Q_LAST_HIGH = 3
Q_BID_LOW = 4
Q_BID_HIGH = 5
Q_ASK_LOW = 6
Q_ASK_HIGH = 7

FIRST_WINDOW = 1_024  # levels; what is never touched takes no memory
LARGEST_WINDOW = 32_768
LARGE_WINDOW = 4_096  # a larger one has a bit for each 64 levels too
NO_LIMIT = 1 << 60  # a tick above all

PHASE_CLOSED = 1
PHASE_OPEN = 2
PHASE_HALTED = 3
PHASE_AUCTION = 4
OPENING = 1
CLOSING = 2
VOLATILITY = 3
LISTED = 1
SUSPENDED = 2
FEE_SCALE = 1_000_000
BASIS_POINTS = 10_000
