/* Every table against the scalar reference, by ==, with guard bytes around every output. */
#include <math.h>

#include "check.h"
#include "kernels.h"
#include "random.h"
#include "scalar.h"
#include "v128.h"

enum { GUARD = 64, MAX_ROWS = 1217 };

/* Outputs of two tables; everything else in the buffers must keep the guard's value. */
static unsigned char *guarded(size_t n)
{
    unsigned char *p = malloc(n + 2 * GUARD);
    memset(p, 0xa5, n + 2 * GUARD);
    return p + GUARD;
}
static void check_same(const char *op, const void *a, const void *b, size_t n)
{
    const unsigned char *p = a, *q = b;
    int same = memcmp(p - GUARD, q - GUARD, n + 2 * GUARD) == 0;
    if (!same) fprintf(stderr, "%s differs\n", op);
    TRIT_CHECK(same);
    int guards = 1;
    for (int i = 0; i < GUARD; i++) guards &= p[-1 - i] == 0xa5 && p[n + (size_t)i] == 0xa5;
    TRIT_CHECK(guards);
}
static void release(void *a) { free((unsigned char *)a - GUARD); }

static float *floats(int n, data_kind kind, float scale)
{
    float *x = malloc((size_t)n * sizeof *x);
    for (int i = 0; i < n; i++)
        x[i] = kind == DATA_RANDOM ? random_float() * scale : (float)pick(kind, i, -1, 1) * scale;
    return x;
}

/* Codes as a matrix in this layout; padding beyond the rows and columns holds code 1. */
static uint8_t *lay_out(trit_layout layout, const uint8_t *codes, int rows, int cols)
{
    size_t padded = trit_t2_cols((size_t)cols);
    uint8_t *w = malloc(trit_t2_bytes((size_t)rows, (size_t)cols)),
            *group = malloc(TRIT_T2_ROWS * padded);
    for (int row = 0; row < rows; row += TRIT_T2_ROWS) {
        memset(group, 1, TRIT_T2_ROWS * padded);
        for (int r = 0; r < TRIT_T2_ROWS && row + r < rows; r++)
            memcpy(group + (size_t)r * padded, codes + (size_t)(row + r) * (size_t)cols,
                   (size_t)cols);
        trit_t2_put(layout, w, group, (size_t)row, (size_t)rows, (size_t)cols);
    }
    free(group);
    return w;
}

/* What comes back a group at a time, with the padding. */
static void check_groups(trit_layout layout, const uint8_t *w, const uint8_t *codes, int rows,
                         int cols)
{
    size_t padded = trit_t2_cols((size_t)cols), n = TRIT_T2_ROWS * padded;
    uint8_t *group = guarded(n), *want = guarded(n);
    for (int row = 0; row < rows; row += TRIT_T2_ROWS) {
        memset(want, 1, n);
        for (int r = 0; r < TRIT_T2_ROWS && row + r < rows; r++)
            memcpy(want + (size_t)r * padded, codes + (size_t)(row + r) * (size_t)cols,
                   (size_t)cols);
        trit_t2_get(layout, w, group, (size_t)row, (size_t)rows, (size_t)cols);
        check_same("trit_t2_get", want, group, n);
    }
    release(group), release(want);
}

static void test_layout(int rows, int cols)
{
    size_t n = (size_t)rows * (size_t)cols;
    uint8_t *codes = malloc(n);
    for (size_t i = 0; i < n; i++) codes[i] = (uint8_t)pick(DATA_RANDOM, 0, 0, 2);
    for (int layout = TRIT_LAYOUT_PAIRS; layout <= TRIT_LAYOUT_TILES; layout++) {
        uint8_t *w = lay_out((trit_layout)layout, codes, rows, cols);
        uint8_t *again = malloc(n);
        for (int r = 0; r < rows; r++)
            trit_t2_get_row((trit_layout)layout, w, (size_t)r, again + (size_t)(r * cols),
                            (size_t)rows, (size_t)cols);
        TRIT_CHECK(memcmp(codes, again, n) == 0);
        check_groups((trit_layout)layout, w, codes, rows, cols);
        free(w), free(again);
    }
    free(codes);
}

static void test_ternary(const trit_kernels *k, int rows, int cols, int m, data_kind wk,
                         data_kind xk)
{
    size_t padded = trit_t2_cols((size_t)cols), n = (size_t)rows * (size_t)cols;
    uint8_t *codes = malloc(n), *lut = malloc(TRIT_LUT_BYTES * padded);
    int8_t *q = calloc(padded * (size_t)m, 1);
    int32_t *q_sum = calloc((size_t)m, sizeof *q_sum);
    float *s = malloc((size_t)m * sizeof *s);
    for (size_t i = 0; i < n; i++) codes[i] = (uint8_t)pick(wk, (int)i, 0, 2);
    for (int t = 0; t < m; t++) {
        for (int i = 0; i < cols; i++)
            q_sum[t] += q[(size_t)t * padded + (size_t)i] = (int8_t)pick(xk, i, -127, 127);
        s[t] = 1.0f + fabsf(random_float()) * 100;
    }
    uint8_t *w_ref = lay_out(trit_kernels_ref.layout, codes, rows, cols),
            *w = lay_out(k->layout, codes, rows, cols);
    int begin = rows > TRIT_T2_ROWS ? TRIT_T2_ROWS : 0;
    size_t bytes = (size_t)(rows * m) * sizeof(float);
    float *a = (void *)guarded(bytes), *b = (void *)guarded(bytes);
    trit_kernels_ref.gemm_t2_a8(a, (size_t)rows, w_ref, q, q_sum, s, 0.37f, m, begin, rows, rows,
                                cols);
    k->gemm_t2_a8(b, (size_t)rows, w, q, q_sum, s, 0.37f, m, begin, rows, rows, cols);
    check_same("gemm_t2_a8", a, b, bytes);
    /* whole, and in three parts of different lengths where there are so many blocks */
    int32_t *sums = (void *)guarded(3 * bytes / (size_t)m),
            *ref_sums = (void *)guarded(3 * bytes / (size_t)m);
    int edges[4] = {0, cols, cols, cols}, n_parts = cols > 5 * TRIT_T2_COLS && m > 1 ? 3 : 1;
    if (n_parts == 3) edges[1] = TRIT_T2_COLS, edges[2] = cols / 2 / TRIT_T2_COLS * TRIT_T2_COLS;
    for (int t = 0; t < m; t++) {
        const int8_t *x = q + (size_t)t * padded;
        k->lut_t2(lut, x, cols);
        for (int p = 0; p < n_parts; p++)
            k->gemv_t2_a8(sums + p * rows, w, x, lut, begin, rows, rows, edges[p], edges[p + 1],
                          cols);
        k->scale_sums(b + t * rows + begin, sums + begin, n_parts, (size_t)rows, s[t], 0.37f,
                      rows - begin);
    }
    check_same("gemv_t2_a8 and scale_sums", a, b, bytes);
    for (int p = 0; p < n_parts; p++) {
        trit_kernels_ref.gemv_t2_a8(ref_sums + p * rows, w_ref, q + (size_t)(m - 1) * padded, lut,
                                    begin, rows, rows, edges[p], edges[p + 1], cols);
    }
    check_same("gemv_t2_a8", ref_sums, sums, 3 * bytes / (size_t)m);
    if (k->gemv_rows_t2_a8) { /* every third row, downwards; the others stay as they are */
        int32_t list[MAX_ROWS];
        int n_list = 0;
        for (int r = rows - 1; r >= 0; r -= 3) list[n_list++] = r;
        memset(a, 0xa5, bytes), memset(b, 0xa5, bytes);
        trit_kernels_ref.gemv_rows_t2_a8(a, w_ref, q, q_sum[0], s[0], 0.37f, list, n_list, cols);
        k->gemv_rows_t2_a8(b, w, q, q_sum[0], s[0], 0.37f, list, n_list, cols);
        check_same("gemv_rows_t2_a8", a, b, bytes);
    }
    free(codes), free(lut), free(w), free(w_ref), free(q), free(q_sum), free(s);
    release(a), release(b), release(sums), release(ref_sums);
}

static void test_heads(const trit_kernels *k, int rows, int cols, data_kind wk, data_kind xk)
{
    size_t n = (size_t)rows * (size_t)cols, bytes = (size_t)rows * sizeof(float);
    int8_t *w8 = calloc(n + (size_t)cols, 1); /* rows are padded to pairs */
    uint16_t *w16 = malloc(n * sizeof *w16);
    float *scale = floats(rows, DATA_RANDOM, 1), *x = floats(cols, xk, 3);
    int32_t *w_sum = calloc((size_t)rows, sizeof *w_sum);
    uint8_t *high = malloc((size_t)cols), *low = malloc((size_t)cols);
    for (size_t i = 0; i < n; i++) {
        size_t row = i / (size_t)cols, col = i % (size_t)cols;
        w_sum[row] += w8[trit_i8_offset(row, col, (size_t)cols)] =
            (int8_t)pick(wk, (int)i, -127, 127);
        w16[i] = (uint16_t)(random_u32() & 0xbfff); /* finite: subnormals to 2 */
    }
    float s = k->quant_h14(high, low, x, cols, cols);
    float *a = (void *)guarded(bytes), *b = (void *)guarded(bytes);
    trit_kernels_ref.head_i8_h14(a, w8, scale, w_sum, high, low, s, 2, rows, cols);
    k->head_i8_h14(b, w8, scale, w_sum, high, low, s, 2, rows, cols);
    check_same("head_i8_h14", a, b, bytes);
    trit_kernels_ref.head_f16(a, w16, x, 1, rows, cols);
    k->head_f16(b, w16, x, 1, rows, cols);
    check_same("head_f16", a, b, bytes);
    free(w8), free(w16), free(scale), free(x), free(w_sum), free(high), free(low), release(a),
        release(b);
}

static void test_quant(const trit_kernels *k, int n, data_kind kind, float scale)
{
    int n_pad = (int)trit_t2_cols((size_t)n);
    float *x = floats(n, kind, scale);
    int8_t *a = (void *)guarded((size_t)n_pad), *b = (void *)guarded((size_t)n_pad);
    int32_t sum_a = 0, sum_b = 0;
    float s = trit_kernels_ref.quant_a8(a, &sum_a, x, n, n_pad);
    TRIT_CHECK(s == k->quant_a8(b, &sum_b, x, n, n_pad));
    TRIT_CHECK_EQ_I(sum_a, sum_b);
    check_same("quant_a8", a, b, (size_t)n_pad);
    uint8_t *h0 = guarded((size_t)n_pad), *h1 = guarded((size_t)n_pad),
            *l0 = guarded((size_t)n_pad), *l1 = guarded((size_t)n_pad);
    s = trit_kernels_ref.quant_h14(h0, l0, x, n, n_pad);
    TRIT_CHECK(s == k->quant_h14(h1, l1, x, n, n_pad));
    check_same("quant_h14 high", h0, h1, (size_t)n_pad);
    check_same("quant_h14 low", l0, l1, (size_t)n_pad);
    for (int bad = 0; bad < 3; bad++) {
        x[(n - 1) * bad / 2] = bad == 1 ? INFINITY : NAN;
        TRIT_CHECK(isnan(k->quant_a8(b, &sum_b, x, n, n_pad)));
        TRIT_CHECK(isnan(k->quant_h14(h1, l1, x, n, n_pad)));
        x[(n - 1) * bad / 2] = 0;
    }
    free(x), release(a), release(b), release(h0), release(h1), release(l0), release(l1);
}

static void test_float_rows(const trit_kernels *k, int n, data_kind kind, float scale)
{
    size_t bytes = (size_t)n * sizeof(float);
    float *x = floats(n, kind, scale), *y = floats(n, DATA_RANDOM, scale);
    float *a = (void *)guarded(bytes), *b = (void *)guarded(bytes);
#define BOTH(op, ...)                                                                              \
    do {                                                                                           \
        float *out = a;                                                                            \
        trit_kernels_ref.op(__VA_ARGS__);                                                          \
        out = b;                                                                                   \
        k->op(__VA_ARGS__);                                                                        \
        check_same(#op, a, b, bytes);                                                              \
    } while (0)
    BOTH(rms_norm, out, x, y, n, 1e-5f);
    BOTH(glu_silu, out, x, y, n);
    BOTH(glu_relu2, out, x, y, n);
    /* what is not finite does not matter where the gate is not above 0 */
    float *unused = floats(n, DATA_RANDOM, scale);
    for (int i = 0; i < n; i++)
        if (!(x[i] > 0)) unused[i] = i % 2 ? INFINITY : NAN;
    BOTH(glu_relu2, out, x, unused, n);
    for (int i = 0; i < n; i++) TRIT_CHECK(a[i] == (x[i] > 0 ? x[i] * x[i] * unused[i] : 0));
    free(unused);
    memcpy(a, y, bytes), memcpy(b, y, bytes);
    BOTH(add, out, x, n);
    if (n % 4 == 0) BOTH(rope, out, x, y, 1, n);
#undef BOTH
    free(x), free(y), release(a), release(b);
}

/* Every byte at the first and last places, so every pad as well; elsewhere one that is impossible. */
static void test_wire(const trit_kernels *k, int cols)
{
    enum { IMPOSSIBLE = 1 };
    size_t n = trit_wire_bytes((size_t)cols), padded = trit_t2_cols((size_t)cols),
           n_codes = padded > 5 * n ? padded : 5 * n;
    uint8_t *wire = malloc(n), *a = guarded(n_codes), *b = guarded(n_codes);
    for (size_t j = 0; j < n; j++) wire[j] = (uint8_t)((random_u32() % 243 * 256 + 242) / 243);
    for (size_t at = 0; at < n; at++) {
        bool edge = at < 2 || at + 2 > n;
        uint8_t kept = wire[at];
        for (int byte = edge ? 0 : IMPOSSIBLE; byte < (edge ? 256 : IMPOSSIBLE + 1); byte++) {
            wire[at] = (uint8_t)byte;
            bool good = k->wire_decode(b, wire, cols);
            TRIT_CHECK_EQ_I(good, trit_kernels_ref.wire_decode(a, wire, cols));
            TRIT_CHECK(!good || byte != IMPOSSIBLE);
            check_same("wire_decode", a, b, n_codes);
        }
        wire[at] = kept;
    }
    free(wire), release(a), release(b);
}

static void test_attention(const trit_kernels *k, int n_group, int n_kv, int n, float scale)
{
    size_t bytes = (size_t)(n_group * n) * sizeof(float), total = (size_t)n * (size_t)n_kv;
    float *q = floats(n_group * n, DATA_RANDOM, scale), *kf = floats((int)total, DATA_RANDOM, 2),
          *vf = floats((int)total, DATA_RANDOM, 2);
    float *ks = floats(n_kv, DATA_RANDOM, 1), *vs = floats(n_kv, DATA_RANDOM, 1);
    uint16_t *kh = malloc(total * 2), *vh = malloc(total * 2);
    int8_t *k8 = malloc(total), *v8 = malloc(total);
    for (size_t i = 0; i < total; i++) {
        kh[i] = tritx_f16_of_f32(kf[i]), vh[i] = tritx_f16_of_f32(vf[i]);
        k8[i] = (int8_t)pick(DATA_RANDOM, 0, -127, 127),
        v8[i] = (int8_t)pick(DATA_RANDOM, 0, -127, 127);
    }
    const trit_kv_view views[] = {
        {.element = TRIT_KV_ELEMENT_F32, .k = kf, .v = vf},
        {.element = TRIT_KV_ELEMENT_F16, .k = kh, .v = vh},
        {TRIT_KV_ELEMENT_I8, k8, v8, ks, vs},
    };
    float *score = malloc((size_t)(n_kv * n_group) * sizeof *score);
    float *a = (void *)guarded(bytes), *b = (void *)guarded(bytes);
    for (int i = 0; i < 3; i++) {
        trit_kernels_ref.attention(a, score, q, n_group, &views[i], n_kv, n, 0.125f);
        k->attention(b, score, q, n_group, &views[i], n_kv, n, 0.125f);
        check_same("attention", a, b, bytes);
    }
    free(q), free(kf), free(vf), free(ks), free(vs), free(kh), free(vh), free(k8), free(v8),
        free(score);
    release(a), release(b);
}

static void test_table(const trit_kernels *k)
{
    static const int cols[] = {1, 63, 64, 65, 1024, 1088, 2560, 2688, 6912, 8640},
                     rows[] = {1, 65, 130, MAX_ROWS}, ms[] = {1, 3, 6, 8};
    for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (int kind = 0; kind < DATA_KINDS * DATA_KINDS; kind++)
                if (rows[r] * cols[c] < 200000 || (kind % 5 == 0 && rows[r] * cols[c] < 4000000))
                    test_ternary(k, rows[r], cols[c], ms[(c + r) % 4],
                                 (data_kind)(kind / DATA_KINDS), (data_kind)(kind % DATA_KINDS));
    for (int kind = 0; kind < DATA_KINDS * DATA_KINDS; kind++)
        for (int c = 16; c <= 8192; c = c * 8 + 16 > 8192 && c != 8192 ? 8192 : c * 8 + 16)
            test_heads(k, 7, c, (data_kind)(kind / DATA_KINDS), (data_kind)(kind % DATA_KINDS));
    static const float scales[] = {0.0f, 1e-40f, 1e-6f, 1.0f, 63.5f, 1e30f};
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++)
        for (int kind = 0; kind < DATA_KINDS; kind++) {
            for (int n = 1; n < 200; n += 13) test_quant(k, n, (data_kind)kind, scales[s]);
            for (int n = 4; n < 300; n += 12)
                test_float_rows(k, n, (data_kind)kind, scales[s] > 1e9f ? 1e9f : scales[s]);
        }
    for (int n = 1; n < 700; n += n < 90 ? 1 : 37) test_wire(k, n);
    for (int n_kv = 1; n_kv < 200; n_kv += 33)
        for (int n = 4; n <= 256; n = n * 2 + 4 * (n == 64))
            test_attention(k, 1 + (n_kv + n / 4) % 7, n_kv, n, n_kv % 2 ? 1.0f : 30.0f);
}

/* Facts of the scalar pieces that all tables share. */
static void test_scalar(void)
{
    for (uint32_t h = 0; h < 65536; h++) { /* every f16 there and back */
        float f = tritx_f32_of_f16((uint16_t)h);
        if ((h & 0x7fff) > 0x7c00) TRIT_CHECK(isnan(f));
        else TRIT_CHECK(tritx_f16_of_f32(f) == h);
    }
    TRIT_CHECK_EQ_I(tritx_f16_of_f32(65520.0f), 0x7c00);
    TRIT_CHECK_EQ_I(tritx_f16_of_f32(65519.0f), 0x7bff);
    for (int i = -20000; i < 20000; i++) {
        double x = i / 200.0, e = exp(x);
        TRIT_CHECK(fabs(tritx_exp(x) - e) <= 1e-14 * e);
    }
    TRIT_CHECK(tritx_expf(-1000.0f) == 0.0f);
    TRIT_CHECK(tritx_rint(63.5f) == 64 && tritx_rint(62.5f) == 62 && tritx_rint(-0.5f) == 0 &&
               tritx_rint(-63.5f) == -64);
}

int main(void)
{
    test_scalar();
    for (int rows = 1; rows <= 1300; rows += 171)
        for (int cols = 1; cols <= 200; cols += 33) test_layout(rows, cols);
    static const char *const names[] = {"v128", "relaxed", "relaxed16"};
    for (int i = 0; i < 3; i++) {
        const trit_kernels *k = trit_kernels_by_name(names[i]);
        if (!k) continue;
        test_table(k);
#ifndef __wasm__
        /* the other of the two extremes that relaxed SIMD allows an engine */
        if (i == 0) continue;
        tritx_relaxed_unsigned = 1;
        test_table(k);
        tritx_relaxed_unsigned = 0;
#endif
    }
    TRIT_CHECK(trit_kernels_by_name("v128") != NULL);
    TRIT_CHECK(trit_kernels_by_name("no such table") == NULL);
    return TRIT_DONE();
}
