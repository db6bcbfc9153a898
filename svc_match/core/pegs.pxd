# The types of C for pegs.py.
cimport cython
from svc_match.core cimport layout as w
from svc_match.core.arrival cimport Arrival
from svc_match.core.bands cimport Bands
from svc_match.core.books cimport Books
from svc_match.core.protection cimport Protection
from svc_match.core.standing cimport Standing


@cython.final
cdef class Pegs:
    cdef Books books
    cdef Standing standing
    cdef Arrival arrival
    cdef Protection protection
    cdef Bands bands
    cdef dict lists, followed

    cdef list of(self, Py_ssize_t book)
    @cython.locals(book=cython.Py_ssize_t)
    cdef Py_ssize_t add(self, Py_ssize_t slot) except -1
    @cython.locals(book=cython.Py_ssize_t)
    cpdef Py_ssize_t remove(self, Py_ssize_t slot) except -1
    cdef Py_ssize_t _count(self, Py_ssize_t book, Py_ssize_t more) except -1
    @cython.locals(o=cython.Py_ssize_t, s=cython.Py_ssize_t, x=cython.Py_ssize_t, before=cython.Py_ssize_t)
    cdef Py_ssize_t replace(self, Py_ssize_t slot, Py_ssize_t limit, Py_ssize_t quantity, Py_ssize_t left) except -1
    @cython.locals(phase=cython.Py_ssize_t, bid=cython.Py_ssize_t, ask=cython.Py_ssize_t, moved=cython.Py_ssize_t, identity=cython.Py_ssize_t, slot=cython.Py_ssize_t, tick=cython.Py_ssize_t)
    cdef Py_ssize_t follow(self, Py_ssize_t book) except -1
    @cython.locals(bid=cython.Py_ssize_t, ask=cython.Py_ssize_t, size=cython.Py_ssize_t, x=cython.Py_ssize_t, reach=cython.Py_ssize_t, low=cython.Py_ssize_t, high=cython.Py_ssize_t, bid_low=cython.Py_ssize_t, bid_high=cython.Py_ssize_t, ask_low=cython.Py_ssize_t, ask_high=cython.Py_ssize_t, slot=cython.Py_ssize_t)
    cpdef tuple calm(self, Py_ssize_t book)
    @cython.locals(slot=cython.Py_ssize_t)
    cpdef bint all_stay(self, Py_ssize_t book, Py_ssize_t bid, Py_ssize_t ask) except -1
    cdef bint _stays(self, Py_ssize_t book, Py_ssize_t slot, Py_ssize_t bid, Py_ssize_t ask) except -1
    cdef Py_ssize_t look_again(self, Py_ssize_t book) except -1
    @cython.locals(tick=cython.Py_ssize_t, slot=cython.Py_ssize_t, x=cython.Py_ssize_t)
    cdef Py_ssize_t _best(self, Py_ssize_t s) except? -1
    @cython.locals(t=cython.Py_ssize_t, s=cython.Py_ssize_t, x=cython.Py_ssize_t, peg=cython.Py_ssize_t, limit=cython.Py_ssize_t, double=cython.Py_ssize_t, both=cython.Py_ssize_t, price=cython.Py_ssize_t, tick=cython.Py_ssize_t)
    cdef Py_ssize_t _called(self, Py_ssize_t book, Py_ssize_t slot, Py_ssize_t bid, Py_ssize_t ask) except -1
    cdef Py_ssize_t _on_tick(self, Py_ssize_t s, Py_ssize_t tick) except -1
    @cython.locals(s=cython.Py_ssize_t, x=cython.Py_ssize_t, before=cython.Py_ssize_t)
    cdef Py_ssize_t _move(self, Py_ssize_t book, Py_ssize_t slot, Py_ssize_t tick) except -1
    @cython.locals(o=cython.Py_ssize_t, x=cython.Py_ssize_t, before=cython.Py_ssize_t)
    cdef Py_ssize_t _leave(self, Py_ssize_t slot) except -1
