static void load(int64_t at, int64_t count, const void **states, void **s) {
    for (int k = 0; k < STATES; k++) load_state(kinds[k], states[k], at, count, PADDED(count), s[k]);
}

static void store(int64_t at, int64_t count, void **states, void **s) {
    for (int k = 0; k < STATES; k++) store_state(kinds[k], s[k], at, count, states[k]);
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

static void run_part(void *calls, int64_t k) {
    Call *call = (Call *)calls + k;
    call->short_of_memory = run(call);
}

/* All parts of a call, on so many threads, this one being the first. */
extern "C" void rheobase_run(Call *calls, int64_t parts, int64_t threads) {
    in_threads(run_part, calls, parts, threads);
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
