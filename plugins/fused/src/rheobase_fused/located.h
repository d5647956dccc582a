/* A step of some units with each spike at its own time. In rounds, each unit goes on to the end of the
   step, to the end of its refractory period, or to its first crossing of the threshold, whichever comes first.
   Times are double, and what the integrator is given of them is real, as in eager. */
#if SINGLE
#define EPS 1.1920928955078125e-07f
#define TINY 1.1754943508222875e-38f
#else
#define EPS 2.220446049250313e-16
#define TINY 2.2250738585072014e-308
#endif
#define MOST_SPIKES 1000
#define TOPS 8
#define ROUNDS 200
#define FAILED -1

typedef struct {
    Work *w;
    Call *call;
    int64_t step;
    const vreal *x;
    uint32_t valid;
    int64_t lane[LANES];
    vreal y[STATES + 1];
    vint armed;
    double t[LANES], left[LANES];
    int count[LANES];
} Place;

/* The method's step from some time on, of those units. */
typedef struct {
    const Place *p;
    vreal t0;
    vint resting;
} Path;

/* g where it is a number; what exploded is far beyond the threshold. */
INLINE vreal number(vreal g) {
    g = g != g ? splat((real)1e30) : g;
    g = g == splat(INFINITY) ? splat((real)1e30) : g;
    return g == splat(-INFINITY) ? splat((real)-1e30) : g;
}
INLINE vint finite_all(const vreal *y) {
    vint good = splat_int(-1);
    for (int k = 0; k < DECLARED; k++) good &= wide(rb_isfinite(y[k]));
    return good;
}
INLINE void choose(vint which, const vreal *yes, vreal *into) {
    for (int k = 0; k < DECLARED; k++) into[k] = which ? yes[k] : into[k];
}

/* The state s ms on, and g there. */
static NOINLINE vreal go(const Path *a, vreal s, vreal *y) {
    const Place *p = a->p;
    advance(p->w, 0, p->x, p->y, a->t0, a->t0 + s, narrow(a->resting), y);
    return number(gap(p->w, 0, y));
}

static int note_located(Call *call, int64_t event, double time) {
    const int64_t before = call->room;
    if (!make_room(call, 1)) return 0;
    if (call->room != before) {
        double *more = (double *)realloc(call->times, (size_t)call->room * sizeof(double));
        if (!more) return 0;
        call->times = more;
    }
    call->times[call->count] = time;
    call->events[call->count++] = event;
    return 1;
}

/* Note the spikes of some units, and reset them where they stand. */
static int spike(Place *p, vint who) {
    Call *call = p->call;
    const int64_t kept = (p->step + 1) / call->every - 1;
    const int traced = call->raster && (p->step + 1) % call->every == 0;
    vreal y[STATES + 1];
#if REFRACTORY
    const vreal hold = tau_ref(p->w, 0);
#endif
    for (uint32_t each = lanes_of(who) & p->valid; each; each &= each - 1) {
        const int k = __builtin_ctz(each);
        const int64_t lane = p->lane[k];
        if (!note_located(call, p->step << call->shift | lane, p->t[k])) return 1;
        if (traced) call->raster[kept * call->lanes + lane] = 1;
        if (call->spiked && p->step == call->steps - 1) call->spiked[lane] = 1;
        if (++p->count[k] > MOST_SPIKES) return FAILED;
#if REFRACTORY
        p->left[k] = hold[k];
#endif
    }
#if RESETS
    reset(p->w, 0, p->y, y);
    choose(who, y, p->y);
    p->armed = who ? gap(p->w, 0, p->y) < splat(0) : p->armed;
#else
    (void)y;
    p->armed &= ~who;
#endif
    return 0;
}

/* The largest value of the cubic with these values and slopes at 0 and 1. */
static vreal hermite_top(vreal start, vreal first, vreal end, vreal last) {
    const vreal rise = end - start, square = 3 * rise - 2 * first - last, cube = first + last - 2 * rise;
    vreal under = square * square - 3 * first * cube;
    under = under < splat(0) ? splat(0) : under;
    const vreal where = first / (rb_sqrt(under) - square);
    return start + where * (first + where * (square + where * cube));
}

/* Who crosses, or may have been on the other side of the threshold in between: rheobase.Event says how. */
static vint crosses(const Place *p, vint watched, const vreal *y1, vreal h) {
    const vreal g1 = gap(p->w, 0, y1);
    const vint below = g1 < splat(0), plain = p->armed & ~below, same = p->armed == below;
    if (!(lanes_of(watched & same) & p->valid)) return plain & watched;
    vreal slope0[STATES + 1], slope1[STATES + 1], early[STATES + 1], late[STATES + 1];
    slope(p->w, 0, p->x, p->y, slope0);
    slope(p->w, 0, p->x, y1, slope1);
    const vreal probe = (real)(1.0 / 64) * h;
    for (int k = 0; k < DECLARED; k++) {
        early[k] = p->y[k] + probe * slope0[k];
        late[k] = y1[k] - probe * slope1[k];
    }
    const vreal g0 = gap(p->w, 0, p->y), sign = below ? splat(1) : splat(-1);
    const vreal first = sign * ((gap(p->w, 0, early) - g0) / (real)(1.0 / 64));
    const vreal last = sign * ((g1 - gap(p->w, 0, late)) / (real)(1.0 / 64));
    const vint turning = same & (first > splat(0)) & (last < splat(0));
    if (!(lanes_of(watched & turning) & p->valid)) return plain & watched;
    const vreal start = sign * g0, end = sign * g1, top = hermite_top(start, first, end, last);
    const vreal height = top - rb_max(start, end);
    return (plain | (turning & (top >= (real)-0.1 * height))) & watched;
}

/* The vertex of the parabola through three points; the middle of the longer side where it is no use. */
static vreal vertex(vreal a, vreal m, vreal b, vreal ga, vreal gm, vreal gb) {
    const vreal left = (m - a) * (gm - gb), right = (m - b) * (gm - ga);
    const vreal v = m - (real)0.5 * ((m - a) * left - (m - b) * right) / (left - right);
    const vreal middle = m - a > b - m ? (real)0.5 * (a + m) : (real)0.5 * (m + b);
    const vreal away = (real)1e-3 * (b - a);
    const vint use = (v > a + away) & (v < b - away) & (rb_abs(v - m) > (real)1e-3 * away);
    return use ? v : middle;
}

/* The ends between which the crossing lies: g < 0 at x2 and g >= 0 at x1. Gives who has one. */
static vint enclose(const Path *a, vint who, vreal h, vreal g1, vreal *x1, vreal *x2, vreal *f1, vreal *f2) {
    const Place *p = a->p;
    const vint armed = p->armed, plain = who & armed & (g1 >= splat(0)), hidden = who & ~plain;
    const vreal g0 = gap(p->w, 0, p->y);
    *x1 = h, *x2 = splat(0), *f1 = g1;
    /* An armed unit is below at the start by definition, whatever rounding says. */
    *f2 = armed & (g0 >= splat(0)) ? splat(-TINY) : g0;
    if (!lanes_of(hidden)) return plain;
    /* Both ends on one side: look for the top of the path, or of the path upside down. */
    vreal y[STATES + 1];
    const vreal sign = armed ? splat(1) : splat(-1);
    vreal low = splat(0), m = (real)0.5 * h, high = h, ga = sign * g0, gb = sign * g1, gm = sign * go(a, m, y);
    for (int k = 0; k < TOPS; k++) {
        const vint open = hidden & ~(gm > splat(0));
        if (!lanes_of(open)) break;
        const vreal next = open ? vertex(low, m, high, ga, gm, gb) : m, g = sign * go(a, next, y);
        const vint left = open & (next < m), right = open & ~(next < m), better = g > gm;
        const vint to_low = (right & better) | (left & ~better), to_high = (left & better) | (right & ~better);
        const vreal old = better ? m : next, g_old = better ? gm : g; /* what the middle is not */
        low = to_low ? old : low, ga = to_low ? g_old : ga;
        high = to_high ? old : high, gb = to_high ? g_old : gb;
        m = open & better ? next : m, gm = open & better ? g : gm;
    }
    const vint up = hidden & armed & (gm >= splat(0)), dip = hidden & ~armed & (gm > splat(0));
    *x1 = up ? m : *x1, *f1 = up ? sign * gm : *f1;
    *x2 = dip ? m : *x2, *f2 = dip ? sign * gm : *f2;
    return plain | up | dip;
}

/* The first crossing of some units: s ms on, in the state y, by the method of Chandrupatla (1997): inverse
   quadratic interpolation where it is sure to help, else bisection. y comes as the state at the end. Gives whether
   all searches came to their ends. */
static int locate(const Path *a, vint who, vreal h, vreal g1, vreal *s, vreal *y, vint *found) {
    vreal x1, x2, f1, f2, there[STATES + 1];
    *found = enclose(a, who, h, g1, &x1, &x2, &f1, &f2);
    const vreal tolerance = 2 * EPS * h;
    vreal x3 = x1, f3 = f1, part = splat((real)0.5);
    if (lanes_of(*found & (x1 != h))) {
        go(a, x1, there);
        choose(*found & (x1 != h), there, y);
    }
    vint active = *found & (rb_abs(x1 - x2) > tolerance);
    for (int k = 0; k < ROUNDS && lanes_of(active); k++) {
        vreal least = (real)0.5 * tolerance / rb_abs(x1 - x2);
        least = least > splat((real)0.5) ? splat((real)0.5) : least;
        const vreal x = x1 + rb_min(rb_max(part, least), 1 - least) * (x2 - x1);
        const vreal f = go(a, active ? x : splat(0), there);
        const vint above = f >= splat(0), same = above == (f1 >= splat(0)), other = active & ~same;
        choose(active & above, there, y);
        x3 = active ? (same ? x1 : x2) : x3, f3 = active ? (same ? f1 : f2) : f3;
        x2 = other ? x1 : x2, f2 = other ? f1 : f2;
        x1 = active ? x : x1, f1 = active ? f : f1;
        active &= (f1 != splat(0)) & (rb_abs(x1 - x2) > tolerance);
        const vreal xi = (x1 - x2) / (x3 - x2), phi = (f1 - f2) / (f3 - f2), bend = (x3 - x1) / (x2 - x1);
        const vint trusted = (phi * phi < xi) & ((1 - phi) * (1 - phi) < 1 - xi);
        const vreal q = f1 / (f2 - f1) * f3 / (f2 - f3) + bend * f1 / (f3 - f1) * f2 / (f3 - f2);
        part = trusted & wide(rb_isfinite(q)) ? q : splat((real)0.5);
    }
    *s = *found ? (f1 >= splat(0) ? x1 : x2) : h;
    return !lanes_of(active);
}

/* Take some units to the end of the step, to their release or to their first crossing. */
static int go_round(Place *p, vint who) {
    vint resting = {}, released = {};
    vreal t0, t1;
    double end[LANES];
    for (int k = 0; k < LANES; k++) {
        double goal = end[k] = DT;
#if REFRACTORY
        if (p->left[k] > 0) {
            const double over = p->t[k] + p->left[k];
            resting[k] = -1;
            released[k] = -(whole_t)(over <= DT);
            goal = end[k] = over < DT ? over : DT;
#if ALL_HELD
            goal = p->t[k];
#endif
        }
#endif
        t0[k] = (real)p->t[k];
        t1[k] = who[k] ? (real)goal : t0[k];
    }
    const vreal h = t1 - t0;
    const Path path = {p, t0, resting};
    vreal y1[STATES + 1];
    if (lanes_of(who & (t1 > t0))) advance(p->w, 0, p->x, p->y, t0, t1, narrow(resting), y1);
    else memcpy(y1, p->y, sizeof(y1)); /* nothing of these units moves */
    vint good = finite_all(y1);
#if LIMITED
    if (lanes_of(~good & who)) {
        /* What explodes past its threshold goes along a field that stops growing there. */
        vreal again[STATES + 1];
        limited(p->w, 0, p->x, p->y, t0, t1, narrow(resting), again);
        choose(~good, again, y1);
        good = finite_all(y1);
    }
#endif
    if (lanes_of(~good & who)) return FAILED;
    vint found = {};
    vreal s = h;
    const vint hit = crosses(p, who & ~resting, y1, h) & (h > splat(0));
    if (lanes_of(hit) && !locate(&path, hit, h, number(gap(p->w, 0, y1)), &s, y1, &found)) return FAILED;
    choose(who, y1, p->y);
    const vreal at = t0 + s, g = gap(p->w, 0, p->y);
    for (int k = 0; k < LANES; k++) {
        if (!who[k]) continue;
        const double now = found[k] && at[k] < t1[k] ? (double)at[k] : end[k];
        if (resting[k]) p->left[k] = released[k] ? 0 : p->left[k] - (now - p->t[k]);
        p->t[k] = now;
    }
    p->armed = who ? g < splat(0) : p->armed;
    const vint spiking = who & (found | (released & (g >= splat(0))));
    return lanes_of(spiking) ? spike(p, spiking) : 0;
}

/* One step of some units, the lanes of one vector. 0: done; 1: not enough memory; FAILED. */
static int located(Place *p) {
    const vint valid = wide(bools_of(p->valid));
    vint kicked = p->armed & (gap(p->w, 0, p->y) >= splat(0));
#if REFRACTORY
    vint *counted = (vint *)p->w->s[DECLARED];
    double *parts = p->call->parts;
    int32_t hold[LANES];
    for (int k = 0; k < LANES; k++) {
        const double part = parts[p->lane[k]];
        hold[k] = (int32_t)((uint32_t)(*counted)[k] - (part != 0));
        p->left[k] = (double)hold[k] * DT + part;
        kicked[k] &= -(whole_t)(p->left[k] <= 0);
    }
#endif
    int wrong = lanes_of(kicked & valid) ? spike(p, kicked & valid) : 0;
    while (!wrong) {
        vint who = valid;
        for (int k = 0; k < LANES; k++) who[k] &= -(whole_t)(p->t[k] < DT);
        if (!lanes_of(who)) break;
        wrong = go_round(p, who);
    }
    if (wrong) return wrong;
    if (!all_finite(p->y, p->x, p->valid)) return FAILED;
#if REFRACTORY
    /* Steps are counted, since taking dt from a time again and again would round it each time alike. */
    for (int k = 0; k < LANES; k++) {
        if (!valid[k]) continue;
        double *part = parts + p->lane[k];
        if (hold[k] > 0 && !p->count[k]) hold[k]--;
        else {
            double whole = __builtin_floor(p->left[k] / DT);
            whole = whole < 0 ? 0 : whole > 2147483647.0 ? 2147483647.0 : whole;
            if (whole * DT > p->left[k]) whole -= 1;
            hold[k] = (int32_t)whole;
            *part = p->left[k] - whole * DT;
        }
        (*counted)[k] = (whole_t)(int32_t)((uint32_t)hold[k] + (*part != 0));
    }
#endif
    return 0;
}

/* The units of a block whose step is not usual: first the marks of those that are armed otherwise than g says, for
   each vector; then a list of the units. */
INLINE uint32_t *marks_of(const Work *w) { return (uint32_t *)w->e[0]; }
INLINE uint16_t *list_of(const Work *w) { return (uint16_t *)w->e[0] + BLOCK; }

INLINE int64_t list(Work *w, int64_t i, uint32_t who, int64_t listed) {
    who &= valid_of(w->count - i * LANES);
    for (; who; who &= who - 1) list_of(w)[listed++] = (uint16_t)(i * LANES + __builtin_ctz(who));
    return listed;
}

/* The step of those that are listed, in vectors of their own. */
static NOINLINE int rare(Work *w, Call *call, int64_t step, int64_t listed) {
    vreal s[STATES + 1], h[HOISTED + 1], e[EXTRA + 1], x[INPUTS + 1] = {};
    Work some = {};
    for (int k = 0; k < STATES; k++) some.s[k] = s + k;
    for (int k = 0; k < HOISTED; k++) some.h[k] = shared[k] ? w->h[k] : h + k;
    for (int k = 0; k < EXTRA; k++) some.e[k] = e + k;
    for (int64_t at = 0; at < listed; at += LANES) {
        const int64_t many = listed - at < LANES ? listed - at : LANES;
        Place place = {&some, call, step, x}, *p = &place;
        uint32_t marks = 0;
        p->valid = many < LANES ? (1u << many) - 1 : ALL;
        for (int j = 0; j < LANES; j++) {
            /* Lanes that are not there do as the first. */
            const int64_t unit = list_of(w)[at + (j < many ? j : 0)];
            uint32_t *mark = marks_of(w) + unit / LANES;
            marks |= (*mark >> unit % LANES & 1) << j;
            *mark &= ~(1u << unit % LANES);
            p->lane[j] = w->at + unit;
            for (int k = 0; k < STATES; k++) ((vint *)s)[k][j] = ((whole_t *)w->s[k])[unit];
            for (int k = 0; k < HOISTED; k++)
                if (conditions[k] && !shared[k]) put_bool(h + k, j, get_bool(w->h[k], unit));
                else if (!shared[k]) ((vint *)h)[k][j] = ((whole_t *)w->h[k])[unit];
            for (int k = 0; k < INPUTS; k++)
                if (varying[k]) x[k][j] = w->x[k][unit * w->xw[k]];
        }
        for (int k = 0; k < DECLARED; k++) p->y[k] = s[k];
        p->armed = (gap(&some, 0, p->y) < splat(0)) ^ wide(bools_of(marks));
        const int wrong = located(p);
        if (wrong) return wrong;
        for (int k = 0; k < DECLARED; k++) s[k] = p->y[k];
        carry_slopes(&some, 0, x);
        for (int j = 0; j < many; j++) {
            const int64_t unit = p->lane[j] - w->at;
            for (int k = 0; k < STATES; k++) ((whole_t *)w->s[k])[unit] = ((vint *)s)[k][j];
            for (int k = 1; k < EXTRA; k++) ((whole_t *)w->e[k])[unit] = ((vint *)e)[k][j];
        }
    }
    return 0;
}

static NOINLINE vint below(const Work *w, int64_t i) {
    vreal y[STATES + 1];
    for (int k = 0; k < DECLARED; k++) y[k] = ((vreal *)w->s[k])[i];
    return gap(w, i, y) < splat(0);
}

/* Between steps a unit is armed where g < 0, but for what was done to the neuron before the run. */
static NOINLINE void begin(Work *w, Call *call, int64_t vectors) {
    const vreal x[INPUTS + 1] = {};
    for (int64_t i = 0; i < vectors; i++) {
        uint32_t marks = 0;
        const vint armed = below(w, i);
        for (int k = 0; k < LANES && i * LANES + k < w->count; k++)
            marks |= (uint32_t)((armed[k] != 0) != (call->armed[w->at + i * LANES + k] != 0)) << k;
        marks_of(w)[i] = marks;
        carry_slopes(w, i, x);
    }
}

static NOINLINE void end(Work *w, Call *call, int64_t vectors) {
    for (int64_t i = 0; i < vectors; i++) {
        const vint armed = below(w, i);
        for (int k = 0; k < LANES && i * LANES + k < w->count; k++)
            call->armed[w->at + i * LANES + k] = armed[k] != 0;
    }
}
