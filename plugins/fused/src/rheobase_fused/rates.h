/* The rates of ion channels, x / (e^x - 1), and their derivative. With x = k ln 2 + r and k = 0 both parts of the quotient
   are divided by x, so that no hole is left: it is 1 / (1 + r b), b = (e^r - 1 - r) / r^2. */
typedef struct {
    vreal x, over, inverse, bend, power; /* over * inverse is the rate; power is e^x */
    vbool near;                          /* k = 0 */
} Rate;

INLINE Rate rate_of(vreal x) {
    const vreal inside = rb_within(x, EXP_LEAST, EXP_MOST), k = rb_round(inside * INV_LN2);
    const vreal r = rb_fma(k, splat(-LN2_LOW), rb_fma(k, splat(-LN2_HIGH), inside));
    const vreal bend = rb_bend(r), half = rb_scale(splat((real)0.5), k); /* 2^1024 is no number */
    const vreal grown = rb_fma(half, rb_fma(bend, r * r, r), half);
    const vbool near = rb_eq(k, splat(0));
    const vreal under = rb_where(near, rb_fma(r, bend, splat(1)), 2 * (grown - splat((real)0.5)));
    const Rate rate = {x, rb_where(near, splat(1), x), 1 / under, bend, 2 * grown, near};
    return rate;
}
INLINE vreal rb_rate(vreal x) {
    const Rate rate = rate_of(x);
    return rate.over * rate.inverse;
}
/* (1 - y e^x) / (e^x - 1), where y e^x = y + x; of the two that in which nothing cancels. Beside zero it is -y^2 times the
   derivative of 1 / y, which is 1 + (r - 1) b. */
INLINE vreal rb_rate_slope(vreal x) {
    const Rate rate = rate_of(x);
    const vreal y = rate.over * rate.inverse;
    const vreal far = 1 - rb_where(rb_lt(x, splat(0)), y * rate.power, y + x);
    const vreal near = -rate.inverse * rb_fma(x - 1, rate.bend, splat(1));
    return rb_where(rate.near, near, far) * rate.inverse;
}
