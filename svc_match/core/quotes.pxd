# The types of C for quotes.py.
cimport cython
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books
from svc_match.core.standing cimport Standing


@cython.final
cdef class Guard:
    cdef Py_ssize_t fill_limit, share_limit, window_us, since_us, fills, shares, active
    cdef dict quotes

    cdef Py_ssize_t protects(self) except -1
    cdef bint traded(self, Py_ssize_t shares, Py_ssize_t now_us) except -1


@cython.final
cdef class Quotes:
    cdef Books books
    cdef Standing standing
    cdef dict guards
    cdef list tripped, touched

    @cython.locals(guard=Guard, before=cython.Py_ssize_t)
    cpdef int says(self, Py_ssize_t account, Py_ssize_t fill_limit, Py_ssize_t share_limit, Py_ssize_t window_us, bint reset) except -1
    @cython.locals(guard=Guard)
    cpdef bint is_active(self, Py_ssize_t account) except -1
    @cython.locals(guard=Guard)
    cpdef set open(self, Py_ssize_t account)
    @cython.locals(b=Books, slot=cython.Py_ssize_t, o=cython.Py_ssize_t, x=cython.Py_ssize_t, identity=cython.Py_ssize_t)
    cpdef object kept(self, Py_ssize_t account, Py_ssize_t s, Py_ssize_t price, Py_ssize_t quantity, Py_ssize_t prevention, Py_ssize_t lease)
    @cython.locals(b=Books, slot=cython.Py_ssize_t, o=cython.Py_ssize_t, lost=cython.Py_ssize_t)
    cpdef int keep(self, Py_ssize_t account, Py_ssize_t s, Py_ssize_t quantity, Py_ssize_t held_price, Py_ssize_t fee) except -1
    @cython.locals(slot=cython.Py_ssize_t)
    cpdef bint withdraw(self, Py_ssize_t account, Py_ssize_t s) except -1
    @cython.locals(b=Books, h=cython.Py_ssize_t)
    cpdef int add(self, Py_ssize_t slot) except -1
    @cython.locals(b=Books, x=cython.Py_ssize_t)
    cpdef int stand_by(self, Py_ssize_t identity, Py_ssize_t lease) except -1
    @cython.locals(b=Books, identity=cython.Py_ssize_t)
    cpdef int come_late(self, Py_ssize_t account, Py_ssize_t book, Py_ssize_t quantity) except -1
    cpdef int traded(self, Py_ssize_t account, Py_ssize_t shares) except -1
    @cython.locals(b=Books, guard=Guard, n=cython.Py_ssize_t, s=cython.Py_ssize_t, account=cython.Py_ssize_t, identity=cython.Py_ssize_t)
    cpdef int pull(self) except -1
    cpdef Py_ssize_t next_touched(self) except -1
    @cython.locals(guard=Guard)
    cdef Guard _guard(self, Py_ssize_t account)
    @cython.locals(guard=Guard)
    cdef Py_ssize_t _slot(self, Py_ssize_t account, Py_ssize_t s) except -1
    cdef int _show(self, Py_ssize_t s) except -1
    @cython.locals(guard=Guard)
    cpdef forget(self)
    @cython.locals(guard=Guard)
    cpdef list state(self)
    @cython.locals(guard=Guard)
    cpdef load(self, list state)
