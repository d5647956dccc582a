/* Vectors of numbers, in the extension that GCC and Clang share, and the functions that they lack.
   SINGLE says whether numbers are float or double; conditions and integers are as wide as they are,
   conditions 0 or -1. The functions of <math.h> are the compiler's own: in C++ that header takes a fifth of the
   time of compiling. */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef __has_builtin
#define __has_builtin(name) 0
#endif
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
#define NOINLINE __attribute__((noinline))
#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#if SINGLE
typedef float real;
typedef int32_t whole_t;
#define MATH(name) name##f
#define MANTISSA 23
#define BIAS 127
#else
typedef double real;
typedef int64_t whole_t;
#define MATH(name) name
#define MANTISSA 52
#define BIAS 1023
#endif
#define LANES (BYTES / (int)sizeof(real))
typedef real vreal __attribute__((vector_size(BYTES), may_alias));
typedef whole_t vint __attribute__((vector_size(BYTES), may_alias));
typedef real vloose __attribute__((vector_size(BYTES), may_alias, aligned(sizeof(real))));

INLINE vreal splat(real x) { return x - (vreal){}; }
INLINE vint splat_int(whole_t x) { return x - (vint){}; }
INLINE vint bits_of(vreal x) { return (vint)x; }
INLINE vreal from_bits(vint x) { return (vreal)x; }

/* The lanes of a condition as bits of a number. */
INLINE uint32_t lanes_of(vint m) {
#if BYTES == 64 && SINGLE
    typedef int v16 __attribute__((vector_size(64)));
    return (uint16_t)__builtin_ia32_cvtd2mask512((v16)m);
#elif BYTES == 64
    typedef long long v8 __attribute__((vector_size(64)));
    return (uint8_t)__builtin_ia32_cvtq2mask512((v8)m);
#elif BYTES == 32 && SINGLE
    typedef float v8 __attribute__((vector_size(32)));
    return (uint32_t)__builtin_ia32_movmskps256((v8)m);
#elif BYTES == 32
    typedef double v4 __attribute__((vector_size(32)));
    return (uint32_t)__builtin_ia32_movmskpd256((v4)m);
#else
    uint32_t found = 0;
    for (int k = 0; k < LANES; k++) found |= (uint32_t)(m[k] & 1) << k;
    return found;
#endif
}

/* A function of single numbers, lane by lane; the compiler has vector instructions for the first ones. */
#define EACH(name, function) \
    INLINE vreal name(vreal x) { vreal y; for (int k = 0; k < LANES; k++) y[k] = MATH(function)(x[k]); return y; }
#define EACH2(name, function) \
    INLINE vreal name(vreal x, vreal z) \
    { vreal y; for (int k = 0; k < LANES; k++) y[k] = MATH(function)(x[k], z[k]); return y; }
EACH(rb_sqrt, __builtin_sqrt)
#if BYTES == 64 && SINGLE
#define ROUND(name, function, code) \
    INLINE vreal name(vreal x) { return __builtin_ia32_rndscaleps_mask(x, code, x, (uint16_t)-1, 4); }
#elif BYTES == 64
#define ROUND(name, function, code) \
    INLINE vreal name(vreal x) { return __builtin_ia32_rndscalepd_mask(x, code, x, (uint8_t)-1, 4); }
#else
#define ROUND(name, function, code) EACH(name, function)
#endif
ROUND(rb_round, __builtin_rint, 4)
ROUND(rb_floor, __builtin_floor, 1)
ROUND(rb_ceil, __builtin_ceil, 2)
ROUND(rb_trunc, __builtin_trunc, 3)
EACH(rb_sin, __builtin_sin)
EACH(rb_cos, __builtin_cos)
EACH(rb_tan, __builtin_tan)
EACH(rb_asin, __builtin_asin)
EACH(rb_acos, __builtin_acos)
EACH(rb_atan, __builtin_atan)
EACH(rb_sinh, __builtin_sinh)
EACH(rb_cosh, __builtin_cosh)
EACH(rb_erf, __builtin_erf)
EACH(rb_erfc, __builtin_erfc)
EACH2(rb_pow, __builtin_pow)
EACH2(rb_atan2, __builtin_atan2)
EACH2(rb_fmod, __builtin_fmod)
/* By name where the compiler has one: it does not find the instruction in every loop over lanes. */
#if SINGLE
#define NAMED(name) name##ps512_mask
#define EVERY ((uint16_t)-1)
#else
#define NAMED(name) name##pd512_mask
#define EVERY ((uint8_t)-1)
#endif
INLINE vreal rb_fma(vreal x, vreal y, vreal z) {
#if __has_builtin(__builtin_elementwise_fma)
    return __builtin_elementwise_fma(x, y, z);
#elif BYTES == 64
    return NAMED(__builtin_ia32_vfmadd)(x, y, z, EVERY, 4);
#elif BYTES == 32 && defined(__FMA__) && SINGLE
    return __builtin_ia32_vfmaddps256(x, y, z);
#elif BYTES == 32 && defined(__FMA__)
    return __builtin_ia32_vfmaddpd256(x, y, z);
#endif
    vreal w;
    for (int k = 0; k < LANES; k++) w[k] = MATH(__builtin_fma)(x[k], y[k], z[k]);
    return w;
}

INLINE vreal rb_abs(vreal x) { return from_bits(bits_of(x) & (((whole_t)1 << (8 * sizeof(real) - 1)) ^ -1)); }
INLINE vint rb_absi(vint x) { return x < 0 ? -x : x; }
INLINE vreal rb_real(vint x) { return __builtin_convertvector(x, vreal); }
/* Towards zero; what is beyond int32 becomes its largest number. */
INLINE vint rb_int(vreal x) {
    const vint inner = __builtin_convertvector(x, vint);
    return x >= splat((real)2147483648.0) ? splat_int(2147483647) : inner;
}
/* NaN goes through, as in torch. */
INLINE vreal rb_min(vreal x, vreal y) { const vreal z = x < y ? x : y; return x != x ? x : (y != y ? y : z); }
INLINE vreal rb_max(vreal x, vreal y) { const vreal z = x > y ? x : y; return x != x ? x : (y != y ? y : z); }

/* 2^k x for a whole k: by one instruction, or in two factors, so that results below the normal numbers are right. */
INLINE vreal rb_scale(vreal x, vreal k) {
#if BYTES == 64
    return NAMED(__builtin_ia32_scalef)(x, k, x, EVERY, 4);
#endif
    const vint n = __builtin_convertvector(k, vint), half = n >> 1;
    return x * from_bits((half + BIAS) << MANTISSA) * from_bits((n - half + BIAS) << MANTISSA);
}

/* exp: x = k ln 2 + r, |r| <= ln 2 / 2. e^r - 1 by its Taylor series, whose rest lies below the last place. */
#if SINGLE
#define LN2_HIGH 0.693359375f
#define LN2_LOW -2.12194440e-4f
#define INV_LN2 1.44269504f
#define EXP_LEAST -104.0f
#define EXP_MOST 89.0f
#else
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.9082149292705877e-10
#define INV_LN2 1.4426950408889634
#define EXP_LEAST -746.0
#define EXP_MOST 710.0
#endif
INLINE vreal line(vreal x, double constant, double slope) {
    return rb_fma(x, splat((real)slope), splat((real)constant));
}
/* (e^r - 1 - r) / r^2, in pairs, so that much of it can be worked out at the same time. */
INLINE vreal rb_bend(vreal r) {
    const vreal r2 = r * r;
    const vreal a = line(r, 1.0 / 2, 1.0 / 6), b = line(r, 1.0 / 24, 1.0 / 120), c = line(r, 1.0 / 720, 1.0 / 5040);
#if SINGLE
    return rb_fma(rb_fma(c, r2, b), r2, a);
#else
    const vreal d = line(r, 1.0 / 40320, 1.0 / 362880), e = line(r, 1.0 / 3628800, 1.0 / 39916800);
    const vreal f = line(r, 1.0 / 479001600, 1.0 / 6227020800.0), r4 = r2 * r2;
    const vreal low = rb_fma(b, r2, a), middle = rb_fma(d, r2, c), high = rb_fma(f, r2, e);
    return rb_fma(rb_fma(high, r4, middle), r4, low);
#endif
}
INLINE vreal rb_expm1_near(vreal r) { return rb_fma(rb_bend(r), r * r, r); }
/* Within limits; NaN is let through, as the machine's instructions do with what stands second. */
INLINE vreal rb_within(vreal x, real least, real most) {
#if BYTES == 64
    const vreal low = NAMED(__builtin_ia32_max)(splat(least), x, x, EVERY, 4);
    return NAMED(__builtin_ia32_min)(splat(most), low, low, EVERY, 4);
#else
    const vreal low = x < splat(least) ? splat(least) : x;
    return low > splat(most) ? splat(most) : low;
#endif
}
INLINE vreal rb_exp(vreal x) {
#if BYTES == 64
    /* Of what lies beyond the numbers k alone tells what becomes of it: 0, infinity or NaN. The remainder, which is
       anything there, is cut off at 1 by an instruction that gives the smaller of two sizes. */
    const vreal k = rb_round(x * INV_LN2);
    const vreal rest = rb_fma(k, splat(-LN2_LOW), rb_fma(k, splat(-LN2_HIGH), x));
    const vreal r = NAMED(__builtin_ia32_range)(rest, splat(1), 2, rest, EVERY, 4);
#else
    const vreal inside = rb_within(x, EXP_LEAST, EXP_MOST), k = rb_round(inside * INV_LN2);
    const vreal r = rb_fma(k, splat(-LN2_LOW), rb_fma(k, splat(-LN2_HIGH), inside));
    /* NaN goes through: every comparison with it is false. */
#endif
    return rb_scale(1 + rb_expm1_near(r), k);
}
/* expm1: 2^k (e^r - 1) + (2^k - 1). */
INLINE vreal rb_expm1(vreal x) {
    const vreal inside = rb_within(x, -50, EXP_MOST), k = rb_round(inside * INV_LN2);
    const vreal r = rb_fma(k, splat(-LN2_LOW), rb_fma(k, splat(-LN2_HIGH), inside));
    const vreal near = rb_expm1_near(r), half = rb_scale(splat((real)0.5), k); /* 2^1024 is no number */
    const vreal y = 2 * (rb_fma(half, near, half) - splat((real)0.5));
    return k == splat(0) ? near : y;
}
INLINE vreal rb_copysign(vreal size, vreal sign) {
    const whole_t top = (whole_t)1 << (8 * sizeof(real) - 1);
    return from_bits((bits_of(size) & ~top) | (bits_of(sign) & top));
}
INLINE vreal rb_tanh(vreal x) {
    const vreal e = rb_expm1(2 * rb_within(rb_abs(x), 0, 22));
    return rb_copysign(e / (e + 2), x);
}
INLINE vreal rb_sigmoid(vreal x) { return 1 / (1 + rb_exp(-x)); }

/* log: x = 2^k m, sqrt(1/2) < m < sqrt(2); log m = 2 artanh(s), s = (m - 1) / (m + 1), by its series. */
#if SINGLE
#define ROOT_HALF 0x3f3504f3
#define UNDER 1.17549435e-38f
#define RAISE 33554432.0f
#define RAISED 25
static const real artanh[] = {2.0f / 11, 2.0f / 9, 2.0f / 7, 2.0f / 5, 2.0f / 3};
#else
#define ROOT_HALF 0x3fe6a09e667f3bcdLL
#define UNDER 2.2250738585072014e-308
#define RAISE 18014398509481984.0
#define RAISED 54
static const real artanh[] = {2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13,
                              2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3};
#endif
INLINE vreal rb_log(vreal x) {
    const vint small = x < splat(UNDER);
    const vint bits = bits_of(small ? x * RAISE : x), shift = bits - (whole_t)ROOT_HALF;
    const vint n = (shift >> MANTISSA) - (small & RAISED);
    const vreal m = from_bits(bits - (shift & ~(((whole_t)1 << MANTISSA) - 1))), k = rb_real(n);
    const vreal f = m - 1, s = f / (2 + f), z = s * s;
    vreal p = splat(artanh[0]);
    UNROLL
    for (unsigned j = 1; j < sizeof(artanh) / sizeof(artanh[0]); j++) p = rb_fma(p, z, splat(artanh[j]));
    const vreal half = (real)0.5 * f * f, tail = s * (half + z * p) + k * LN2_LOW;
    const vreal y = rb_fma(k, splat(LN2_HIGH), f - (half - tail));
    const vreal end = x == splat(0) ? splat(-INFINITY) : splat(NAN);
    return x > splat(0) ? (x < splat(INFINITY) ? y : x) : end;
}
INLINE vreal rb_log1p(vreal x) {
    const vreal u = 1 + x, d = u - 1;
    const vreal y = d == splat(0) ? x : rb_log(u) * (x / d);
    return x < splat(INFINITY) ? y : x + (x == x ? splat(0) : x);
}

/* The values of units from `at` on, of which n are there; the first of all stands for those that are not. */
INLINE vreal load_some(const real *from, int64_t at, int64_t stride, int64_t n) {
    if (n >= LANES && stride) return *(const vloose *)(from + at);
    vreal found = splat(from[0]);
    if (stride)
        for (int k = 0; k < n; k++) found[k] = from[at + k];
    return found;
}
