cdef extern from *:
    """
    #ifdef _MSC_VER
    #error "the core needs a compiler with GCC's builtins"
    #endif
    static inline int bourse_first_bit(unsigned long long word) { return __builtin_ctzll(word); }
    static inline int bourse_last_bit(unsigned long long word) { return 63 - __builtin_clzll(word); }
    static inline long long bourse_product(long long one, long long other) {
        long long found;
        return __builtin_mul_overflow(one, other, &found) ? -1 : found;
    }
    """
    int first_bit "bourse_first_bit"(unsigned long long word) nogil
    int last_bit "bourse_last_bit"(unsigned long long word) nogil
    long long product "bourse_product"(long long one, long long other) nogil
