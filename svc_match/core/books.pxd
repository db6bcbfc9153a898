# The types of C for books.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport layout as w


@cython.final
cdef class Index:
    cdef object _ring, _older
    cdef int* slots
    cdef int* older
    cdef long long* orders
    cdef Py_ssize_t mask, limit, older_mask, moved
    cdef readonly Py_ssize_t count
    cdef dict displaced

    cdef int _point(self) except -1
    @cython.locals(slot=cython.Py_ssize_t)
    cdef inline Py_ssize_t find(self, Py_ssize_t identity) except -1
    cdef inline int expect(self, Py_ssize_t identity) noexcept
    @cython.locals(place=cython.Py_ssize_t)
    cdef inline int add(self, Py_ssize_t identity, Py_ssize_t slot) except -1
    @cython.locals(place=cython.Py_ssize_t)
    cdef inline int remove(self, Py_ssize_t identity) except -1
    cdef int restore(self, Py_ssize_t identity, Py_ssize_t slot) except -1
    @cython.locals(slot=cython.Py_ssize_t)
    cdef Py_ssize_t _find_elsewhere(self, Py_ssize_t identity) except -1
    @cython.locals(place=cython.Py_ssize_t)
    cdef int _remove_elsewhere(self, Py_ssize_t identity) except -1
    @cython.locals(slot=cython.Py_ssize_t)
    cdef int _displace(self, Py_ssize_t place) except -1
    @cython.locals(place=cython.Py_ssize_t)
    cdef int _settle(self, Py_ssize_t identity, Py_ssize_t slot) except -1
    @cython.locals(place=cython.Py_ssize_t, end=cython.Py_ssize_t, slot=cython.Py_ssize_t)
    cdef int _grow(self) except -1


@cython.final
cdef class Books:
    cdef object _orders, _books, _sides, _levels, _bits, _parts, _out, _swept, _one, _participants, _owners, _quiet
    cdef public object special, protection, lasting
    cdef dict spare_windows, far_ticks, far_levels
    cdef list spare_far
    cdef readonly Index index
    cdef long long* orders
    cdef int* halves
    cdef long long* books
    cdef long long* sides
    cdef long long* levels
    cdef int* ends
    cdef unsigned long long* occupied
    cdef unsigned long long* parts
    cdef long long* out
    cdef long long* swept
    cdef long long* one
    cdef long long* participants
    cdef long long* named
    cdef long long* quiet
    cdef readonly Py_ssize_t identity_base, book_count, now_us
    cdef public Py_ssize_t sequence, written, waiting, interrupted, tripped, pulled, fills_limit, full, command_limit, prices_limit, prices, stalled, earlier
    cdef Py_ssize_t met, began, prices_began, far_place, awake, soonest_us
    cdef Py_ssize_t free, top, levels_top, swept_count, room, swept_room, order_room

    cdef int _point(self) except -1
    cdef inline int _expect(self, long long* c, Py_ssize_t at, Py_ssize_t last) noexcept
    @cython.locals(n=cython.Py_ssize_t)
    cdef inline int command(self, long long* c, Py_ssize_t at, Py_ssize_t number) except -1
    cdef inline int _command(self, long long* c, Py_ssize_t at, Py_ssize_t number) except -1
    @cython.locals(book=cython.Py_ssize_t)
    cdef int _executed(self, long long* c, Py_ssize_t at, Py_ssize_t n) except -1
    @cython.locals(book=cython.Py_ssize_t, until_us=cython.Py_ssize_t)
    cpdef int begin(self, Py_ssize_t time_us) except -1
    cpdef int allow(self) except -1
    cpdef Py_ssize_t until(self) except -1
    cdef int looked(self, Py_ssize_t prices) except -1
    cpdef int trigger(self, Py_ssize_t book) except -1
    cpdef int look(self, Py_ssize_t book) except -1
    cdef inline int wake(self, Py_ssize_t book) noexcept
    cdef int rest_until(self, Py_ssize_t book, Py_ssize_t time_us) noexcept
    cdef inline int _moved(self, Py_ssize_t s) noexcept
    @cython.locals(q=cython.Py_ssize_t, last=cython.Py_ssize_t)
    cdef bint is_calm(self, Py_ssize_t book) noexcept
    @cython.locals(q=cython.Py_ssize_t, best=cython.Py_ssize_t)
    cdef inline bint _is_calm_side(self, Py_ssize_t s) noexcept
    cdef int recorded(self, Py_ssize_t s, Py_ssize_t tick, Py_ssize_t level) noexcept
    @cython.locals(slot=cython.Py_ssize_t)
    cdef inline int place(self, long long* c, Py_ssize_t at, Py_ssize_t number) except -1
    cdef inline int _finish(self, Py_ssize_t reason, Py_ssize_t book, Py_ssize_t side, Py_ssize_t identity, Py_ssize_t quantity, Py_ssize_t left, Py_ssize_t account) except -1
    @cython.locals(needed=cython.Py_ssize_t, paired=cython.bint, bound=cython.Py_ssize_t, second=cython.Py_ssize_t, priced=cython.bint, collected=cython.bint, field=cython.Py_ssize_t, flags=cython.Py_ssize_t, minimum=cython.Py_ssize_t)
    cdef int _place_otherwise(self, long long* c, Py_ssize_t at, Py_ssize_t number) except -1
    cdef Py_ssize_t _exceeds(self, Py_ssize_t book, Py_ssize_t kind, Py_ssize_t price, Py_ssize_t quantity, Py_ssize_t amount) except -1
    @cython.locals(word=cython.Py_ssize_t)
    cdef int _place_plainly(self, long long* c, Py_ssize_t at, Py_ssize_t number) except -1
    @cython.locals(side=cython.Py_ssize_t)
    cdef inline int cancel(self, long long* c, Py_ssize_t at, Py_ssize_t number) except -1
    @cython.locals(s=cython.Py_ssize_t, side=cython.Py_ssize_t, book=cython.Py_ssize_t, needed=cython.Py_ssize_t, plain=cython.bint, tick=cython.Py_ssize_t, bound=cython.Py_ssize_t, extra=cython.Py_ssize_t, fee=cython.Py_ssize_t, account=cython.Py_ssize_t)
    cdef int replace(self, long long* c, Py_ssize_t at, Py_ssize_t number) except -1

    cdef inline Py_ssize_t _named(self, long long* c, Py_ssize_t at) except -1
    @cython.locals(lot=cython.Py_ssize_t, step=cython.Py_ssize_t, wall=cython.Py_ssize_t, reference=cython.Py_ssize_t, away=cython.Py_ssize_t)
    cdef inline bint _is_plain(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t price, Py_ssize_t quantity) noexcept
    @cython.locals(side=cython.Py_ssize_t, book=cython.Py_ssize_t, reason=cython.Py_ssize_t, unpriced=cython.bint, counted=cython.Py_ssize_t, guarded=cython.bint)
    cdef Py_ssize_t _wrong_replace(self, Py_ssize_t slot, Py_ssize_t price, Py_ssize_t quantity, Py_ssize_t left) except -1
    cdef Py_ssize_t _wrong_phase(self, Py_ssize_t book) noexcept
    cdef Py_ssize_t _wrong_price(self, Py_ssize_t book, Py_ssize_t price) except -1
    @cython.locals(scale=cython.Py_ssize_t, price=cython.Py_ssize_t)
    cdef Py_ssize_t protected(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t tick) noexcept
    @cython.locals(last=cython.Py_ssize_t)
    cdef Py_ssize_t reference(self, Py_ssize_t book) noexcept
    cdef Py_ssize_t within(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t tick, Py_ssize_t price, Py_ssize_t share) noexcept
    @cython.locals(guarded=cython.bint)
    cdef Py_ssize_t _outside_collar(self, Py_ssize_t book, Py_ssize_t price) except -1
    cdef Py_ssize_t _wrong_quantity(self, Py_ssize_t book, Py_ssize_t quantity) noexcept

    @cython.locals(reason=cython.Py_ssize_t, needed=cython.Py_ssize_t)
    cpdef Py_ssize_t wrong_quote(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t price, Py_ssize_t quantity, Py_ssize_t held_price, Py_ssize_t held_amount, Py_ssize_t fee) except -1

    @cython.locals(slot=cython.Py_ssize_t, following=cython.Py_ssize_t, gone=cython.int, trades=cython.Py_ssize_t, before=cython.Py_ssize_t, most=cython.Py_ssize_t, price=cython.Py_ssize_t, total=cython.Py_ssize_t, special=cython.bint)
    cdef inline Py_ssize_t _match(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t left, Py_ssize_t identity, Py_ssize_t account) except -1
    @cython.locals(slot=cython.Py_ssize_t, trades=cython.Py_ssize_t)
    cdef Py_ssize_t _match_amount(self, Py_ssize_t book, Py_ssize_t limit, Py_ssize_t left, Py_ssize_t identity, Py_ssize_t account, Py_ssize_t amount, Py_ssize_t fee) except -1
    cdef inline int traded(self, Py_ssize_t book, Py_ssize_t total, Py_ssize_t trades) except -1
    cdef Py_ssize_t _take(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t left, Py_ssize_t identity, Py_ssize_t account, Py_ssize_t amount) except -1
    cdef Py_ssize_t _tradable(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t wanted, Py_ssize_t amount, Py_ssize_t fee) except -1
    @cython.locals(level=cython.Py_ssize_t, trades=cython.Py_ssize_t, wanted=cython.Py_ssize_t)
    cdef int _can_fill(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit, Py_ssize_t quantity) except -1
    @cython.locals(slot=cython.Py_ssize_t)
    cdef int _can_fill_here(self, Py_ssize_t level, Py_ssize_t quantity, Py_ssize_t trades) except -1
    @cython.locals(slot=cython.Py_ssize_t, level=cython.Py_ssize_t, trades=cython.Py_ssize_t, wanted=cython.Py_ssize_t, paid=cython.Py_ssize_t, part=cython.Py_ssize_t, there=cython.Py_ssize_t)
    cdef int _can_pay(self, Py_ssize_t book, Py_ssize_t limit, Py_ssize_t quantity, Py_ssize_t amount, Py_ssize_t fee) except -1
    @cython.locals(tail=cython.Py_ssize_t)
    cdef inline Py_ssize_t rest(self, Py_ssize_t slot, Py_ssize_t s, Py_ssize_t tick, Py_ssize_t left) except -1
    @cython.locals(following=cython.Py_ssize_t, previous=cython.Py_ssize_t)
    cdef inline Py_ssize_t leave(self, Py_ssize_t slot) except -1

    cdef inline bint is_empty(self, Py_ssize_t level) noexcept
    cdef inline Py_ssize_t level(self, Py_ssize_t s, Py_ssize_t tick) except -1
    cdef Py_ssize_t _far_level(self, Py_ssize_t s, Py_ssize_t tick) except -1
    cdef inline int occupy(self, Py_ssize_t s, Py_ssize_t tick, Py_ssize_t level) noexcept
    cdef inline int vacate(self, Py_ssize_t s, Py_ssize_t tick) except -1
    @cython.locals(level=cython.Py_ssize_t, first=cython.Py_ssize_t, word=cython.Py_ssize_t, here=cython.ulonglong)
    cdef Py_ssize_t worse(self, Py_ssize_t s, Py_ssize_t tick) except? -1
    @cython.locals(ticks=list, place=cython.Py_ssize_t)
    cdef Py_ssize_t _worse_far(self, Py_ssize_t s, Py_ssize_t tick) except? -1
    cdef inline Py_ssize_t _above(self, Py_ssize_t level, Py_ssize_t size) noexcept
    cdef inline Py_ssize_t _below(self, Py_ssize_t level, Py_ssize_t size) noexcept

    cdef Py_ssize_t outside(self, Py_ssize_t s, Py_ssize_t tick) except -1
    cdef int _near(self, Py_ssize_t s) except -1
    @cython.locals(base=cython.Py_ssize_t, one=cython.Py_ssize_t, level=cython.Py_ssize_t, far=cython.Py_ssize_t, inside=cython.Py_ssize_t)
    cdef int _move(self, Py_ssize_t s, Py_ssize_t tick, Py_ssize_t size) except -1
    @cython.locals(word=cython.Py_ssize_t)
    cdef int _clear(self, Py_ssize_t offset, Py_ssize_t size) noexcept
    cdef int _copy(self, Py_ssize_t source, Py_ssize_t target) noexcept
    cdef Py_ssize_t _window(self, Py_ssize_t size) except -1
    @cython.locals(level=cython.Py_ssize_t)
    cdef Py_ssize_t _far(self, Py_ssize_t s, Py_ssize_t tick) except -1
    cdef int _vacate_far(self, Py_ssize_t s, Py_ssize_t tick) except -1

    cdef Py_ssize_t new_slot(self) except -1
    cdef inline void release(self, Py_ssize_t slot) noexcept
    cdef int widen(self) except -1
    cdef int _widen_swept(self) except -1
    cdef inline Py_ssize_t accept(self, Py_ssize_t number) noexcept
    cdef inline void done(self, Py_ssize_t reason, Py_ssize_t book, Py_ssize_t identity, Py_ssize_t executed, Py_ssize_t cancelled, Py_ssize_t account) noexcept
    cdef inline void _tell_level(self, Py_ssize_t of, Py_ssize_t b, Py_ssize_t price, Py_ssize_t level) noexcept
    cdef inline void _show(self, Py_ssize_t s, Py_ssize_t tick, Py_ssize_t level) noexcept
    cdef inline int show_where(self, Py_ssize_t s, Py_ssize_t tick) except -1
    cdef Py_ssize_t _far_or_none(self, Py_ssize_t s, Py_ssize_t tick) except -1
    cdef inline int show_swept(self, Py_ssize_t s) except -1
    cdef int reject(self, Py_ssize_t number, Py_ssize_t what, Py_ssize_t reason, Py_ssize_t field, Py_ssize_t book, Py_ssize_t identity) except -1

    cpdef int terms(self, long long flags, long long display, long long minimum, long long stop, long long trail, long long second, long long peg, long long offset) except -1
    cpdef int belongs(self, Py_ssize_t account, Py_ssize_t participant) except -1
    @cython.locals(n=cython.Py_ssize_t)
    cpdef Py_ssize_t execute(self, long long head, long long account, long long price, long long quantity, long long amount, long long held_price, long long held_amount, long long order, Py_ssize_t number) except -1
    cpdef void amend(self, Py_ssize_t reason) noexcept
    @cython.locals(until=cython.Py_ssize_t)
    cdef Py_ssize_t ends_by(self, Py_ssize_t identity, Py_ssize_t reason, Py_ssize_t date) except -1
    cpdef int begin_owners(self, Py_ssize_t accounts) except -1
    cdef int owned(self, Py_ssize_t slot) noexcept
    @cython.locals(account=cython.Py_ssize_t)
    cpdef list owners(self)
    @cython.locals(slot=cython.Py_ssize_t, h=cython.Py_ssize_t)
    cpdef int renumber(self, object participants) except -1
    cpdef Py_ssize_t expired(self, Py_ssize_t number, Py_ssize_t book) except -1
    cdef int sweep(self, Py_ssize_t tick) except -1
    @cython.locals(place=cython.Py_ssize_t)
    cpdef Py_ssize_t add_book(self, Py_ssize_t tick_size, Py_ssize_t lot_size, Py_ssize_t min_price, Py_ssize_t max_price, Py_ssize_t max_quantity, Py_ssize_t maker_fee, Py_ssize_t taker_fee, Py_ssize_t phase) except -1
    cpdef int protect(self, Py_ssize_t book, Py_ssize_t basis_points) except -1
    cpdef int define(self, Py_ssize_t book, Py_ssize_t tick_size, Py_ssize_t lot_size, Py_ssize_t min_price, Py_ssize_t max_price, Py_ssize_t max_quantity, Py_ssize_t maker_fee, Py_ssize_t taker_fee) except -1
    cpdef Py_ssize_t listing(self, Py_ssize_t book) except -1
    cpdef int set_listing(self, Py_ssize_t book, Py_ssize_t listing) except -1
    cpdef int set_phase(self, Py_ssize_t book, Py_ssize_t phase, Py_ssize_t auction=*) except -1
    cpdef int narrow(self, Py_ssize_t book) except -1
    cpdef Py_ssize_t auction(self, Py_ssize_t book) except -1
    cpdef int set_auction(self, Py_ssize_t book, Py_ssize_t auction) except -1
    cpdef Py_ssize_t open_orders(self) except -1
    cpdef bint is_open(self, Py_ssize_t identity) except -1
    @cython.locals(some=cython.p_longlong, kept=cython.Py_ssize_t, number=cython.Py_ssize_t, word=cython.Py_ssize_t)
    cpdef Py_ssize_t keep_open(self, object records, Py_ssize_t size) except -1
    cpdef Py_ssize_t phase(self, Py_ssize_t book) except -1
    cpdef Py_ssize_t public(self, Py_ssize_t book) except -1
    cpdef Py_ssize_t last(self, Py_ssize_t book) except -1
    @cython.locals(q=cython.Py_ssize_t)
    cpdef int set_last(self, Py_ssize_t book, Py_ssize_t price) except -1
    cpdef int count_public(self, Py_ssize_t book, Py_ssize_t events) except -1
    @cython.locals(tick=cython.Py_ssize_t, level=cython.Py_ssize_t)
    cpdef list depth(self, Py_ssize_t book, Py_ssize_t side, Py_ssize_t limit)
    @cython.locals(tick=cython.Py_ssize_t, slot=cython.Py_ssize_t, queue=cython.Py_ssize_t)
    cpdef list standing(self, Py_ssize_t book, Py_ssize_t side)
    cpdef tuple window(self, Py_ssize_t s)
    @cython.locals(s=cython.Py_ssize_t, slot=cython.Py_ssize_t, base=cython.Py_ssize_t, size=cython.Py_ssize_t)
    cpdef int load(self, object pool, Py_ssize_t free, list windows) except -1
    cdef int _place_window(self, Py_ssize_t s, Py_ssize_t base, Py_ssize_t size) except -1
    @cython.locals(s=cython.Py_ssize_t, tick=cython.Py_ssize_t, level=cython.Py_ssize_t)
    cdef int stand(self, Py_ssize_t slot) except -1
    cdef Py_ssize_t restored(self, Py_ssize_t s, Py_ssize_t tick) except -1
