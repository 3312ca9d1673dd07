/* Models of random weights have the shares of zeros that were asked for. */
#include <math.h>

#include "check.h"
#include "model.h"

static trit_model *make_model(trit_weight head, float zeros, float gate_zeros)
{
    trit_config c;
    trit_model *model = NULL;
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &c, NULL), TRIT_OK);
    c.site[TRIT_SITE_HEAD].weight = (uint8_t)head;
    trit_synthetic how = {.seed = 1, .zeros = zeros, .gate_zeros = gate_zeros};
    TRIT_CHECK_EQ_I(trit_model_synthetic(&c, &how, NULL, &model, NULL), TRIT_OK);
    return model;
}

static double share_of_zeros(const trit_model *m, const tritx_ternary *t)
{
    uint8_t codes[1024];
    long n = 0;
    for (int row = 0; row < t->rows; row++) {
        trit_t2_get_row(m->kernels.layout, t->codes, (size_t)row, codes, (size_t)t->rows,
                        (size_t)t->cols);
        for (int k = 0; k < t->cols; k++) n += codes[k] == 1;
    }
    return (double)n / t->rows / t->cols;
}

static void test_zeros(void)
{
    static const float shares[] = {0.0f, 0.33f, 0.42f, 0.9f, 1.0f};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        trit_model *model = make_model(TRIT_WEIGHT_INT8, shares[i], 0);
        for (int s = TRIT_SLOT_LAYER_FIRST; s <= TRIT_SLOT_LAYER_LAST; s++) {
            const tritx_ternary *t = tritx_model_ternary(model, (tritx_slot)s, 3);
            if (t) TRIT_CHECK(fabs(share_of_zeros(model, t) - (double)shares[i]) < 0.01);
        }
        trit_model_free(model);
    }
}

typedef struct {
    trit_model *model;
    long n_zeros[8], n[8]; /* by layer */
} gate_count;

/* The gate's outputs from the very integers that the decoder multiplies. */
static void count_gate(void *ctx, int layer, trit_site site, size_t position, const int8_t *q,
                       int n, float scale)
{
    gate_count *count = ctx;
    uint8_t codes[256];
    (void)position, (void)scale;
    if (site != TRIT_SITE_GATE_UP) return;
    const tritx_ternary *gate = &count->model->layers[layer].gate;
    for (int row = 0; row < gate->rows; row++) {
        int32_t sum = 0;
        trit_t2_get_row(count->model->kernels.layout, gate->codes, (size_t)row, codes,
                        (size_t)gate->rows, (size_t)n);
        for (int k = 0; k < n; k++) sum += (codes[k] - 1) * q[k];
        count->n_zeros[layer] += sum <= 0;
    }
    count->n[layer] += gate->rows;
}

static void test_gate(trit_weight head, float zeros, float gate_zeros, double expected)
{
    enum { N = 24 };
    gate_count count = {.model = make_model(head, zeros, gate_zeros)};
    trit_session_params p = {.n_ctx = N, .n_slice = 8, .kv = TRIT_KV_F32};
    trit_session *s = NULL;
    int32_t ids[N];
    for (int i = 0; i < N; i++) ids[i] = i * 167 % 4096;
    TRIT_CHECK_EQ_I(trit_session_new(count.model, &p, &s, NULL), TRIT_OK);
    trit_session_trace(s, count_gate, &count);
    TRIT_CHECK_EQ_I(trit_session_sync(s, ids, N, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_session_run(s, NULL, NULL, 0, NULL), TRIT_OK);
    double mean = 0;
    for (int layer = 0; layer < 8; layer++) {
        double share = (double)count.n_zeros[layer] / (double)count.n[layer];
        TRIT_CHECK(fabs(share - expected) < 0.05);
        mean += share / 8;
    }
    printf("gate zeros: %.3f asked for, %.3f found\n", (double)gate_zeros, mean);
    TRIT_CHECK(fabs(mean - expected) < 0.02);
    trit_session_free(s);
    trit_model_free(count.model);
}

static void test_refusals(void)
{
    trit_config c;
    trit_model *model = NULL;
    static const trit_synthetic bad[] = {{.zeros = -0.1f},
                                         {.zeros = NAN},
                                         {.zeros = 1.1f},
                                         {.zeros = 0.3f, .gate_zeros = 0.4f},
                                         {.zeros = 0.3f, .gate_zeros = 1},
                                         {.zeros = 0.3f, .gate_zeros = NAN}};
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &c, NULL), TRIT_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        TRIT_CHECK_EQ_I(trit_model_synthetic(&c, &bad[i], NULL, &model, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_model_synthetic(&c, NULL, NULL, &model, NULL), TRIT_PARAM);
    /* none has a gate whose outputs are 0 */
    static const char *const silu[] = {"0.7B",       "3B",         "Llama3-8B",  "Falcon3-1B",
                                       "Falcon3-3B", "Falcon3-7B", "Falcon3-10B"};
    trit_synthetic gate = {.zeros = 0.3f, .gate_zeros = 0.9f};
    for (size_t i = 0; i < sizeof silu / sizeof *silu; i++) {
        TRIT_CHECK_EQ_I(trit_config_preset(silu[i], &c, NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_config_validate(&c, NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_model_synthetic(&c, &gate, NULL, &model, NULL), TRIT_PARAM);
    }
    TRIT_CHECK(model == NULL);
}

int main(void)
{
    test_zeros();
    test_gate(TRIT_WEIGHT_INT8, 0.33f, 0, 0.5);
    test_gate(TRIT_WEIGHT_INT8, 0.33f, 0.7f, 0.7);
    test_gate(TRIT_WEIGHT_F16, 0.42f, 0.85f, 0.85);
    test_gate(TRIT_WEIGHT_INT8, 0.42f, 0.95f, 0.95);
    test_refusals();
    return TRIT_DONE();
}
