/* One model, one hash: every kernel table, slice, thread count, history and build gives the same
 * bits. */
#include "check.h"
#include "trit.h"

enum { N_PROMPT = 70, N_MAX = 128 };

/* The thread sanitizer is some twenty times slower: it looks at one KV type and one table. */
#ifdef __SANITIZE_THREAD__
enum { FIRST_KV = TRIT_KV_INT8, N_TABLES = 1 };
#else
enum { FIRST_KV = TRIT_KV_F32, N_TABLES = 4 };
#endif

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++) hash = (hash ^ p[i]) * 1099511628211u;
    return hash;
}

typedef struct {
    uint64_t hash;
    size_t n_vocab, n_seen;
} hasher;

static void take_logits(void *ctx, size_t position, const float *logits)
{
    hasher *h = ctx;
    uint64_t wide = position; /* size_t is narrower in WebAssembly */
    h->hash = hash_bytes(h->hash, &wide, sizeof wide);
    h->hash = hash_bytes(h->hash, logits, h->n_vocab * sizeof *logits);
    h->n_seen++;
}

/* A clock that moves on by 1 ms at each look, so that a budget of 3 ms ends after a few layers. */
static double fake_clock(void *ctx) { return *(double *)ctx += 1.0; }

/* NULL when the build lacks these kernels */
static trit_model *make_model(trit_weight head, uint64_t seed, const char *kernels)
{
    trit_config c;
    trit_model *model = NULL;
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &c, NULL), TRIT_OK);
    c.n_layer = 2;
    c.n_vocab = 331; /* odd: no multiple of any step */
    c.dim = 128;
    c.ffn_dim = 300;
    c.site[TRIT_SITE_HEAD].weight = (uint8_t)head;
    trit_status status = trit_model_synthetic(&c, &(trit_synthetic){.seed = seed, .zeros = 0.33f},
                                              kernels, &model, NULL);
    TRIT_CHECK(status == TRIT_OK || (status == TRIT_PARAM && kernels[0] == 'r'));
    return model;
}

static void make_prompt(int32_t *ids, int which)
{
    uint32_t r = (uint32_t)which + 1;
    for (int i = 0; i < N_PROMPT; i++) {
        r = r * 1664525u + 1013904223u;
        ids[i] = (int32_t)(r >> 8) % 331;
    }
}

/* Logits of all positions of three prompts, then 20 sampled tokens, with a detour by rewind. */
static uint64_t run_all(const trit_model *model, const trit_session_params *params, int detour)
{
    trit_session *s = NULL;
    trit_sampler *sampler = NULL;
    trit_error err;
    int32_t ids[N_MAX];
    hasher h = {14695981039346656037u, 331, 0};
    double time = 0;
    TRIT_CHECK_EQ_I(trit_session_new(model, params, &s, &err), TRIT_OK);
    for (int which = 0; which < 3; which++) {
        make_prompt(ids, which);
        if (detour) { /* other tokens first, a rewind, and a prefix that is reused */
            size_t reused = 0;
            ids[30] = 7;
            TRIT_CHECK_EQ_I(trit_session_sync(s, ids, 50, NULL, &err), TRIT_OK);
            TRIT_CHECK_EQ_I(trit_session_run(s, NULL, NULL, 0, &err), TRIT_OK);
            TRIT_CHECK_EQ_I(trit_session_rewind(s, 40, &err), TRIT_OK);
            TRIT_CHECK(trit_session_logits(s) == NULL);
            make_prompt(ids, which);
            ids[20] = 9; /* only positions below 20 may be kept */
            TRIT_CHECK_EQ_I(trit_session_sync(s, ids, N_PROMPT, &reused, &err), TRIT_OK);
            TRIT_CHECK(reused <= 20);
            make_prompt(ids, which);
            TRIT_CHECK_EQ_I(trit_session_rewind(s, 0, &err), TRIT_OK);
        }
        trit_session_each_logits(s, take_logits, &h);
        TRIT_CHECK_EQ_I(trit_session_sync(s, ids, N_PROMPT, NULL, &err), TRIT_OK);
        trit_status status;
        while ((status = trit_session_run(s, fake_clock, &time, 3.0, &err)) == TRIT_CONTINUE)
            TRIT_CHECK(!trit_session_logits(s));
        TRIT_CHECK_EQ_I(status, TRIT_OK);
        trit_session_each_logits(s, NULL, NULL);
    }
    TRIT_CHECK_EQ_I(h.n_seen, 3 * N_PROMPT);
    trit_sampler_params p = trit_sampler_defaults();
    p.seed = 5;
    TRIT_CHECK_EQ_I(trit_sampler_new(model, &p, &sampler, &err), TRIT_OK);
    for (size_t n = N_PROMPT; n < N_PROMPT + 20; n++) {
        TRIT_CHECK_EQ_I(trit_sampler_draw(sampler, trit_session_logits(s), ids, n, &ids[n], &err),
                        TRIT_OK);
        TRIT_CHECK_EQ_I(trit_session_append(s, ids[n], &err), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_session_run(s, NULL, NULL, 0, &err), TRIT_OK);
    }
    h.hash = hash_bytes(h.hash, ids, sizeof *ids * (N_PROMPT + 20));
    trit_sampler_free(sampler);
    trit_session_free(s);
    return h.hash;
}

/* The same in every build, native or wasm. They change when the order of a float operation does, or
 * the noise of a synthetic model: then on purpose, and all builds together. */
static uint64_t pinned_hash(trit_weight head, int kv)
{
    static const uint64_t hashes[2][3] = {
        {0x53a020ab56add0fa, 0x2804eea1c682a266, 0xe73c3a07e54d1bf7},
        {0xfeb0eb45fd6db48d, 0x0d18b45ccc04308a, 0xe9cf21c8f4a0b8c7},
    };
    return hashes[head == TRIT_WEIGHT_F16][kv - TRIT_KV_F32];
}

/* All slices and thread counts with f32, one of each with the other KV types: they share the code. */
static void test_table(trit_weight head, int kv, const char *kernels, uint64_t expected)
{
    static const int slices[] = {7, 1, 64};
    trit_model *model = make_model(head, 1, kernels);
    trit_session_params p = {.n_ctx = 100, .kv = (trit_kv)kv};
    for (int i = 0; model && i < (kv == TRIT_KV_F32 ? 3 : 1); i++) {
        p.n_slice = slices[i];
        p.pool = NULL;
        p.dense = i == 1;
        TRIT_CHECK(run_all(model, &p, i == 0) == expected);
#if TRIT_THREADS
        static const int threads[] = {3, 2, 8};
        TRIT_CHECK_EQ_I(trit_pool_new(&p.pool, threads[i], NULL), TRIT_OK);
        TRIT_CHECK(run_all(model, &p, i != 0) == expected);
        trit_pool_free(p.pool);
#endif
    }
    trit_model_free(model);
}

static void test_one_hash(trit_weight head)
{
    trit_model *model = make_model(head, 1, "ref"), *other = make_model(head, 2, "ref");
    static const char *const tables[] = {"v128", "relaxed", "relaxed16", "relaxed16 head=relaxed"};
    for (int kv = FIRST_KV; kv <= TRIT_KV_INT8; kv++) {
        trit_session_params p = {.n_ctx = 100, .n_slice = 64, .kv = (trit_kv)kv};
        uint64_t expected = run_all(model, &p, 0);
        printf("head %d kv %d hash %016llx\n", (int)head, kv, (unsigned long long)expected);
        TRIT_CHECK(expected == pinned_hash(head, kv));
        TRIT_CHECK(run_all(other, &p, 0) != expected);
        for (int i = 0; i < N_TABLES; i++) test_table(head, kv, tables[i], expected);
    }
    trit_model_free(model);
    trit_model_free(other);
}

static void test_refusals(void)
{
    trit_model *model = make_model(TRIT_WEIGHT_INT8, 1, NULL);
    trit_session *s = NULL;
    trit_error err;
    int32_t ids[40] = {0};
    trit_session_params good = {.n_ctx = 32, .n_slice = 8, .kv = TRIT_KV_F16}, p = good;
    p.n_ctx = 513;
    TRIT_CHECK_EQ_I(trit_session_new(model, &p, &s, &err), TRIT_PARAM);
    p = good, p.n_slice = 0;
    TRIT_CHECK_EQ_I(trit_session_new(model, &p, &s, &err), TRIT_PARAM);
    p = good, p.kv = (trit_kv)9;
    TRIT_CHECK_EQ_I(trit_session_new(model, &p, &s, &err), TRIT_PARAM);
    TRIT_CHECK(s == NULL);
    TRIT_CHECK_EQ_I(trit_session_new(model, &good, &s, &err), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_session_sync(s, ids, 33, NULL, &err), TRIT_PROMPT_TOO_LONG);
    TRIT_CHECK_EQ_I(trit_session_sync(s, ids, 0, NULL, &err), TRIT_PARAM);
    ids[3] = 331;
    TRIT_CHECK_EQ_I(trit_session_sync(s, ids, 8, NULL, &err), TRIT_PARAM);
    ids[3] = -1;
    TRIT_CHECK_EQ_I(trit_session_sync(s, ids, 8, NULL, &err), TRIT_PARAM);
    ids[3] = 330;
    TRIT_CHECK_EQ_I(trit_session_sync(s, ids, 32, NULL, &err), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_session_append(s, 1, &err), TRIT_PROMPT_TOO_LONG);
    double time = 0;
    TRIT_CHECK_EQ_I(trit_session_run(s, fake_clock, &time, 0, &err), TRIT_CONTINUE);
    TRIT_CHECK_EQ_I(trit_session_append(s, 1, &err), TRIT_STATE);
    TRIT_CHECK_EQ_I(trit_session_rewind(s, 33, &err), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_session_rewind(s, 3, &err), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_session_append(s, 1, &err), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_session_run(s, NULL, NULL, 0, &err), TRIT_OK);
    TRIT_CHECK(trit_session_logits(s) != NULL);
    TRIT_CHECK_EQ_I(trit_session_length(s), 4);
    trit_session_free(s);
    trit_model_free(model);
}

int main(void)
{
    test_one_hash(TRIT_WEIGHT_INT8);
    test_one_hash(TRIT_WEIGHT_F16);
    test_refusals();
    return TRIT_DONE();
}
