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
    @cython.locals(s=cython.Py_ssize_t, trigger=cython.Py_ssize_t, price=cython.Py_ssize_t, nearness=cython.Py_ssize_t, slot=cython.Py_ssize_t, found=list, some=list, waiting=list, trailing=list)
    cdef list triggered(self, Py_ssize_t book)
    @cython.locals(place=cython.Py_ssize_t)
    cdef Py_ssize_t _move(self, list waiting, Py_ssize_t nearness, list some) except -1
    cdef list _arranged(self, list some)
    @cython.locals(identity=cython.Py_ssize_t, slot=cython.Py_ssize_t, s=cython.Py_ssize_t, trigger=cython.Py_ssize_t)
    cdef Py_ssize_t wait_on(self, Py_ssize_t book, list those) except -1
    cdef Py_ssize_t reach(self, Py_ssize_t book, list those) except -1
    cdef list resumed(self, Py_ssize_t book)
    cdef Py_ssize_t begin(self, Py_ssize_t slot) except -1
    @cython.locals(book=cython.Py_ssize_t)
    cdef Py_ssize_t restore(self, Py_ssize_t slot) except -1
    @cython.locals(offers=list)
    cdef Py_ssize_t restored(self, Py_ssize_t book) except -1
    @cython.locals(identity=cython.Py_ssize_t, slot=cython.Py_ssize_t, found=list)
    cdef list _of_side(self, Py_ssize_t s)
    @cython.locals(x=cython.Py_ssize_t)
    cdef Py_ssize_t _flag(self, Py_ssize_t slot, Py_ssize_t flag) except -1
    @cython.locals(x=cython.Py_ssize_t)
    cdef Py_ssize_t _flags(self, Py_ssize_t slot) except? -1
    @cython.locals(s=cython.Py_ssize_t, trigger=cython.Py_ssize_t, found=list)
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
