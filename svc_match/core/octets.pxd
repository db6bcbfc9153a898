from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #if !defined(__GNUC__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    #error "the core needs a compiler with GCC's builtins and a machine that is little-endian"
    #endif
    #define BOURSE_BYTES static inline __attribute__((unused))
    typedef long long bourse_int;

    BOURSE_BYTES Py_ssize_t bourse_copy(unsigned char* to, Py_ssize_t at, const unsigned char* from, Py_ssize_t start, Py_ssize_t length) {
        memmove(to + at, from + start, (size_t)length);
        return at + length;
    }
    BOURSE_BYTES Py_ssize_t bourse_varint(unsigned char* to, Py_ssize_t at, bourse_int value) {
        unsigned long long left = (unsigned long long)value;
        while (left > 127) {
            to[at++] = (unsigned char)(left | 128);
            left >>= 7;
        }
        to[at++] = (unsigned char)left;
        return at;
    }
    BOURSE_BYTES Py_ssize_t bourse_decimal(unsigned char* to, Py_ssize_t at, bourse_int value) {
        unsigned char digits[20];
        int count = 0;
        unsigned long long left = value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
        if (value < 0) to[at++] = '-';
        do { digits[count++] = (unsigned char)('0' + left % 10); left /= 10; } while (left);
        while (count) to[at++] = digits[--count];
        return at;
    }
    BOURSE_BYTES Py_ssize_t bourse_put_big(unsigned char* to, Py_ssize_t at, bourse_int value) {
        unsigned long long turned = __builtin_bswap64((unsigned long long)value);
        memcpy(to + at, &turned, 8);
        return at + 8;
    }
    BOURSE_BYTES bourse_int bourse_big(const unsigned char* from, Py_ssize_t at) {
        unsigned long long value;
        memcpy(&value, from + at, 8);
        return (bourse_int)__builtin_bswap64(value);
    }
    /* BLAKE2b, RFC 7693, with 16 bytes of digest and no key. */
    static const uint64_t bourse_iv[8] = {
        0x6A09E667F3BCC908ULL, 0xBB67AE8584CAA73BULL, 0x3C6EF372FE94F82BULL, 0xA54FF53A5F1D36F1ULL,
        0x510E527FADE682D1ULL, 0x9B05688C2B3E6C1FULL, 0x1F83D9ABFB41BD6BULL, 0x5BE0CD19137E2179ULL};
    static const unsigned char bourse_sigma[10][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};
    #define BOURSE_TURN(word, bits) (((word) >> (bits)) | ((word) << (64 - (bits))))
    #define BOURSE_MIX(a, b, c, d, x, y) \
        v[a] += v[b] + (x); v[d] = BOURSE_TURN(v[d] ^ v[a], 32); v[c] += v[d]; v[b] = BOURSE_TURN(v[b] ^ v[c], 24); \
        v[a] += v[b] + (y); v[d] = BOURSE_TURN(v[d] ^ v[a], 16); v[c] += v[d]; v[b] = BOURSE_TURN(v[b] ^ v[c], 63);
    static void bourse_compress(uint64_t* h, const unsigned char* block, uint64_t taken, uint64_t last) {
        uint64_t v[16], m[16];
        int i, round;
        memcpy(m, block, 128);
        for (i = 0; i < 8; i++) { v[i] = h[i]; v[i + 8] = bourse_iv[i]; }
        v[12] ^= taken;
        v[14] ^= last;
        #pragma GCC unroll 12
        for (round = 0; round < 12; round++) {
            const unsigned char* s = bourse_sigma[round % 10];
            BOURSE_MIX(0, 4, 8, 12, m[s[0]], m[s[1]])
            BOURSE_MIX(1, 5, 9, 13, m[s[2]], m[s[3]])
            BOURSE_MIX(2, 6, 10, 14, m[s[4]], m[s[5]])
            BOURSE_MIX(3, 7, 11, 15, m[s[6]], m[s[7]])
            BOURSE_MIX(0, 5, 10, 15, m[s[8]], m[s[9]])
            BOURSE_MIX(1, 6, 11, 12, m[s[10]], m[s[11]])
            BOURSE_MIX(2, 7, 8, 13, m[s[12]], m[s[13]])
            BOURSE_MIX(3, 4, 9, 14, m[s[14]], m[s[15]])
        }
        for (i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
    }
    BOURSE_BYTES int bourse_digest(bourse_int* to, Py_ssize_t at, const unsigned char* from, Py_ssize_t length) {
        uint64_t h[8], taken = 0;
        unsigned char block[128];
        memcpy(h, bourse_iv, sizeof h);
        h[0] ^= 0x01010000 ^ 16;
        for (; length > 128; from += 128, length -= 128) bourse_compress(h, from, taken += 128, 0);
        memset(block, 0, sizeof block);
        memcpy(block, from, (size_t)length);
        bourse_compress(h, block, taken + (uint64_t)length, ~0ULL);
        to[at] = (bourse_int)__builtin_bswap64(h[0]);
        to[at + 1] = (bourse_int)__builtin_bswap64(h[1]);
        return 0;
    }
    BOURSE_BYTES Py_ssize_t bourse_put_text(unsigned char* to, Py_ssize_t at, PyObject* text) {
        Py_ssize_t length;
        const char* encoded = PyUnicode_AsUTF8AndSize(text, &length);
        if (!encoded) return -1;
        memcpy(to + at, encoded, (size_t)length);
        return at + length;
    }
    #define bourse_text(source, start, length) PyUnicode_DecodeASCII((const char*)(source) + (start), (length), NULL)
    #define bourse_piece(source, start, length) PyBytes_FromStringAndSize((const char*)(source) + (start), (length))
    #define bourse_signed(value) ((bourse_int)(value))
    #define bourse_unsigned(value) ((unsigned long long)(value))
    #define bourse_spread(number, multiplier, size) ((bourse_int)( \
        ((((unsigned long long)(number) * (unsigned long long)(multiplier)) >> 32) * (unsigned long long)(size)) >> 32))
    #define bourse_soon(words, place) __builtin_prefetch((words) + (place))
    """
    Py_ssize_t copy "bourse_copy"(unsigned char* to, Py_ssize_t at, unsigned char* source, Py_ssize_t start, Py_ssize_t length) noexcept nogil
    Py_ssize_t put_varint "bourse_varint"(unsigned char* to, Py_ssize_t at, long long value) noexcept nogil
    Py_ssize_t put_decimal "bourse_decimal"(unsigned char* to, Py_ssize_t at, long long value) noexcept nogil
    Py_ssize_t put_big "bourse_put_big"(unsigned char* to, Py_ssize_t at, long long value) noexcept nogil
    Py_ssize_t put_text "bourse_put_text"(unsigned char* to, Py_ssize_t at, object text) except -1
    long long big "bourse_big"(unsigned char* source, Py_ssize_t at) noexcept nogil
    int put_digest "bourse_digest"(long long* to, Py_ssize_t at, unsigned char* source, Py_ssize_t length) noexcept nogil
    str text "bourse_text"(unsigned char* source, Py_ssize_t start, Py_ssize_t length)
    bytes piece "bourse_piece"(unsigned char* source, Py_ssize_t start, Py_ssize_t length)
    long long to_signed "bourse_signed"(unsigned long long value) noexcept nogil
    unsigned long long to_unsigned "bourse_unsigned"(long long value) noexcept nogil
    long long spread "bourse_spread"(long long number, long long multiplier, long long size) noexcept nogil
    void ahead "bourse_soon"(long long* words, Py_ssize_t place) noexcept nogil


cdef inline void* start_of(object view) except NULL:
    cdef Py_buffer buffer
    PyObject_GetBuffer(view, &buffer, PyBUF_SIMPLE)
    cdef void* start = buffer.buf
    PyBuffer_Release(&buffer)  # who calls keeps the view
    return start


cdef inline unsigned char* octets(object view) except NULL:
    return <unsigned char*> start_of(view)


cdef inline unsigned short* shorts(object view) except NULL:
    return <unsigned short*> start_of(view)


cdef inline unsigned int* slots(object view) except NULL:
    return <unsigned int*> start_of(view)


cdef inline long long* words(bytes record) except NULL:
    return <long long*> PyBytes_AS_STRING(record)


cdef inline bytes joined(unsigned char* record, Py_ssize_t length, unsigned char* source, Py_ssize_t start, Py_ssize_t count):
    made = PyBytes_FromStringAndSize(NULL, length + count)
    cdef unsigned char* to = <unsigned char*> PyBytes_AS_STRING(made)
    copy(to, 0, record, 0, length)
    copy(to, length, source, start, count)
    return made
