/* A layer: many steps of many units, and their derivative. Lanes are cut into blocks, and a block is taken through all
   steps, so that its states stay in the caches. Of the states those at the start of each segment are kept; in the
   backward a segment's are computed once more. */
#define PADDED(count) (((count) + LANES - 1) / LANES * LANES)

typedef struct {
    int64_t units, lanes;               /* units of a row; all lanes */
    int64_t steps, segment, block;      /* steps of a segment; lanes of a block */
    const void **before;                /* states at the start: real, unsigned char or int32_t [lanes] */
    void **after;                       /* at the end */
    void **kept;                        /* at the start of each segment, [segments, lanes], or null */
    const real **params;
    const int64_t *param_strides;       /* 0: shared; 1: one for each unit */
    const real **inputs;
    const int64_t *input_strides;       /* of a step: lanes, or 0 where one row serves all */
    real *out;                          /* [steps, lanes] */
    int64_t stream;                     /* whether what is written is not looked at soon, and lies well */
    int64_t odd;                        /* whether an input is not finite */
    int64_t short_of_memory;
    const real *dout;                   /* cotangents of out */
    int64_t dout_step, dout_lane;       /* its strides; 0: one for all */
    const real **dafter;                /* those of the numbers among the states at the end, or null */
    real **dbefore;                     /* those at the start, or null */
    real **dinputs;                     /* [steps, lanes], or null */
    double **dparams;                   /* of a shared one [blocks], the first all of it; else [lanes] */
    const int64_t *dparam_strides;      /* 0: shared */
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
