/* Which table of kernels a model uses. All are exact, so the choice changes the speed and never a
 * bit. Ternary products and the layout of their weights go together; the head is chosen apart. */
#include "tune.h"

#include <stdlib.h>

#include "base.h"

bool tritx_kernels_choose(const char *choice, trit_kernels *kernels)
{
    static const char head[] = " head=";
    char name[16]; /* longer than any table's */
    const char *rest = choice ? strstr(choice, head) : NULL;
    size_t length = rest ? (size_t)(rest - choice) : choice ? strlen(choice) : 0;
    if (length >= sizeof name) return false;
    if (length) memcpy(name, choice, length);
    name[length] = 0;
    const trit_kernels *table = trit_kernels_by_name(length || rest ? name : NULL),
                       *head_table = rest ? trit_kernels_by_name(rest + sizeof head - 1) : table;
    if (!table || !head_table) return false;
    *kernels = *table;
    kernels->head_i8_h14 = head_table->head_i8_h14;
    return true;
}

/* A matrix that stays in the second cache, as what is compared is arithmetic. */
enum { ROWS = 256, COLS = 1024, TOKENS = 16, ROUNDS = 3 };
/* An engine compiles a kernel again while it runs, so every round but the last is for warming up. */
static const double MS_A_ROUND = 2.0;

typedef struct {
    uint8_t codes[ROWS * COLS / 4], lut[TRIT_LUT_BYTES * COLS];
    int8_t rows[ROWS * COLS], q[TOKENS * COLS];
    uint8_t high[COLS], low[COLS];
    int32_t q_sum[TOKENS], w_sum[ROWS], sums[ROWS];
    float s[TOKENS], scale[ROWS], y[TOKENS * ROWS];
} scratch;

typedef void run_fn(const trit_kernels *k, scratch *m);

static void run_gemv(const trit_kernels *k, scratch *m)
{
    k->lut_t2(m->lut, m->q, COLS);
    k->gemv_t2_a8(m->sums, m->codes, m->q, m->lut, 0, ROWS, ROWS, 0, COLS, COLS);
}

static void run_gemm(const trit_kernels *k, scratch *m)
{
    k->gemm_t2_a8(m->y, ROWS, m->codes, m->q, m->q_sum, m->s, 1, TOKENS, 0, ROWS, ROWS, COLS);
}

static void run_head(const trit_kernels *k, scratch *m)
{
    k->head_i8_h14(m->y, m->rows, m->scale, m->w_sum, m->high, m->low, 1, 0, ROWS, COLS);
}

typedef struct {
    double (*now)(void *ctx);
    void *ctx;
    scratch m;
} stopwatch;

/* Shortest time of one call within a round. */
static double best_ms(stopwatch *w, run_fn *run, const trit_kernels *k)
{
    double best = 1e9, begin = w->now(w->ctx), at = begin;
    while (at - begin < MS_A_ROUND) {
        double start = at;
        run(k, &w->m);
        at = w->now(w->ctx);
        if (at - start < best) best = at - start;
    }
    return best;
}

/* A token of a prefill counts as much as a decoded one. */
static double ternary_ms(stopwatch *w, const trit_kernels *k)
{
    return best_ms(w, run_gemv, k) + best_ms(w, run_gemm, k) / (double)TOKENS;
}

static double head_ms(stopwatch *w, const trit_kernels *k) { return best_ms(w, run_head, k); }

static const char *fastest(stopwatch *w, double (*measure)(stopwatch *w, const trit_kernels *k))
{
    const trit_kernels *winner = trit_kernels_by_index(0);
    if (trit_kernels_by_index(1) == &trit_kernels_ref) return winner->name; /* the only one */
    for (int round = 0; round < ROUNDS; round++) {
        double best = 0;
        winner = NULL;
        for (int i = 0; trit_kernels_by_index(i) != &trit_kernels_ref; i++) {
            double ms = measure(w, trit_kernels_by_index(i));
            if (winner && ms >= best) continue;
            winner = trit_kernels_by_index(i);
            best = ms;
        }
    }
    return winner->name;
}

trit_status trit_kernels_tune(double (*now)(void *ctx), void *ctx, char *choice, size_t capacity,
                              trit_error *err)
{
    char text[TRIT_CHOICE_BYTES];
    if (!now || !choice) return tritx_fail(err, TRIT_PARAM, 0, "tune: NULL argument");
    stopwatch *w = calloc(1, sizeof *w);
    if (!w) return tritx_fail(err, TRIT_OOM, 0, "no memory to compare kernels");
    w->now = now;
    w->ctx = ctx;
    for (int t = 0; t < TOKENS; t++) w->m.s[t] = 1;
    const char *ternary = fastest(w, ternary_ms), *head = fastest(w, head_ms);
    size_t n = tritx_format(text, sizeof text, "%s head=%s", ternary, head);
    free(w);
    if (n >= capacity) return tritx_fail(err, TRIT_PARAM, 0, "tune: the choice needs more room");
    memcpy(choice, text, n + 1);
    return TRIT_OK;
}
