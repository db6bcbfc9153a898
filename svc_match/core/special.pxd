# The types of C for special.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport layout as w
from svc_match.core.books cimport Books


@cython.final
cdef class Special:
    cdef Books books
    cdef object _records
    cdef dict stops
    cdef long long* records
    cdef Py_ssize_t free, top
    cdef Py_ssize_t identity, account, slot, record, quantity, left, price, held_price, prevention, participant, finished, rested

    cdef int _point(self) except -1
    @cython.locals(side=cython.Py_ssize_t, kind=cython.Py_ssize_t, book=cython.Py_ssize_t, tick=cython.Py_ssize_t, stands=cython.Py_ssize_t, x=cython.Py_ssize_t, stop=cython.Py_ssize_t, amount=cython.Py_ssize_t, flags=cython.Py_ssize_t, price=cython.Py_ssize_t, identity=cython.Py_ssize_t, head=cython.Py_ssize_t)
    cpdef int place(self, Py_ssize_t number) except -1
    @cython.locals(n=cython.Py_ssize_t, s=cython.Py_ssize_t)
    cpdef int cancel(self, Py_ssize_t slot, Py_ssize_t number) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, s=cython.Py_ssize_t, side=cython.Py_ssize_t, book=cython.Py_ssize_t, identity=cython.Py_ssize_t, x=cython.Py_ssize_t, flags=cython.Py_ssize_t, left=cython.Py_ssize_t, tick=cython.Py_ssize_t, before=cython.Py_ssize_t, waits=cython.Py_ssize_t, keeps=cython.Py_ssize_t, stands=cython.Py_ssize_t, unpriced=cython.Py_ssize_t, n=cython.Py_ssize_t, displayed=cython.Py_ssize_t)
    cpdef int replace(self, Py_ssize_t slot, Py_ssize_t number, Py_ssize_t price, Py_ssize_t quantity, Py_ssize_t fee) except -1
    cpdef Py_ssize_t take(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t left, Py_ssize_t identity, Py_ssize_t account, Py_ssize_t amount) except -1
    cpdef int end(self, Py_ssize_t slot, Py_ssize_t reason) except -1
    @cython.locals(slot=cython.Py_ssize_t)
    cpdef int trigger(self, Py_ssize_t book) except -1
    @cython.locals(done=cython.Py_ssize_t, side=cython.Py_ssize_t)
    cpdef Py_ssize_t close(self, Py_ssize_t book, Py_ssize_t limit) except -1
    @cython.locals(side=cython.Py_ssize_t, account=cython.Py_ssize_t)
    cpdef list waiting(self, Py_ssize_t book)
    cdef list _waiting(self, Py_ssize_t s, Py_ssize_t trigger)
    @cython.locals(x=cython.Py_ssize_t, slot=cython.Py_ssize_t)
    cdef int _wait(self, Py_ssize_t s, Py_ssize_t tick, Py_ssize_t stop) except -1
    @cython.locals(s=cython.Py_ssize_t, x=cython.Py_ssize_t)
    cdef int _enlist(self, Py_ssize_t slot) except -1
    @cython.locals(x=cython.Py_ssize_t, stop=cython.Py_ssize_t)
    cdef tuple _rank(self, Py_ssize_t slot)
    @cython.locals(s=cython.Py_ssize_t, x=cython.Py_ssize_t)
    cdef int _strike(self, Py_ssize_t slot) except -1
    @cython.locals(side=cython.Py_ssize_t, trigger=cython.Py_ssize_t, price=cython.Py_ssize_t, count=cython.Py_ssize_t)
    cdef list _triggered(self, Py_ssize_t book)
    @cython.locals(price=cython.Py_ssize_t, s=cython.Py_ssize_t, tick=cython.Py_ssize_t)
    cdef Py_ssize_t _reference(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t trigger) except? -1
    @cython.locals(s=cython.Py_ssize_t, side=cython.Py_ssize_t, x=cython.Py_ssize_t, limited=cython.Py_ssize_t, tick=cython.Py_ssize_t)
    cdef int _execute(self, Py_ssize_t book, Py_ssize_t slot) except -1
    @cython.locals(best=cython.Py_ssize_t, slid=cython.Py_ssize_t, price=cython.Py_ssize_t)
    cdef Py_ssize_t _posted(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t tick, Py_ssize_t post_only) except? -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, book=cython.Py_ssize_t, fee=cython.Py_ssize_t)
    cdef int _load(self, Py_ssize_t slot) except -1
    @cython.locals(x=cython.Py_ssize_t, flags=cython.Py_ssize_t, minimum=cython.Py_ssize_t, best=cython.Py_ssize_t, meets=cython.Py_ssize_t, wanted=cython.Py_ssize_t, fee=cython.Py_ssize_t, there=cython.Py_ssize_t)
    cdef int _arrive(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t kind, Py_ssize_t time_in_force, Py_ssize_t tick, Py_ssize_t amount) except -1
    @cython.locals(s=cython.Py_ssize_t, i=cython.Py_ssize_t, t=cython.Py_ssize_t, lot=cython.Py_ssize_t, fee=cython.Py_ssize_t, tick=cython.Py_ssize_t, level=cython.Py_ssize_t, slot=cython.Py_ssize_t, price=cython.Py_ssize_t, traded=cython.Py_ssize_t, pays=cython.Py_ssize_t)
    cdef int _meet(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t amount) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, t=cython.Py_ssize_t, rest=cython.Py_ssize_t, n=cython.Py_ssize_t, x=cython.Py_ssize_t, level=cython.Py_ssize_t, shown=cython.Py_ssize_t)
    cdef int _trade(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t slot, Py_ssize_t price, Py_ssize_t traded) except -1
    @cython.locals(e=cython.Py_ssize_t, tail=cython.Py_ssize_t, h=cython.Py_ssize_t, following=cython.Py_ssize_t)
    cdef int _move_behind(self, Py_ssize_t slot, Py_ssize_t level) except -1
    cdef bint _is_own(self, Py_ssize_t slot) except -1
    @cython.locals(there=cython.Py_ssize_t, left=cython.Py_ssize_t, held=cython.Py_ssize_t)
    cdef bint _prevent(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t slot) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, sells=cython.Py_ssize_t, fee=cython.Py_ssize_t, account=cython.Py_ssize_t, price=cython.Py_ssize_t, held=cython.Py_ssize_t)
    cdef int _decrement(self, Py_ssize_t book, Py_ssize_t slot, Py_ssize_t lost) except -1
    @cython.locals(s=cython.Py_ssize_t, lot=cython.Py_ssize_t, done=cython.Py_ssize_t, tick=cython.Py_ssize_t, price=cython.Py_ssize_t, level=cython.Py_ssize_t, queue=cython.Py_ssize_t, place=cython.Py_ssize_t, slot=cython.Py_ssize_t, there=cython.Py_ssize_t, behind=cython.Py_ssize_t, part=cython.Py_ssize_t, pays=cython.Py_ssize_t, account=cython.Py_ssize_t, x=cython.Py_ssize_t, peak=cython.Py_ssize_t)
    cpdef Py_ssize_t tradable(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t left, Py_ssize_t wanted, Py_ssize_t amount, Py_ssize_t fee, Py_ssize_t prevention, Py_ssize_t participant) except -1
    @cython.locals(slot=cython.Py_ssize_t, there=cython.Py_ssize_t)
    cdef list _queue(self, Py_ssize_t level, Py_ssize_t hidden)
    @cython.locals(x=cython.Py_ssize_t)
    cdef Py_ssize_t _there(self, Py_ssize_t slot) except -1
    cdef int _finish(self, Py_ssize_t book, Py_ssize_t reason) except -1
    @cython.locals(slot=cython.Py_ssize_t, x=cython.Py_ssize_t, hidden=cython.Py_ssize_t)
    cdef int _stay(self, Py_ssize_t s, Py_ssize_t tick) except -1
    @cython.locals(slot=cython.Py_ssize_t, o=cython.Py_ssize_t, h=cython.Py_ssize_t)
    cdef Py_ssize_t _keep(self, Py_ssize_t s) except -1
    cdef int _reprice(self, Py_ssize_t reason, Py_ssize_t book, Py_ssize_t side, Py_ssize_t tick) except -1
    @cython.locals(h=cython.Py_ssize_t, x=cython.Py_ssize_t, level=cython.Py_ssize_t, shown=cython.Py_ssize_t, e=cython.Py_ssize_t, tail=cython.Py_ssize_t)
    cdef int _rest(self, Py_ssize_t slot, Py_ssize_t s, Py_ssize_t tick, Py_ssize_t left) except -1
    @cython.locals(inside=cython.Py_ssize_t)
    cdef Py_ssize_t _level(self, Py_ssize_t s, Py_ssize_t tick) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, s=cython.Py_ssize_t, x=cython.Py_ssize_t, level=cython.Py_ssize_t, e=cython.Py_ssize_t, following=cython.Py_ssize_t, previous=cython.Py_ssize_t)
    cdef int _leave(self, Py_ssize_t slot) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, x=cython.Py_ssize_t, left=cython.Py_ssize_t, level=cython.Py_ssize_t)
    cdef int _lose(self, Py_ssize_t slot, Py_ssize_t lost) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, left=cython.Py_ssize_t, executed=cython.Py_ssize_t)
    cdef int _end(self, Py_ssize_t slot, Py_ssize_t reason) except -1
    @cython.locals(record=cython.Py_ssize_t)
    cdef int _remove(self, Py_ssize_t slot) except -1
    @cython.locals(record=cython.Py_ssize_t)
    cdef int _free(self, Py_ssize_t slot) except -1
    @cython.locals(record=cython.Py_ssize_t)
    cdef Py_ssize_t _new_record(self) except -1
    cdef int _free_record(self, Py_ssize_t record) except -1
    @cython.locals(n=cython.Py_ssize_t)
    cdef int _restated(self, Py_ssize_t reason, Py_ssize_t book, Py_ssize_t identity, Py_ssize_t price, Py_ssize_t quantity, Py_ssize_t left, Py_ssize_t held_price, Py_ssize_t account) except -1
    cdef int _publish(self, Py_ssize_t s) except -1
    cpdef int load(self, object pool, Py_ssize_t free) except -1
    @cython.locals(o=cython.Py_ssize_t, h=cython.Py_ssize_t, s=cython.Py_ssize_t, x=cython.Py_ssize_t, flags=cython.Py_ssize_t, level=cython.Py_ssize_t, e=cython.Py_ssize_t)
    cpdef int stand(self, Py_ssize_t slot) except -1
