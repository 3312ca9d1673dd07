/* What computing only some rows of `up` takes, against all of them, by the share of rows that are not
 * needed. "cache": one matrix again and again. "memory": as many as the caches do not hold, in turn. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime: the C clock ticks in milliseconds in wasm */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernels.h"
#include "random.h"

enum { MEMORY_BYTES = 256 << 20, MAX_LISTS = 8 };
/* Long enough to reach an engine's optimising compiler and a quiet moment. */
static const double SECONDS = 0.3;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Rows in order, each needed with the same chance. */
static int list_rows(int32_t *list, int n, double zeros)
{
    int n_list = 0;
    for (int r = 0; r < n; r++)
        if (random_u32() >= zeros * 4294967296.0) list[n_list++] = r;
    return n_list;
}

typedef struct {
    const trit_kernels *k;
    const uint8_t *w;
    const int8_t *q;
    float *y;
    int32_t *sums;
    int rows, cols, n_matrices;
    size_t bytes; /* of a matrix */
} work;

/* Best time of a call. lists NULL: all rows. */
static double best_time(const work *b, int32_t *const *lists, const int *n)
{
    double best = 1e9, begin = seconds();
    for (int i = 0; seconds() - begin < SECONDS; i++) {
        double start = seconds();
        const uint8_t *w = b->w + (size_t)(i % b->n_matrices) * b->bytes;
        if (lists)
            b->k->gemv_rows_t2_a8(b->y, w, b->q, 0, 1, 1, lists[i % MAX_LISTS], n[i % MAX_LISTS],
                                  b->cols);
        else {
            b->k->gemv_t2_a8(b->sums, w, b->q, NULL, 0, b->rows, b->rows, 0, b->cols, b->cols);
            b->k->scale_sums(b->y, b->sums, 1, 0, 1, 1, b->rows);
        }
        double took = seconds() - start;
        if (took < best) best = took;
    }
    return best;
}

static void bench(const work *b)
{
    static const double zeros[] = {0, 0.5, 0.6, 0.7, 0.85, 0.95};
    int32_t *lists[MAX_LISTS];
    int n[MAX_LISTS];
    double dense = best_time(b, NULL, NULL);
    printf("%-9s %4dx%-4d %-6s all %7.1f us;", b->k->name, b->rows, b->cols,
           b->n_matrices > 1 ? "memory" : "cache", dense * 1e6);
    for (int i = 0; i < MAX_LISTS; i++) lists[i] = malloc((size_t)(b->rows + 2) * sizeof **lists);
    for (size_t z = 0; z < sizeof zeros / sizeof *zeros; z++) {
        for (int i = 0; i < MAX_LISTS; i++) n[i] = list_rows(lists[i], b->rows, zeros[z]);
        printf("  %2.0f %%: %.2f", zeros[z] * 100, best_time(b, lists, n) / dense);
        fflush(stdout);
    }
    printf("\n");
    for (int i = 0; i < MAX_LISTS; i++) free(lists[i]);
}

int main(void)
{
    static const struct {
        int rows, cols;
    } shapes[] = {{768, 256}, {4096, 1536}, {6912, 2560}};
    static const char *const names[] = {"v128", "relaxed", "relaxed16"};
    uint8_t *w = malloc(MEMORY_BYTES);
    for (size_t i = 0; i < MEMORY_BYTES; i++) w[i] = (uint8_t)random_u32() & 0x55;
    int8_t q[2560];
    float y[6912];
    int32_t sums[6912];
    for (int i = 0; i < 2560; i++) q[i] = (int8_t)pick(DATA_RANDOM, i, -127, 127);
    for (int s = 0; s < 3; s++)
        for (int i = 0; i < 3; i++) {
            work b = {.k = trit_kernels_by_name(names[i]),
                      .w = w,
                      .q = q,
                      .y = y,
                      .sums = sums,
                      .rows = shapes[s].rows,
                      .cols = shapes[s].cols,
                      .n_matrices = 1,
                      .bytes = trit_t2_bytes((size_t)shapes[s].rows, (size_t)shapes[s].cols)};
            if (!b.k || !b.k->gemv_rows_t2_a8) continue;
            bench(&b);
            b.n_matrices = (int)(MEMORY_BYTES / b.bytes);
            bench(&b);
        }
    free(w);
    return 0;
}
