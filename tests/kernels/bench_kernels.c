/* Every heavy kernel at the shapes of 2B4T and of the 0.7B model: best run, one thread.
 * The matrices stay in cache where they fit, but for the row "from memory"; `bench --shape` shows a whole
 * model. The last column is the share of the bandwidth with which one thread reads memory. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime: the C clock ticks in milliseconds in wasm */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels.h"
#include "random.h"
#include "v128.h"

enum { TOKENS = 64 };
/* Long enough to reach an engine's optimising compiler and a quiet moment. */
static const double SECONDS = 0.3;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *noise(size_t n, uint8_t mask)
{
    uint8_t *p = malloc(n);
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)random_u32() & mask;
    return p;
}

static double read_bandwidth; /* bytes a second */

/* macs and bytes of one call */
static void report(const char *table, const char *op, const char *shape, double best, double macs,
                   double bytes)
{
    printf("%-8s %-14s %-28s %9.1f us %8.2f GMAC/s %7.2f GB/s %5.0f %%\n", table, op, shape,
           best * 1e6, macs / best * 1e-9, bytes / best * 1e-9,
           100 * bytes / best / read_bandwidth);
}

#define BEST(call)                                                                                 \
    do {                                                                                           \
        best = 1e9;                                                                                \
        for (double begin = seconds(); seconds() - begin < SECONDS;) {                             \
            double start = seconds();                                                              \
            call;                                                                                  \
            double took = seconds() - start;                                                       \
            if (took < best) best = took;                                                          \
        }                                                                                          \
    } while (0)

/* More than any cache holds, read in order by a loop that does nothing else. */
static void measure_bandwidth(void)
{
    enum { N = 256 << 20 };
    uint8_t *p = noise(N, 0xff);
    v128 any[2] = {v_splat_i32(0), v_splat_i32(0)};
    double best;
    BEST(for (size_t i = 0; i < N; i += 32) {
        any[0] = v_or(any[0], v_load(p + i));
        any[1] = v_or(any[1], v_load(p + i + 16));
    });
    read_bandwidth = v_any(v_or(any[0], any[1])) ? (double)N / best : 0;
    printf("one thread reads memory at %.1f GB/s\n", read_bandwidth * 1e-9);
    free(p);
}

/* Matrices in turn, as the layers of a model are, so that none is in a cache. */
static void bench_memory(const trit_kernels *k, int rows, int cols)
{
    enum { MATRICES = 30 };
    double best;
    size_t bytes = trit_t2_bytes((size_t)rows, (size_t)cols), padded = trit_t2_cols((size_t)cols);
    uint8_t *w = noise(MATRICES * bytes, 0x55), *lut = malloc(TRIT_LUT_BYTES * padded);
    int8_t *q = noise(padded, 0x7f);
    int32_t *sums = malloc((size_t)rows * sizeof *sums);
    k->lut_t2(lut, q, cols);
    BEST(for (size_t i = 0; i < MATRICES; i++)
             k->gemv_t2_a8(sums, w + i * bytes, q, lut, 0, rows, rows, 0, cols, cols));
    report(k->name, "gemv_t2_a8", "2B4T gate, from memory", best / (double)MATRICES,
           (double)rows * cols, (double)bytes);
    free(w), free(lut), free(q), free(sums);
}

static void bench_linear(const trit_kernels *k, const char *model, int rows, int cols)
{
    char shape[64];
    double best, macs = (double)rows * cols;
    size_t bytes = trit_t2_bytes((size_t)rows, (size_t)cols), padded = trit_t2_cols((size_t)cols);
    uint8_t *w = noise(bytes, 0x55), *lut = malloc(TRIT_LUT_BYTES * padded);
    int8_t *q = noise(padded * TOKENS, 0x7f);
    float *y = malloc((size_t)rows * TOKENS * sizeof *y), s[TOKENS];
    int32_t *sums = malloc((size_t)rows * sizeof *sums);
    int32_t sum[TOKENS] = {0};
    for (int t = 0; t < TOKENS; t++) s[t] = 1;
    snprintf(shape, sizeof shape, "%s %dx%d", model, rows, cols);
    BEST(k->lut_t2(lut, q, cols));
    report(k->name, "lut_t2", shape, best, cols, (double)TRIT_LUT_BYTES * cols);
    BEST(k->gemv_t2_a8(sums, w, q, lut, 0, rows, rows, 0, cols, cols));
    report(k->name, "gemv_t2_a8", shape, best, macs, (double)bytes);
    BEST(k->scale_sums(y, sums, 1, 0, 3, 1, rows));
    report(k->name, "scale_sums", shape, best, rows, 8.0 * rows);
    BEST(k->gemm_t2_a8(y, (size_t)rows, w, q, sum, s, 1, TOKENS, 0, rows, rows, cols));
    snprintf(shape, sizeof shape, "%s %dx%d, %d tokens", model, rows, cols, TOKENS);
    report(k->name, "gemm_t2_a8", shape, best, macs * (double)TOKENS, (double)bytes);
    free(w), free(lut), free(q), free(y), free(sums);
}

static void bench_head(const trit_kernels *k, const char *model, int rows, int cols)
{
    char shape[64];
    double best;
    size_t n = (size_t)rows * (size_t)cols;
    void *w = noise(n * 2, 0x3f); /* as f16: finite; as int8: 0 ... 63 */
    uint8_t *plane = noise((size_t)cols, 0x7f);
    float *x = calloc((size_t)cols, sizeof *x), *y = malloc((size_t)rows * sizeof *y),
          *scale = calloc((size_t)rows, sizeof *scale);
    int32_t *sum = calloc((size_t)rows, sizeof *sum);
    snprintf(shape, sizeof shape, "%s %dx%d", model, rows, cols);
    BEST(k->head_i8_h14(y, w, scale, sum, plane, plane, 1, 0, rows, cols));
    report(k->name, "head_i8_h14", shape, best, (double)n, (double)n);
    BEST(k->head_f16(y, w, x, 0, rows, cols));
    report(k->name, "head_f16", shape, best, (double)n, 2.0 * (double)n);
    free(w), free(plane), free(x), free(y), free(scale), free(sum);
}

/* Groups of rows from the file's bytes to a layout; the bytes are those of the file. */
static void bench_wire(const trit_kernels *k, const char *model, int cols)
{
    char shape[64];
    double best;
    size_t n = trit_wire_bytes((size_t)cols), padded = trit_t2_cols((size_t)cols);
    uint8_t *wire = calloc(n, TRIT_T2_ROWS), *codes = malloc(TRIT_T2_ROWS * padded + 4),
            *w = malloc(trit_t2_bytes(TRIT_T2_ROWS, (size_t)cols));
    snprintf(shape, sizeof shape, "%s %d", model, cols);
    BEST(for (size_t r = 0; r < TRIT_T2_ROWS; r++)
             k->wire_decode(codes + r * padded, wire + r * n, cols));
    report(k->name, "wire_decode", shape, best, 64.0 * cols, 64.0 * (double)n);
    BEST(trit_t2_put(k->layout, w, codes, 0, TRIT_T2_ROWS, (size_t)cols));
    report(k->name, "t2_put", shape, best, 64.0 * cols, 64.0 * (double)n);
    free(wire), free(codes), free(w);
}

static void bench_rows(const trit_kernels *k, const char *model, int dim, int ffn, int n_head,
                       int head_dim)
{
    enum { DEPTH = 512, GROUP = 4 };
    char shape[64];
    double best;
    int32_t sum;
    float *x = calloc((size_t)ffn, sizeof *x), *y = calloc((size_t)ffn, sizeof *y),
          *z = calloc((size_t)ffn, sizeof *z);
    int8_t *q = malloc((size_t)ffn + 64);
    size_t kv = (size_t)DEPTH * (size_t)head_dim;
    float *cache = calloc(kv, sizeof *cache), score[GROUP * DEPTH];
    snprintf(shape, sizeof shape, "%s %d", model, ffn);
    BEST(k->quant_a8(q, &sum, x, ffn, (int)trit_t2_cols((size_t)ffn)));
    report(k->name, "quant_a8", shape, best, ffn, 4.0 * ffn);
    BEST(k->rms_norm(y, x, z, ffn, 1e-5f));
    report(k->name, "rms_norm", shape, best, ffn, 4.0 * ffn);
    BEST(k->glu_relu2(y, x, z, ffn));
    report(k->name, "glu_relu2", shape, best, ffn, 8.0 * ffn);
    BEST(k->glu_silu(y, x, z, ffn));
    report(k->name, "glu_silu", shape, best, ffn, 8.0 * ffn);
    static const char *const elements[] = {"f32", "f16", "i8"};
    for (int e = 0; e < 3; e++) {
        trit_kv_view view = {(trit_kv_element)e, cache, cache, NULL, NULL};
        double size = e == 0 ? 4 : e == 1 ? 2 : 1;
        snprintf(shape, sizeof shape, "%s %s, %d heads", model, elements[e], GROUP);
        BEST(k->attention(y, score, x, GROUP, &view, DEPTH, head_dim, 0.1f));
        report(k->name, "attention", shape, best, (double)(2 * GROUP * kv), 2 * size * (double)kv);
    }
    BEST(k->rope(y, x, z, dim / head_dim < n_head ? dim / head_dim : n_head, head_dim));
    report(k->name, "rope", shape, best, 2.0 * dim, 8.0 * dim);
    free(x), free(y), free(z), free(q), free(cache);
}

int main(void)
{
    static const char *const names[] = {"v128", "relaxed", "relaxed16", "ref"};
    measure_bandwidth();
    for (int i = 0; i < 4; i++) {
        const trit_kernels *k = trit_kernels_by_name(names[i]);
        if (!k) continue;
        bench_linear(k, "2B4T gate", 6912, 2560);
        bench_memory(k, 6912, 2560);
        bench_linear(k, "2B4T down", 2560, 6912);
        bench_linear(k, "2B4T o", 2560, 2560);
        bench_linear(k, "0.7B gate", 4096, 1536);
        bench_linear(k, "0.7B down", 1536, 4096);
        bench_head(k, "2B4T", 32064, 2560); /* a quarter of its 128,256 rows */
        bench_head(k, "0.7B", 32002, 1536);
        bench_wire(k, "2B4T gate", 2560);
        bench_wire(k, "2B4T down", 6912);
        bench_rows(k, "2B4T", 2560, 6912, 20, 128);
        bench_rows(k, "0.7B", 1536, 4096, 16, 96);
    }
    return 0;
}
