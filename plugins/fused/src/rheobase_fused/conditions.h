/* Conditions: a bit for each lane of a vector, in AVX-512's registers for them; elsewhere vectors of 0 and -1. Clang
   sees by itself that such vectors are bits. */
#if BYTES == 64 && !defined(__clang__)
#define MASKS 1
#if SINGLE
#define NAMED_3(name) name##ps512_mask3
#else
#define NAMED_3(name) name##pd512_mask3
#endif
#if SINGLE
typedef uint16_t vbool __attribute__((may_alias));
typedef int lanes_t __attribute__((vector_size(64)));
#define COMPARE(x, y, code) __builtin_ia32_cmpps512_mask(x, y, code, EVERY, 4)
#define COMPARE_INT(x, y, code) __builtin_ia32_cmpd512_mask((lanes_t)(x), (lanes_t)(y), code, EVERY)
#define SELECT(c, x, y) __builtin_ia32_blendmps_512_mask(y, x, c)
#define SELECT_INT(c, x, y) (vint) __builtin_ia32_blendmd_512_mask((lanes_t)(y), (lanes_t)(x), c)
#else
typedef uint8_t vbool __attribute__((may_alias));
typedef long long lanes_t __attribute__((vector_size(64)));
#define COMPARE(x, y, code) __builtin_ia32_cmppd512_mask(x, y, code, EVERY, 4)
#define COMPARE_INT(x, y, code) __builtin_ia32_cmpq512_mask((lanes_t)(x), (lanes_t)(y), code, EVERY)
#define SELECT(c, x, y) __builtin_ia32_blendmpd_512_mask(y, x, c)
#define SELECT_INT(c, x, y) (vint) __builtin_ia32_blendmq_512_mask((lanes_t)(y), (lanes_t)(x), c)
#endif
/* The codes of the instructions: false for NaN but for the last, and silent. */
#define CONDITION(name, sign, code, code_int) \
    INLINE vbool name(vreal x, vreal y) { return COMPARE(x, y, code); } \
    INLINE vbool name(vint x, vint y) { return COMPARE_INT(x, y, code_int); }
INLINE vbool splat_bool(int x) { return x ? EVERY : 0; }
INLINE uint32_t lanes_of(vbool m) { return m; }
INLINE vbool rb_not(vbool m) { return ~m; }
INLINE vbool rb_where(vbool c, vbool x, vbool y) { return (c & x) | (~c & y); }
INLINE vint int_of(vbool m) { return SELECT_INT(m, splat_int(1), splat_int(0)); }
/* To and from vectors of 0 and -1, and from bits. */
INLINE vint wide(vbool m) { return SELECT_INT(m, splat_int(-1), splat_int(0)); }
INLINE vbool narrow(vint m) { return COMPARE_INT(m, splat_int(0), 4); }
INLINE vbool bools_of(uint32_t m) { return m; }
/* To and from what holds a state of any kind. */
INLINE vreal packed(vbool m) { return from_bits(int_of(m)); }
INLINE vbool unpacked_vbool(vreal x) { return COMPARE_INT(bits_of(x), splat_int(0), 4); }
INLINE void put_bool(void *at, int64_t k, int x) {
    vbool *const m = (vbool *)at + k / LANES;
    const vbool bit = (vbool)(1 << k % LANES);
    *m = x ? *m | bit : *m & ~bit;
}
INLINE int get_bool(const void *at, int64_t k) { return ((const vbool *)at)[k / LANES] >> k % LANES & 1; }
#else
#define MASKS 0
typedef vint vbool;
#define SELECT(c, x, y) ((c) ? (x) : (y))
#define SELECT_INT SELECT
#define CONDITION(name, sign, code, code_int) \
    INLINE vbool name(vreal x, vreal y) { return x sign y; } \
    INLINE vbool name(vint x, vint y) { return x sign y; }
INLINE vbool splat_bool(int x) { return splat_int(-x); }
INLINE vbool rb_not(vbool m) { return ~m; }
INLINE vint int_of(vbool m) { return m & 1; }
INLINE vint wide(vbool m) { return m; }
INLINE vbool narrow(vint m) { return m; }
INLINE vbool bools_of(uint32_t m) {
    vint bit;
    for (int k = 0; k < LANES; k++) bit[k] = 1 << k;
    return (splat_int((whole_t)m) & bit) != splat_int(0);
}
INLINE vbool unpacked_vbool(vreal x) { return bits_of(x); }
INLINE void put_bool(void *at, int64_t k, int x) { ((whole_t *)at)[k] = -(whole_t)(x != 0); }
INLINE int get_bool(const void *at, int64_t k) { return ((const whole_t *)at)[k] != 0; }
#endif
CONDITION(rb_lt, <, 17, 1)
CONDITION(rb_le, <=, 18, 2)
CONDITION(rb_gt, >, 30, 6)
CONDITION(rb_ge, >=, 29, 5)
CONDITION(rb_eq, ==, 0, 0)
CONDITION(rb_ne, !=, 4, 4)
INLINE vreal rb_where(vbool c, vreal x, vreal y) { return SELECT(c, x, y); }
INLINE vint rb_where(vbool c, vint x, vint y) { return SELECT_INT(c, x, y); }
/* l * d, and 0 where l is: also where d is infinite, or no number. */
INLINE vreal rb_times(vreal l, vreal d) { return rb_where(rb_eq(l, splat(0)), splat(0), l * d); }
/* The same, added to c. */
INLINE vreal rb_times_add(vreal l, vreal d, vreal c) {
#if MASKS
    return NAMED_3(__builtin_ia32_vfmadd)(l, d, c, rb_ne(l, splat(0)), 4);
#else
    return rb_where(rb_eq(l, splat(0)), c, rb_fma(l, d, c));
#endif
}
INLINE vbool rb_isfinite(vreal x) { return rb_lt(rb_abs(x), splat(INFINITY)); }
INLINE vreal packed(vreal x) { return x; }
INLINE vreal packed(vint x) { return from_bits(x); }
INLINE vreal unpacked_vreal(vreal x) { return x; }
INLINE vint unpacked_vint(vreal x) { return bits_of(x); }
/* The conditions of a vector's units, a byte each, from the i-th on, of which count are there in all; those that are
   not there are as the first. */
typedef unsigned char vbytes __attribute__((vector_size(LANES)));
INLINE vbool bools_from(const unsigned char *from, int64_t i, int64_t count) {
    vbytes bytes;
    if (count - i >= LANES) memcpy(&bytes, from + i, LANES);
    else
        for (int k = 0; k < LANES; k++) bytes[k] = from[i + k < count ? i + k : 0];
    return rb_ne(__builtin_convertvector(bytes, vint), splat_int(0));
}
INLINE void bools_to(unsigned char *to, vbool m, int64_t i, int64_t count) {
    const vbytes bytes = __builtin_convertvector(int_of(m), vbytes);
    memcpy(to + i, &bytes, (size_t)(count - i < LANES ? count - i : LANES));
}
