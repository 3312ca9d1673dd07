/* Which table of kernels a model uses. All are exact, so the choice changes the speed and never a
 * bit. Ternary products and the layout of their weights go together; the head is chosen apart. */
#include "tune.h"

#include <float.h>
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

/* A clock may tick as seldom as once a millisecond, as in a page that is not isolated; a call takes
 * microseconds. So calls are counted from one tick to another, WINDOW_MS or more later, and the best
 * window counts, as the others may have been disturbed. CALLS_MAX is for a clock that stands still. */
static const double WINDOW_MS = 0.4, ROUND_MS = 2;
enum { CALLS_MAX = 20000 };

double tritx_call_ms(double (*now)(void *ctx), void *ctx, void (*call)(void *arg), void *arg)
{
    double begin = now(ctx), measured = 0, best = DBL_MAX;
    bool has_ticked = false;
    for (int n = 1, left = CALLS_MAX; measured < ROUND_MS && left > 0; n++, left--) {
        call(arg);
        double at = now(ctx), ms = at - begin;
        if (has_ticked ? ms < WINDOW_MS : ms == 0) continue;
        if (has_ticked) {
            measured += ms;
            if (ms / n < best) best = ms / n;
        }
        has_ticked = true;
        begin = at;
        n = 0;
    }
    return best;
}

/* A matrix that stays in the second cache, as what is compared is arithmetic. An engine compiles a
 * kernel again while it runs: the first rounds are slow, and the best one counts. */
enum { ROWS = 256, COLS = 1024, TOKENS = 16, ROUNDS = 3 };

typedef struct {
    const trit_kernels *k;
    uint8_t codes[ROWS * COLS / 4], lut[TRIT_LUT_BYTES * COLS];
    int8_t rows[ROWS * COLS], q[TOKENS * COLS];
    uint8_t high[COLS], low[COLS];
    int32_t q_sum[TOKENS], w_sum[ROWS], sums[ROWS];
    float s[TOKENS], scale[ROWS], y[TOKENS * ROWS];
} work;

static void run_gemv(void *arg)
{
    work *w = arg;
    w->k->lut_t2(w->lut, w->q, COLS);
    w->k->gemv_t2_a8(w->sums, w->codes, w->q, w->lut, 0, ROWS, ROWS, 0, COLS, COLS);
}

static void run_gemm(void *arg)
{
    work *w = arg;
    w->k->gemm_t2_a8(w->y, ROWS, w->codes, w->q, w->q_sum, w->s, 1, TOKENS, 0, ROWS, ROWS, COLS);
}

static void run_head(void *arg)
{
    work *w = arg;
    w->k->head_i8_h14(w->y, w->rows, w->scale, w->w_sum, w->high, w->low, 1, 0, ROWS, COLS);
}

typedef struct {
    double (*now)(void *ctx);
    void *ctx;
    work *work;
} stopwatch;

static double call_ms(const stopwatch *s, void (*call)(void *arg))
{
    return tritx_call_ms(s->now, s->ctx, call, s->work);
}

/* A token of a prefill counts as much as a decoded one. */
static double ternary_ms(const stopwatch *s)
{
    return call_ms(s, run_gemv) + call_ms(s, run_gemm) / (double)TOKENS;
}

static double head_ms(const stopwatch *s) { return call_ms(s, run_head); }

static const char *fastest(const stopwatch *s, double (*measure)(const stopwatch *s))
{
    const trit_kernels *winner = trit_kernels_by_index(0), *k;
    double best = DBL_MAX;
    if (trit_kernels_by_index(1) == &trit_kernels_ref) return winner->name; /* the only one */
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; (k = trit_kernels_by_index(i)) != &trit_kernels_ref; i++) {
            s->work->k = k;
            double ms = measure(s);
            if (!(ms < best)) continue;
            winner = k;
            best = ms;
        }
    return winner->name;
}

trit_status trit_kernels_tune(double (*now)(void *ctx), void *ctx, char *choice, size_t capacity,
                              trit_error *err)
{
    char text[TRIT_CHOICE_BYTES];
    if (!now || !choice) return tritx_fail(err, TRIT_PARAM, 0, "tune: NULL argument");
    work *w = calloc(1, sizeof *w);
    if (!w) return tritx_fail(err, TRIT_OOM, 0, "no memory to compare kernels");
    stopwatch s = {now, ctx, w};
    for (int t = 0; t < TOKENS; t++) w->s[t] = 1;
    const char *ternary = fastest(&s, ternary_ms), *head = fastest(&s, head_ms);
    size_t n = tritx_format(text, sizeof text, "%s head=%s", ternary, head);
    free(w);
    if (n >= capacity) return tritx_fail(err, TRIT_PARAM, 0, "tune: the choice needs more room");
    memcpy(choice, text, n + 1);
    return TRIT_OK;
}
