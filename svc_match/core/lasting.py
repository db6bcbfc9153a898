# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Until when the orders stand that last beyond their date, packed, so that a snapshot copies them as they are.

An order takes a row of two words: its id, and the last date on which it stands, NO_DATE for any, or NO_DATE + the journal time
at which it expires. Ids ascend. Rows of orders that are finished stay until there are too many of them. The times are in a heap
too; it follows from the rows, and is not state. `lasting.pxd` gives the types of C.
"""

from svc_match.core import bits
from svc_match.core import layout as w
from svc_match.core.books import COMPILED, Books
from svc_match.core.memory import Words
from svc_match.core.timers import NEVER

INTERPRETED = __file__.endswith(".py")
assert COMPILED != INTERPRETED, "the core is compiled as a whole or not at all: run make setup"
FIRST_WORDS = 1_024


class Lasting:
    """The orders of some books that last, from the time when it is made with them."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.count = 0
        self.timed = 0
        self._rows = Words(FIRST_WORDS)
        self._heap = Words(FIRST_WORDS)
        self.picked = 0  # how many rows a date that opens keeps by now
        self._picked = Words(FIRST_WORDS)
        books.lasting = self
        self._point()

    def _point(self) -> int:
        """After any pool grew."""
        self.rows = bits.words(self._rows.view)
        self.heap = bits.words(self._heap.view)
        self.room = len(self._rows) // 2
        self.heap_room = len(self._heap) // 2
        return 0

    def __len__(self) -> int:
        return self.count

    def add(self, identity: int, until: int) -> int:
        """A new order lasts."""
        if self.count == self.room:
            self._rows.reserve(2 * self.count + 2)
            self._point()
        self.rows[2 * self.count] = identity
        self.rows[2 * self.count + 1] = until
        self.count += 1
        if until > w.NO_DATE:
            self._expires(identity, until)
        if self._too_many(self.count):
            self.keep_open()
        return 0

    def until(self, identity: int) -> int:
        """Until when an order lasts; 0 for one that does not."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) >> 1
            if self.rows[2 * middle] < identity:
                low = middle + 1
            else:
                high = middle
        return self.rows[2 * low + 1] if low < self.count and self.rows[2 * low] == identity else 0

    def any_ends_before(self, date: int) -> bool:
        """Whether an open order does not last until a date."""
        row = 0
        while row < self.count and (self.rows[2 * row + 1] >= date or self.books.index.find(self.rows[2 * row]) == 0):
            row += 1
        return row < self.count

    def _too_many(self, count: int) -> bool:
        return count > 2 * self.books.index.count + w.FINISHED_KEPT

    def keep_open(self) -> int:
        """Forgets the orders that are finished."""
        self.count = self.books.keep_open(self._rows.view[: 2 * self.count], 2)
        return self._arrange()

    # Times

    def next_us(self) -> int:
        """When the first order expires that was not seen to be finished; NEVER for none."""
        return self.heap[0] - w.NO_DATE if self.timed != 0 else NEVER

    def take(self) -> int:
        """The order that expires first, the older one of two; what is finished leaves the heap once it is the first."""
        first = self.heap[1]
        self._drop()
        if self._too_many(self.timed):
            self._arrange()
        self._settle()
        return first

    def _settle(self) -> int:
        while self.timed != 0 and self.books.index.find(self.heap[1]) == 0:
            self._drop()
        return 0

    def _expires(self, identity: int, until: int) -> int:
        if self.timed == self.heap_room:
            self._heap.reserve(2 * self.timed + 2)
            self._point()
        place = self.timed
        self.timed += 1
        while place != 0 and until < self.heap[2 * ((place - 1) >> 1)]:
            above = (place - 1) >> 1
            self._put(place, self.heap[2 * above], self.heap[2 * above + 1])
            place = above
        return self._put(place, until, identity)

    def _put(self, place: int, until: int, identity: int) -> int:
        self.heap[2 * place] = until
        self.heap[2 * place + 1] = identity
        return 0

    def _drop(self) -> int:
        """The first leaves the heap."""
        self.timed -= 1
        if self.timed != 0:
            self._sink(0, self.heap[2 * self.timed], self.heap[2 * self.timed + 1])
        return 0

    def _sink(self, place: int, until: int, identity: int) -> int:
        """One takes its place here or below."""
        while True:
            below = 2 * place + 1
            if below + 1 < self.timed and self._is_first(below + 1, self.heap[2 * below], self.heap[2 * below + 1]):
                below += 1
            if below >= self.timed or not self._is_first(below, until, identity):
                break
            self._put(place, self.heap[2 * below], self.heap[2 * below + 1])
            place = below
        return self._put(place, until, identity)

    def _is_first(self, place: int, until: int, identity: int) -> bool:
        """Whether one in the heap comes before another."""
        other = self.heap[2 * place]
        return other < until or (other == until and self.heap[2 * place + 1] < identity)

    def _arrange(self) -> int:
        """The heap has the open orders that expire, and no others."""
        self._heap.reserve(2 * self.count)
        self._point()
        self.timed = 0
        for row in range(self.count):
            if self.rows[2 * row + 1] > w.NO_DATE and self.books.index.find(self.rows[2 * row]) != 0:
                self._put(self.timed, self.rows[2 * row + 1], self.rows[2 * row])
                self.timed += 1
        for place in range(self.timed // 2 - 1, -1, -1):
            self._sink(place, self.heap[2 * place], self.heap[2 * place + 1])
        return 0

    # Dates and snapshots

    def begin_picking(self) -> int:
        """A date opens: which orders are open is looked at."""
        self.picked = 0
        return 0

    def pick(self, row: int, count: int) -> int:
        """Keeps the next open orders, from a row on; the row behind them. The books know their owners."""
        b = self.books
        last = self.count - 1
        end = self.picked + count
        self._picked.reserve(2 * end)
        those = bits.words(self._picked.view)
        while row <= last and self.picked < end:
            b.index.expect(self.rows[2 * min(row + w.FAR_AHEAD, last)])
            slot = b.index.find(self.rows[2 * row])
            if slot != 0:
                those[2 * self.picked] = self.rows[2 * row]
                those[2 * self.picked + 1] = self.rows[2 * row + 1]
                self.picked += 1
                b.owned(slot)
            row += 1
        assert self.picked == end, "what is open when a date opens lasts"
        return row

    def sequences(self, first: int) -> memoryview:
        """Those of the events that accepted the orders that are kept, from one of these on."""
        found = Words(self.picked - first + 1)
        some = bits.words(found.view)
        those = bits.words(self._picked.view)
        for row in range(first, self.picked):
            some[row - first] = those[2 * row] & w.SEQUENCE
        return found.view[: self.picked - first]

    def keep_picked(self) -> int:
        """All open orders are kept, and no others."""
        rows = self._rows
        self._rows = self._picked
        self._picked = rows
        self._point()
        self.count = self.picked
        if self._too_many(self.timed):
            self._arrange()
        return self._settle()

    def pool(self) -> memoryview:
        """The rows as they are; valid until the next command."""
        return self._rows.view.cast("B")[: 16 * self.count]

    def load(self, pool: memoryview) -> int:
        """The rows that `pool` told, once the books are filled."""
        self.count = len(pool) // 16
        self._rows.reserve(2 * self.count)
        self._rows.view.cast("B")[: 16 * self.count] = pool
        return self._arrange()
