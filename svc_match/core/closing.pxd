# The types of C for closing.py.
cimport cython
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books
from svc_match.core.special cimport Special


@cython.final
cdef class Closing:
    cdef Books books
    cdef Special special
    cdef Py_ssize_t reason, date
    cdef dict left

    cpdef void forget(self)
    @cython.locals(b=Books, left=list, done=cython.Py_ssize_t, bids=cython.Py_ssize_t, identity=cython.Py_ssize_t, slot=cython.Py_ssize_t, place=cython.Py_ssize_t)
    cpdef Py_ssize_t end(self, Py_ssize_t book, Py_ssize_t limit, Py_ssize_t reason, Py_ssize_t date) except -1
    @cython.locals(b=Books, found=list, s=cython.Py_ssize_t, tick=cython.Py_ssize_t, level=cython.Py_ssize_t, identity=cython.Py_ssize_t)
    cdef list _found(self, Py_ssize_t book)
    @cython.locals(b=Books, identity=cython.Py_ssize_t)
    cdef int _queue(self, list found, Py_ssize_t slot) except -1
