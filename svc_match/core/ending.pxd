# The types of C for ending.py.
cimport cython
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books
from svc_match.core.special cimport Special


@cython.final
cdef class Known:
    cdef Py_ssize_t since, count, kept
    cdef dict ids


@cython.final
cdef class Ending:
    cdef Books books
    cdef Special special
    cdef dict known
    cdef readonly list left

    @cython.locals(known=Known, ids=list, found=list, owner=cython.Py_ssize_t, s=cython.Py_ssize_t)
    cpdef list take(self, Py_ssize_t participant, Py_ssize_t account, Py_ssize_t book, Py_ssize_t side)
    @cython.locals(b=Books, since=cython.Py_ssize_t, identity=cython.Py_ssize_t, slot=cython.Py_ssize_t)
    cdef int _learn(self, Py_ssize_t participant, Known known) except -1
    @cython.locals(b=Books, h=cython.Py_ssize_t, owner=cython.Py_ssize_t, ids=list)
    cdef int _see(self, Py_ssize_t participant, Known known, Py_ssize_t slot) except -1
    cpdef void forget(self)
    @cython.locals(b=Books)
    cpdef list standing(self, object ids)
    @cython.locals(b=Books, n=cython.Py_ssize_t)
    cpdef int renewed(self, Py_ssize_t number, Py_ssize_t until_us) except -1
    @cython.locals(b=Books, done=cython.Py_ssize_t)
    cpdef Py_ssize_t end(self, list found, Py_ssize_t reason, Py_ssize_t last) except -1
    @cython.locals(b=Books, n=cython.Py_ssize_t)
    cpdef int taken(self, Py_ssize_t number, Py_ssize_t book, Py_ssize_t orders) except -1
    @cython.locals(b=Books)
    cpdef int reject(self, Py_ssize_t number, Py_ssize_t what, Py_ssize_t reason, Py_ssize_t field, Py_ssize_t identity) except -1
