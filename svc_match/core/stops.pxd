# The types of C for stops.py.
cimport cython
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books
from svc_match.core.standing cimport Standing


@cython.final
cdef class Stops:
    cdef Books books
    cdef Standing standing
    cdef dict lists, trailing, followed, reached

    cpdef Py_ssize_t add(self, Py_ssize_t slot) except -1
    @cython.locals(waiting=list)
    cpdef Py_ssize_t remove(self, Py_ssize_t slot) except -1
    @cython.locals(count=cython.Py_ssize_t, side=cython.Py_ssize_t, trigger=cython.Py_ssize_t)
    cdef Py_ssize_t trailing_in(self, Py_ssize_t book) except -1
    @cython.locals(key=cython.Py_ssize_t, sells=cython.Py_ssize_t, before=cython.Py_ssize_t, place=cython.Py_ssize_t, slot=cython.Py_ssize_t, x=cython.Py_ssize_t, stop=cython.Py_ssize_t, those=list)
    cdef Py_ssize_t _follow(self, Py_ssize_t s, Py_ssize_t trigger, Py_ssize_t reference) except -1
    @cython.locals(scale=cython.Py_ssize_t, price=cython.Py_ssize_t)
    cdef Py_ssize_t _behind(self, Py_ssize_t s, Py_ssize_t reference, Py_ssize_t trail) except -1
    @cython.locals(s=cython.Py_ssize_t, trigger=cython.Py_ssize_t, price=cython.Py_ssize_t, nearness=cython.Py_ssize_t, found=cython.bint, waiting=list, trailing=list)
    cdef bint triggered(self, Py_ssize_t book) except -1
    cdef bint _is_near(self, list waiting, Py_ssize_t nearness) except -1
    @cython.locals(s=cython.Py_ssize_t, trigger=cython.Py_ssize_t, first=tuple, last=tuple, waiting=list)
    cdef Py_ssize_t next(self, Py_ssize_t book) except -1
    @cython.locals(s=cython.Py_ssize_t, trigger=cython.Py_ssize_t)
    cdef Py_ssize_t wait_on(self, Py_ssize_t book) except -1
    cpdef list state(self)
    @cython.locals(key=cython.Py_ssize_t, nearness=cython.Py_ssize_t)
    cpdef Py_ssize_t load(self, list state) except -1
    @cython.locals(s=cython.Py_ssize_t, trigger=cython.Py_ssize_t, found=list, waiting=list, sorts=cython.bint)
    cdef list waiting(self, Py_ssize_t book, Py_ssize_t side)
    @cython.locals(s=cython.Py_ssize_t, x=cython.Py_ssize_t, trigger=cython.Py_ssize_t)
    cdef list _where(self, Py_ssize_t slot)
    cdef list _trailing(self, Py_ssize_t s, Py_ssize_t trigger)
    cdef list _list(self, Py_ssize_t s, Py_ssize_t trigger)
    @cython.locals(x=cython.Py_ssize_t, stop=cython.Py_ssize_t)
    cdef tuple _entry(self, Py_ssize_t slot)
    cdef Py_ssize_t _count(self, Py_ssize_t s, Py_ssize_t more) except -1
    @cython.locals(low=cython.Py_ssize_t, high=cython.Py_ssize_t, nearness=cython.Py_ssize_t, some=list, waiting=list, trailing=list)
    cdef tuple calm(self, Py_ssize_t s, Py_ssize_t trigger)
    @cython.locals(s=cython.Py_ssize_t, tick=cython.Py_ssize_t, price=cython.Py_ssize_t, tick_size=cython.Py_ssize_t)
    cdef Py_ssize_t _reference(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t trigger) except? -1
