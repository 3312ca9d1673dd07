/* Which design of each integer product a session uses. All are exact, so the choice changes the
 * speed and never a bit. */
#include "tune.h"

#include <stdlib.h>

#include "base.h"

typedef enum {
#define TRIT_OP(op)
#define TRIT_OP_INTEGER(op) OP_##op,
#include "kernels.def"
    N_OPS
#undef TRIT_OP
} integer_op;

static const char *const op_names[N_OPS] = {
#define TRIT_OP(op)
#define TRIT_OP_INTEGER(op) #op,
#include "kernels.def"
#undef TRIT_OP
};

static void take_op(trit_kernels *kernels, integer_op which, const trit_kernels *from)
{
    switch (which) {
#define TRIT_OP(op)
#define TRIT_OP_INTEGER(op)                                                                        \
    case OP_##op: kernels->op = from->op; break;
#include "kernels.def"
#undef TRIT_OP
    case N_OPS: break;
    }
}

/* One word of a choice: "table" or "op=table". */
static bool choose_word(trit_kernels *kernels, const char *word, size_t length)
{
    char text[64];
    if (length >= sizeof text) return false;
    memcpy(text, word, length);
    text[length] = 0;
    char *equals = strchr(text, '=');
    const trit_kernels *table = trit_kernels_by_name(equals ? equals + 1 : text);
    if (!table) return false;
    if (!equals) {
        *kernels = *table;
        return true;
    }
    *equals = 0;
    for (int op = 0; op < N_OPS; op++)
        if (strcmp(op_names[op], text) == 0) {
            take_op(kernels, (integer_op)op, table);
            return true;
        }
    return false;
}

bool tritx_kernels_choose(const char *choice, trit_kernels *kernels)
{
    *kernels = *trit_kernels_by_name(NULL);
    while (choice && *choice) {
        size_t length = strcspn(choice, " ");
        if (!choose_word(kernels, choice, length)) return false;
        choice += length + (choice[length] == ' ');
    }
    return true;
}

/* ---- measuring ---- */

/* A matrix that stays in the second cache, as what is compared is arithmetic. */
enum { ROWS = 128, COLS = 2048, TOKENS = 16, ROUNDS = 3 };
/* An engine compiles a kernel again while it runs, so every round but the last is for warming up. */
static const double MS_A_ROUND = 2.0;

typedef struct {
    uint8_t codes[ROWS * COLS / 4];
    int8_t rows[ROWS * COLS], q[TOKENS * COLS];
    uint8_t high[COLS], low[COLS];
    int32_t q_sum[TOKENS], w_sum[ROWS];
    float s[TOKENS], scale[ROWS], y[TOKENS * ROWS];
} scratch;

static void run_op(const trit_kernels *k, integer_op op, scratch *m)
{
    switch (op) {
    case OP_gemv_t2_a8: k->gemv_t2_a8(m->y, m->codes, m->q, 0, 1, 1, 0, ROWS, COLS); break;
    case OP_gemm_t2_a8:
        k->gemm_t2_a8(m->y, ROWS, m->codes, m->q, m->q_sum, m->s, 1, TOKENS, 0, ROWS, COLS);
        break;
    case OP_head_i8_h14:
        k->head_i8_h14(m->y, m->rows, m->scale, m->w_sum, m->high, m->low, 1, 0, ROWS, COLS);
        break;
    case N_OPS: break;
    }
}

/* Shortest time of one call within a round. */
static double time_op(const trit_kernels *k, integer_op op, scratch *m, double (*now)(void *ctx),
                      void *ctx)
{
    double best = 1e9, begin = now(ctx), at = begin;
    while (at - begin < MS_A_ROUND) {
        double start = at;
        run_op(k, op, m);
        at = now(ctx);
        if (at - start < best) best = at - start;
    }
    return best;
}

static const trit_kernels *fastest(integer_op op, scratch *m, double (*now)(void *ctx), void *ctx)
{
    const trit_kernels *winner = NULL;
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        winner = NULL;
        for (int i = 0;; i++) {
            const trit_kernels *table = trit_kernels_by_index(i);
            if (!table || table == &trit_kernels_ref) break;
            double ms = time_op(table, op, m, now, ctx);
            if (winner && ms >= best) continue;
            winner = table;
            best = ms;
        }
    }
    return winner;
}

trit_status trit_kernels_tune(double (*now)(void *ctx), void *ctx, char *choice, size_t capacity,
                              trit_error *err)
{
    if (!now || !choice) return tritx_fail(err, TRIT_PARAM, 0, "tune: NULL argument");
    scratch *m = calloc(1, sizeof *m);
    if (!m) return tritx_fail(err, TRIT_OOM, 0, "no memory to compare kernels");
    char text[256];
    size_t n = 0;
    for (int t = 0; t < TOKENS; t++) m->s[t] = 1;
    for (int op = 0; op < N_OPS; op++)
        n += tritx_format(text + n, sizeof text - n, "%s%s=%s", op ? " " : "", op_names[op],
                          fastest((integer_op)op, m, now, ctx)->name);
    free(m);
    if (n >= capacity) return tritx_fail(err, TRIT_PARAM, 0, "tune: the choice needs more room");
    memcpy(choice, text, n + 1);
    return TRIT_OK;
}
