/* Many steps of a network: its populations, each by its own kernel, and what they send to each other. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if SINGLE
typedef float real;
#else
typedef double real;
#endif

typedef int64_t Step(void *resident, real **traces, const int64_t **who);

/* Spikes on their way come together in a ring: a row of sums for each of the next steps. */
typedef struct {
    int64_t sender, place;          /* place: which of its receiver's inputs it is */
    int64_t targets, rows;          /* of the ring */
    int64_t delay, narrow, single;  /* delay: in steps, of all; narrow: int16 targets; single: one weight for all */
    const int64_t *indptr;
    const void *target;
    const int32_t *delays;          /* in steps, of each; or null */
    const real *weight;
    real *ring;
    real *sums;                     /* [targets], for the first of several that share a place */
} Line;

typedef struct {
    void *resident;
    Step *step;
    const real **inputs;            /* where they are: those of arrivals are put in here */
    int64_t states, first, last;    /* its lines are those from first to last - 1, by place */
    real **traces, **row;           /* of each state: where its rows go, or null; room for as many */
    int64_t units;
    int64_t *when, *who;            /* its spikes: the step, from 0, and the unit; the caller frees them */
    int64_t count, room;
} Population;

typedef struct {
    Population *populations;        /* in the order of a step */
    Line *lines;
    int64_t several, many;          /* how many populations, and lines */
    int64_t steps, label;           /* label: the number of the first step's end */
    int64_t every, since;           /* traces are kept of every so many; since: steps since the last that was */
    int64_t short_of_memory;
} Net;

static int keep(Population *p, int64_t step, const int64_t *who, int64_t count) {
    if (p->room - p->count < count) {
        const int64_t room = 2 * p->room + count + 1024;
        int64_t *more = (int64_t *)realloc(p->when, (size_t)room * sizeof(int64_t));
        if (!more) return 0;
        p->when = more;
        more = (int64_t *)realloc(p->who, (size_t)room * sizeof(int64_t));
        if (!more) return 0;
        p->who = more;
        p->room = room;
    }
    for (int64_t k = 0; k < count; k++) p->when[p->count + k] = step;
    memcpy(p->who + p->count, who, (size_t)count * sizeof(int64_t));
    p->count += count;
    return 1;
}

/* What arrives at once is summed by source, then synapse. */
template <typename Index> static void send(const Line *l, const int64_t *who, int64_t count, int64_t label) {
    const Index *const target = (const Index *)l->target;
    real *const whole = l->delays ? l->ring : l->ring + (label + l->delay) % l->rows * l->targets;
    for (int64_t k = 0; k < count; k++)
        for (int64_t at = l->indptr[who[k]], end = l->indptr[who[k] + 1]; at < end; at++) {
            real *const row = l->delays ? whole + (label + l->delays[at]) % l->rows * l->targets : whole;
            row[target[at]] += l->single ? *l->weight : l->weight[at];
        }
}

static real *row_of(const Line *l, int64_t label) { return l->ring + label % l->rows * l->targets; }

/* What arrives at the end of the step, for each place. */
static void receive(Net *net, Population *p, int64_t label) {
    for (int64_t k = p->first; k < p->last;) {
        const Line *const l = net->lines + k;
        real *row = row_of(l, label);
        for (k++; k < p->last && net->lines[k].place == l->place; k++) {
            const real *const more = row_of(net->lines + k, label);
            for (int64_t i = 0; i < l->targets; i++) l->sums[i] = row[i] + more[i];
            row = l->sums;
        }
        p->inputs[l->place] = row;
    }
}

static void forget(Net *net, const Population *p, int64_t label) {
    for (int64_t k = p->first; k < p->last; k++)
        memset(row_of(net->lines + k, label), 0, (size_t)net->lines[k].targets * sizeof(real));
}

/* How many steps were taken: fewer, where something is not finite after the next. */
extern "C" int64_t rheobase_network(Net *net) {
    for (int64_t step = 0, row = 0; step < net->steps; step++) {
        const int64_t label = net->label + step;
        const int traced = (net->since + step + 1) % net->every == 0;
        for (int64_t n = 0; n < net->several; n++) {
            Population *const p = net->populations + n;
            for (int64_t k = 0; k < p->states; k++)
                p->row[k] = traced && p->traces[k] ? p->traces[k] + row * p->units : NULL;
            receive(net, p, label);
            const int64_t *who = NULL;
            const int64_t count = p->step(p->resident, p->row, &who);
            if (count == -1) return step;
            if (count < 0 || !keep(p, step, who, count)) {
                net->short_of_memory = 1;
                return step;
            }
            forget(net, p, label);
            for (int64_t k = 0; k < net->many; k++) {
                const Line *const l = net->lines + k;
                if (l->sender != n || !count) continue;
                if (l->narrow) send<int16_t>(l, who, count, label);
                else send<int32_t>(l, who, count, label);
            }
        }
        row += traced;
    }
    return net->steps;
}
