# The types of C for protection.py.
cimport cython
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books


@cython.final
cdef class Protection:
    cdef Books books
    cdef dict starts, ticks, notional, collars
    cdef list interrupted

    cpdef int guard(self, Py_ssize_t book, list bands, Py_ssize_t max_notional, Py_ssize_t static_collar, Py_ssize_t dynamic_collar, Py_ssize_t banded) except -1
    @cython.locals(t=cython.Py_ssize_t, size=cython.Py_ssize_t, low=cython.Py_ssize_t, high=cython.Py_ssize_t, reference=cython.Py_ssize_t, collar=cython.Py_ssize_t, starts=list, place=cython.Py_ssize_t, most=cython.Py_ssize_t)
    cpdef int narrow(self, Py_ssize_t book) except -1
    cpdef int refer(self, Py_ssize_t book, Py_ssize_t price) except -1
    cpdef Py_ssize_t reference(self, Py_ssize_t book) except -1
    @cython.locals(reference=cython.Py_ssize_t, collar=cython.Py_ssize_t)
    cpdef bint is_outside(self, Py_ssize_t book, Py_ssize_t price) except -1
    @cython.locals(collar=cython.Py_ssize_t, price=cython.Py_ssize_t, scale=cython.Py_ssize_t)
    cpdef Py_ssize_t wall(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit) except -1
    cpdef int interrupt(self, Py_ssize_t book) except -1
    cpdef list taken(self)
    cpdef bint is_off_tick(self, Py_ssize_t book, Py_ssize_t price) except -1
    @cython.locals(smallest=cython.Py_ssize_t, price=cython.Py_ssize_t, below=cython.Py_ssize_t, above=cython.Py_ssize_t, place=cython.Py_ssize_t, starts=list)
    cpdef Py_ssize_t next_tick(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t tick) except -1
    @cython.locals(smallest=cython.Py_ssize_t, price=cython.Py_ssize_t, off=cython.Py_ssize_t)
    cpdef Py_ssize_t on_tick(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t tick) except -1
    @cython.locals(t=cython.Py_ssize_t)
    cpdef Py_ssize_t fit(self, Py_ssize_t book, Py_ssize_t price) except -1
    @cython.locals(most=cython.Py_ssize_t)
    cpdef bint exceeds(self, Py_ssize_t book, Py_ssize_t price, Py_ssize_t quantity) except -1
    @cython.locals(place=cython.Py_ssize_t)
    cdef Py_ssize_t _tick_size(self, Py_ssize_t book, Py_ssize_t price) except -1
