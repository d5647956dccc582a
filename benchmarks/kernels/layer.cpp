/* A layer of LIF units by hand: v = a v + x, a spike at 1, and v = 0 there; surrogate 1 / (1 + (pi u)^2), reset detached.
   Of each segment the states at its start are kept; in the backward they are computed once more, in the cache. */
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#define BLOCK 1024
#define SEGMENT 20

typedef struct {
    float a;
    int64_t lanes, steps;
    const float *x, *ds;
    float *s, *dx, *kept; /* [steps, lanes] each; kept [segments, lanes] */
    int backward;
    int64_t next;
} Job;

/* To memory, by the caches where it lies well: nothing of it is looked at soon. */
typedef float v16 __attribute__((vector_size(64)));
#if defined(__AVX512F__)
static inline void put(float *to, v16 v) { _mm512_stream_ps(to, (__m512)v); }
#else
static inline void put(float *to, v16 v) { memcpy(to, &v, sizeof v); }
#endif
typedef float v16_loose __attribute__((vector_size(64), aligned(4)));
static inline v16 get(const float *from) { return *(const v16_loose *)from; }

/* Blocks of whole vectors in lines of the cache; what does not lie so goes one by one, in the same order. */
static int lies_well(const Job *job, const float *written) {
    return job->lanes % 16 == 0 && (uintptr_t)written % 64 == 0;
}

static void forward(const Job *job, int64_t at, int64_t n) {
    const float a = job->a;
    alignas(64) float v[BLOCK] = {0};
    const int well = lies_well(job, job->s);
    for (int64_t t = 0; t < job->steps; t++) {
        const float *const x = job->x + t * job->lanes + at;
        float *const s = job->s + t * job->lanes + at;
        if (t % SEGMENT == 0) memcpy(job->kept + t / SEGMENT * job->lanes + at, v, (size_t)n * sizeof(float));
        int64_t i = 0;
        for (; well && i < n; i += 16) {
            const v16 u = a * *(v16 *)(v + i) + get(x + i) - 1.0f;
            put(s + i, u >= 0.0f ? (v16){} + 1.0f : (v16){});
            *(v16 *)(v + i) = u >= 0.0f ? (v16){} : u + 1.0f;
        }
        for (; i < n; i++) {
            const float u = a * v[i] + x[i] - 1.0f;
            s[i] = u >= 0.0f ? 1.0f : 0.0f;
            v[i] = u >= 0.0f ? 0.0f : u + 1.0f;
        }
    }
}

static void backward(const Job *job, int64_t at, int64_t n) {
    const float a = job->a;
    alignas(64) static thread_local float u[SEGMENT][BLOCK];
    alignas(64) float c[BLOCK] = {0}, v[BLOCK];
    const int well = lies_well(job, job->dx);
    for (int64_t part = (job->steps + SEGMENT - 1) / SEGMENT - 1; part >= 0; part--) {
        const int64_t first = part * SEGMENT, count = job->steps - first < SEGMENT ? job->steps - first : SEGMENT;
        memcpy(v, job->kept + part * job->lanes + at, (size_t)n * sizeof(float));
        for (int64_t j = 0; j < count; j++) {
            const float *const x = job->x + (first + j) * job->lanes + at;
            for (int64_t i = 0; i < n; i++) {
                const float w = a * v[i] + x[i] - 1.0f;
                u[j][i] = w;
                v[i] = w >= 0.0f ? 0.0f : w + 1.0f;
            }
        }
        for (int64_t j = count - 1; j >= 0; j--) {
            const float *const ds = job->ds + (first + j) * job->lanes + at;
            float *const dx = job->dx + (first + j) * job->lanes + at;
            int64_t i = 0;
            for (; well && i < n; i += 16) {
                const v16 w = *(v16 *)(u[j] + i), z = 3.14159265f * w;
                const v16 g = get(ds + i) / (1.0f + z * z) + (w >= 0.0f ? (v16){} : *(v16 *)(c + i));
                put(dx + i, g);
                *(v16 *)(c + i) = a * g;
            }
            for (; i < n; i++) {
                const float w = u[j][i], z = 3.14159265f * w;
                const float g = ds[i] / (1.0f + z * z) + (w >= 0.0f ? 0.0f : c[i]);
                dx[i] = g;
                c[i] = a * g;
            }
        }
    }
}

static void *work(void *given) {
    Job *const job = (Job *)given;
    for (;;) {
        const int64_t at = BLOCK * __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED);
        if (at >= job->lanes) return nullptr;
        const int64_t n = job->lanes - at < BLOCK ? job->lanes - at : BLOCK;
        (job->backward ? backward : forward)(job, at, n);
    }
}

/* The threads that torch keeps. */
extern "C" void GOMP_parallel(void (*)(void *), void *, unsigned, unsigned) __attribute__((weak));

static void work_in_team(void *job) { work(job); }

static void all(Job *job, int64_t threads) {
    if (threads > 1 && GOMP_parallel) {
        GOMP_parallel(work_in_team, job, (unsigned)threads, 0);
        return;
    }
    pthread_t others[threads];
    for (int64_t k = 1; k < threads; k++) pthread_create(others + k, nullptr, work, job);
    work(job);
    for (int64_t k = 1; k < threads; k++) pthread_join(others[k], nullptr);
}

/* Fresh memory in few large pages. */
static void in_large_pages(float *memory, int64_t numbers) {
#if defined(MADV_HUGEPAGE)
    const uintptr_t first = ((uintptr_t)memory + 4095) & ~(uintptr_t)4095, end = (uintptr_t)(memory + numbers);
    madvise((void *)first, (end - first) & ~(uintptr_t)4095, MADV_HUGEPAGE);
#endif
}

extern "C" void layer_forward(
    float a, int64_t lanes, int64_t steps, const float *x, float *s, float *kept, int64_t threads) {
    in_large_pages(s, steps * lanes);
    Job job = {a, lanes, steps, x, nullptr, s, nullptr, kept, 0, 0};
    all(&job, threads);
}

extern "C" void layer_backward(
    float a, int64_t lanes, int64_t steps, const float *x, const float *ds, float *dx, float *kept, int64_t threads) {
    in_large_pages(dx, steps * lanes);
    Job job = {a, lanes, steps, x, ds, nullptr, dx, kept, 1, 0};
    all(&job, threads);
}
