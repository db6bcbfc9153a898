# The types of C for plain.py.
cimport cython
from svc_match.core cimport layout as w
from svc_match.core cimport octets
from svc_match.core cimport record as r
from svc_match.core.books cimport Books
from svc_match.core.identity cimport IdentityTable


@cython.locals(
    packed=Books, identities=IdentityTable, accounts=dict, numbers=dict, last_date=cython.longlong,
    trading_date=cython.longlong, shard=cython.longlong, first=cython.longlong, results=list,
    restricted=cython.bint, reason=object,
    number=cython.Py_ssize_t, item=object, command=bytes, c=cython.p_longlong, p=cython.p_uchar, place=cython.Py_ssize_t,
    sequence=cython.longlong, head=cython.longlong, kind=cython.longlong, owner=cython.longlong, done=cython.longlong,
    accepted=cython.bint, identity=cython.longlong, extra=cython.longlong, book=cython.longlong,
    room=cython.longlong, unknown=cython.bint,
)
cpdef object execute(object engine, list commands, long long time_us, long long events_limit)
@cython.locals(place=cython.Py_ssize_t)
cdef inline long long _named(Books packed, IdentityTable identities, long long* c) except? -1
