"""How far a row goes beyond its limit of events: what is done at once has to be bounded, too.

Between two commands, and two things that are due, the row's limit is looked at; between two stops or pegged orders, two makers whose
quotes end, and two trades of an auction the command's, which is counted from its own first event: what a command does never depends
on those before it in its row. So behind the row's limit there is at most a command's, behind that what begins last within it, and,
where that is a part of a command, the rest of this command.

What writes no event is bounded by what it looks at; behind that the row ends, and what is left is done in the next ones:

- an order that arrives: ORDER_FILLS_LIMIT trades, or what self-trade prevention does instead; one that has to be filled as a whole
  looks at as many orders before, a fresh peak counting as one
- displayed orders looked for behind hidden ones: HIDDEN_ORDERS_LIMIT of a book
- stops that follow a price: TRAILING_STOPS_LIMIT of a book; those that are triggered are looked at when they are executed
- pegged orders that a best price moves: PEGGED_ORDERS_LIMIT of a book
- quotes that a maker's limit, or its next mass quote, ends: QUOTES_LIMIT of an account, ENTRIES_LIMIT of a mass quote
- orders that enter closing auctions: ENTER_ORDERS_LIMIT
- orders that end with a date or a listing: CLOSE_ORDERS_LIMIT; orders that stand and are looked at for that: CLOSE_LOOKS_LIMIT
- orders, and accounts, that a date which opens takes over: OPEN_ORDERS_LIMIT, OPEN_ACCOUNTS_LIMIT
- books whose phase an operator or the calendar sets: PHASE_BOOKS_LIMIT
- prices, and orders in front of them, that auctions look at: AUCTION_PRICES_LIMIT; it is looked at between two looks

What has no such limit takes longer with what stands. Each is a walk over packed words or a list, a few to some hundred nanoseconds
for each that it walks over:

- one look of an auction: at all prices that cross, at each order that stands there beside one with a record, and in front of them
- an uncrossing: the orders in front of its price are ranked once for each price, and those for the auction alone once for each row
  in which these end
- the part of a date's end that first comes to a book: what waits there in no level, as stops do
- the last row in which a date opens: the slots of all orders, for their accounts have other numbers, and what of the date before
  is given back
- the first mass cancel of a participant on a date, or after a restart: the slots of all orders
- the list of the orders that last, or of a lease, once more than half of it are finished; that of those that last also when a date
  opens, up to the first open one that ends before it
- all books, up to INSTRUMENT_LIMIT: when a date opens or closes, and when a step of the calendar is missed
"""

from svc_match.core.book import CLOSE_ORDERS_LIMIT
from svc_match.core.layout import COMMAND_EVENTS_LIMIT, ORDER_FILLS_LIMIT
from svc_match.core.reference import INSTRUMENT_LIMIT
from svc_match.core.terms import ENTRIES_LIMIT, QUOTES_LIMIT

FILL_EVENTS = 2  # a trade, and the end of what stood; or what self-trade prevention does to both
ORDER_EVENTS = 9  # accepted, restated before and behind its trades, done; an auction, bands and limit state that follow
SIDE_EVENTS = ORDER_EVENTS + 3  # of a mass quote: withdrawn before; bands and limit state are looked at once more
BOOK_EVENTS = 4  # a phase, bands and limit state
OTHER_EVENTS = 4  # what was asked for, where that is of all books


def work_limit(command: int, fills: int, quotes: int, sides: int, books: int, ends: int) -> int:
    """The most events behind a row's limit, where a command's is `command`, an order trades `fills` times, an account has so many
    quotes, a mass quote so many sides, and so many orders end at once with a date.
    """
    order = FILL_EVENTS * fills + ORDER_EVENTS
    begun_last = max(order, 1 + quotes)
    mass_quote = 1 + SIDE_EVENTS * sides + FILL_EVENTS * fills
    all_books = OTHER_EVENTS + BOOK_EVENTS * books + ends
    return command + begun_last + max(order, mass_quote, all_books)


WORK_LIMIT = work_limit(
    COMMAND_EVENTS_LIMIT, ORDER_FILLS_LIMIT, QUOTES_LIMIT, 2 * ENTRIES_LIMIT, INSTRUMENT_LIMIT, CLOSE_ORDERS_LIMIT
)
