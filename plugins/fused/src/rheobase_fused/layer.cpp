#if defined(__linux__)
#include <sys/mman.h>
#endif

/* Room of a thread, which it keeps from block to block: memory that is fresh costs more than the work in it. */
struct Room {
    char *memory = NULL;
    size_t size = 0;
    ~Room() { free(memory); }
};
static thread_local Room kept_room;

/* Room for so many arrays of a block. */
static char *room(int64_t arrays) {
    const size_t size = (size_t)arrays * BLOCK * sizeof(real);
    if (kept_room.size < size) {
        void *memory = NULL;
        free(kept_room.memory);
        kept_room.memory = posix_memalign(&memory, 64, size) ? NULL : (char *)memory;
        kept_room.size = kept_room.memory ? size : 0;
    }
    return kept_room.memory;
}

/* Arrays for those that are put aside; their strides are a little longer than a block. */
#define APART (ASIDE ? ASIDE + (ASIDE * LANES + BLOCK - 1) / BLOCK + ROWS + 1 : 0)

static Rare rare_in(char *memory) {
    Rare rare = {(real *)memory, NULL, {}};
    if (!ASIDE) return rare;
    real *at = rare.given + (int64_t)ASIDE * ASIDE_STRIDE;
    for (int k = 0; k < ROWS; k++, at += BLOCK) rare.rows[k] = at;
    rare.lane = (int32_t *)at;
    return rare;
}

#define ARRAY(memory, k) ((void *)((memory) + (size_t)(k) * BLOCK * sizeof(real)))

/* The parameters of a block's lanes: shared ones as one vector. */
static void load_params(const Layer *layer, int64_t at, int64_t count, real *const *p) {
    for (int k = 0; k < PARAMS; k++) {
        if (!layer->param_strides[k]) {
            *(vreal *)p[k] = splat(layer->params[k][0]);
            continue;
        }
        int64_t unit = at % layer->units;
        for (int64_t i = 0; i < count; i++) {
            p[k][i] = layer->params[k][unit];
            if (++unit == layer->units) unit = 0;
        }
        for (int64_t i = count; i < PADDED(count); i++) p[k][i] = p[k][0];
    }
}

/* A state that is alike in all rows: those of the units again and again, as they lie there. */
static void load_units(int kind, const void *from, int64_t at, int64_t units, int64_t count, void *to) {
    const int64_t size = kind == 0 ? sizeof(real) : kind == 1 ? 1 : sizeof(int32_t), padded = PADDED(count);
    alignas(64) char lanes[BLOCK * sizeof(real)];
    for (int64_t done = 0, unit = at % units; done < count; unit = 0) {
        const int64_t some = units - unit < count - done ? units - unit : count - done;
        memcpy(lanes + done * size, (const char *)from + unit * size, (size_t)(some * size));
        done += some;
    }
    load_state(kind, lanes, 0, count, padded, to);
}

static void rows_at(const Layer *layer, int64_t step, int64_t at, const real **x) {
    for (int k = 0; k < INPUTS; k++) x[k] = layer->inputs[k] + step * layer->input_strides[k] + at;
}

static void forward_block(void *given, int64_t number) {
    Layer *const layer = (Layer *)given;
    const int64_t at = number * layer->block, lanes = layer->lanes;
    const int64_t count = lanes - at < layer->block ? lanes - at : layer->block;
    char *const memory = room(STATES + HOISTED + PARAMS + 1 + APART);
    if (!memory) {
        __atomic_store_n(&layer->short_of_memory, 1, __ATOMIC_RELAXED);
        return;
    }
    void *s[STATES + 1], *h[HOISTED + 1];
    real *p[PARAMS + 1];
    const real *x[INPUTS + 1];
    for (int k = 0; k < STATES; k++) s[k] = ARRAY(memory, k);
    for (int k = 0; k < HOISTED; k++) h[k] = ARRAY(memory, STATES + k);
    for (int k = 0; k < PARAMS; k++) p[k] = (real *)ARRAY(memory, STATES + HOISTED + k);
    load_params(layer, at, count, p);
    prepare(PADDED(count) / LANES, p, h);
    for (int k = 0; k < STATES; k++) {
        if (layer->before_wide[k]) load_state(kinds[k], layer->before[k], at, count, PADDED(count), s[k]);
        else load_units(kinds[k], layer->before[k], at, layer->units, count, s[k]);
    }
    Rare rare = rare_in((char *)ARRAY(memory, STATES + HOISTED + PARAMS));
    vreal odd = splat(0);
    for (int64_t step = 0; step < layer->steps; step++) {
        if (layer->kept[0] && step % layer->segment == 0)
            for (int k = 0; k < STATES; k++)
                store_state(kinds[k], s[k], step / layer->segment * lanes + at, count, layer->kept[k]);
        rows_at(layer, step, at, x);
        odd += forward(count, s, s, h, x, layer->out + step * lanes + at, &rare, (int)layer->stream);
    }
    for (int k = 0; k < STATES; k++) store_state(kinds[k], s[k], at, count, layer->after[k]);
    for (int k = 0; k < STATES; k++)
        for (int64_t i = 0; kinds[k] == 0 && i < PADDED(count) / LANES; i++) odd += ((vreal *)s[k])[i] * 0;
    if (lanes_of(rb_ne(odd, odd))) __atomic_store_n(&layer->odd, 1, __ATOMIC_RELAXED);
}

static void backward_block(void *given, int64_t number) {
    Layer *const layer = (Layer *)given;
    const int64_t at = number * layer->block, lanes = layer->lanes, segment = layer->segment;
    const int64_t count = lanes - at < layer->block ? lanes - at : layer->block, padded = PADDED(count);
    /* The last step that is taken again has an end, too. */
    const int64_t states = (segment + (TAPED != 0)) * STATES;
    char *const memory = room(states + segment * TAPED + NUMBERS + HOISTED + PARAMS + 3 * GATHERED + CARRIED + 1 + APART);
    if (!memory) {
        __atomic_store_n(&layer->short_of_memory, 1, __ATOMIC_RELAXED);
        return;
    }
    void *h[HOISTED + 1];
    real *c[NUMBERS + 1], *p[PARAMS + 1], *a[GATHERED + 1], *g[CARRIED + 1], *dx[INPUTS + 1];
    double *sums[GATHERED + 1];
    const real *x[INPUTS + 1];
    char *rest = memory + (size_t)(states + segment * TAPED) * BLOCK * sizeof(real);
    for (int k = 0; k < NUMBERS; k++, rest += BLOCK * sizeof(real)) c[k] = (real *)rest;
    for (int k = 0; k < HOISTED; k++, rest += BLOCK * sizeof(real)) h[k] = rest;
    for (int k = 0; k < PARAMS; k++, rest += BLOCK * sizeof(real)) p[k] = (real *)rest;
    for (int k = 0; k < GATHERED; k++, rest += BLOCK * sizeof(real)) a[k] = (real *)rest;
    for (int k = 0; k < GATHERED; k++, rest += 2 * BLOCK * sizeof(real)) sums[k] = (double *)rest;
    for (int k = 0; k < CARRIED; k++, rest += BLOCK * sizeof(real)) g[k] = (real *)rest;
    Rare rare = rare_in(rest);
    load_params(layer, at, count, p);
    prepare(padded / LANES, p, h);
    for (int k = 0; k < NUMBERS; k++) {
        memset(c[k], 0, (size_t)padded * sizeof(real));
        if (layer->dafter[k]) memcpy(c[k], layer->dafter[k] + at, (size_t)count * sizeof(real));
    }
    for (int k = 0; k < GATHERED; k++) {
        memset(a[k], 0, (size_t)padded * sizeof(real));
        memset(sums[k], 0, (size_t)padded * sizeof(double));
    }
    for (int64_t part = (layer->steps + segment - 1) / segment - 1; part >= 0; part--) {
        const int64_t first = part * segment;
        const int64_t steps = layer->steps - first < segment ? layer->steps - first : segment;
        void *s[2][STATES + 1], *t[TAPED + 1];
        for (int k = 0; k < STATES; k++) {
            s[0][k] = ARRAY(memory, k);
            load_state(kinds[k], layer->kept[k], part * lanes + at, count, padded, s[0][k]);
        }
        for (int64_t j = 0; j + !TAPED < steps; j++) {
            for (int k = 0; k < STATES; k++) {
                s[0][k] = ARRAY(memory, j * STATES + k);
                s[1][k] = ARRAY(memory, (j + 1) * STATES + k);
            }
            for (int k = 0; k < TAPED; k++) t[k] = ARRAY(memory, states + j * TAPED + k);
            rows_at(layer, first + j, at, x);
#if TAPED
            again(count, s[0], s[1], h, x, t);
#else
            forward(count, s[0], s[1], h, x, NULL, &rare, 0);
#endif
        }
        for (int64_t j = steps - 1; j >= 0; j--) {
            const int64_t step = first + j;
            for (int k = 0; k < STATES; k++) s[0][k] = ARRAY(memory, j * STATES + k);
            for (int k = 0; k < TAPED; k++) t[k] = ARRAY(memory, states + j * TAPED + k);
            rows_at(layer, step, at, x);
            for (int k = 0; k < INPUTS; k++) dx[k] = layer->dinputs[k] ? layer->dinputs[k] + step * lanes + at : NULL;
            backward(count, s[0], h, x, layer->dout + step * layer->dout_step + at * layer->dout_lane, c, a, dx,
                     t, &rare, (int)layer->dout_lane, (int)layer->stream);
        }
        for (int k = 0; k < GATHERED; k++)
            for (int64_t i = 0; i < padded; i++) {
                sums[k][i] += (double)a[k][i];
                a[k][i] = 0;
            }
    }
    for (int k = 0; k < NUMBERS; k++)
        if (layer->dbefore[k]) memcpy(layer->dbefore[k] + at, c[k], (size_t)count * sizeof(real));
    if (CARRIED) {
        for (int k = 0; k < GATHERED; k++)
            for (int64_t i = 0; i < padded; i++) a[k][i] = (real)sums[k][i];
        carry(padded / LANES, p, a, g);
        for (int k = 0; k < CARRIED; k++) {
            double sum = 0;
            for (int64_t i = 0; i < count; i++) {
                if (layer->dparam_strides[k]) layer->sums[k][at + i] = (double)g[k][i];
                else sum += (double)g[k][i];
            }
            if (!layer->dparam_strides[k]) layer->sums[k][number] = sum;
        }
    }
}

/* Memory that is fresh is given in pages, each at its first use: for what is large those of 4 KiB cost more than the work. */
static void in_large_pages(void *memory, int64_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (!memory || bytes < 4 * 1024 * 1024) return;
    const uintptr_t first = ((uintptr_t)memory + 4095) & ~(uintptr_t)4095, end = (uintptr_t)memory + (uintptr_t)bytes;
    madvise((void *)first, (end - first) & ~(uintptr_t)4095, MADV_HUGEPAGE);
#endif
}

static int64_t blocks_of(const Layer *layer) { return (layer->lanes + layer->block - 1) / layer->block; }

extern "C" int64_t rheobase_block(void) { return BLOCK; }

static int64_t said(const Layer *layer) { return (layer->odd != 0) | (layer->short_of_memory != 0) << 1; }

extern "C" int64_t rheobase_forward(Layer *layer, int64_t threads) {
    in_large_pages(layer->out, layer->steps * layer->lanes * (int64_t)sizeof(real));
    in_threads(forward_block, layer, blocks_of(layer), threads);
    return said(layer);
}

extern "C" int64_t rheobase_backward(Layer *layer, int64_t threads) {
    const int64_t blocks = blocks_of(layer);
    int64_t room = 0;
    for (int k = 0; k < CARRIED; k++) room += layer->dparam_strides[k] ? layer->lanes : blocks;
    double *const sums = (double *)malloc((size_t)(room + 1) * sizeof(double)), *at = sums;
    if (!sums) return 2;
    for (int k = 0; k < CARRIED; k++) {
        layer->sums[k] = at;
        at += layer->dparam_strides[k] ? layer->lanes : blocks;
    }
    for (int k = 0; k < INPUTS; k++)
        in_large_pages(layer->dinputs[k], layer->steps * layer->lanes * (int64_t)sizeof(real));
    in_threads(backward_block, layer, blocks, threads);
    /* In the order of blocks, or of rows, whoever worked on them. */
    for (int k = 0; k < CARRIED && !layer->short_of_memory; k++) {
        const double *const part = layer->sums[k];
        if (!layer->dparam_strides[k]) {
            double sum = 0;
            for (int64_t b = 0; b < blocks; b++) sum += part[b];
            layer->dparams[k][0] = (real)sum;
            continue;
        }
        for (int64_t unit = 0; unit < layer->units; unit++) {
            double sum = 0;
            for (int64_t lane = unit; lane < layer->lanes; lane += layer->units) sum += part[lane];
            layer->dparams[k][unit] = (real)sum;
        }
    }
    free(sums);
    return said(layer);
}
