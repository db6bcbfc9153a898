# The types of C for standing.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books


@cython.final
cdef class Standing:
    cdef Books books
    cdef object _records
    cdef public object stops, pegs, auction, quotes
    cdef long long* records
    cdef Py_ssize_t free_records, top

    cdef Py_ssize_t _point(self) except -1
    @cython.locals(h=cython.Py_ssize_t, x=cython.Py_ssize_t, level=cython.Py_ssize_t, e=cython.Py_ssize_t, tail=cython.Py_ssize_t, shown=cython.Py_ssize_t)
    cdef Py_ssize_t rest(self, Py_ssize_t slot, Py_ssize_t s, Py_ssize_t tick, Py_ssize_t left) except -1
    @cython.locals(inside=cython.Py_ssize_t)
    cdef Py_ssize_t _level(self, Py_ssize_t s, Py_ssize_t tick) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, s=cython.Py_ssize_t, x=cython.Py_ssize_t, level=cython.Py_ssize_t, e=cython.Py_ssize_t, following=cython.Py_ssize_t, previous=cython.Py_ssize_t)
    cdef Py_ssize_t leave(self, Py_ssize_t slot) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, x=cython.Py_ssize_t, left=cython.Py_ssize_t, level=cython.Py_ssize_t)
    cdef Py_ssize_t lose(self, Py_ssize_t slot, Py_ssize_t lost) except -1
    @cython.locals(e=cython.Py_ssize_t, tail=cython.Py_ssize_t, h=cython.Py_ssize_t, following=cython.Py_ssize_t)
    cdef Py_ssize_t move_behind(self, Py_ssize_t slot, Py_ssize_t level) except -1
    @cython.locals(x=cython.Py_ssize_t)
    cdef Py_ssize_t there(self, Py_ssize_t slot) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, sells=cython.Py_ssize_t, fee=cython.Py_ssize_t, account=cython.Py_ssize_t, price=cython.Py_ssize_t, held=cython.Py_ssize_t)
    cdef Py_ssize_t decrement(self, Py_ssize_t book, Py_ssize_t slot, Py_ssize_t lost) except -1
    @cython.locals(s=cython.Py_ssize_t, lot=cython.Py_ssize_t, done=cython.Py_ssize_t, tick=cython.Py_ssize_t, price=cython.Py_ssize_t, level=cython.Py_ssize_t, queue=cython.Py_ssize_t, place=cython.Py_ssize_t, part=cython.Py_ssize_t, account=cython.Py_ssize_t, slot=cython.Py_ssize_t, there=cython.Py_ssize_t, behind=cython.Py_ssize_t, most=cython.Py_ssize_t, pays=cython.Py_ssize_t, x=cython.Py_ssize_t, peak=cython.Py_ssize_t)
    cdef Py_ssize_t tradable(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t left, Py_ssize_t wanted, Py_ssize_t amount, Py_ssize_t fee, Py_ssize_t prevention, Py_ssize_t participant) except -1
    @cython.locals(pays=cython.Py_ssize_t)
    cdef Py_ssize_t _paid(self, Py_ssize_t amount, Py_ssize_t price, Py_ssize_t fee, Py_ssize_t lot, Py_ssize_t part) except -1
    cdef Py_ssize_t _prevented(self, Py_ssize_t prevention, Py_ssize_t left, Py_ssize_t there) except -1
    @cython.locals(slot=cython.Py_ssize_t, there=cython.Py_ssize_t)
    cdef list _queue(self, Py_ssize_t level, Py_ssize_t hidden, Py_ssize_t most)
    cdef Py_ssize_t end(self, Py_ssize_t slot, Py_ssize_t reason) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, left=cython.Py_ssize_t, executed=cython.Py_ssize_t)
    cdef Py_ssize_t tell_done(self, Py_ssize_t slot, Py_ssize_t reason) except -1
    cdef Py_ssize_t remove(self, Py_ssize_t slot) except -1
    @cython.locals(record=cython.Py_ssize_t)
    cdef bint waits(self, Py_ssize_t slot) except -1
    @cython.locals(record=cython.Py_ssize_t, flags=cython.Py_ssize_t)
    cdef Py_ssize_t free(self, Py_ssize_t slot) except -1
    @cython.locals(record=cython.Py_ssize_t)
    cdef Py_ssize_t new_record(self) except -1
    @cython.locals(record=cython.Py_ssize_t, word=cython.Py_ssize_t)
    cdef Py_ssize_t plain_record(self) except -1
    cdef Py_ssize_t free_record(self, Py_ssize_t record) except -1
    @cython.locals(n=cython.Py_ssize_t)
    cdef Py_ssize_t restated(self, Py_ssize_t reason, Py_ssize_t book, Py_ssize_t identity, Py_ssize_t price, Py_ssize_t quantity, Py_ssize_t left, Py_ssize_t held_price, Py_ssize_t account) except -1
    cpdef Py_ssize_t load(self, object pool, Py_ssize_t free) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, s=cython.Py_ssize_t, x=cython.Py_ssize_t, flags=cython.Py_ssize_t, level=cython.Py_ssize_t, e=cython.Py_ssize_t)
    cdef Py_ssize_t stand(self, Py_ssize_t slot) except -1
