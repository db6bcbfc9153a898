"""How far a row goes beyond its limit of events: what is done at once has to be bounded, too.

Between two commands, and two things that are due, the row's limit is looked at; between two stops or pegged orders, two makers whose
quotes end, and two trades of an auction the command's, which is counted from its own first event: what a command does never depends
on those before it in its row. So behind the row's limit there is at most a command's, behind that what begins last within it, and,
where that is a part of a command, the rest of this command.

Auctions also count the prices that they look at, which may be many for one event or none: behind AUCTION_PRICES_LIMIT of them a row
ends, and between two prices at which a book is uncrossed a command's uncrossing goes on in the next row. What one look takes is behind
that.
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
