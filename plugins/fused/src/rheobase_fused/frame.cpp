static void load(int64_t at, int64_t count, const void **states, void **s) {
    const int64_t padded = PADDED(count);
    for (int k = 0; k < STATES; k++) {
        /* Lanes that are not there do as the first. */
        if (kinds[k] == 0) {
            memcpy(s[k], (const real *)states[k] + at, (size_t)count * sizeof(real));
            for (int64_t i = count; i < padded; i++) ((real *)s[k])[i] = ((real *)s[k])[0];
        } else if (kinds[k] == 1) {
            const unsigned char *from = (const unsigned char *)states[k] + at;
            for (int64_t i = 0; i < padded; i += LANES) ((vbool *)s[k])[i / LANES] = bools_from(from, i, count);
        } else {
            const int32_t *from = (const int32_t *)states[k] + at;
            for (int64_t i = 0; i < count; i++) ((whole_t *)s[k])[i] = from[i];
            for (int64_t i = count; i < padded; i++) ((whole_t *)s[k])[i] = from[0];
        }
    }
}

static void store(int64_t at, int64_t count, void **states, void **s) {
    for (int k = 0; k < STATES; k++)
        if (kinds[k] == 0) memcpy((real *)states[k] + at, s[k], (size_t)count * sizeof(real));
        else if (kinds[k] == 1)
            for (int64_t i = 0; i < count; i += LANES)
                bools_to((unsigned char *)states[k] + at, ((const vbool *)s[k])[i / LANES], i, count);
        else
            for (int64_t i = 0; i < count; i++) ((int32_t *)states[k])[at + i] = (int32_t)((whole_t *)s[k])[i];
}

/* 0: done, or failed after the step that is named; 1: not enough memory. */
static int run(Call *call) {
    const size_t wide = (size_t)BLOCK * sizeof(real);
    char *memory = NULL;
    if (posix_memalign((void **)&memory, 64, (size_t)(STATES + HOISTED + EXTRA + 1) * wide)) return 1;
    Work work;
    for (int k = 0; k < STATES; k++) work.s[k] = memory + (size_t)k * wide;
    for (int k = 0; k < HOISTED; k++) work.h[k] = memory + (size_t)(STATES + k) * wide;
    for (int k = 0; k < EXTRA; k++) work.e[k] = memory + (size_t)(STATES + HOISTED + k) * wide;
    work.xw = call->unit_strides;
    int wrong = 0;
    char *noisy = NULL;
    if (call->noise && posix_memalign((void **)&noisy, 64, (INPUTS + 1) * NOISE_BYTES)) {
        free(memory);
        return 1;
    }
    for (int k = 0; k < INPUTS && noisy; k++) {
        work.made[k].normal = (double *)(noisy + k * NOISE_BYTES);
        work.made[k].path = work.made[k].normal + 4 * BLOCK;
        work.made[k].row = (real *)(work.made[k].path + BLOCK);
    }
    for (int64_t at = call->first; at < call->last && !wrong;) {
        const int64_t row = at / call->units, unit = at % call->units;
        int64_t count = call->last - at;
        if (count > BLOCK) count = BLOCK;
        if (count > call->units - unit) count = call->units - unit;
        const real *p[PARAMS + 1];
        for (int k = 0; k < PARAMS; k++) p[k] = call->params[k] + unit * call->param_strides[k];
        for (int k = 0; k < INPUTS; k++)
            work.x[k] = call->inputs[k] + row * call->row_strides[k] + unit * call->unit_strides[k];
        work.at = at;
        work.unit = unit;
        work.count = count;
        for (int k = 0; k < INPUTS && noisy; k++)
            if (call->noise[k].key) {
                work.x[k] = work.made[k].row;
                memcpy(work.made[k].path, call->noise[k].path + at, (size_t)count * sizeof(double));
            }
        work.untraced = call->every;
        load(at, count, call->before, work.s);
        prepare(count, p, call->param_strides, work.x, work.xw, work.h);
        wrong = steps(&work, call);
        store(at, count, call->states, work.s);
        for (int k = 0; k < INPUTS && noisy; k++)
            if (call->noise[k].key)
                memcpy(call->noise[k].path + at, work.made[k].path, (size_t)count * sizeof(double));
        at += count;
    }
    free(noisy);
    free(memory);
    return wrong;
}

typedef struct {
    Call *calls;
    int64_t parts, next, place;
    void *allowed;
} Shared;

static void *work(void *given) {
    Shared *shared = (Shared *)given;
    for (;;) {
        const int64_t k = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
        if (k >= shared->parts) return NULL;
        shared->calls[k].short_of_memory = run(shared->calls + k);
    }
}

#ifdef __linux__
/* A new thread begins beside the one that made it, and may be left there for milliseconds: it is moved to a
   processor of its own, from where it may then be moved on. */
static void *helper(void *given) {
    Shared *shared = (Shared *)given;
    cpu_set_t *const allowed = (cpu_set_t *)shared->allowed, one;
    if (!allowed) return work(given);
    int64_t place = __atomic_add_fetch(&shared->place, 1, __ATOMIC_RELAXED);
    place %= CPU_COUNT(allowed);
    CPU_ZERO(&one);
    for (int k = 0; k < CPU_SETSIZE; k++)
        if (CPU_ISSET(k, allowed) && place-- == 0) CPU_SET(k, &one);
    if (!sched_setaffinity(0, sizeof one, &one)) sched_setaffinity(0, sizeof *allowed, allowed);
    return work(given);
}
#else
#define helper work
#endif

/* All parts of a call, on so many threads, this one being the first. */
extern "C" void rheobase_run(Call *calls, int64_t parts, int64_t threads) {
    Shared shared = {calls, parts, 0, 0, NULL};
    pthread_t others[threads];
    int64_t started = 0;
#ifdef __linux__
    cpu_set_t allowed;
    if (threads > 1 && !sched_getaffinity(0, sizeof allowed, &allowed)) {
        shared.allowed = &allowed;
        const int here = sched_getcpu();
        for (int k = 0; k < here && k < CPU_SETSIZE; k++) shared.place += CPU_ISSET(k, &allowed) != 0;
    }
#endif
    for (int64_t k = 1; k < threads; k++)
        if (!pthread_create(others + started, NULL, helper, &shared)) started++;
    work(&shared);
    for (int64_t k = 0; k < started; k++) pthread_join(others[k], NULL);
}

/* The spikes of consecutive parts, each in the order of blocks, steps and lanes, into the order of steps and lanes:
   counted, then put where they belong. counts: [steps + 1] of zeros. Returns the step and the lane of each. */
extern "C" void rheobase_sort(const Call *calls, int64_t parts, int64_t *counts, int64_t *step_of, int64_t *lane_of) {
    const int64_t shift = calls[0].shift, mask = ((int64_t)1 << shift) - 1;
    for (int64_t p = 0; p < parts; p++)
        for (int64_t k = 0; k < calls[p].count; k++) counts[(calls[p].events[k] >> shift) + 1]++;
    for (int64_t s = 0; s < calls[0].steps; s++) counts[s + 1] += counts[s];
    for (int64_t p = 0; p < parts; p++)
        for (int64_t k = 0; k < calls[p].count; k++) {
            const int64_t step = calls[p].events[k] >> shift, to = counts[step]++;
            step_of[to] = step;
            lane_of[to] = calls[p].events[k] & mask;
        }
}
