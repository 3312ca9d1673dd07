#include "check.h"
#include "pool.h"

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
static void note_call(void *ctx, int begin, int end)
{
    int *calls = ctx;
    (void)end;
    calls[begin]++;
}

typedef struct {
    double ms;
    int n_looks;
} leaping_clock;

/* Each third look, which is after a wait, comes late. */
static double leap(void *ctx)
{
    leaping_clock *c = ctx;
    return c->ms += ++c->n_looks % 3 ? 10 : 30;
}

static int n_calls(trit_pool *pool)
{
    int calls[8] = {0}, n = 0;
    tritx_parallel_for(pool, note_call, calls, 8, 1);
    for (int i = 0; i < 8; i++) n += calls[i];
    return n;
}

/* By this clock every job is a window and its wait three times as long as the caller's own work: half of
 * the threads are given up after each, and tried again later. */
static void test_pauses(void)
{
    trit_pool *pool;
    leaping_clock time = {0};
    TRIT_CHECK_EQ_I(trit_pool_new(&pool, 4, NULL), TRIT_OK);
    for (int i = 0; i < 20; i++) TRIT_CHECK_EQ_I(n_calls(pool), 8);
    tritx_pool_clock(pool, leap, &time);
    for (int i = 0; i < 2; i++) TRIT_CHECK_EQ_I(n_calls(pool), 8);
    int alone = 0;
    while (alone < 1000 && n_calls(pool) == 1) alone++;
    TRIT_CHECK(alone > 2 && alone < 1000);
    tritx_pool_clock(pool, NULL, NULL);
    TRIT_CHECK_EQ_I(n_calls(pool), 8); /* without a clock all take part */
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
    test_pauses();
#endif
    return TRIT_DONE();
}
