from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer

cdef extern from *:
    """
    #if !defined(__GNUC__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #error "the core needs GCC's builtins, 128-bit integers, and a machine that is little-endian"
    #endif
    typedef long long bourse_word;
    #define BOURSE_INLINE static inline __attribute__((always_inline, unused))
    BOURSE_INLINE int bourse_first_bit(unsigned long long word) { return __builtin_ctzll(word); }
    BOURSE_INLINE int bourse_last_bit(unsigned long long word) { return 63 - __builtin_clzll(word); }
    BOURSE_INLINE bourse_word bourse_share(bourse_word price, bourse_word reciprocal) {
        return (bourse_word)(((__int128)price * reciprocal) >> 62);
    }
    BOURSE_INLINE bourse_word bourse_fee(bourse_word amount, bourse_word fee) {
        if (__builtin_expect(amount < 90000000000000LL, 1)) return amount * fee / 1000000;  /* fee <= 100 000 */
        return amount / 1000000 * fee + amount % 1000000 * fee / 1000000;
    }
    static bourse_word bourse_worst_wide(bourse_word price, bourse_word quantity, bourse_word fee) {
        unsigned __int128 amount = (unsigned __int128)price * (unsigned long long)quantity, limit = ~0ULL >> 1;
        if (amount > limit) return -1;
        amount += (amount * (unsigned long long)fee + 999999) / 1000000;
        return amount > limit ? -1 : (bourse_word)amount;
    }
    BOURSE_INLINE bourse_word bourse_worst(bourse_word price, bourse_word quantity, bourse_word fee) {
        bourse_word amount;
        if (__builtin_expect(!__builtin_mul_overflow(price, quantity, &amount) && amount < 90000000000000LL && fee <= 100000, 1))
            return amount + (amount * fee + 999999) / 1000000;
        return bourse_worst_wide(price, quantity, fee);
    }
    BOURSE_INLINE int bourse_covers(bourse_word side, bourse_word held, bourse_word highest, bourse_word price, bourse_word quantity, bourse_word fee) {
        /* Both sides' needs are computed: nobody can guess the side. */
        bourse_word buys = side - 1, amount;
        if (__builtin_expect(__builtin_mul_overflow(highest, quantity, &amount) || (unsigned long long)amount >= 90000000000000ULL || fee > 100000, 0)) {
            if (!buys) return quantity <= held;
            amount = bourse_worst_wide(highest, quantity, fee);
            return amount >= 0 && amount <= held && highest >= price;
        }
        amount += (amount * fee + 999999) / 1000000;
        return (((amount & buys) | (quantity & ~buys)) <= held) & ((highest >= price) | !buys);
    }
    static inline bourse_word bourse_affordable(bourse_word left, bourse_word price, bourse_word fee) {
        return (bourse_word)((((__int128)left + 1) * 1000000 - 1) / ((__int128)price * (1000000 + fee)));
    }
    static inline bourse_word bourse_cost(bourse_word price, bourse_word quantity, bourse_word fee) {
        return (bourse_word)((__int128)price * (1000000 + fee) * quantity / 1000000);
    }
    BOURSE_INLINE void bourse_put(int* one, bourse_word place, int* other, bourse_word there, bourse_word which, bourse_word value) {
        int* to = which ? one + place : other + there;  /* a move, not a branch: nobody can guess */
        *to = (int)value;
    }
    #define bourse_bit(number) (1ULL << (number))
    #define bourse_ahead(words, place) __builtin_prefetch((words) + (place))
    """
    int first_bit "bourse_first_bit"(unsigned long long word) noexcept nogil
    int last_bit "bourse_last_bit"(unsigned long long word) noexcept nogil
    unsigned long long bit "bourse_bit"(long long number) noexcept nogil
    long long share "bourse_share"(long long price, long long reciprocal) noexcept nogil
    long long fee_of "bourse_fee"(long long amount, long long fee) noexcept nogil
    long long worst "bourse_worst"(long long price, long long quantity, long long fee) noexcept nogil
    bint covers "bourse_covers"(long long side, long long held, long long highest, long long price, long long quantity, long long fee) noexcept nogil
    long long affordable "bourse_affordable"(long long left, long long price, long long fee) noexcept nogil
    long long cost "bourse_cost"(long long price, long long quantity, long long fee) noexcept nogil
    void put "bourse_put"(int* one, long long place, int* other, long long there, long long which, long long value) noexcept nogil
    void ahead "bourse_ahead"(long long* words, long long place) noexcept nogil
    void ahead_half "bourse_ahead"(int* halves, long long place) noexcept nogil


cdef inline void* start_of(object view) except NULL:
    cdef Py_buffer buffer
    PyObject_GetBuffer(view, &buffer, PyBUF_SIMPLE)
    cdef void* start = buffer.buf
    PyBuffer_Release(&buffer)  # who calls keeps the view
    return start


cdef inline long long* words(object view) except NULL:
    return <long long*> start_of(view)


cdef inline int* halves(object view) except NULL:
    return <int*> start_of(view)


cdef inline unsigned long long* masks(object view) except NULL:
    return <unsigned long long*> start_of(view)
