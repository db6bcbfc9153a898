# The types of C for quiet.py.
cimport cython
from svc_match.core cimport layout as w
from svc_match.core.bands cimport Bands
from svc_match.core.books cimport Books
from svc_match.core.pegs cimport Pegs
from svc_match.core.stops cimport Stops


@cython.final
cdef class Quiet:
    cdef Books books
    cdef Stops stops
    cdef Pegs pegs
    cdef Bands bands

    @cython.locals(q=cython.Py_ssize_t, t=cython.Py_ssize_t, side=cython.Py_ssize_t, until_us=cython.Py_ssize_t)
    cdef int note(self, Py_ssize_t book) except -1
    @cython.locals(q=cython.Py_ssize_t, low=cython.Py_ssize_t, high=cython.Py_ssize_t, size=cython.Py_ssize_t)
    cdef int _last(self, Py_ssize_t book, Py_ssize_t side) except -1
    @cython.locals(low=cython.Py_ssize_t, high=cython.Py_ssize_t)
    cdef int _best(self, Py_ssize_t book, Py_ssize_t side) except -1
    @cython.locals(q=cython.Py_ssize_t, t=cython.Py_ssize_t, until_us=cython.Py_ssize_t, trades=cython.Py_ssize_t)
    cdef Py_ssize_t _bands(self, Py_ssize_t book) except -1
    cdef int _keep(self, Py_ssize_t place, Py_ssize_t low, Py_ssize_t high) except -1
