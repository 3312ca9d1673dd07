#include "pool.h"

#include <stdlib.h>

#include "base.h"

enum { MAX_THREADS = 64 };

#if TRIT_THREADS

#include <pthread.h>
#include <stdatomic.h>

/* A thread looks this often for work before it sleeps: about half a millisecond, long enough to stay
 * awake from one layer to the next, as waking takes as long as a small matrix. */
enum { SPINS = 1000000 };

/* Work is cut finer than there are threads, so that one that lost its core delays the others by a
 * small piece only. */
enum { CHUNKS_A_THREAD = 8 };

/* When cores are taken away, waiting for the threads on them can cost more than they bring. So another
 * number of threads is tried for a window of equal laps, and the faster one stays: fewer when the caller
 * waits for more than a part of its time, more after a pause, which grows with each try in vain. */
static const double WINDOW_MS = 40, WAIT_PART = 0.2, PAUSE_MIN_MS = 100, PAUSE_MAX_MS = 3000;

struct trit_pool {
    int n_threads;
    pthread_t threads[MAX_THREADS];
    int n_started;
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    /* Number of the job, and how many of its chunks nobody has claimed. Who takes one off owns it. */
    _Atomic uint64_t ticket;
    atomic_uint chunks_done;
    /* The job. A thread that comes late may read them while the next job is written; its claim of a
     * chunk then fails, as the ticket has moved on. */
    _Atomic(tritx_range_fn *) fn;
    _Atomic(void *) ctx;
    atomic_int n_rows, chunk_rows;
    atomic_uint n_chunks;
    atomic_int n_awake; /* threads that take part, 1 ... n_threads */
    atomic_bool asleep[MAX_THREADS];
    atomic_bool joiner_sleeps;
    atomic_bool quit;
    atomic_int next_index; /* hands every worker its number */
    /* the caller's own */
    double (*now)(void *ctx);
    void *now_ctx;
    int lap_kind;
    double lap_ms, lap_wait_ms;           /* of the present lap */
    int n_laps;                           /* of the present window */
    double window_ms, wait_ms;            /* of its laps */
    int n_before;                         /* threads before a try, 0 = none is tried */
    double ms_before, pause_ms, retry_at; /* ms_before: a lap's */
};

/* The next chunk of the present job; false when none is left. */
static bool claim(trit_pool *pool, int *begin, int *end, tritx_range_fn **fn, void **ctx)
{
    for (uint64_t ticket = atomic_load(&pool->ticket);;) {
        uint32_t left = (uint32_t)ticket;
        if (left == 0) return false;
        uint32_t index = atomic_load(&pool->n_chunks) - left;
        int n_rows = atomic_load(&pool->n_rows), chunk_rows = atomic_load(&pool->chunk_rows);
        *fn = atomic_load(&pool->fn);
        *ctx = atomic_load(&pool->ctx);
        if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket - 1)) continue;
        *begin = (int)index * chunk_rows;
        *end = n_rows - *begin < chunk_rows ? n_rows : *begin + chunk_rows;
        return true;
    }
}

/* The last one wakes the caller if it went to sleep. Both sides first write, then read what the
 * other wrote, so one of them always sees the other. */
static void report_done(trit_pool *pool)
{
    if (atomic_fetch_add(&pool->chunks_done, 1) + 1 != atomic_load(&pool->n_chunks) ||
        !atomic_load(&pool->joiner_sleeps))
        return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->done);
    pthread_mutex_unlock(&pool->mutex);
}

static void run_chunks(trit_pool *pool)
{
    tritx_range_fn *fn;
    void *ctx;
    for (int begin, end; claim(pool, &begin, &end, &fn, &ctx);) {
        fn(ctx, begin, end);
        report_done(pool);
    }
}

static uint32_t job_number(trit_pool *pool) { return (uint32_t)(atomic_load(&pool->ticket) >> 32); }

static bool has_work(trit_pool *pool, int index, uint32_t seen)
{
    return atomic_load(&pool->quit) ||
           (index < atomic_load(&pool->n_awake) && job_number(pool) != seen);
}

static void wait_for_job(trit_pool *pool, int index, uint32_t seen)
{
    for (int i = 0; i < SPINS && index < atomic_load(&pool->n_awake); i++)
        if (job_number(pool) != seen) return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->asleep[index], true);
    while (!has_work(pool, index, seen)) pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_store(&pool->asleep[index], false);
    pthread_mutex_unlock(&pool->mutex);
}

static void wake_sleepers(trit_pool *pool, int n)
{
    bool any = false;
    /* a worker says that it sleeps before it looks for work for the last time */
    for (int i = 1; i < n; i++) any |= atomic_load(&pool->asleep[i]);
    if (!any) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

/* Spins like the workers, then sleeps: with more threads than cores a spinning caller would keep
 * the core that a worker needs. */
static void join(trit_pool *pool)
{
    uint32_t n = atomic_load(&pool->n_chunks);
    for (int i = 0; i < SPINS; i++)
        if (atomic_load(&pool->chunks_done) == n) return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->joiner_sleeps, true);
    while (atomic_load(&pool->chunks_done) != n) pthread_cond_wait(&pool->done, &pool->mutex);
    atomic_store(&pool->joiner_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker(void *arg)
{
    trit_pool *pool = arg;
    int index = 1 + atomic_fetch_add(&pool->next_index, 1);
    uint32_t seen = 0;
    for (;;) {
        wait_for_job(pool, index, seen);
        if (atomic_load(&pool->quit)) return NULL;
        seen = job_number(pool);
        run_chunks(pool);
    }
}

trit_status trit_pool_new(trit_pool **out, int n_threads, trit_error *err)
{
    if (!out || n_threads < 1 || n_threads > MAX_THREADS)
        return tritx_fail(err, TRIT_PARAM, 0, "threads: %d is not in 1 ... %d", n_threads,
                          MAX_THREADS);
    trit_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return tritx_fail(err, TRIT_OOM, 0, "no memory for a thread pool");
    pool->n_threads = n_threads;
    pool->pause_ms = PAUSE_MIN_MS;
    atomic_store(&pool->n_awake, n_threads);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (; pool->n_started < n_threads - 1; pool->n_started++)
        if (pthread_create(&pool->threads[pool->n_started], NULL, worker, pool) != 0) {
            trit_pool_free(pool);
            return tritx_fail(err, TRIT_OOM, 0, "the system gave no %d threads: use fewer",
                              n_threads);
        }
    *out = pool;
    return TRIT_OK;
}

void trit_pool_free(trit_pool *pool)
{
    if (!pool) return;
    atomic_store(&pool->quit, true);
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->n_started; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

void tritx_pool_clock(trit_pool *pool, double (*now)(void *ctx), void *ctx)
{
    if (!pool) return;
    pool->now = now;
    pool->now_ctx = ctx;
    if (!now) atomic_store(&pool->n_awake, pool->n_threads);
}

static double now(trit_pool *pool) { return pool->now ? pool->now(pool->now_ctx) : 0; }

static void begin_window(trit_pool *pool)
{
    pool->n_laps = 0;
    pool->window_ms = pool->wait_ms = 0;
}

static void begin_try(trit_pool *pool, int n, double ms)
{
    pool->n_before = atomic_load(&pool->n_awake);
    pool->ms_before = ms;
    atomic_store(&pool->n_awake, n);
}

static void end_try(trit_pool *pool, bool won)
{
    double pause_ms = won ? PAUSE_MIN_MS : 2 * pool->pause_ms;
    if (!won) atomic_store(&pool->n_awake, pool->n_before);
    pool->n_before = 0;
    pool->pause_ms = pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
    pool->retry_at = now(pool) + pool->pause_ms;
}

/* A window is over: end a try, or begin one if it is time. ms: a lap's. */
static void judge(trit_pool *pool, double ms)
{
    int n = atomic_load(&pool->n_awake), more = 2 * n < pool->n_threads ? 2 * n : pool->n_threads;
    if (pool->n_before) end_try(pool, ms < pool->ms_before);
    else if (now(pool) >= pool->retry_at) {
        if (n > 1 && pool->wait_ms > WAIT_PART * pool->window_ms) begin_try(pool, n / 2, ms);
        else if (n < more) begin_try(pool, more, ms);
    }
}

void tritx_pool_lap(trit_pool *pool, int kind)
{
    if (!pool || !pool->now) return;
    double ms = pool->lap_ms, wait_ms = pool->lap_wait_ms;
    pool->lap_ms = pool->lap_wait_ms = 0;
    if (kind == 0) return;
    if (kind != pool->lap_kind) {
        if (pool->n_before) end_try(pool, false);
        begin_window(pool);
        pool->lap_kind = kind;
    }
    pool->n_laps++;
    pool->window_ms += ms;
    pool->wait_ms += wait_ms;
    if (pool->window_ms < WINDOW_MS) return;
    judge(pool, pool->window_ms / pool->n_laps);
    begin_window(pool);
}

void tritx_parallel_for(trit_pool *pool, tritx_range_fn *fn, void *ctx, int n_rows, int grain)
{
    if (!pool) {
        fn(ctx, 0, n_rows);
        return;
    }
    double begin = now(pool);
    int n = atomic_load(&pool->n_awake);
    if (n == 1 || n_rows <= grain) {
        fn(ctx, 0, n_rows);
        pool->lap_ms += now(pool) - begin;
        return;
    }
    int share = (n_rows - 1) / (n * CHUNKS_A_THREAD) + 1;
    int chunk_rows = (share + grain - 1) / grain * grain;
    atomic_store(&pool->fn, fn);
    atomic_store(&pool->ctx, ctx);
    atomic_store(&pool->n_rows, n_rows);
    atomic_store(&pool->chunk_rows, chunk_rows);
    atomic_store(&pool->chunks_done, 0);
    uint32_t n_chunks = (uint32_t)((n_rows - 1) / chunk_rows + 1);
    atomic_store(&pool->n_chunks, n_chunks);
    atomic_store(&pool->ticket, (uint64_t)(job_number(pool) + 1) << 32 | n_chunks);
    wake_sleepers(pool, n);
    run_chunks(pool);
    double middle = now(pool);
    join(pool);
    double end = now(pool);
    pool->lap_ms += end - begin;
    pool->lap_wait_ms += end - middle;
}

#else /* a build without threads has the same interface and one thread */

struct trit_pool {
    int n_threads;
};

trit_status trit_pool_new(trit_pool **out, int n_threads, trit_error *err)
{
    if (!out || n_threads < 1 || n_threads > MAX_THREADS)
        return tritx_fail(err, TRIT_PARAM, 0, "threads: %d is not in 1 ... %d", n_threads,
                          MAX_THREADS);
    if (n_threads > 1)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0, "this build has no threads: use 1");
    trit_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return tritx_fail(err, TRIT_OOM, 0, "no memory for a thread pool");
    pool->n_threads = 1;
    *out = pool;
    return TRIT_OK;
}

void trit_pool_free(trit_pool *pool) { free(pool); }

void tritx_pool_clock(trit_pool *pool, double (*now)(void *ctx), void *ctx)
{
    (void)pool;
    (void)now;
    (void)ctx;
}

void tritx_pool_lap(trit_pool *pool, int kind)
{
    (void)pool;
    (void)kind;
}

void tritx_parallel_for(trit_pool *pool, tritx_range_fn *fn, void *ctx, int n_rows, int grain)
{
    (void)pool;
    (void)grain;
    fn(ctx, 0, n_rows);
}

#endif

int tritx_pool_threads(const trit_pool *pool) { return pool ? pool->n_threads : 1; }
