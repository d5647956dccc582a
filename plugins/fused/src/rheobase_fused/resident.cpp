/* A population that stays where it is worked on: its blocks are loaded once, taken through steps one at a time, and
   stored. One row of units, whose inputs lie where the call's table says at each step. */
typedef struct {
    Call call;
    int64_t blocks;
    char *memory;
    Work *works;
} Resident;

/* Null: not enough memory. */
extern "C" void *rheobase_open(const Call *call) {
    const size_t wide = (size_t)BLOCK * sizeof(real), each = (STATES + HOISTED + EXTRA + 1) * wide;
    const int64_t blocks = (call->lanes + BLOCK - 1) / BLOCK;
    Resident *r = (Resident *)malloc(sizeof(Resident));
    if (!r) return NULL;
    r->memory = NULL;
    r->works = (Work *)malloc((size_t)(blocks + 1) * sizeof(Work));
    if (!r->works || posix_memalign((void **)&r->memory, 64, (size_t)(blocks + 1) * each)) {
        free(r->works);
        free(r);
        return NULL;
    }
    r->call = *call;
    r->call.steps = r->call.every = 1;
    r->blocks = blocks;
    for (int64_t b = 0; b < blocks; b++) {
        Work *w = r->works + b;
        char *const memory = r->memory + (size_t)b * each;
        for (int k = 0; k < STATES; k++) w->s[k] = memory + (size_t)k * wide;
        for (int k = 0; k < HOISTED; k++) w->h[k] = memory + (size_t)(STATES + k) * wide;
        for (int k = 0; k < EXTRA; k++) w->e[k] = memory + (size_t)(STATES + HOISTED + k) * wide;
        w->at = w->unit = b * BLOCK;
        w->count = call->lanes - w->at < BLOCK ? call->lanes - w->at : BLOCK;
        w->xw = call->unit_strides;
        const real *p[PARAMS + 1];
        for (int k = 0; k < PARAMS; k++) p[k] = call->params[k] + w->at * call->param_strides[k];
        for (int k = 0; k < INPUTS; k++) w->x[k] = call->inputs[k] + w->at * call->unit_strides[k];
        load(w->at, w->count, call->before, w->s);
        prepare(w->count, p, call->param_strides, w->x, w->xw, w->h);
    }
    return r;
}

/* One step. traces: where each state's row goes, or null. Returns how many spiked, who being in order; -1: something
   is not finite; -2: not enough memory. */
extern "C" int64_t rheobase_step(void *given, real **traces, const int64_t **who) {
    Resident *r = (Resident *)given;
    Call *call = &r->call;
    call->count = 0;
    call->traces = traces;
    for (int64_t b = 0; b < r->blocks; b++) {
        Work *w = r->works + b;
        for (int k = 0; k < INPUTS; k++) w->x[k] = call->inputs[k] + w->at * call->unit_strides[k];
        w->untraced = 1;
        if (steps(w, call)) return -2;
        if (call->failed >= 0) return -1;
    }
    *who = call->events;
    return call->count;
}

/* states: where they are to be left; null: nowhere. */
extern "C" void rheobase_close(void *given, void **states) {
    Resident *r = (Resident *)given;
    for (int64_t b = 0; b < r->blocks && states; b++) store(r->works[b].at, r->works[b].count, states, r->works[b].s);
    free(r->call.events);
    free(r->memory);
    free(r->works);
    free(r);
}
