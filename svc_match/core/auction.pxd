# The types of C for auction.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport layout as w
from svc_match.core.arrival cimport Arrival
from svc_match.core.books cimport Books
from svc_match.core.indication cimport Indication
from svc_match.core.standing cimport Standing


@cython.final
cdef class Auction:
    cdef Books books
    cdef Standing standing
    cdef Arrival arrival
    cdef readonly Indication indication
    cdef dict own, front, levels
    cdef readonly dict entering
    cdef list first
    cdef readonly Py_ssize_t book, following, price
    cdef Py_ssize_t ranked

    @cython.locals(collects=cython.bint, opens=cython.bint)
    cdef Py_ssize_t wrong_time(self, Py_ssize_t book, Py_ssize_t kind, Py_ssize_t time_in_force, Py_ssize_t flags, Py_ssize_t minimum) except -1
    @cython.locals(s=cython.Py_ssize_t, x=cython.Py_ssize_t, waits=cython.bint, slot=cython.Py_ssize_t)
    cdef Py_ssize_t collect(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t kind, Py_ssize_t time_in_force, Py_ssize_t tick) except -1
    @cython.locals(s=cython.Py_ssize_t, x=cython.Py_ssize_t, front=dict)
    cdef Py_ssize_t add(self, Py_ssize_t slot) except -1
    @cython.locals(s=cython.Py_ssize_t)
    cpdef Py_ssize_t drop(self, Py_ssize_t slot) except -1
    @cython.locals(x=cython.Py_ssize_t)
    cdef Py_ssize_t move(self, Py_ssize_t slot) except -1
    cdef Py_ssize_t moved(self, Py_ssize_t s, Py_ssize_t before, Py_ssize_t tick) except -1
    @cython.locals(identity=cython.Py_ssize_t, slot=cython.Py_ssize_t, account=cython.Py_ssize_t)
    cpdef list waiting(self, Py_ssize_t book)
    @cython.locals(waits=list, done=cython.Py_ssize_t, identity=cython.Py_ssize_t, slot=cython.Py_ssize_t)
    cpdef Py_ssize_t enter(self, Py_ssize_t book, Py_ssize_t limit) except -1
    @cython.locals(found=list, identity=cython.Py_ssize_t, slot=cython.Py_ssize_t, flags=cython.Py_ssize_t, x=cython.Py_ssize_t)
    cdef list _waiting(self, Py_ssize_t book)
    @cython.locals(s=cython.Py_ssize_t, x=cython.Py_ssize_t, tick=cython.Py_ssize_t)
    cdef Py_ssize_t _take_place(self, Py_ssize_t slot) except -1
    cpdef Py_ssize_t begin(self, Py_ssize_t book, Py_ssize_t following) except -1
    @cython.locals(over=cython.bint)
    cpdef bint uncross(self, Py_ssize_t full) except -1
    @cython.locals(side=cython.Py_ssize_t, buy=cython.Py_ssize_t, sell=cython.Py_ssize_t)
    cdef bint _trade_all(self, Py_ssize_t full) except -1
    @cython.locals(last=cython.Py_ssize_t, placed=cython.Py_ssize_t)
    cdef bint _came_so(self, dict places) except -1
    @cython.locals(slot=cython.Py_ssize_t, places=dict, found=list)
    cdef list _eligible(self, Py_ssize_t side)
    @cython.locals(s=cython.Py_ssize_t, front=list, slot=cython.Py_ssize_t, tick=cython.Py_ssize_t, level=cython.Py_ssize_t)
    cdef Py_ssize_t _head(self, Py_ssize_t side) except -1
    @cython.locals(older_open=cython.Py_ssize_t, younger_open=cython.Py_ssize_t, quantity=cython.Py_ssize_t, prevention=cython.Py_ssize_t, one=cython.Py_ssize_t, other=cython.Py_ssize_t)
    cdef Py_ssize_t _meet(self, Py_ssize_t older, Py_ssize_t younger) except -1
    @cython.locals(t=cython.Py_ssize_t, price=cython.Py_ssize_t, rate=cython.Py_ssize_t, side=cython.Py_ssize_t, taker=cython.Py_ssize_t, n=cython.Py_ssize_t)
    cdef Py_ssize_t _trade(self, Py_ssize_t older, Py_ssize_t younger, Py_ssize_t quantity) except -1
    cdef Py_ssize_t _give(self, Py_ssize_t slot, Py_ssize_t quantity) except -1
    cdef Py_ssize_t _lose(self, Py_ssize_t slot, Py_ssize_t quantity) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, price=cython.Py_ssize_t, held=cython.Py_ssize_t, fee=cython.Py_ssize_t)
    cdef Py_ssize_t _decrement(self, Py_ssize_t slot, Py_ssize_t quantity) except -1
    cdef Py_ssize_t _end(self, Py_ssize_t slot, Py_ssize_t reason) except -1
    @cython.locals(slot=cython.Py_ssize_t, flags=cython.Py_ssize_t, o=cython.Py_ssize_t, traded=cython.Py_ssize_t)
    cdef bint _end_all(self, Py_ssize_t full) except -1
    @cython.locals(t=cython.Py_ssize_t, s=cython.Py_ssize_t, tick=cython.Py_ssize_t)
    cdef Py_ssize_t _limit(self, Py_ssize_t slot) except -1
    @cython.locals(s=cython.Py_ssize_t)
    cdef Py_ssize_t _touch(self, Py_ssize_t slot) except -1
    @cython.locals(x=cython.Py_ssize_t)
    cdef Py_ssize_t _flags(self, Py_ssize_t slot) noexcept
    @cython.locals(s=cython.Py_ssize_t, tick=cython.Py_ssize_t)
    cdef Py_ssize_t _publish(self) except -1
    cpdef tuple under_way(self)
    cpdef Py_ssize_t restore(self, Py_ssize_t book, Py_ssize_t following, Py_ssize_t price) except -1
