/* Parts of some work, on so many threads, the caller's being the first. */
typedef void Part(void *given, int64_t part);

typedef struct {
    Part *part;
    void *given;
    int64_t parts, next, place;
    void *allowed;
} Shared;

static void *work(void *given) {
    Shared *shared = (Shared *)given;
    for (;;) {
        const int64_t k = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
        if (k >= shared->parts) return NULL;
        shared->part(shared->given, k);
    }
}

#ifdef __linux__
/* A new thread begins beside the one that made it, and may be left there for milliseconds: it is moved to a
   processor of its own, from where it may then be moved on. */
static void *helper(void *given) {
    Shared *shared = (Shared *)given;
    cpu_set_t *const allowed = (cpu_set_t *)shared->allowed, one;
    if (!allowed) return work(given);
    int64_t place = __atomic_add_fetch(&shared->place, 1, __ATOMIC_RELAXED);
    place %= CPU_COUNT(allowed);
    CPU_ZERO(&one);
    for (int k = 0; k < CPU_SETSIZE; k++)
        if (CPU_ISSET(k, allowed) && place-- == 0) CPU_SET(k, &one);
    if (!sched_setaffinity(0, sizeof one, &one)) sched_setaffinity(0, sizeof *allowed, allowed);
    return work(given);
}
#else
#define helper work
#endif

/* The threads that torch keeps, where it is built on OpenMP: they are there already, and those that have just
   worked on something of torch's still wait for more on their processors, where others would be in their way. */
extern "C" void GOMP_parallel(void (*)(void *), void *, unsigned, unsigned) __attribute__((weak));

static void work_in_team(void *given) { work(given); }

/* On so many threads; negative: on new ones. */
static void in_threads(Part *part, void *given, int64_t parts, int64_t threads) {
    Shared shared = {part, given, parts, 0, 0, NULL};
    if (threads > 1 && GOMP_parallel) {
        GOMP_parallel(work_in_team, &shared, (unsigned)threads, 0);
        return;
    }
    threads = threads < 0 ? -threads : threads;
    pthread_t others[threads];
    int64_t started = 0;
#ifdef __linux__
    cpu_set_t allowed;
    if (threads > 1 && !sched_getaffinity(0, sizeof allowed, &allowed)) {
        shared.allowed = &allowed;
        const int here = sched_getcpu();
        for (int k = 0; k < here && k < CPU_SETSIZE; k++) shared.place += CPU_ISSET(k, &allowed) != 0;
    }
#endif
    for (int64_t k = 1; k < threads; k++)
        if (!pthread_create(others + started, NULL, helper, &shared)) started++;
    work(&shared);
    for (int64_t k = 0; k < started; k++) pthread_join(others[k], NULL);
}
