/* Many steps of many units. A row of units is worked on in blocks, and a block is taken through all steps of the
   call, so that its states stay in the first cache. */
#define ALL ((uint32_t)((1ull << LANES) - 1))

/* Units of a block, and those that fill up its last vectors. */
#define PADDED(count) (((count) + TOGETHER * LANES - 1) / (TOGETHER * LANES) * (TOGETHER * LANES))

typedef struct {
    int64_t units, first, last;         /* units of a row; the lanes [first, last) are this call's */
    int64_t steps, every;               /* traces are kept of every so many steps */
    void **states;                      /* [rows * units] each: real, unsigned char or int32_t */
    const real **params;
    const int64_t *param_strides;       /* 0: shared; 1: one for each unit */
    const real **inputs;
    const int64_t *step_strides, *row_strides, *unit_strides;
    real **traces;                      /* one for each state, [steps / every, rows * units], or null */
    unsigned char *raster;              /* who spiked, likewise, or null */
    unsigned char *spiked;              /* who spiked in the last step, [rows * units], or null */
    int64_t lanes;                      /* rows * units */
    int64_t *events;                    /* step * lanes + lane of each spike; the caller frees it */
    int64_t count, room;
    int64_t failed;                     /* the first step after which something is not finite; -1: none */
    double *times;                      /* where spikes are located: when in the step, ms; the caller frees it */
    double *parts;                      /* there: ms left of the refractory periods beside steps, or null */
    unsigned char *armed;               /* there: whether g < 0 */
} Call;

typedef struct {
    int64_t at, count;                  /* the first lane of the block, and how many there are */
    void *s[STATES + 1], *h[HOISTED + 1], *e[EXTRA + 1];
    const real *x[INPUTS + 1];
    const int64_t *xw;
} Work;

static int note(Call *call, int64_t event) {
    if (call->count == call->room) {
        const int64_t room = call->room ? 2 * call->room : 1024;
        int64_t *more = (int64_t *)realloc(call->events, (size_t)room * sizeof(int64_t));
        if (!more) return 0;
        call->events = more;
        call->room = room;
    }
    call->events[call->count++] = event;
    return 1;
}

static NOINLINE int note_all(Work *w, Call *call, int64_t step, int64_t i, uint32_t who) {
    const int64_t first = w->at + i * LANES, kept = (step + 1) / call->every - 1;
    const int traced = call->raster && (step + 1) % call->every == 0;
    for (; who; who &= who - 1) {
        const int64_t lane = first + __builtin_ctz(who);
        if (!note(call, step * call->lanes + lane)) return 0;
        if (traced) call->raster[kept * call->lanes + lane] = 1;
        if (call->spiked && step == call->steps - 1) call->spiked[lane] = 1;
    }
    return 1;
}

static int all_finite(const vreal *n, const vreal *x, uint32_t valid) {
    vint good = splat_int(-1);
    for (int k = 0; k < STATES; k++)
        if (kinds[k] == 0) good &= rb_isfinite(n[k]);
    for (int k = 0; k < INPUTS; k++) good &= rb_isfinite(x[k]);
    return (lanes_of(good) & valid) == valid;
}

static int failed(Call *call, int64_t step) {
    if (call->failed < 0 || step < call->failed) call->failed = step;
    return 0;
}

/* Traces, and the next row of the inputs. */
static int after_step(Work *w, Call *call, int64_t step) {
    if ((step + 1) % call->every == 0)
        for (int k = 0; k < STATES; k++)
            if (call->traces[k])
                memcpy(call->traces[k] + ((step + 1) / call->every - 1) * call->lanes + w->at, w->s[k],
                       (size_t)w->count * sizeof(real));
    for (int k = 0; k < INPUTS; k++) w->x[k] += call->step_strides[k];
    return 1;
}
