#include "pool.h"

#include <stdlib.h>

#include "base.h"

enum { MAX_THREADS = 64 };

#if TRIT_THREADS

#include <pthread.h>
#include <stdatomic.h>

/* A worker looks this often for new work before it sleeps: some tens of microseconds up to a
 * millisecond. Long enough to stay awake between two layers, short enough to leave a busy core. */
enum { SPINS = 50000 };

struct trit_pool {
    int n_threads;
    pthread_t threads[MAX_THREADS];
    int n_started;
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    atomic_uint job; /* counts jobs; a change means work */
    atomic_int unfinished;
    atomic_int sleepers;
    atomic_bool joiner_sleeps;
    atomic_bool quit;
    atomic_int next_index; /* hands every worker its number */
    tritx_range_fn *fn;
    void *ctx;
    int n_rows, grain;
};

static void run_share(trit_pool *pool, int index)
{
    int64_t grains = ((int64_t)pool->n_rows + pool->grain - 1) / pool->grain;
    int64_t begin = grains * index / pool->n_threads * pool->grain;
    int64_t end = grains * (index + 1) / pool->n_threads * pool->grain;
    if (end > pool->n_rows) end = pool->n_rows;
    if (begin < end) pool->fn(pool->ctx, (int)begin, (int)end);
}

static unsigned wait_for_job(trit_pool *pool, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        unsigned job = atomic_load_explicit(&pool->job, memory_order_acquire);
        if (job != seen) return job;
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->job) == seen) pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
    return atomic_load(&pool->job);
}

static void announce_job(trit_pool *pool)
{
    atomic_fetch_add(&pool->job, 1);
    /* a worker counts itself as a sleeper before it looks at `job` for the last time */
    if (atomic_load(&pool->sleepers) == 0) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

/* The last one wakes the caller if it went to sleep. Both sides first write, then read what the
 * other wrote, so one of them always sees the other. */
static void report_done(trit_pool *pool)
{
    if (atomic_fetch_sub(&pool->unfinished, 1) != 1 || !atomic_load(&pool->joiner_sleeps)) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->done);
    pthread_mutex_unlock(&pool->mutex);
}

/* Spins like the workers, then sleeps: with more threads than cores a spinning caller would keep
 * the core that a worker needs. */
static void join(trit_pool *pool)
{
    for (int i = 0; i < SPINS; i++)
        if (atomic_load_explicit(&pool->unfinished, memory_order_acquire) == 0) return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->joiner_sleeps, true);
    while (atomic_load(&pool->unfinished) != 0) pthread_cond_wait(&pool->done, &pool->mutex);
    atomic_store(&pool->joiner_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker(void *arg)
{
    trit_pool *pool = arg;
    int index = 1 + atomic_fetch_add(&pool->next_index, 1);
    unsigned seen = 0;
    for (;;) {
        seen = wait_for_job(pool, seen);
        if (atomic_load(&pool->quit)) return NULL;
        run_share(pool, index);
        report_done(pool);
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
    announce_job(pool);
    for (int i = 0; i < pool->n_started; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

void tritx_parallel_for(trit_pool *pool, tritx_range_fn *fn, void *ctx, int n_rows, int grain)
{
    if (!pool || pool->n_threads == 1 || n_rows <= grain) {
        fn(ctx, 0, n_rows);
        return;
    }
    pool->fn = fn;
    pool->ctx = ctx;
    pool->n_rows = n_rows;
    pool->grain = grain;
    atomic_store(&pool->unfinished, pool->n_threads - 1);
    announce_job(pool);
    run_share(pool, 0);
    join(pool);
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

void tritx_parallel_for(trit_pool *pool, tritx_range_fn *fn, void *ctx, int n_rows, int grain)
{
    (void)pool;
    (void)grain;
    fn(ctx, 0, n_rows);
}

#endif
