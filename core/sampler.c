/* From logits to one token. The order of the steps stands in trit.h and in the README. */
#include <math.h>
#include <stdlib.h>

#include "model.h"
#include "scalar.h"

typedef struct {
    float logit;
    int32_t id;
} candidate;

struct trit_sampler {
    trit_sampler_params params;
    int32_t n_vocab;
    uint64_t random;
    candidate *heap;   /* [n_vocab] */
    float *weights;    /* [n_vocab] */
    int32_t *counts;   /* [n_vocab], all 0 between calls */
    int32_t *bias_ids; /* copies of the caller's */
    float *bias_values;
};

trit_sampler_params trit_sampler_defaults(void)
{
    return (trit_sampler_params){.temperature = 0.8f,
                                 .top_k = 40,
                                 .top_p = 0.95f,
                                 .repeat_penalty = 1.0f,
                                 .penalty_last = 64};
}

static trit_status out_of_range(const char *name, const char *range, trit_error *err)
{
    return tritx_fail(err, TRIT_PARAM, 0, "%s must be %s", name, range);
}

/* Written so that NaN fails every test. */
static trit_status check(const trit_sampler_params *p, int32_t n_vocab, trit_error *err)
{
    if (!(p->temperature >= 0 && p->temperature <= 100))
        return out_of_range("temperature", "in 0 ... 100", err);
    if (p->top_k < 0) return out_of_range("top-k", "0 or more", err);
    if (!(p->top_p > 0 && p->top_p <= 1))
        return out_of_range("top-p", "above 0 and at most 1", err);
    if (!(p->min_p >= 0 && p->min_p <= 1)) return out_of_range("min-p", "in 0 ... 1", err);
    if (!(p->repeat_penalty >= 0.01f && p->repeat_penalty <= 100))
        return out_of_range("the repetition penalty", "in 0.01 ... 100", err);
    if (!(fabsf(p->frequency_penalty) <= 100))
        return out_of_range("the frequency penalty", "in -100 ... 100", err);
    if (!(fabsf(p->presence_penalty) <= 100))
        return out_of_range("the presence penalty", "in -100 ... 100", err);
    if (p->penalty_last < -1) return out_of_range("penalty-last", "-1 or more", err);
    if (p->n_bias > (size_t)n_vocab || (p->n_bias && (!p->bias_ids || !p->bias_values)))
        return out_of_range("the logit bias", "a list of pairs", err);
    for (size_t i = 0; i < p->n_bias; i++) {
        if (p->bias_ids[i] < 0 || p->bias_ids[i] >= n_vocab)
            return out_of_range("a logit bias", "for a token of the vocabulary", err);
        if (!(p->bias_values[i] <= 1000) ||
            (p->bias_values[i] < -1000 && p->bias_values[i] != -INFINITY))
            return out_of_range("a logit bias", "in -1000 ... 1000 or minus infinity", err);
    }
    return TRIT_OK;
}

trit_status trit_sampler_new(const trit_model *model, const trit_sampler_params *params,
                             trit_sampler **sampler, trit_error *err)
{
    if (!model || !params || !sampler)
        return tritx_fail(err, TRIT_PARAM, 0, "sampler: NULL argument");
    int32_t n_vocab = model->config.n_vocab;
    TRIT_TRY(check(params, n_vocab, err));
    trit_sampler *s = calloc(1, sizeof *s);
    if (!s) return tritx_fail(err, TRIT_OOM, 0, "no memory for a sampler");
    s->params = *params;
    s->n_vocab = n_vocab;
    s->random = params->seed;
    s->heap = malloc((size_t)n_vocab * sizeof *s->heap);
    s->weights = malloc((size_t)n_vocab * sizeof *s->weights);
    s->counts = calloc((size_t)n_vocab, sizeof *s->counts);
    s->bias_ids = malloc((params->n_bias + 1) * sizeof *s->bias_ids);
    s->bias_values = malloc((params->n_bias + 1) * sizeof *s->bias_values);
    if (!s->heap || !s->weights || !s->counts || !s->bias_ids || !s->bias_values) {
        trit_sampler_free(s);
        return tritx_fail(err, TRIT_OOM, 0, "no memory for a sampler");
    }
    if (params->n_bias) {
        memcpy(s->bias_ids, params->bias_ids, params->n_bias * sizeof *s->bias_ids);
        memcpy(s->bias_values, params->bias_values, params->n_bias * sizeof *s->bias_values);
    }
    *sampler = s;
    return TRIT_OK;
}

void trit_sampler_free(trit_sampler *s)
{
    if (!s) return;
    free(s->heap);
    free(s->weights);
    free(s->counts);
    free(s->bias_ids);
    free(s->bias_values);
    free(s);
}

static void apply_penalties(trit_sampler *s, float *logits, const int32_t *history, size_t n)
{
    const trit_sampler_params *p = &s->params;
    if (p->repeat_penalty == 1 && p->frequency_penalty == 0 && p->presence_penalty == 0) return;
    if (p->penalty_last >= 0 && n > (size_t)p->penalty_last) {
        history += n - (size_t)p->penalty_last;
        n = (size_t)p->penalty_last;
    }
    for (size_t i = 0; i < n; i++) s->counts[history[i]]++;
    for (size_t i = 0; i < n; i++) {
        int32_t id = history[i], count = s->counts[id];
        if (count == 0) continue; /* done at its first place */
        logits[id] =
            logits[id] > 0 ? logits[id] / p->repeat_penalty : logits[id] * p->repeat_penalty;
        logits[id] -= (float)count * p->frequency_penalty + p->presence_penalty;
        s->counts[id] = 0;
    }
}

/* the better of two: larger logit, then lower id, so that ties have one answer */
static bool better(candidate a, candidate b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

static void sift_down(candidate *heap, int32_t n, int32_t i)
{
    candidate moving = heap[i];
    for (int32_t child = 2 * i + 1; child < n; i = child, child = 2 * i + 1) {
        if (child + 1 < n && better(heap[child + 1], heap[child])) child++;
        if (!better(heap[child], moving)) break;
        heap[i] = heap[child];
    }
    heap[i] = moving;
}

/* Takes candidates best first, so that only as many are ordered as are kept: they end up at the
 * heap's end, the best last. Ends at top-k, at a weight below min_p (the best has 1), and when the
 * weights add up to `enough`. Returns how many are kept. */
static int32_t keep_candidates(trit_sampler *s, const float *logits, float max, float min_p,
                               float enough)
{
    const trit_sampler_params *p = &s->params;
    int32_t n = s->n_vocab, kept = 0, limit = p->top_k && p->top_k < n ? p->top_k : n;
    for (int32_t i = 0; i < n; i++) s->heap[i] = (candidate){logits[i], i};
    for (int32_t i = n / 2 - 1; i >= 0; i--) sift_down(s->heap, n, i);
    float sum = 0;
    while (kept < limit) {
        candidate best = s->heap[0];
        float weight = tritx_expf((best.logit - max) / p->temperature);
        if (kept && (weight < min_p || weight == 0)) break;
        s->heap[0] = s->heap[n - 1 - kept];
        s->heap[n - 1 - kept] = best;
        sift_down(s->heap, n - 1 - kept, 0);
        s->weights[kept++] = weight;
        sum += weight;
        if (sum >= enough) break;
    }
    return kept;
}

/* The sum of weights that top-p asks for, a share of what top-k left. */
static float enough_weight(trit_sampler *s, const float *logits, float max)
{
    const trit_sampler_params *p = &s->params;
    float total = 0;
    if (p->top_p == 1) return INFINITY; /* never reached: all are kept */
    if (p->top_k && p->top_k < s->n_vocab) {
        /* a first pass finds the top-k; the second one finds them again and stops sooner */
        int32_t kept = keep_candidates(s, logits, max, 0, INFINITY);
        for (int32_t i = 0; i < kept; i++) total += s->weights[i];
    } else {
        for (int32_t i = 0; i < s->n_vocab; i++)
            total += tritx_expf((logits[i] - max) / p->temperature);
    }
    return p->top_p * total;
}

/* splitmix64; 53 bits as a number in [0, 1) */
static double draw_uniform(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* One of the tokens that are left, by temperature and filters. */
static trit_status choose(trit_sampler *s, const float *logits, int32_t *id, trit_error *err)
{
    int32_t best = 0;
    for (int32_t i = 0; i < s->n_vocab; i++) {
        if (!(logits[i] < INFINITY))
            return tritx_fail(err, TRIT_NUMERIC, (uint64_t)i,
                              "the logit of token %d is not a finite number", (int)i);
        if (logits[i] > logits[best]) best = i;
    }
    float max = logits[best];
    if (max == -INFINITY && s->params.grammar)
        return tritx_fail(err, TRIT_BAD_GRAMMAR, 0,
                          "no token is left that can follow in the grammar: see the logit bias");
    if (max == -INFINITY)
        return tritx_fail(err, TRIT_PARAM, 0, "draw: no token is left to choose from");
    if (s->params.temperature == 0) {
        *id = best;
        return TRIT_OK;
    }
    int32_t kept = keep_candidates(s, logits, max, s->params.min_p, enough_weight(s, logits, max));
    float sum = 0;
    for (int32_t i = 0; i < kept; i++) sum += s->weights[i];
    float left = (float)draw_uniform(&s->random) * sum;
    int32_t chosen = 0;
    for (; chosen < kept - 1; chosen++) {
        left -= s->weights[chosen];
        if (left < 0) break;
    }
    *id = s->heap[s->n_vocab - 1 - chosen].id;
    return TRIT_OK;
}

trit_status trit_sampler_draw(trit_sampler *s, float *logits, const int32_t *history,
                              size_t n_history, int32_t *id, trit_error *err)
{
    if (!s || !logits || !id || (!history && n_history))
        return tritx_fail(err, TRIT_PARAM, 0, "draw: NULL argument");
    for (size_t i = 0; i < n_history; i++)
        if (history[i] < 0 || history[i] >= s->n_vocab)
            return tritx_fail(err, TRIT_PARAM, i, "draw: the history holds an unknown token");
    trit_grammar *grammar = s->params.grammar;
    int32_t drawn = -1;
    if (grammar) TRIT_TRY(trit_grammar_mask(grammar, logits, err));
    apply_penalties(s, logits, history, n_history);
    for (size_t i = 0; i < s->params.n_bias; i++) logits[s->bias_ids[i]] += s->bias_values[i];
    TRIT_TRY(choose(s, logits, &drawn, err));
    if (grammar) TRIT_TRY(trit_grammar_take(grammar, drawn, err));
    *id = drawn;
    return TRIT_OK;
}
