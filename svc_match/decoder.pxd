# The types of C for decoder.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport layout as w
from svc_match.core cimport octets
from svc_match.core cimport record as r


@cython.final
cdef class Decoder:
    cdef object _record, _made
    cdef unsigned char* record
    cdef long long* to
    cdef unsigned char* made
    cdef unsigned char* source
    cdef Py_ssize_t at, begin

    @cython.locals(at=cython.Py_ssize_t, end=cython.Py_ssize_t, length=cython.longlong)
    cpdef object split(self, bytes raw, object otherwise)
    cpdef object plain(self, bytes submission)
    @cython.locals(last=cython.longlong, field=cython.longlong, value=cython.longlong)
    cdef bint _held(self, Py_ssize_t end) except -1
    @cython.locals(length=cython.longlong, inner=cython.Py_ssize_t, kind=cython.longlong)
    cdef bint _submission(self, Py_ssize_t start, Py_ssize_t end) except -1
    @cython.locals(side=cython.longlong, kind=cython.longlong, time_in_force=cython.longlong, last=cython.longlong, field=cython.longlong, value=cython.longlong, text=cython.bint, n=cython.Py_ssize_t)
    cdef bint _place(self, Py_ssize_t end) except -1
    @cython.locals(last=cython.longlong, field=cython.longlong, value=cython.longlong, text=cython.bint, n=cython.Py_ssize_t)
    cdef bint _change(self, Py_ssize_t end, long long kind) except -1
    @cython.locals(value=cython.longlong, shift=cython.longlong, byte=cython.longlong, at=cython.Py_ssize_t)
    cdef inline long long _number(self, Py_ssize_t end) noexcept
    @cython.locals(length=cython.longlong, limit=cython.longlong, lowest=cython.longlong, place=cython.Py_ssize_t)
    cdef bint _text(self, Py_ssize_t end, long long field) noexcept
    @cython.locals(place=cython.Py_ssize_t, byte=cython.longlong)
    cdef bint _wrong_text(self, long long length, long long lowest) noexcept
    @cython.locals(n=cython.Py_ssize_t)
    cdef bint _named(self) except -1
    cdef inline Py_ssize_t _opened(self) noexcept
    @cython.locals(n=cython.Py_ssize_t)
    cdef Py_ssize_t _digested(self, long long kind) except -1
    @cython.locals(start=cython.Py_ssize_t)
    cdef Py_ssize_t _quoted(self, Py_ssize_t n, Py_ssize_t place) noexcept
    cdef Py_ssize_t _counted(self, Py_ssize_t n, long long value) noexcept
    cdef inline Py_ssize_t _apart(self, Py_ssize_t n) noexcept
    cdef int _finish(self, Py_ssize_t n, Py_ssize_t place) noexcept
