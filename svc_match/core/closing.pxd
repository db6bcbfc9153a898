# The types of C for closing.py.
cimport cython
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books
from svc_match.core.special cimport Special


@cython.final
cdef class Closing:
    cdef Books books
    cdef Special special
    cdef Py_ssize_t reason, date, passed, bids
    cdef readonly Py_ssize_t looks
    cdef public Py_ssize_t looks_limit
    cdef dict left

    cpdef void forget(self)
    cpdef int begin(self, Py_ssize_t date) except -1
    cpdef int delist(self, Py_ssize_t book, Py_ssize_t limit) except -1
    @cython.locals(b=Books, standing=list, left=list, done=cython.Py_ssize_t, identity=cython.Py_ssize_t, place=cython.Py_ssize_t)
    cpdef Py_ssize_t end(self, Py_ssize_t book, Py_ssize_t limit, Py_ssize_t reason, Py_ssize_t date) except -1
    @cython.locals(b=Books, slot=cython.Py_ssize_t)
    cdef int _end(self, Py_ssize_t identity) except -1
    @cython.locals(b=Books, found=list, s=cython.Py_ssize_t, tick=cython.Py_ssize_t, hidden=cython.Py_ssize_t, slot=cython.Py_ssize_t, identity=cython.Py_ssize_t)
    cdef list _standing(self, Py_ssize_t book, Py_ssize_t limit)
    @cython.locals(b=Books, found=list, identity=cython.Py_ssize_t, slot=cython.Py_ssize_t)
    cdef list _waiting(self, Py_ssize_t book)
    cpdef list state(self)
    cpdef int load(self, list state) except -1
