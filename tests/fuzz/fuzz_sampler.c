/* Any parameters, logits and history: a refusal that fits, or a token that may be drawn. */
#include <math.h>

#include "input.h"

enum { N_VOCAB = 40, N_HISTORY = 8, N_BIAS = 4, NO_ID = -7 };

static float take_float(input *in)
{
    static const float likely[] = {0,       1,        -1,     0.5f,     0.95f,     2,
                                   3.5f,    100,      -100,   0.01f,    0.009f,    100.1f,
                                   1000,    -1000,    1e-45f, 1e-38f,   1e30f,     -1e30f,
                                   3.4e38f, -3.4e38f, 0.999f, INFINITY, -INFINITY, NAN};
    uint32_t which = take(in, 1) % 28, bits;
    float any;
    if (which < sizeof likely / sizeof *likely) return likely[which];
    bits = take(in, 4);
    memcpy(&any, &bits, sizeof any);
    return any;
}

static void check(trit_status status, const float *logits, int32_t id)
{
    int n_infinite = 0, n_forbidden = 0;
    for (int i = 0; i < N_VOCAB; i++) {
        n_infinite += !(logits[i] < INFINITY);
        n_forbidden += logits[i] == -INFINITY;
    }
    if (status == TRIT_OK) {
        if (id < 0 || id >= N_VOCAB || !isfinite(logits[id]) || n_infinite) abort();
        return;
    }
    if (id != NO_ID) abort();
    if (status == TRIT_NUMERIC ? !n_infinite : n_forbidden < N_VOCAB) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static trit_model *model;
    trit_config config;
    if (!model) {
        if (trit_config_preset("tiny", &config, NULL) != TRIT_OK) abort();
        config.n_layer = 1, config.n_vocab = N_VOCAB;
        if (trit_model_synthetic(&config, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL,
                                 &model, NULL) != TRIT_OK)
            abort();
    }
    input in = {data, n};
    float logits[N_VOCAB], some[3], values[N_BIAS];
    int32_t ids[N_BIAS], history[N_HISTORY], id = NO_ID;
    for (int i = 0; i < 3; i++) some[i] = take_float(&in);
    for (int i = 0; i < N_VOCAB; i++) logits[i] = some[i % 3];
    for (int i = 0; i < N_HISTORY; i++) history[i] = (int32_t)(take(&in, 1) % N_VOCAB);
    for (int i = 0; i < N_BIAS; i++) ids[i] = (int32_t)(take(&in, 1) % N_VOCAB);
    for (int i = 0; i < N_BIAS; i++) values[i] = take_float(&in);
    /* one parameter is wild at a time: two would nearly always be refused */
    trit_sampler_params p = trit_sampler_defaults();
    float *const wild[] = {&p.temperature,       &p.top_p,           &p.min_p, &p.repeat_penalty,
                           &p.frequency_penalty, &p.presence_penalty};
    *wild[take(&in, 1) % 6] = take_float(&in);
    p.top_k = (int32_t)(take(&in, 1) % 50);
    p.penalty_last = (int32_t)(take(&in, 1) % 10) - 1;
    p.bias_ids = ids, p.bias_values = values, p.n_bias = take(&in, 1) % (N_BIAS + 1);
    trit_sampler *sampler = NULL;
    if (trit_sampler_new(model, &p, &sampler, NULL) != TRIT_OK) return 0;
    trit_status status = trit_sampler_draw(sampler, logits, history, N_HISTORY, &id, NULL);
    check(status, logits, id);
    trit_sampler_free(sampler);
    return 0;
}
