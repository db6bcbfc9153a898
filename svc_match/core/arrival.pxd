# The types of C for arrival.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport layout as w
from svc_match.core.bands cimport Bands
from svc_match.core.books cimport Books
from svc_match.core.protection cimport Protection
from svc_match.core.standing cimport Standing


@cython.final
cdef class Arrival:
    cdef Books books
    cdef Standing standing
    cdef Protection protection
    cdef Bands bands
    cdef Py_ssize_t identity, account, slot, record, quantity, left, price, held_price, prevention, participant, finished, rested, amount, met, quoted

    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, fee=cython.Py_ssize_t, book=cython.Py_ssize_t)
    cdef Py_ssize_t load(self, Py_ssize_t slot) except -1
    @cython.locals(x=cython.Py_ssize_t)
    cdef Py_ssize_t reprice(self, Py_ssize_t reason, Py_ssize_t book, Py_ssize_t side, Py_ssize_t tick) except -1
    @cython.locals(x=cython.Py_ssize_t, flags=cython.Py_ssize_t, minimum=cython.Py_ssize_t, best=cython.Py_ssize_t, bound=cython.Py_ssize_t, meets=cython.bint, wanted=cython.Py_ssize_t, fee=cython.Py_ssize_t, there=cython.Py_ssize_t, wall=cython.Py_ssize_t)
    cdef Py_ssize_t arrive(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t kind, Py_ssize_t time_in_force, Py_ssize_t tick, Py_ssize_t amount) except -1
    cdef Py_ssize_t _bound(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t kind, Py_ssize_t tick) except? -1
    @cython.locals(best=cython.Py_ssize_t, way=cython.Py_ssize_t, fee=cython.Py_ssize_t, price=cython.Py_ssize_t)
    cdef bint _goes_on(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t wall, Py_ssize_t tick) except -1
    @cython.locals(s=cython.Py_ssize_t, i=cython.Py_ssize_t, t=cython.Py_ssize_t, lot=cython.Py_ssize_t, fee=cython.Py_ssize_t, tick=cython.Py_ssize_t, level=cython.Py_ssize_t, slot=cython.Py_ssize_t, hidden=cython.Py_ssize_t, price=cython.Py_ssize_t, traded=cython.Py_ssize_t, pays=cython.Py_ssize_t)
    cdef Py_ssize_t meet(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t amount) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, t=cython.Py_ssize_t, rest=cython.Py_ssize_t, n=cython.Py_ssize_t, x=cython.Py_ssize_t, level=cython.Py_ssize_t, shown=cython.Py_ssize_t)
    cdef Py_ssize_t _trade(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t slot, Py_ssize_t price, Py_ssize_t traded) except -1
    cdef bint _is_own(self, Py_ssize_t slot) except -1
    @cython.locals(there=cython.Py_ssize_t, left=cython.Py_ssize_t, held=cython.Py_ssize_t)
    cdef bint _prevent(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t slot) except -1
    cdef Py_ssize_t _finish(self, Py_ssize_t book, Py_ssize_t reason) except -1
    @cython.locals(comes=cython.bint, kind=cython.Py_ssize_t, slot=cython.Py_ssize_t, x=cython.Py_ssize_t, hidden=cython.Py_ssize_t)
    cdef Py_ssize_t stay(self, Py_ssize_t s, Py_ssize_t tick) except -1
    @cython.locals(slot=cython.Py_ssize_t, o=cython.Py_ssize_t, h=cython.Py_ssize_t)
    cdef Py_ssize_t keep(self, Py_ssize_t s) except -1
    cdef Py_ssize_t publish(self, Py_ssize_t s) except -1
    @cython.locals(behind=cython.bint)
    cdef Py_ssize_t _remain(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t kind, Py_ssize_t time_in_force, Py_ssize_t tick, Py_ssize_t bound, Py_ssize_t wall, bint meets) except -1
