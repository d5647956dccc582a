/* Inputs that are made for each step as it comes: mean + deviation times the standard Ornstein-Uhlenbeck path of a unit,
   x_{n+1} = decay x_n + spread xi_n in float64. */
typedef struct {
    const uint64_t *key;                /* of the noise; null for an input that is given */
    double decay, spread;
    int64_t first;                      /* the first step of the call, on the neuron's clock */
    const double *mean, *deviation;
    int64_t mean_stride, deviation_stride; /* 0: shared; 1: one for each unit */
    double *path;                       /* [rows * units]: at the step before, and at the end at the last */
} Noise;

typedef void Normals(const uint64_t *key, int64_t block, int64_t quarter, int64_t unit, int64_t count, double *out,
                     int64_t stride);

/* What a block needs for one of them: four steps of noise, the paths and a row. */
#define NOISE_BYTES ((5 * sizeof(double) + sizeof(real)) * BLOCK)
typedef struct {
    double *normal, *path;
    real *row;
} Made;

INLINE void make_row(const Noise *noise, Normals *normals, Made *made, int64_t step, int64_t unit, int64_t count) {
    const int64_t n = noise->first + step;
    if (n % 4 == 0 || step == 0) normals(noise->key, n / 16, n % 16 / 4, unit, count, made->normal, BLOCK);
    const double *const xi = made->normal + n % 4 * BLOCK;
    double *const path = made->path;
    if (n == 0) memcpy(path, xi, (size_t)count * sizeof(double));
    else
        for (int64_t i = 0; i < count; i++) path[i] = noise->decay * path[i] + noise->spread * xi[i];
    const double *const mean = noise->mean + unit * noise->mean_stride;
    const double *const deviation = noise->deviation + unit * noise->deviation_stride;
    real *const row = made->row;
    if (!noise->mean_stride && !noise->deviation_stride)
        for (int64_t i = 0; i < count; i++) row[i] = (real)(*mean + *deviation * path[i]);
    else
        for (int64_t i = 0; i < count; i++)
            row[i] = (real)(mean[i * noise->mean_stride] + deviation[i * noise->deviation_stride] * path[i]);
}
