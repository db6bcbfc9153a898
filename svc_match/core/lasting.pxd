# The types of C for lasting.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books


@cython.final
cdef class Lasting:
    cdef Books books
    cdef object _rows, _heap, _picked
    cdef long long* rows
    cdef long long* heap
    cdef Py_ssize_t timed, room, heap_room
    cdef readonly Py_ssize_t count, picked

    cdef int _point(self) except -1
    cpdef int add(self, long long identity, long long until) except -1
    @cython.locals(low=cython.Py_ssize_t, high=cython.Py_ssize_t, middle=cython.Py_ssize_t)
    cpdef Py_ssize_t until(self, long long identity) except -1
    @cython.locals(row=cython.Py_ssize_t)
    cpdef bint any_ends_before(self, long long date) except -1
    cdef bint _too_many(self, Py_ssize_t count) except -1
    cpdef int keep_open(self) except -1
    cpdef Py_ssize_t next_us(self) except -1
    @cython.locals(first=cython.longlong)
    cpdef Py_ssize_t take(self) except -1
    @cython.locals(place=cython.Py_ssize_t, above=cython.Py_ssize_t)
    cdef int _expires(self, long long identity, long long until) except -1
    cdef inline int _put(self, Py_ssize_t place, long long until, long long identity) except -1
    cdef int _drop(self) except -1
    @cython.locals(below=cython.Py_ssize_t)
    cdef int _sink(self, Py_ssize_t place, long long until, long long identity) except -1
    @cython.locals(other=cython.longlong)
    cdef inline bint _is_first(self, Py_ssize_t place, long long until, long long identity) noexcept
    @cython.locals(row=cython.Py_ssize_t, place=cython.Py_ssize_t)
    cdef int _arrange(self) except -1
    cdef int _settle(self) except -1
    cpdef int begin_picking(self) except -1
    @cython.locals(b=Books, last=cython.Py_ssize_t, end=cython.Py_ssize_t, those=cython.p_longlong, slot=cython.Py_ssize_t)
    cpdef Py_ssize_t pick(self, Py_ssize_t row, Py_ssize_t count) except -1
    @cython.locals(some=cython.p_longlong, those=cython.p_longlong, row=cython.Py_ssize_t)
    cpdef object sequences(self, Py_ssize_t first)
    cpdef int keep_picked(self) except -1
    cpdef int load(self, object pool) except -1
