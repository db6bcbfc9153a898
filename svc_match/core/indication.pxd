# The types of C for indication.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books
from svc_match.core.protection cimport Protection


@cython.final
cdef class Indication:
    cdef Books books
    cdef Protection protection
    cdef dict front, shown, next_us, awaited
    cdef list newly
    cdef object _prices
    cdef long long* prices
    cdef Py_ssize_t walked, room, count, asks, unlimited, total
    cdef dict bounds

    cdef Py_ssize_t _point(self) except -1

    cdef Py_ssize_t touched(self, Py_ssize_t book) except -1
    @cython.locals(now_us=cython.Py_ssize_t)
    cpdef list taken(self)
    cpdef Py_ssize_t indicate(self, Py_ssize_t book) except -1
    @cython.locals(tick=cython.Py_ssize_t, quantity=cython.Py_ssize_t, side=cython.Py_ssize_t, surplus=cython.Py_ssize_t, n=cython.Py_ssize_t)
    cdef Py_ssize_t _indicated(self, Py_ssize_t book, tuple found) except -1
    @cython.locals(tick=cython.Py_ssize_t)
    cpdef tuple told(self, Py_ssize_t book)
    cpdef Py_ssize_t forget(self, Py_ssize_t book) except -1
    @cython.locals(bids=cython.Py_ssize_t, asks=cython.Py_ssize_t, best_bid=cython.Py_ssize_t, best_ask=cython.Py_ssize_t, reference=cython.Py_ssize_t, slot=cython.Py_ssize_t, highest=cython.Py_ssize_t, tick=cython.Py_ssize_t, crossed=cython.bint, wanted=cython.Py_ssize_t, offered=cython.Py_ssize_t)
    cdef tuple find(self, Py_ssize_t book)
    @cython.locals(tick=cython.Py_ssize_t, wanted=cython.Py_ssize_t, enough=cython.bint, lowest=cython.Py_ssize_t)
    cdef Py_ssize_t _walk(self, Py_ssize_t asks, Py_ssize_t bids, Py_ssize_t best_ask, Py_ssize_t best_bid, Py_ssize_t highest) except -1
    @cython.locals(n=cython.Py_ssize_t, there=cython.Py_ssize_t)
    cdef Py_ssize_t _add(self, Py_ssize_t s, Py_ssize_t tick) except -1
    @cython.locals(wanted=cython.Py_ssize_t, bound=cython.Py_ssize_t, quantity=cython.Py_ssize_t, n=cython.Py_ssize_t)
    cdef Py_ssize_t _wanted(self, Py_ssize_t tick) except -1
    @cython.locals(offered=cython.Py_ssize_t, n=cython.Py_ssize_t)
    cdef Py_ssize_t _offered(self, Py_ssize_t tick) except -1
    @cython.locals(most=cython.Py_ssize_t, least=cython.Py_ssize_t, highest=cython.Py_ssize_t, lowest=cython.Py_ssize_t, above=cython.Py_ssize_t, below=cython.Py_ssize_t, offered=cython.Py_ssize_t, wanted=cython.Py_ssize_t, bounds=list, bid=cython.Py_ssize_t, ask=cython.Py_ssize_t, tick=cython.Py_ssize_t, volume=cython.Py_ssize_t, surplus=cython.Py_ssize_t)
    cdef Py_ssize_t _best(self, Py_ssize_t reference) except -1
    @cython.locals(level=cython.Py_ssize_t, found=cython.Py_ssize_t, queue=cython.Py_ssize_t, slot=cython.Py_ssize_t)
    cdef Py_ssize_t _there(self, Py_ssize_t s, Py_ssize_t tick) except -1
    cpdef list state(self)
    cpdef Py_ssize_t load(self, list state, list awaited) except -1
