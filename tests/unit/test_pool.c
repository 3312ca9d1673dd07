#include "check.h"
#include "pool.h"

#if TRIT_THREADS
#include <stdatomic.h>
#endif

enum { MAX_ROWS = 1000 };

typedef struct {
    int grain, n_rows;
    unsigned char hits[MAX_ROWS];
} job;

/* Disjoint rows: no two threads write the same byte. */
static void count(void *ctx, int begin, int end)
{
    job *j = ctx;
    for (int i = begin; i < end; i++) j->hits[i]++;
    if (begin % j->grain || begin < 0 || end > j->n_rows) j->hits[begin] = 99;
}

static void cover(trit_pool *pool, int n_rows, int grain)
{
    job j = {.grain = grain, .n_rows = n_rows};
    tritx_parallel_for(pool, count, &j, n_rows, grain);
    int fine = 1;
    for (int i = 0; i < MAX_ROWS; i++) fine &= j.hits[i] == (i < n_rows);
    TRIT_CHECK(fine);
}

#if TRIT_THREADS
enum { JOB_ROWS = 64 };

/* A clock of the test's own: a job takes alone_ms in one thread; shared, the caller works for work_ms
 * and waits for wait_ms. */
typedef struct {
    double alone_ms, work_ms, wait_ms, ms;
    int n_looks;
    atomic_int n_calls;
} staged_time;

static void note_call(void *ctx, int begin, int end)
{
    staged_time *time = ctx;
    (void)begin, (void)end;
    atomic_fetch_add(&time->n_calls, 1);
}

/* Looks of a job: before it, after the caller's own part, and if it was shared, after the wait. */
static double look(void *ctx)
{
    staged_time *time = ctx;
    time->n_looks++;
    if (time->n_looks == 2) time->ms += time->n_calls == 1 ? time->alone_ms : time->work_ms;
    if (time->n_looks == 3 && time->n_calls > 1) time->ms += time->wait_ms;
    return time->ms;
}

/* Runs laps of one job each until `ms` are over; returns the part of them that was shared. */
static double part_shared(trit_pool *pool, staged_time *time, double ms)
{
    double end = time->ms + ms;
    int n_laps = 0, n_shared = 0;
    for (; time->ms < end; n_laps++) {
        time->n_looks = 0;
        atomic_store(&time->n_calls, 0);
        tritx_parallel_for(pool, note_call, time, JOB_ROWS, 1);
        n_shared += time->n_calls > 1;
        time->n_looks = 3; /* what the lap looks at is no job */
        tritx_pool_lap(pool, 1);
    }
    return (double)n_shared / n_laps;
}

static void test_slow_threads_pause(void)
{
    trit_pool *pool;
    staged_time slow = {.alone_ms = 10, .work_ms = 6, .wait_ms = 9};
    TRIT_CHECK_EQ_I(trit_pool_new(&pool, 2, NULL), TRIT_OK);
    tritx_pool_clock(pool, look, &slow);
    part_shared(pool, &slow, 1000);
    double part = part_shared(pool, &slow, 20000);
    TRIT_CHECK(part > 0 && part < 0.05); /* tried again and again, and given up each time */
    slow.wait_ms = 0;                    /* now they pay */
    part_shared(pool, &slow, 4000);
    TRIT_CHECK(part_shared(pool, &slow, 20000) == 1);
    tritx_pool_clock(pool, NULL, NULL);
    trit_pool_free(pool);
}

/* Half of the time is waiting, but one thread would need still longer. */
static void test_waits_that_pay(void)
{
    trit_pool *pool;
    staged_time uneven = {.alone_ms = 10, .work_ms = 4, .wait_ms = 4};
    TRIT_CHECK_EQ_I(trit_pool_new(&pool, 2, NULL), TRIT_OK);
    tritx_pool_clock(pool, look, &uneven);
    part_shared(pool, &uneven, 1000);
    double part = part_shared(pool, &uneven, 20000);
    TRIT_CHECK(part < 1 && part > 0.95);
    tritx_pool_clock(pool, NULL, NULL); /* without a clock all take part */
    atomic_store(&uneven.n_calls, 0);
    tritx_parallel_for(pool, note_call, &uneven, JOB_ROWS, 1);
    TRIT_CHECK(uneven.n_calls > 1);
    trit_pool_free(pool);
}
#endif

int main(void)
{
    trit_pool *pool = NULL;
    TRIT_CHECK_EQ_I(trit_pool_new(&pool, 0, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_pool_new(&pool, -3, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_pool_new(&pool, 999, NULL), TRIT_PARAM);
    TRIT_CHECK(pool == NULL);
    cover(NULL, 17, 2);
#if TRIT_THREADS
    static const int threads[] = {1, 2, 3, 8};
#else
    static const int threads[] = {1};
    TRIT_CHECK_EQ_I(trit_pool_new(&pool, 2, NULL), TRIT_UNSUPPORTED);
#endif
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        TRIT_CHECK_EQ_I(trit_pool_new(&pool, threads[t], NULL), TRIT_OK);
        for (int round = 0; round < 200; round++)
            cover(pool, 1 + round * 7 % MAX_ROWS, 1 + round % 17);
        trit_pool_free(pool); /* also right after work, and below right after the start */
    }
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        TRIT_CHECK_EQ_I(trit_pool_new(&pool, threads[t], NULL), TRIT_OK);
        trit_pool_free(pool);
    }
    trit_pool_free(NULL);
#if TRIT_THREADS
    test_slow_threads_pause();
    test_waits_that_pay();
#endif
    return TRIT_DONE();
}
