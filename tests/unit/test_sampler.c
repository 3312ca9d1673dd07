#include <math.h>

#include "check.h"
#include "trit.h"

enum { N = 64 };

static trit_model *model;

static void flat(float *logits)
{
    for (int i = 0; i < N; i++)
        logits[i] = (float)((i * 37) % N) * 0.1f; /* a permutation: no ties */
}

static int32_t draw(const trit_sampler_params *p, float *logits, const int32_t *history, size_t n)
{
    trit_sampler *s = NULL;
    int32_t id = -1;
    TRIT_CHECK_EQ_I(trit_sampler_new(model, p, &s, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_sampler_draw(s, logits, history, n, &id, NULL), TRIT_OK);
    trit_sampler_free(s);
    return id;
}

/* how many different ids appear in many draws */
static int variety(const trit_sampler_params *p)
{
    trit_sampler *s = NULL;
    int seen[N] = {0}, n = 0;
    TRIT_CHECK_EQ_I(trit_sampler_new(model, p, &s, NULL), TRIT_OK);
    for (int i = 0; i < 4000; i++) {
        float logits[N];
        int32_t id = 0;
        flat(logits);
        TRIT_CHECK(trit_sampler_draw(s, logits, NULL, 0, &id, NULL) == TRIT_OK);
        n += !seen[id]++;
    }
    trit_sampler_free(s);
    return n;
}

static void test_filters(void)
{
    trit_sampler_params p = {.temperature = 2, .top_p = 1, .repeat_penalty = 1};
    int all = variety(&p);
    TRIT_CHECK(all > 50);
    p.top_k = 5;
    TRIT_CHECK_EQ_I(variety(&p), 5);
    p.top_k = 1;
    TRIT_CHECK_EQ_I(variety(&p), 1);
    p.top_k = 0, p.top_p = 0.3f;
    int some = variety(&p);
    TRIT_CHECK(some > 1 && some < 20);
    p.top_k = 8, p.top_p = 0.5f; /* a share of the eight, not of all */
    some = variety(&p);
    TRIT_CHECK(some > 1 && some < 6);
    p.top_k = 0, p.top_p = 1,
    p.min_p = 0.5f; /* logits within 2 ln 2 of the best: 13 and the best */
    TRIT_CHECK_EQ_I(variety(&p), 14);
}

static void test_frequencies(void)
{
    /* two tokens with odds 3 : 1 */
    trit_sampler_params p = {
        .temperature = 1, .top_p = 1, .repeat_penalty = 1, .top_k = 2, .seed = 3};
    trit_sampler *s = NULL;
    int first = 0;
    TRIT_CHECK_EQ_I(trit_sampler_new(model, &p, &s, NULL), TRIT_OK);
    for (int i = 0; i < 40000; i++) {
        float logits[N];
        int32_t id = 0;
        for (int k = 0; k < N; k++) logits[k] = -50;
        logits[10] = logf(3), logits[20] = 0;
        TRIT_CHECK(trit_sampler_draw(s, logits, NULL, 0, &id, NULL) == TRIT_OK);
        first += id == 10;
    }
    TRIT_CHECK(abs(first - 30000) < 500); /* 5.8 standard deviations */
    trit_sampler_free(s);
}

static void test_greedy_penalties_bias(void)
{
    float logits[N];
    int32_t history[] = {1, 1, 2};
    trit_sampler_params p = {.top_p = 1, .repeat_penalty = 1, .penalty_last = -1};
    flat(logits);
    logits[5] = logits[9] = 10;
    TRIT_CHECK_EQ_I(draw(&p, logits, NULL, 0), 5); /* a tie: the lowest id */
    flat(logits), logits[1] = 20, logits[3] = 19;
    p.repeat_penalty = 1.1f;
    TRIT_CHECK_EQ_I(draw(&p, logits, history, 3), 3);
    flat(logits), logits[1] = 20, logits[3] = 19;
    TRIT_CHECK_EQ_I(draw(&p, logits, NULL, 0), 1);
    p.repeat_penalty = 1, p.frequency_penalty = 0.6f; /* twice in the history: 1.2 */
    flat(logits), logits[1] = 20, logits[2] = 19.5f, logits[3] = 18.85f;
    TRIT_CHECK_EQ_I(draw(&p, logits, history, 3), 2);
    p.frequency_penalty = 0, p.presence_penalty = 2, p.penalty_last = 1; /* only token 2 is seen */
    flat(logits), logits[1] = 20, logits[2] = 20.5f;
    TRIT_CHECK_EQ_I(draw(&p, logits, history, 3), 1);
    int32_t ids[] = {4, 6};
    float values[] = {30, -INFINITY};
    p = (trit_sampler_params){
        .top_p = 1, .repeat_penalty = 1, .bias_ids = ids, .bias_values = values, .n_bias = 2};
    flat(logits), logits[6] = 100;
    TRIT_CHECK_EQ_I(draw(&p, logits, NULL, 0), 4);
}

static void test_refusals(void)
{
    trit_sampler *s = NULL;
    float bad[] = {NAN, -1, INFINITY, 1e30f};
    trit_sampler_params good = trit_sampler_defaults();
    for (int i = 0; i < 4; i++) {
        trit_sampler_params p = good;
        p.temperature = bad[i];
        TRIT_CHECK_EQ_I(trit_sampler_new(model, &p, &s, NULL), TRIT_PARAM);
        p = good, p.top_p = bad[i];
        TRIT_CHECK_EQ_I(trit_sampler_new(model, &p, &s, NULL), TRIT_PARAM);
        p = good, p.min_p = bad[i];
        TRIT_CHECK_EQ_I(trit_sampler_new(model, &p, &s, NULL), TRIT_PARAM);
        p = good, p.repeat_penalty = bad[i];
        TRIT_CHECK_EQ_I(trit_sampler_new(model, &p, &s, NULL), TRIT_PARAM);
    }
    good.repeat_penalty = 1e-45f; /* would make any positive logit infinite */
    TRIT_CHECK_EQ_I(trit_sampler_new(model, &good, &s, NULL), TRIT_PARAM);
    good = trit_sampler_defaults();
    good.top_k = -1;
    TRIT_CHECK_EQ_I(trit_sampler_new(model, &good, &s, NULL), TRIT_PARAM);
    good = trit_sampler_defaults();
    TRIT_CHECK_EQ_I(trit_sampler_new(model, &good, &s, NULL), TRIT_OK);
    float logits[N];
    int32_t id = 77;
    flat(logits), logits[3] = NAN;
    TRIT_CHECK_EQ_I(trit_sampler_draw(s, logits, NULL, 0, &id, NULL), TRIT_NUMERIC);
    flat(logits), logits[3] = INFINITY;
    TRIT_CHECK_EQ_I(trit_sampler_draw(s, logits, NULL, 0, &id, NULL), TRIT_NUMERIC);
    for (int i = 0; i < N; i++) logits[i] = -INFINITY;
    TRIT_CHECK_EQ_I(trit_sampler_draw(s, logits, NULL, 0, &id, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(id, 77); /* untouched on failure */
    trit_sampler_free(s);
}

static void test_logprobs(void)
{
    float logits[N], alone[2] = {-INFINITY, 5};
    int32_t top[TRIT_MAX_LOGPROBS + 1], id = -1;
    double log_sum = 0, sum = 0;
    flat(logits);
    logits[7] = logits[9] = logits[60] = 10;
    logits[3] = -INFINITY;
    TRIT_CHECK_EQ_I(trit_logprobs(logits, N, top, 5, &log_sum, NULL), TRIT_OK);
    static const int32_t expected[] = {7, 9, 60, 19,
                                       38}; /* ties by id; then 37 i mod 64 = 63, 62 */
    for (int i = 0; i < 5; i++) TRIT_CHECK_EQ_I(top[i], expected[i]);
    for (int i = 0; i < N; i++) sum += exp((double)logits[i] - log_sum);
    TRIT_CHECK(fabs(sum - 1) < 1e-12);
    TRIT_CHECK_EQ_I(trit_logprobs(alone, 2, &id, 1, &log_sum, NULL), TRIT_OK);
    TRIT_CHECK(id == 1 && log_sum == 5);
    TRIT_CHECK_EQ_I(trit_logprobs(alone, 2, NULL, 0, &log_sum, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_logprobs(alone, 2, top, 3, &log_sum, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_logprobs(logits, N, top, TRIT_MAX_LOGPROBS + 1, &log_sum, NULL),
                    TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_logprobs(NULL, N, top, 1, &log_sum, NULL), TRIT_PARAM);
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        alone[1] = bad[i];
        TRIT_CHECK_EQ_I(trit_logprobs(alone, 2, top, 1, &log_sum, NULL), TRIT_NUMERIC);
    }
}

int main(void)
{
    trit_config c;
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &c, NULL), TRIT_OK);
    c.n_layer = 1, c.n_vocab = N;
    TRIT_CHECK_EQ_I(
        trit_model_synthetic(&c, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model, NULL),
        TRIT_OK);
    test_filters();
    test_frequencies();
    test_greedy_penalties_bias();
    test_refusals();
    test_logprobs();
    trit_model_free(model);
    return TRIT_DONE();
}
