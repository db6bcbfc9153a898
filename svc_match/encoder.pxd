# The types of C for encoder.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport layout as w
from svc_match.core cimport octets
from svc_match.core cimport record as r
from svc_match.core.books cimport Books


@cython.final
cdef class Encoder:
    cdef object _private, _public, _marks, _links, _books, _one
    cdef unsigned char* private
    cdef unsigned char* public
    cdef unsigned char* one
    cdef long long* marks
    cdef long long* links
    cdef long long* books
    cdef Py_ssize_t n, shown, private_room, public_room, marks_room, links_room
    cdef readonly Py_ssize_t count, trades, placed, cancelled, replaced, rejected
    cdef list touched

    cdef int _point(self) except -1
    @cython.locals(out=cython.p_longlong, end=cython.Py_ssize_t, at=cython.Py_ssize_t, sequence=cython.longlong, head=cython.longlong, kind=cython.longlong, book=cython.Py_ssize_t, book_number=cython.Py_ssize_t, number=cython.Py_ssize_t, c=cython.p_longlong, length=cython.Py_ssize_t, place=cython.Py_ssize_t)
    cpdef bint encode(self, Books packed, list commands, list answers, list names, list symbols, long long first, object refused, object told) except -1
    @cython.locals(begin=cython.Py_ssize_t)
    cpdef bytes events(self, Py_ssize_t start, Py_ssize_t end)
    @cython.locals(out=cython.p_longlong, book=cython.Py_ssize_t, link=cython.Py_ssize_t, total=cython.Py_ssize_t, done=cython.Py_ssize_t, n=cython.Py_ssize_t, some=cython.Py_ssize_t)
    cpdef list pieces(self, Books packed, list symbols)
    cdef inline Py_ssize_t _general(self, long long kind, long long head, list commands, Py_ssize_t number) except -1
    @cython.locals(length=cython.Py_ssize_t)
    cdef int _add(self, bytes encoded) except -1
    cdef int _widen(self) except -1
    cdef int _widen_public(self) except -1
    cdef int _widen_links(self) except -1
    @cython.locals(c=cython.p_longlong, p=cython.p_uchar, told=cython.p_uchar, length=cython.Py_ssize_t, n=cython.Py_ssize_t, body=cython.Py_ssize_t, start=cython.Py_ssize_t)
    cdef bytes _rejected(self, long long* e, Py_ssize_t at, long long sequence, bytes command, str symbol, bytes refusal)
    @cython.locals(link=cython.Py_ssize_t)
    cdef int _link(self, Py_ssize_t book, Py_ssize_t at, long long sequence) except -1
    cdef inline Py_ssize_t _int(self, Py_ssize_t n, unsigned char tag, long long value) noexcept
    @cython.locals(end=cython.Py_ssize_t, length=cython.Py_ssize_t)
    cdef inline Py_ssize_t _name(self, Py_ssize_t n, unsigned char tag, str value) except -1
    cdef inline Py_ssize_t _slice(self, Py_ssize_t n, unsigned char tag, unsigned char* p, long long where) noexcept
    @cython.locals(n=cython.Py_ssize_t, length=cython.Py_ssize_t, outer=cython.Py_ssize_t, start=cython.Py_ssize_t)
    cdef inline int _close(self, unsigned char tag, Py_ssize_t end) noexcept
    @cython.locals(head=cython.longlong, time_in_force=cython.longlong, n=cython.Py_ssize_t)
    cdef int _accepted(self, long long identity, long long* c, unsigned char* p) except -1
    @cython.locals(n=cython.Py_ssize_t)
    cdef int _traded(self, long long* e, Py_ssize_t at, str maker, str taker, str symbol) except -1
    @cython.locals(c=cython.p_longlong, p=cython.p_uchar, n=cython.Py_ssize_t)
    cdef int _replaced(self, long long* e, Py_ssize_t at, bytes command, str symbol) except -1
    @cython.locals(command=bytes, n=cython.Py_ssize_t)
    cdef int _done(self, long long* e, Py_ssize_t at, str account, str symbol, list commands) except -1
    @cython.locals(to=cython.p_uchar, head=cython.longlong, m=cython.Py_ssize_t, body=cython.Py_ssize_t, end=cython.Py_ssize_t)
    cdef Py_ssize_t _show(self, long long* e, Py_ssize_t at, long long sequence, Py_ssize_t n) noexcept
    @cython.locals(to=cython.p_uchar, where=cython.longlong, n=cython.Py_ssize_t)
    cdef bytes _answer(self, bytes command, long long outcome, long long identity, long long sequence, long long quantity)


@cython.locals(number=cython.Py_ssize_t, command=bytes, length=cython.Py_ssize_t)
cpdef bytes recorded(list commands, list results)
