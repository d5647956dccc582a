/* A layer: many steps of many units, and their derivative. Lanes are cut into blocks, and a block is taken through all
   steps, so that its states stay in the caches. Of the states those at the start of each segment are kept; in the
   backward a segment's are computed once more. */
#define PADDED(count) (((count) + LANES - 1) / LANES * LANES)

/* Whole numbers and addresses, nothing else: it is made as a list of these. Tables are one longer than what there is. */
typedef struct {
    int64_t units, lanes;                     /* units of a row; all lanes */
    int64_t steps, segment, block;            /* steps of a segment; lanes of a block */
    int64_t stream;                           /* whether what is written is not looked at soon, and lies well */
    int64_t dout_step, dout_lane;             /* strides of dout; 0: one for all */
    const real *dout;                         /* cotangents of out */
    real *out;                                /* [steps, lanes] */
    const real *inputs[INPUTS + 1];
    int64_t input_strides[INPUTS + 1];        /* of a step: lanes, or 0 where one row serves all */
    const real *params[PARAMS + 1];
    int64_t param_strides[PARAMS + 1];        /* 0: shared; 1: one for each unit */
    const void *before[STATES + 1];           /* states at the start: real, unsigned char or int32_t */
    int64_t before_wide[STATES + 1];          /* 1: [lanes]; 0: [units], alike in all rows */
    void *after[STATES + 1];                  /* at the end, [lanes] */
    void *kept[STATES + 1];                   /* at the start of each segment, [segments, lanes], or null */
    const real *dafter[NUMBERS + 1];          /* cotangents of the numbers among the states at the end, or null */
    real *dbefore[NUMBERS + 1];               /* those at the start, or null */
    real *dinputs[INPUTS + 1];                /* [steps, lanes], or null */
    real *dparams[CARRIED + 1];               /* [] or [units] */
    int64_t dparam_strides[CARRIED + 1];      /* 0: shared */
    double *sums[CARRIED + 1];                /* its parts: [blocks] of a shared one, else [lanes] */
    int64_t odd;                              /* whether an input is not finite, or a state at the end */
    int64_t short_of_memory;
} Layer;

typedef real vloose_out __attribute__((vector_size(BYTES), may_alias, aligned(sizeof(real))));

/* To a row, from `at` on, where so many are left. */
INLINE void store_some(real *to, int64_t at, vreal v, int64_t there, int stream) {
    if (there >= LANES) {
#if BYTES == 64 && SINGLE && !defined(__clang__)
        if (stream) __builtin_ia32_movntps512(to + at, v);
        else
#elif BYTES == 64 && !defined(__clang__)
        if (stream) __builtin_ia32_movntpd512(to + at, v);
        else
#endif
            *(vloose_out *)(to + at) = v;
    } else
        for (int k = 0; k < there; k++) to[at + k] = v[k];
}

/* The units of a block that take the whole form, side by side: what it is given of each; where they are; and rows of
   results that wait for theirs. */
#define ASIDE_STRIDE (BLOCK + LANES)
typedef struct {
    real *given; /* [ASIDE, ASIDE_STRIDE] */
    int32_t *lane;
    real *rows[ROWS];
} Rare;

/* Put aside the units of a vector whose bits are set, after n others; how many there are then. */
static NOINLINE int64_t put_aside(
    const Rare *rare, int64_t n, uint32_t bits, const vreal *given, int arrays, int64_t first) {
    for (int k = 0; k < arrays; k++) {
        real *const to = rare->given + k * ASIDE_STRIDE + n;
#if MASKS && SINGLE
        *(vloose_out *)to = __builtin_ia32_compresssf512_mask(given[k], given[k], (uint16_t)bits);
#elif MASKS
        *(vloose_out *)to = __builtin_ia32_compressdf512_mask(given[k], given[k], (uint8_t)bits);
#else
        int64_t at = 0;
        for (uint32_t left = bits; left; left &= left - 1) to[at++] = given[k][__builtin_ctz(left)];
#endif
    }
    for (uint32_t left = bits; left; left &= left - 1) rare->lane[n++] = (int32_t)(first + __builtin_ctz(left));
    return n;
}

INLINE vreal aside_at(const Rare *rare, int k, int64_t j) {
    return *(const vreal *)(rare->given + k * ASIDE_STRIDE + j);
}
/* A result of the q-th of them, to where it belongs. */
INLINE void put_vreal(void *to, int64_t lane, vreal v, int64_t q) { ((real *)to)[lane] = v[q]; }
INLINE void put_vint(void *to, int64_t lane, vint v, int64_t q) { ((whole_t *)to)[lane] = v[q]; }
INLINE void put_vbool(void *to, int64_t lane, vbool v, int64_t q) { put_bool(to, lane, get_bool(&v, q)); }
