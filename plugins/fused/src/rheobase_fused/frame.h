/* Many steps of many units. A row of units is worked on in blocks, and a block is taken through all steps of the
   call, so that its states stay in the first cache. */
#define ALL ((uint32_t)((1ull << LANES) - 1))

/* Units that are worked on side by side, 64 at most. */
#define GROUP (TOGETHER * LANES)

/* Units of a block, and those that fill up its last vectors. */
#define PADDED(count) (((count) + GROUP - 1) / GROUP * GROUP)

typedef struct {
    int64_t units, first, last;         /* units of a row; the lanes [first, last) are this call's */
    int64_t steps, every;               /* traces are kept of every so many steps */
    const void **before;                /* [rows * units] each: real, unsigned char or int32_t */
    void **states;                      /* the same, at the end */
    const real **params;
    const int64_t *param_strides;       /* 0: shared; 1: one for each unit */
    const real **inputs;
    const int64_t *step_strides, *row_strides, *unit_strides;
    real **traces;                      /* one for each state, [steps / every, rows * units], or null */
    unsigned char *raster;              /* who spiked, likewise, or null */
    unsigned char *spiked;              /* who spiked in the last step, [rows * units], or null */
    int64_t lanes;                      /* rows * units */
    int64_t shift;                      /* lanes < 1 << shift */
    int64_t *events;                    /* step << shift | lane of each spike; the caller frees it */
    int64_t count, room;
    int64_t failed;                     /* the first step after which something is not finite; -1: none */
    int64_t short_of_memory;            /* whether there was not enough */
    double *times;                      /* where spikes are located: when in the step, ms; the caller frees it */
    double *parts;                      /* there: ms left of the refractory periods beside steps, or null */
    unsigned char *armed;               /* there: whether g < 0 */
    const Noise *noise;                 /* one for each input, or null where all are given */
    Normals *normals;                   /* what makes their noise */
} Call;

typedef struct {
    int64_t at, count;                  /* the first lane of the block, and how many there are */
    int64_t unit;                       /* the first lane's unit */
    Made made[INPUTS + 1];
    void *s[STATES + 1], *h[HOISTED + 1], *e[EXTRA + 1];
    const real *x[INPUTS + 1];
    const int64_t *xw;
    int64_t untraced;                   /* steps until traces are kept */
    uint64_t who[BLOCK / GROUP];        /* who spikes in a step, a bit for each unit */
} Work;

/* Room for so many further spikes. */
static int make_room(Call *call, int64_t further) {
    if (call->room - call->count < further) {
        const int64_t room = 2 * call->room + further + 1024;
        int64_t *more = (int64_t *)realloc(call->events, (size_t)room * sizeof(int64_t));
        if (!more) return 0;
        call->events = more;
        call->room = room;
    }
    return 1;
}

/* Puts down who spiked in a step, in the order of units. */
static NOINLINE int note_step(Work *w, Call *call, int64_t step) {
    if (!make_room(call, w->count)) return 0;
    int64_t *to = call->events + call->count;
    const int64_t groups = PADDED(w->count) / GROUP, last = w->count - (groups - 1) * GROUP;
    if (last < 64) w->who[groups - 1] &= ((uint64_t)1 << last) - 1;
    for (int64_t g = 0; g < groups; g++)
        for (uint64_t who = w->who[g]; who; who &= who - 1)
            *to++ = step << call->shift | (w->at + g * GROUP + __builtin_ctzll(who));
    const int64_t *const from = call->events + call->count, mask = ((int64_t)1 << call->shift) - 1;
    call->count = to - call->events;
    if (call->raster && (step + 1) % call->every == 0)
        for (const int64_t *e = from; e < to; e++)
            call->raster[((step + 1) / call->every - 1) * call->lanes + (*e & mask)] = 1;
    if (call->spiked && step == call->steps - 1)
        for (const int64_t *e = from; e < to; e++) call->spiked[*e & mask] = 1;
    return 1;
}

/* The lanes of a vector of which so many are left. */
INLINE uint32_t valid_of(int64_t there) { return there >= LANES ? ALL : there > 0 ? (1u << there) - 1 : 0; }

static int all_finite(const vreal *n, const vreal *x, uint32_t valid) {
    vbool good = splat_bool(1);
    for (int k = 0; k < STATES; k++)
        if (kinds[k] == 0) good &= rb_isfinite(n[k]);
    for (int k = 0; k < INPUTS; k++) good &= rb_isfinite(x[k]);
    return (lanes_of(good) & valid) == valid;
}

static int failed(Call *call, int64_t step) {
    if (call->failed < 0 || step < call->failed) call->failed = step;
    return 0;
}

/* The rows of inputs that are made here. */
static NOINLINE void before_step(Work *w, const Call *call, int64_t step) {
    for (int k = 0; k < INPUTS; k++)
        if (call->noise[k].key) make_row(call->noise + k, call->normals, w->made + k, step, w->unit, w->count);
}

/* Traces, and the next row of the inputs. */
static int after_step(Work *w, Call *call, int64_t step) {
    if (--w->untraced == 0) {
        w->untraced = call->every;
        for (int k = 0; k < STATES; k++)
            if (call->traces[k])
                memcpy(call->traces[k] + ((step + 1) / call->every - 1) * call->lanes + w->at, w->s[k],
                       (size_t)w->count * sizeof(real));
    }
    for (int k = 0; k < INPUTS; k++) w->x[k] += call->step_strides[k];
    return 1;
}
