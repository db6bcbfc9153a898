# The types of C for identity.py.
cimport cython
from svc_match.core cimport bits
from svc_match.core cimport octets
from svc_match.core cimport record as r


@cython.final
cdef class IdentityTable:
    cdef object _pool, _bases, _sums, _new, _one, _index, _older, _hash
    cdef dict _steps, _others, _numbers, _accounts
    cdef list _checksums
    cdef long long* pool
    cdef unsigned char* tails
    cdef unsigned char* one
    cdef long long* bases
    cdef unsigned short* sums
    cdef unsigned char* new
    cdef unsigned int* index
    cdef unsigned int* older
    cdef Py_ssize_t places, older_places, moved, room, new_room, added
    cdef readonly Py_ssize_t count
    cdef long long last, multiplier

    cdef int _point(self) except -1
    cdef inline Py_ssize_t seek(self, long long high, long long low) noexcept
    cdef inline bint same(self, Py_ssize_t entry, long long high, long long low) noexcept
    cdef inline bint was_accepted(self, Py_ssize_t entry) noexcept
    @cython.locals(found=cython.longlong, start=cython.Py_ssize_t, other=cython.Py_ssize_t, step=cython.longlong)
    cdef Py_ssize_t sequence(self, Py_ssize_t entry) except -1
    cdef Py_ssize_t checksum(self, str account) except -1
    @cython.locals(entry=cython.Py_ssize_t, place=cython.Py_ssize_t, step=cython.longlong, n=cython.Py_ssize_t)
    cdef int remember(self, long long high, long long low, long long first, long long second, long long sequence, bint accepted, Py_ssize_t checksum) except -1
    cpdef void begin(self) noexcept
    cpdef bytes taken(self)
    @cython.locals(entry=cython.Py_ssize_t)
    cpdef bint accepted(self, long long sequence, str account) except -1
    @cython.locals(count=cython.Py_ssize_t, wanted=cython.p_longlong, to=cython.p_uchar, found=cython.longlong, n=cython.Py_ssize_t, number=cython.Py_ssize_t, entry=cython.Py_ssize_t, last=cython.Py_ssize_t, block=cython.Py_ssize_t, step=cython.longlong)
    cpdef bytes kept(self, object sequences)
    cdef inline int _put_total(self, unsigned char* to, Py_ssize_t n, long long total) noexcept
    cdef Py_ssize_t _first_byte(self, Py_ssize_t entry) except -1
    @cython.locals(place=cython.longlong, found=cython.longlong)
    cdef Py_ssize_t _byte_in(self, unsigned int* index, Py_ssize_t places, Py_ssize_t entry) except? -1
    @cython.locals(low=cython.Py_ssize_t, high=cython.Py_ssize_t, middle=cython.Py_ssize_t)
    cdef Py_ssize_t _block(self, long long sequence) noexcept
    @cython.locals(block=cython.Py_ssize_t, entry=cython.Py_ssize_t)
    cdef Py_ssize_t _entry(self, long long sequence) except? -1
    @cython.locals(entry=cython.Py_ssize_t)
    cpdef object find(self, object key)
    @cython.locals(high=cython.longlong, low=cython.longlong, first=cython.longlong, second=cython.longlong)
    cpdef object add(self, object key, bytes digest, long long sequence, bint accepted, str account)

    @cython.locals(place=cython.longlong, first_byte=cython.longlong, found=cython.longlong, entry=cython.Py_ssize_t)
    cdef inline Py_ssize_t _seek(self, unsigned int* index, Py_ssize_t places, long long high, long long low) noexcept
    @cython.locals(place=cython.longlong)
    cdef inline int _put(self, Py_ssize_t entry, long long first_byte, long long low) noexcept
    cdef int _grow(self) except -1
    @cython.locals(end=cython.Py_ssize_t, place=cython.Py_ssize_t, found=cython.longlong, entry=cython.Py_ssize_t)
    cdef int _move(self, Py_ssize_t places) except -1
    cdef int _widen(self) except -1
    cdef int _widen_new(self) except -1
    cdef Py_ssize_t _step(self, Py_ssize_t entry) except -1
    cdef Py_ssize_t _checksum(self, long long total) except -1
    cdef Py_ssize_t _total(self, Py_ssize_t number) except -1
    cdef Py_ssize_t _sum(self, Py_ssize_t entry) except -1
    @cython.locals(source=cython.p_uchar, number=cython.Py_ssize_t, n=cython.Py_ssize_t, high=cython.longlong, low=cython.longlong, first=cython.longlong, second=cython.longlong, numbered=cython.longlong, total=cython.longlong, checksum=cython.Py_ssize_t)
    cpdef int load(self, bytes records) except -1
