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

/* When a core is taken away, waiting for the thread on it costs more than the thread brings: if over a
 * window the caller waited longer than it worked, half of the threads would have been as fast. They pause
 * then, and longer each time it happens. */
static const double WINDOW_MS = 30, PAUSE_MIN_MS = 60, PAUSE_MAX_MS = 2000;

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
    double work_ms, wait_ms; /* of the present window */
    double pause_ms, retry_at;
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
}

static double now(trit_pool *pool) { return pool->now ? pool->now(pool->now_ctx) : 0; }

/* Threads for the next job; after a pause twice as many as before are tried. */
static int take_part(trit_pool *pool, double time)
{
    int n = atomic_load(&pool->n_awake);
    if (n == pool->n_threads || (pool->now && time < pool->retry_at)) return n;
    n = 2 * n < pool->n_threads ? 2 * n : pool->n_threads;
    pool->retry_at = time + pool->pause_ms;
    atomic_store(&pool->n_awake, n);
    return n;
}

static void judge(trit_pool *pool, double begin, double middle, double end)
{
    pool->work_ms += middle - begin;
    pool->wait_ms += end - middle;
    if (pool->work_ms + pool->wait_ms < WINDOW_MS) return;
    bool pays = pool->wait_ms <= pool->work_ms;
    pool->work_ms = pool->wait_ms = 0;
    double pause_ms = pays ? pool->pause_ms / 2 : pool->pause_ms * 2;
    if (!pays) {
        atomic_store(&pool->n_awake, atomic_load(&pool->n_awake) / 2);
        pool->retry_at = end + pool->pause_ms;
    }
    pool->pause_ms = pause_ms < PAUSE_MIN_MS   ? PAUSE_MIN_MS
                     : pause_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS
                                               : pause_ms;
}

void tritx_parallel_for(trit_pool *pool, tritx_range_fn *fn, void *ctx, int n_rows, int grain)
{
    double begin = pool ? now(pool) : 0;
    int n = pool ? take_part(pool, begin) : 1;
    if (n == 1 || n_rows <= grain) {
        fn(ctx, 0, n_rows);
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
    if (pool->now) judge(pool, begin, middle, now(pool));
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

void tritx_parallel_for(trit_pool *pool, tritx_range_fn *fn, void *ctx, int n_rows, int grain)
{
    (void)pool;
    (void)grain;
    fn(ctx, 0, n_rows);
}

#endif

int tritx_pool_threads(const trit_pool *pool) { return pool ? pool->n_threads : 1; }
