# The types of C for special.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport layout as w
from svc_match.core.arrival cimport Arrival
from svc_match.core.auction cimport Auction
from svc_match.core.bands cimport Bands
from svc_match.core.books cimport Books
from svc_match.core.pegs cimport Pegs
from svc_match.core.protection cimport Protection
from svc_match.core.quiet cimport Quiet
from svc_match.core.quotes cimport Quotes
from svc_match.core.standing cimport Standing
from svc_match.core.stops cimport Stops


@cython.final
cdef class Special:
    cdef Books books
    cdef readonly Standing standing
    cdef readonly Protection protection
    cdef readonly Bands bands
    cdef readonly Stops stops
    cdef Arrival arrival
    cdef readonly Auction auction
    cdef readonly Quotes quotes
    cdef readonly Pegs pegs
    cdef Quiet quiet
    cdef list stalled, newly
    cdef public Py_ssize_t hidden_limit

    @cython.locals(head=cython.Py_ssize_t, side=cython.Py_ssize_t, kind=cython.Py_ssize_t, book=cython.Py_ssize_t, price=cython.Py_ssize_t, flags=cython.Py_ssize_t, tick=cython.Py_ssize_t, stands=cython.Py_ssize_t, identity=cython.Py_ssize_t, x=cython.Py_ssize_t, amount=cython.Py_ssize_t, stop=cython.Py_ssize_t, reciprocal=cython.Py_ssize_t, slot=cython.Py_ssize_t, time_in_force=cython.Py_ssize_t, collects=cython.bint, n=cython.Py_ssize_t, trail=cython.Py_ssize_t)
    cpdef Py_ssize_t place(self, Py_ssize_t number) except -1
    cpdef Py_ssize_t quote(self) except -1
    @cython.locals(n=cython.Py_ssize_t)
    cpdef Py_ssize_t cancel(self, Py_ssize_t slot, Py_ssize_t number) except -1
    @cython.locals(s=cython.Py_ssize_t)
    cdef Py_ssize_t end_open(self, Py_ssize_t slot, Py_ssize_t reason) except -1
    @cython.locals(h=cython.Py_ssize_t, book=cython.Py_ssize_t, identity=cython.Py_ssize_t)
    cpdef Py_ssize_t replace(self, Py_ssize_t slot, Py_ssize_t number, Py_ssize_t price, Py_ssize_t quantity, Py_ssize_t fee) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, s=cython.Py_ssize_t, side=cython.Py_ssize_t, book=cython.Py_ssize_t, identity=cython.Py_ssize_t, x=cython.Py_ssize_t, flags=cython.Py_ssize_t, left=cython.Py_ssize_t, tick=cython.Py_ssize_t, before=cython.Py_ssize_t, keeps=cython.bint, pegged=cython.bint, waits=cython.bint, collects=cython.bint, reason=cython.Py_ssize_t, stands=cython.Py_ssize_t, unpriced=cython.bint, n=cython.Py_ssize_t, displayed=cython.bint)
    cdef Py_ssize_t _replace(self, Py_ssize_t slot, Py_ssize_t number, Py_ssize_t price, Py_ssize_t quantity, Py_ssize_t fee) except -1
    @cython.locals(x=cython.Py_ssize_t, book=cython.Py_ssize_t)
    cpdef Py_ssize_t bound(self, Py_ssize_t slot, Py_ssize_t price) except -1
    @cython.locals(h=cython.Py_ssize_t, x=cython.Py_ssize_t, kind=cython.Py_ssize_t)
    cpdef bint is_unpriced(self, Py_ssize_t slot) except -1
    @cython.locals(record=cython.Py_ssize_t)
    cdef bint is_hidden(self, Py_ssize_t slot) except -1
    @cython.locals(h=cython.Py_ssize_t, x=cython.Py_ssize_t, tick_size=cython.Py_ssize_t)
    cpdef Py_ssize_t stop_price(self, Py_ssize_t slot) except -1
    cpdef Py_ssize_t take(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t left, Py_ssize_t identity, Py_ssize_t account, Py_ssize_t amount) except -1
    @cython.locals(x=cython.Py_ssize_t, slot=cython.Py_ssize_t)
    cdef Py_ssize_t _wait(self, Py_ssize_t s, Py_ssize_t tick) except -1
    @cython.locals(best=cython.Py_ssize_t, slid=cython.Py_ssize_t, price=cython.Py_ssize_t)
    cdef Py_ssize_t _posted(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t tick, Py_ssize_t post_only) except? -1
    @cython.locals(moved=cython.Py_ssize_t)
    cpdef Py_ssize_t settle(self, Py_ssize_t book) except -1
    cpdef Py_ssize_t band(self, Py_ssize_t book) except -1
    @cython.locals(found=cython.bint)
    cpdef Py_ssize_t trigger(self, Py_ssize_t book) except -1
    @cython.locals(slot=cython.Py_ssize_t)
    cdef Py_ssize_t _execute_all(self, Py_ssize_t book) except -1
    @cython.locals(idle=cython.bint)
    cpdef Py_ssize_t note(self, Py_ssize_t book) except -1
    cpdef Py_ssize_t turn(self, Py_ssize_t book) except -1
    cdef Py_ssize_t _stall(self, Py_ssize_t book) except -1
    cpdef bint is_stalled(self, Py_ssize_t book) except -1
    cpdef list taken(self)
    @cython.locals(book=cython.Py_ssize_t)
    cpdef Py_ssize_t restore(self, list stalled) except -1
    cpdef Py_ssize_t go_on(self, Py_ssize_t book) except -1
    @cython.locals(s=cython.Py_ssize_t, x=cython.Py_ssize_t, second=cython.Py_ssize_t, tick=cython.Py_ssize_t, kind=cython.Py_ssize_t, held=cython.Py_ssize_t)
    cdef Py_ssize_t _withdraw(self, Py_ssize_t slot) except -1
    @cython.locals(s=cython.Py_ssize_t, side=cython.Py_ssize_t, x=cython.Py_ssize_t, limited=cython.bint, tick=cython.Py_ssize_t)
    cdef Py_ssize_t _execute(self, Py_ssize_t book, Py_ssize_t slot) except -1
    cpdef int pull(self) except -1
    @cython.locals(book=cython.Py_ssize_t)
    cpdef Py_ssize_t look_at_pulled(self) except -1
    cpdef Py_ssize_t pull_on(self) except -1
    cpdef Py_ssize_t end(self, Py_ssize_t slot, Py_ssize_t reason) except -1
    cpdef Py_ssize_t tradable(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t left, Py_ssize_t amount, Py_ssize_t fee) except -1
    @cython.locals(slot=cython.Py_ssize_t, s=cython.Py_ssize_t)
    cpdef Py_ssize_t withdraw(self, Py_ssize_t identity, Py_ssize_t reason) except -1
    @cython.locals(s=cython.Py_ssize_t, t=cython.Py_ssize_t, waits=cython.Py_ssize_t)
    cpdef bint is_empty(self, Py_ssize_t book) except -1
    cpdef Py_ssize_t touched(self, Py_ssize_t book) except -1
    cpdef Py_ssize_t wrong_time(self, Py_ssize_t book, Py_ssize_t kind, Py_ssize_t time_in_force, Py_ssize_t flags, Py_ssize_t minimum) except -1
    @cython.locals(side=cython.Py_ssize_t, identity=cython.Py_ssize_t, slot=cython.Py_ssize_t, account=cython.Py_ssize_t)
    cpdef list waiting(self, Py_ssize_t book)
    @cython.locals(reached=cython.Py_ssize_t, waits=cython.bint, x=cython.Py_ssize_t)
    cpdef Py_ssize_t stand(self, Py_ssize_t slot) except -1
    @cython.locals(x=cython.Py_ssize_t)
    cdef bint _pairs(self, Py_ssize_t slot) except -1
    @cython.locals(x=cython.Py_ssize_t)
    cdef bint _is_stop(self, Py_ssize_t slot) except -1
