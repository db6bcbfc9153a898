# The types of C for bands.py.
cimport cython
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books
from svc_match.core.protection cimport Protection


@cython.final
cdef class Bands:
    cdef Books books
    cdef Protection protection
    cdef dict shares, intervals, known
    cdef list moved

    @cython.locals(t=cython.Py_ssize_t)
    cpdef int rule(self, Py_ssize_t book, Py_ssize_t share, interval) except -1
    @cython.locals(t=cython.Py_ssize_t)
    cdef int _lift(self, Py_ssize_t book) except -1
    @cython.locals(t=cython.Py_ssize_t)
    cdef Py_ssize_t within(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t tick) except? -1
    @cython.locals(t=cython.Py_ssize_t)
    cpdef int enter(self, Py_ssize_t book) except -1
    @cython.locals(price=cython.Py_ssize_t, tick=cython.Py_ssize_t, bid=cython.Py_ssize_t, ask=cython.Py_ssize_t)
    cdef bint _begin(self, Py_ssize_t book) except -1
    @cython.locals(price=cython.Py_ssize_t, farthest=cython.Py_ssize_t)
    cdef Py_ssize_t _band(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t tick) except -1
    @cython.locals(t=cython.Py_ssize_t)
    cdef int _refer(self, Py_ssize_t book, Py_ssize_t tick, list trades) except -1
    cdef int _bound(self, Py_ssize_t book) except -1
    @cython.locals(t=cython.Py_ssize_t)
    cdef int turn(self, Py_ssize_t book) except -1
    @cython.locals(t=cython.Py_ssize_t, trades=list, newest=list)
    cdef int _gather(self, Py_ssize_t book) except -1
    cdef tuple _of_intervals(self, Py_ssize_t book)
    @cython.locals(reference=cython.Py_ssize_t, tick=cython.Py_ssize_t, ask=cython.Py_ssize_t, outside=cython.bint)
    cdef bint follow(self, Py_ssize_t book) except -1
    @cython.locals(ever=cython.Py_ssize_t, trades=object)
    cdef tuple patience(self, Py_ssize_t book)
    @cython.locals(before=cython.Py_ssize_t, now=cython.Py_ssize_t)
    cdef int watch(self, Py_ssize_t book) except -1
    @cython.locals(t=cython.Py_ssize_t)
    cdef int _limit(self, Py_ssize_t book) except -1
    cdef bint _is_shown(self, Py_ssize_t s, Py_ssize_t tick) except -1
    @cython.locals(t=cython.Py_ssize_t, n=cython.Py_ssize_t, reference=cython.Py_ssize_t, limit=cython.Py_ssize_t)
    cdef int _tell(self, Py_ssize_t book) except -1
    @cython.locals(t=cython.Py_ssize_t, size=cython.Py_ssize_t)
    cpdef tuple told(self, Py_ssize_t book)
    cpdef list taken(self)
    cpdef bint limited(self, Py_ssize_t book) except -1
    cpdef list state(self, Py_ssize_t book)
    cpdef int restore(self, Py_ssize_t book, list state) except -1
