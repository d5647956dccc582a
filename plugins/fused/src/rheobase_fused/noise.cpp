/* The noise of rheobase.stimulus.OrnsteinUhlenbeck, whose documentation says how it is made; in float64. */

/* Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3. Their constants. */
INLINE void philox(uint64_t a, uint64_t b, uint64_t key0, uint64_t key1, uint64_t *words) {
    uint64_t c = 0, d = 0;
    for (int k = 0; k < 10; k++) {
        const unsigned __int128 first = (unsigned __int128)a * 0xD2E7470EE14C6C93u;
        const unsigned __int128 second = (unsigned __int128)c * 0xCA5A826395121157u;
        a = (uint64_t)(second >> 64) ^ b ^ key0;
        b = (uint64_t)second;
        c = (uint64_t)(first >> 64) ^ d ^ key1;
        d = (uint64_t)first;
        key0 += 0x9E3779B97F4A7C15u;
        key1 += 0xBB67AE8584CAA73Bu;
    }
    words[0] = a, words[1 * LANES] = b, words[2 * LANES] = c, words[3 * LANES] = d;
}

/* x (a_0 + x^2 (a_1 + ...)) and the like: the Taylor series of sine and cosine up to pi / 4, whose rest lies below
   the last place. */
static const double sines[] = {-1.0 / 1307674368000, 1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880,
                               -1.0 / 5040, 1.0 / 120, -1.0 / 6};
static const double cosines[] = {1.0 / 20922789888000, -1.0 / 87178291200, 1.0 / 479001600, -1.0 / 3628800,
                                 1.0 / 40320, -1.0 / 720, 1.0 / 24, -1.0 / 2};

/* The sine and the cosine of 2 pi u, 0 <= u <= 1. */
INLINE void turn(vreal u, vreal *sine, vreal *cosine) {
    const vreal quarters = rb_round(u * 4), x = (u - quarters * 0.25) * 6.283185307179586, z = x * x;
    const vint n = __builtin_convertvector(quarters, vint);
    vreal s = splat(sines[0]), c = splat(cosines[0]);
    UNROLL
    for (unsigned k = 1; k < sizeof(sines) / sizeof(sines[0]); k++) s = rb_fma(s, z, splat(sines[k]));
    UNROLL
    for (unsigned k = 1; k < sizeof(cosines) / sizeof(cosines[0]); k++) c = rb_fma(c, z, splat(cosines[k]));
    s = rb_fma(s * z, x, x), c = rb_fma(c, z, splat(1));
    const vint odd = (n & 1) != 0;
    const vreal up = odd ? c : s, right = odd ? s : c;
    *sine = (n & 2) != 0 ? -up : up;
    *cosine = ((n + 1) & 2) != 0 ? -right : right;
}

typedef uint64_t vwords __attribute__((vector_size(BYTES), may_alias));
INLINE vreal within(const uint64_t *words) {
    const vint high = (vint)(*(const vwords *)words >> 11);
    return (__builtin_convertvector(high, vreal) + 0.5) * 0x1p-53;
}

/* Four steps of noise of some units. out: [4, stride], with room for whole vectors. */
extern "C" void rheobase_normals(const uint64_t *key, int64_t block, int64_t quarter, int64_t unit, int64_t count,
                                 double *out, int64_t stride) {
    for (int64_t i = 0; i < count; i += LANES) {
        uint64_t words[4 * LANES] __attribute__((aligned(64)));
        for (int k = 0; k < LANES; k++)
            philox(4 * (uint64_t)(unit + i + k) + quarter + 1, block, key[0], key[1], words + k);
        for (int pair = 0; pair < 2; pair++) {
            const uint64_t *const w = words + 2 * pair * LANES;
            const vreal size = rb_sqrt(-2 * rb_log(within(w)));
            vreal sine, cosine;
            turn(within(w + LANES), &sine, &cosine);
            *(vloose *)(out + 2 * pair * stride + i) = size * cosine;
            *(vloose *)(out + (2 * pair + 1) * stride + i) = size * sine;
        }
    }
}
