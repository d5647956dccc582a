// The models of throughput.py by hand, with the arithmetic of Rheobase's eager backend: Runge-Kutta of order
// 4, and the events of event="crossing". Units are taken in blocks whose state stays in the first cache for
// all steps; within a block a few vectors at a time, in the compiler's vector types. Threads take blocks.
//
// With RECIPROCALS=1 what all units share is not divided by but multiplied by its reciprocal, and compiled with
// -ffp-contract=fast products and sums are fused: as one may write by hand who does not mind another rounding
// than that of eager. Otherwise -ffp-contract=off, and only what eager fuses is fused.
//
// Compile with -O3 -march=native -fno-math-errno -fno-trapping-math -shared -fPIC -pthread.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <thread>
#include <vector>
#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

#if defined(__AVX512DQ__)
constexpr int kBytes = 64;
#else
constexpr int kBytes = 32;
#endif
#define INLINE inline __attribute__((always_inline))

// ---- vectors -----------------------------------------------------------------------------------------------

template <class T> struct Types;
template <> struct Types<float> {
    typedef float V __attribute__((vector_size(kBytes)));
    typedef int32_t I __attribute__((vector_size(kBytes)));
    typedef int32_t Int;
};
template <> struct Types<double> {
    typedef double V __attribute__((vector_size(kBytes)));
    typedef int64_t I __attribute__((vector_size(kBytes)));
    typedef int64_t Int;
};

// U vectors, side by side: a Runge-Kutta step of one is a chain of operations that wait for each other.
template <class T, int U> struct Wide {
    typedef typename Types<T>::V V;
    static constexpr int lanes = U * kBytes / sizeof(T);
    V v[U];
    INLINE Wide() {}
    INLINE Wide(T number) { for (V& each : v) each = V{} + number; }
    static INLINE Wide load(const T* p) { Wide w; std::memcpy(w.v, p, sizeof w.v); return w; }
    INLINE void store(T* p) const { std::memcpy(p, v, sizeof v); }
    INLINE Wide operator-() const { Wide w; for (int u = 0; u < U; ++u) w.v[u] = -v[u]; return w; }
};
template <class T, int U> struct Mask {
    typename Types<T>::I v[U];
};
#define EACH(out, expression)                                     \
    {                                                             \
        out w;                                                    \
        for (int u = 0; u < U; ++u) w.v[u] = (expression);        \
        return w;                                                 \
    }
#define OPERATOR(op)                                                                                          \
    template <class T, int U> INLINE Wide<T, U> operator op(const Wide<T, U>& a, const Wide<T, U>& b)         \
        EACH(Wide<T COMMA U>, a.v[u] op b.v[u])                                                               \
    template <class T, int U> INLINE Wide<T, U> operator op(T a, const Wide<T, U>& b)                         \
        EACH(Wide<T COMMA U>, a op b.v[u])                                                                    \
    template <class T, int U> INLINE Wide<T, U> operator op(const Wide<T, U>& a, T b)                         \
        EACH(Wide<T COMMA U>, a.v[u] op b)
#define COMMA ,
OPERATOR(+)
OPERATOR(-)
OPERATOR(*)
OPERATOR(/)
template <class T, int U> INLINE Mask<T, U> operator<(const Wide<T, U>& a, T b) EACH(Mask<T COMMA U>, a.v[u] < b)
template <class T, int U> INLINE Wide<T, U> select(const Mask<T, U>& m, const Wide<T, U>& a, const Wide<T, U>& b)
    EACH(Wide<T COMMA U>, m.v[u] ? a.v[u] : b.v[u])
template <class T> INLINE T select(bool m, T a, T b) { return m ? a : b; }

// a x + y, rounded once.
INLINE float fused(float a, float x, float y) { return std::fma(a, x, y); }
INLINE double fused(double a, double x, double y) { return std::fma(a, x, y); }
template <class T> INLINE typename Types<T>::V fused_vector(T a, typename Types<T>::V x, typename Types<T>::V y) {
    typedef typename Types<T>::V V;
    const V factor = V{} + a;
#if defined(__AVX512DQ__)
    if constexpr (sizeof(T) == 4) return (V)_mm512_fmadd_ps((__m512)factor, (__m512)x, (__m512)y);
    else return (V)_mm512_fmadd_pd((__m512d)factor, (__m512d)x, (__m512d)y);
#else
    V sum;
    for (int i = 0; i < int(sizeof sum / sizeof a); ++i) sum[i] = std::fma(a, x[i], y[i]);
    return sum;
#endif
}
template <class T, int U> INLINE Wide<T, U> fused(T a, const Wide<T, U>& x, const Wide<T, U>& y)
    EACH(Wide<T COMMA U>, fused_vector<T>(a, x.v[u], y.v[u]))

// A bit for each lane whose mask is all ones.
template <class I> INLINE uint64_t bits(const I& mask) {
    constexpr int lane = sizeof(mask[0]);
#if defined(__AVX512DQ__)
    if constexpr (lane == 4) return _mm512_movepi32_mask((__m512i)mask);
    else return _mm512_movepi64_mask((__m512i)mask);
#elif defined(__AVX2__)
    if constexpr (lane == 4) return _mm256_movemask_ps((__m256)mask);
    else return _mm256_movemask_pd((__m256d)mask);
#else
    uint64_t found = 0;
    for (int i = 0; i < int(sizeof mask / lane); ++i) found |= uint64_t(mask[i] != 0) << i;
    return found;
#endif
}

// ---- exp ---------------------------------------------------------------------------------------------------

// exp(x) = 2^k p(r), |r| <= ln(2) / 2; p is the polynomial of smallest relative error (2.6e-9 and 1.8e-17, by
// Remez's algorithm). Overflow is infinity, underflow 0, NaN stays NaN.
constexpr float kExp32[] = {1.4061596e-3f, 8.3791047e-3f, 4.1664770e-2f, 1.6666364e-1f, 5.0000004e-1f, 1.0f, 1.0f};
constexpr double kExp64[] = {
    2.2981345388674611e-8, 2.7626431379936434e-7, 2.7564268557682546e-6, 2.4801504187232836e-5,
    1.9841261458599109e-4, 1.3888888932595877e-3, 8.3333333377412561e-3, 4.1666666666572907e-2,
    1.6666666666657229e-1, 5.0000000000000056e-1, 1.0000000000000006e+0, 1.0,
};

// The sum of c[j] r^(n - j): unrolled by the compiler only if it is told so.
template <int N, class T, class V> INLINE V polynomial(const T (&c)[N], V r) {
    V p = V{} + c[0];
#pragma GCC unroll 16
    for (int j = 1; j < N; ++j) {
#if defined(__AVX512DQ__)
        if constexpr (sizeof(T) == 4) p = (V)_mm512_fmadd_ps((__m512)p, (__m512)r, _mm512_set1_ps(c[j]));
        else p = (V)_mm512_fmadd_pd((__m512d)p, (__m512d)r, _mm512_set1_pd(c[j]));
#else
        p = p * r + c[j];
#endif
    }
    return p;
}

// NaN goes through: the machine's minimum and maximum give their second operand where one is NaN.
template <class V, class T> INLINE V clamp(V x, T low, T high) {
#if defined(__AVX512DQ__)
    if constexpr (sizeof(T) == 4)
        return (V)_mm512_max_ps(_mm512_set1_ps(low), _mm512_min_ps(_mm512_set1_ps(high), (__m512)x));
    else
        return (V)_mm512_max_pd(_mm512_set1_pd(low), _mm512_min_pd(_mm512_set1_pd(high), (__m512d)x));
#else
    x = x > high ? V{} + high : x;
    return x < low ? V{} + low : x;
#endif
}

template <class T> INLINE typename Types<T>::V exp_vector(typename Types<T>::V x) {
    typedef typename Types<T>::V V;
    [[maybe_unused]] typedef typename Types<T>::I I;
    constexpr bool f32 = sizeof(T) == 4;
    constexpr T top = f32 ? T(88.7) : T(709.4), bottom = f32 ? T(-87.3) : T(-708.3);
    constexpr T shift = f32 ? T(12582912.0) : T(6755399441055744.0);  // 1.5 * 2^23, 1.5 * 2^52
    const V clear = clamp(x, bottom - T(50), top + T(2));
    const V moved = clear * T(1.4426950408889634) + shift;
    const V k = moved - shift;
    // ln 2 in two parts, the first with so few digits that its product with k is exact.
    const V r = f32 ? (clear - k * T(0.693359375)) - k * T(-2.12194440e-4)
                    : (clear - k * T(6.93145751953125e-1)) - k * T(1.42860682030941723212e-6);
    V p;
    if constexpr (f32) p = polynomial(kExp32, r);
    else p = polynomial(kExp64, r);
#if defined(__AVX512DQ__)
    if constexpr (f32) return (V)_mm512_scalef_ps((__m512)p, (__m512)k);
    else return (V)_mm512_scalef_pd((__m512d)p, (__m512d)k);
#else
    // The low bits of `moved` are k; added to the exponent they multiply by 2^k.
    I exponent, raw;
    std::memcpy(&exponent, &moved, sizeof exponent);
    std::memcpy(&raw, &p, sizeof raw);
    raw += exponent << (f32 ? 23 : 52);
    V value;
    std::memcpy(&value, &raw, sizeof value);
    value = x > top ? V{} + std::numeric_limits<T>::infinity() : value;
    value = x < bottom ? V{} : value;
    return x == x ? value : x;
#endif
}

INLINE float exp_(float x) { return std::exp(x); }
INLINE double exp_(double x) { return std::exp(x); }
template <class T, int U> INLINE Wide<T, U> exp_(const Wide<T, U>& x) EACH(Wide<T COMMA U>, exp_vector<T>(x.v[u]))

// ---- models ------------------------------------------------------------------------------------------------

// A model has D states, of which the first is V. `slope` works on numbers and on vectors alike.

#ifndef RECIPROCALS
#define RECIPROCALS 0
#endif
template <class X, class T> INLINE X over(const X& x, T c) {
    if constexpr (RECIPROCALS) return x * T(1.0 / double(c));
    else return x / c;
}

template <class T> struct Lif {
    static constexpr int wide = 4;
    static constexpr int D = 1;
    static constexpr bool resets = true, refractory = true;
    static constexpr double start[D] = {-75.0};
    static constexpr T rest = -75, thresh = -55, tau_ref = 1, g_l = 5, tau = 5;
    template <class X> static INLINE void slope(const X* y, X in, X* k) {
        k[0] = over((rest - y[0]) + over(in, g_l), tau);
    }
    template <class X> static INLINE X gap(const X* y) { return y[0] - thresh; }
    static void reset(T* y) { y[0] = rest; }
};

template <class T> struct Izhikevich {
    static constexpr int wide = 4;
    static constexpr int D = 2;
    static constexpr bool resets = true, refractory = false;
    static constexpr double start[D] = {-65.0, -13.0};
    static constexpr T tau_ref = 0, a = T(0.02), b = T(0.2), c = -65, d = 8, peak = 30;
    template <class X> static INLINE void slope(const X* y, X in, X* k) {
        const X v = y[0], u = y[1];
        k[0] = T(0.04) * (v * v) + T(5) * v + T(140) - u + in;
        k[1] = a * (b * v - u);
    }
    template <class X> static INLINE X gap(const X* y) { return y[0] - peak; }
    static void reset(T* y) { y[0] = c, y[1] += d; }
};

template <class T> struct HodgkinHuxley {
    static constexpr int wide = 2;
    static constexpr int D = 4;
    static constexpr bool resets = false, refractory = false;
    static constexpr double start[D] = {-65.0, 0.05293248525724958, 0.5961207535084603, 0.3176769140606974};
    static constexpr T tau_ref = 0, g_na = 12000, g_k = 3600, g_l = 30, e_na = 50, e_k = -77;
    static constexpr T e_l = T(-54.402), c = 100;
    // x / (1 - exp(-x))
    template <class X> static INLINE X linoid(X x) {
        const X size = select(x < T(0), -x, x);
        return select(size < T(1e-4), T(1) + T(0.5) * x, x / (T(1) - exp_(-x)));
    }
    template <class X> static INLINE void slope(const X* y, X in, X* k) {
        const X v = y[0], m = y[1], h = y[2], n = y[3];
        const X sodium = g_na * m * m * m * h * (v - e_na), potassium = g_k * n * n * n * n * (v - e_k);
        const X from_rest = -(v + T(65));
        const X alpha_m = linoid(over(v + T(40), T(10))), beta_m = T(4) * exp_(over(from_rest, T(18)));
        const X alpha_h = T(0.07) * exp_(over(from_rest, T(20)));
        const X beta_h = T(1) / (T(1) + exp_(over(-(v + T(35)), T(10))));
        const X alpha_n = T(0.1) * linoid(over(v + T(55), T(10))), beta_n = T(0.125) * exp_(over(from_rest, T(80)));
        k[0] = over(in - sodium - potassium - g_l * (v - e_l), c);
        k[1] = alpha_m * (T(1) - m) - beta_m * m;
        k[2] = alpha_h * (T(1) - h) - beta_h * h;
        k[3] = alpha_n * (T(1) - n) - beta_n * n;
    }
    template <class X> static INLINE X gap(const X* y) { return y[0]; }
    static void reset(T*) {}
};

template <class T> struct Adex {
    static constexpr int wide = 4;
    static constexpr int D = 2;
    static constexpr bool resets = true, refractory = false;
    static constexpr double start[D] = {-70.6, 0.0};
    static constexpr T tau_ref = 0, g_l = 30, e_l = T(-70.6), v_t = T(-50.4), delta_t = 2, a = 4, b = T(80.5);
    static constexpr T v_r = e_l, v_peak = 20, c = 281, tau_w = 144;
    template <class X> static INLINE void slope(const X* y, X in, X* k) {
        const X v = y[0], w = y[1];
        const X upstroke = (g_l * delta_t) * exp_(over(v - v_t, delta_t));
        k[0] = over(-g_l * (v - e_l) + upstroke - w + in, c);
        k[1] = over(a * (v - e_l) - w, tau_w);
    }
    template <class X> static INLINE X gap(const X* y) { return y[0] - v_peak; }
    static void reset(T* y) { y[0] = v_r, y[1] += b; }
};

// ---- a step ------------------------------------------------------------------------------------------------

struct Unlimited {
    template <class T> static INLINE void move(const T*, T*) {}
};

// For a unit that explodes past its threshold: points beyond it are moved back to where the straight line
// from the start of the step crosses it.
template <class M> struct Limited {
    template <class T> static void move(const T* start, T* point) {
        T finite[M::D];
        for (int d = 0; d < M::D; ++d) {
            const T most = std::numeric_limits<T>::max();
            finite[d] = std::isnan(point[d]) ? T(0) : std::clamp(point[d], -most, most);
        }
        const T g0 = M::gap(start), g = M::gap(finite);
        if (!(g0 < 0) || g <= 0) return;
        const T theta = std::isfinite(g) ? -g0 / (g - g0) : T(0);
        for (int d = 0; d < M::D; ++d) point[d] = start[d] + theta * (finite[d] - start[d]);
    }
};

template <class M, class Limit, class T, class X> INLINE void rk4(T dt, const X* y, X in, X* out) {
    X k[M::D], p[M::D], total[M::D];
    M::slope(y, in, k);
    for (int d = 0; d < M::D; ++d) total[d] = k[d], p[d] = fused(T(0.5) * dt, k[d], y[d]);
    Limit::move(y, p);
    M::slope(p, in, k);
    for (int d = 0; d < M::D; ++d) total[d] = fused(T(2), k[d], total[d]), p[d] = fused(T(0.5) * dt, k[d], y[d]);
    Limit::move(y, p);
    M::slope(p, in, k);
    for (int d = 0; d < M::D; ++d) total[d] = fused(T(2), k[d], total[d]), p[d] = fused(dt, k[d], y[d]);
    Limit::move(y, p);
    M::slope(p, in, k);
    for (int d = 0; d < M::D; ++d) out[d] = fused(T(dt / 6), total[d] + k[d], y[d]);
}

struct Event {
    int32_t step, unit;
};

// A unit that spiked: its state at the crossing, interpolated, and the reset.
template <class M, class T>
__attribute__((noinline)) void spike(T dt, T in, const T* y0, T* y1, bool ended) {
    if constexpr (!M::resets) return;
    bool finite = true;
    for (int d = 0; d < M::D; ++d) finite &= std::isfinite(y1[d]);
    if (!finite) rk4<M, Limited<M>, T, T>(dt, y0, in, y1);
    const T g0 = M::gap(y0), g1 = M::gap(y1);
    const T theta = ended ? T(1) : (g0 < 0 ? -g0 / (g1 > g0 ? g1 - g0 : T(1)) : T(0));
    for (int d = 0; d < M::D; ++d) y1[d] = theta > 0 ? y0[d] + theta * (y1[d] - y0[d]) : y0[d];
    M::reset(y1);
}

// ---- a block -----------------------------------------------------------------------------------------------

// As much state as leaves room in a cache of 32 KB for the input: before and after the step, and counters.
template <class M, class T> constexpr int block_units() {
    constexpr int each = (2 * M::D + (M::refractory ? 2 : 0) + 1) * sizeof(T);
    int units = 1024;
    while (units * each > 24576) units /= 2;
    return units;
}

template <class M, class T>
void run_block(int64_t first, int64_t count, int64_t steps, T dt, const T* input, int64_t stride, T* state,
               int64_t units, std::vector<Event>& events) {
    constexpr int D = M::D, B = block_units<M, T>(), U = M::wide;
    typedef Wide<T, U> W;
    [[maybe_unused]] typedef typename Types<T>::I I;
    typedef typename Types<T>::Int Int;
    constexpr int L = W::lanes;
    alignas(64) T states[2][D][B];
    alignas(64) Int holds[2][M::refractory ? B : L];
    alignas(64) T constant[B];
    const Int hold_steps = std::lround(double(M::tau_ref) / double(dt));
    const int64_t padded = (count + L - 1) / L * L;
    for (int d = 0; d < D; ++d)
        for (int64_t i = 0; i < padded; ++i) states[0][d][i] = i < count ? state[d * units + first + i] : T(M::start[d]);
    std::memset(holds, 0, sizeof holds);
    for (int64_t i = 0; i < padded; ++i) constant[i] = i < count ? input[first + i] : T(0);

    for (int64_t step = 0; step < steps; ++step) {
        const T(*before)[B] = states[step & 1];
        T(*after)[B] = states[~step & 1];
        const Int* left = holds[step & 1];
        Int* left_after = holds[~step & 1];
        const T* row = stride ? input + step * stride + first : constant;
        // Vectors at the end of the last row may reach beyond the input.
        if (stride && padded > count) {
            std::memcpy(constant, row, count * sizeof(T));
            row = constant;
        }
        for (int64_t i = 0; i < padded; i += L) {
            W y0[D], y1[D];
            for (int d = 0; d < D; ++d) y0[d] = W::load(before[d] + i);
            const W in = W::load(row + i);
            if (stride)
                for (int u = 0; u < U; ++u) __builtin_prefetch(row + i + stride + u * (L / U));
            rk4<M, Unlimited, T, W>(dt, y0, in, y1);
            uint64_t fires = 0;
            if constexpr (M::refractory) {
                I hold[U];
                std::memcpy(hold, left + i, sizeof hold);
                for (int u = 0; u < U; ++u) y1[0].v[u] = hold[u] > 0 ? y0[0].v[u] : y1[0].v[u];
                const Mask<T, U> below = M::gap(y1) < T(0), armed = M::gap(y0) < T(0);
                for (int u = 0; u < U; ++u) {
                    fires |= bits(~below.v[u] & (hold[u] > 0 ? hold[u] == 1 : armed.v[u])) << (u * (L / U));
                    hold[u] += hold[u] > 0;  // true is -1
                }
                std::memcpy(left_after + i, hold, sizeof hold);
            } else {
                const Mask<T, U> below = M::gap(y1) < T(0), armed = M::gap(y0) < T(0);
                for (int u = 0; u < U; ++u) fires |= bits(~below.v[u] & armed.v[u]) << (u * (L / U));
            }
            for (int d = 0; d < D; ++d) y1[d].store(after[d] + i);
            for (; __builtin_expect(fires != 0, 0); fires &= fires - 1) {
                const int64_t unit = i + __builtin_ctzll(fires);
                if (unit >= count) break;
                T old[D], now[D];
                for (int d = 0; d < D; ++d) old[d] = before[d][unit], now[d] = after[d][unit];
                spike<M, T>(dt, row[unit], old, now, M::refractory && left[unit] > 0);
                for (int d = 0; d < D; ++d) after[d][unit] = now[d];
                if constexpr (M::refractory) left_after[unit] = hold_steps;
                events.push_back({int32_t(step), int32_t(first + unit)});
            }
        }
    }
    for (int d = 0; d < D; ++d)
        for (int64_t i = 0; i < count; ++i) state[d * units + first + i] = states[steps & 1][d][i];
}

// ---- a run -------------------------------------------------------------------------------------------------

// All spikes in order of step, then unit: by counting, since each block has its own in this order.
std::vector<Event> in_order(const std::vector<std::vector<Event>>& blocks, int64_t steps) {
    std::vector<int64_t> place(steps + 1, 0);
    for (const auto& block : blocks)
        for (const Event& event : block) ++place[event.step + 1];
    for (int64_t step = 0; step < steps; ++step) place[step + 1] += place[step];
    std::vector<Event> all(place[steps]);
    for (const auto& block : blocks)
        for (const Event& event : block) all[place[event.step]++] = event;
    return all;
}

template <class M, class T>
std::vector<Event>* run(int64_t units, int64_t steps, double dt, const T* input, int64_t stride, T* state,
                        int threads) {
    constexpr int B = block_units<M, T>();
    const int64_t blocks = (units + B - 1) / B;
    std::vector<std::vector<Event>> events(blocks);
    std::atomic<int64_t> next{0};
    auto work = [&] {
        for (int64_t block; (block = next++) < blocks;) {
            const int64_t first = block * B, count = std::min<int64_t>(B, units - first);
            run_block<M, T>(first, count, steps, T(dt), input, stride, state, units, events[block]);
        }
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(work);
    work();
    for (auto& other : others) other.join();
    return new std::vector<Event>(in_order(events, steps));
}

template <class M, class T> void fill(int64_t units, T* state) {
    for (int d = 0; d < M::D; ++d) std::fill_n(state + d * units, units, T(M::start[d]));
}

#define ENTRY(name, Model, type, T)                                                                           \
    extern "C" void name##_##type##_start(int64_t units, T* state) { fill<Model<T>, T>(units, state); }      \
    extern "C" void* name##_##type(int64_t units, int64_t steps, double dt, const T* input, int64_t stride,   \
                                   T* state, int threads) {                                                   \
        return run<Model<T>, T>(units, steps, dt, input, stride, state, threads);                             \
    }
#define ENTRIES(name, Model) ENTRY(name, Model, float32, float) ENTRY(name, Model, float64, double)
ENTRIES(lif, Lif)
ENTRIES(izhikevich, Izhikevich)
ENTRIES(hh, HodgkinHuxley)
ENTRIES(adex, Adex)

extern "C" int64_t count(void* events) { return static_cast<std::vector<Event>*>(events)->size(); }
extern "C" void copy(void* events, Event* out) {
    const auto& all = *static_cast<std::vector<Event>*>(events);
    std::copy(all.begin(), all.end(), out);
}
extern "C" void release(void* events) { delete static_cast<std::vector<Event>*>(events); }
