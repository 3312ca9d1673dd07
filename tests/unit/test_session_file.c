/* Saved sessions: what is loaded goes on with the same bits, in whatever session; what is damaged, of another
 * model or no session at all is refused, and leaves a session that can be used. */
#include "packed_bytes.h"

enum { N_VOCAB = 331, N_SAVED = 40, N_MORE = 12, HEADER_BYTES = 32, AT_TOKENS = 24 };

static int refuse(void *ctx, const uint8_t *bytes, size_t n)
{
    (void)ctx, (void)bytes, (void)n;
    return 1;
}

/* NULL when the build lacks these kernels */
static trit_model *make_model(uint64_t seed, const char *kernels)
{
    trit_config c;
    trit_model *model = NULL;
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &c, NULL), TRIT_OK);
    c.n_layer = 2, c.n_vocab = N_VOCAB, c.dim = 64, c.ffn_dim = 300;
    trit_status status = trit_model_synthetic(&c, &(trit_synthetic){.seed = seed, .zeros = 0.33f},
                                              kernels, &model, NULL);
    TRIT_CHECK(status == TRIT_OK || (status == TRIT_PARAM && kernels && kernels[0] == 'r'));
    return model;
}

static trit_session *open_session(const trit_model *model, trit_kv kv, int n_ctx, int n_slice)
{
    trit_session *s = NULL;
    trit_session_params p = {.n_ctx = n_ctx, .n_slice = n_slice, .kv = kv};
    TRIT_CHECK_EQ_I(trit_session_new(model, &p, &s, NULL), TRIT_OK);
    return s;
}

static void prefill(trit_session *s, int n)
{
    int32_t ids[100];
    for (int i = 0; i < n; i++) ids[i] = (int32_t)((unsigned)i * 7919u % N_VOCAB);
    TRIT_CHECK_EQ_I(trit_session_sync(s, ids, (size_t)n, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_session_run(s, NULL, NULL, 0, NULL), TRIT_OK);
}

/* A hash of the logits of some more tokens. */
static uint64_t go_on(trit_session *s)
{
    uint64_t hash = 1;
    for (int i = 0; i < N_MORE; i++) {
        TRIT_CHECK_EQ_I(trit_session_append(s, i, NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_session_run(s, NULL, NULL, 0, NULL), TRIT_OK);
        const uint8_t *p = (const uint8_t *)trit_session_logits(s);
        for (size_t b = 0; b < N_VOCAB * sizeof(float); b++) hash = (hash ^ p[b]) * 1099511628211u;
    }
    return hash;
}

static buffer save(trit_session *s)
{
    buffer f = {0};
    TRIT_CHECK_EQ_I(trit_session_save(s, append, &f, NULL), TRIT_OK);
    return f;
}

static trit_status load_session(trit_session *s, const uint8_t *bytes, size_t n, size_t piece)
{
    trit_error err = {0};
    TRIT_CHECK_EQ_I(trit_session_load_begin(s, &err), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_session_length(s), 0);
    trit_status status = TRIT_OK;
    for (size_t at = 0; status == TRIT_OK && at < n; at += piece)
        status = trit_session_load_push(s, bytes + at, n - at < piece ? n - at : piece, &err);
    if (status == TRIT_OK) status = trit_session_load_finish(s, &err);
    if (status == TRIT_OK) return status;
    TRIT_CHECK(err.message[0] != 0);
    TRIT_CHECK_EQ_I(err.status, status);
    TRIT_CHECK_EQ_I(trit_session_length(s), 0);
    TRIT_CHECK_EQ_I(trit_session_load_push(s, bytes, 1, NULL), TRIT_STATE);
    TRIT_CHECK_EQ_I(trit_session_load_finish(s, NULL), TRIT_STATE);
    return status;
}

static void test_goes_on(trit_kv kv)
{
    static const char *const tables[] = {"ref", "v128", "relaxed", "relaxed16"};
    trit_model *model = make_model(1, "ref");
    trit_session *s = open_session(model, kv, 100, 7);
    prefill(s, N_SAVED);
    buffer f = save(s);
    uint64_t expected = go_on(s);
    trit_session_free(s);
    for (int i = 0; i < 4; i++) {
        trit_model *other = make_model(1, tables[i]);
        if (!other) continue;
        s = open_session(other, kv, i == 1 ? N_SAVED + N_MORE : 80, 64);
        if (i == 2) prefill(s, 20); /* what was there before is gone */
        TRIT_CHECK_EQ_I(load_session(s, f.bytes, f.n, i == 0 ? 1 : 1000), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_session_length(s), N_SAVED);
        TRIT_CHECK(!trit_session_logits(s));
        TRIT_CHECK_EQ_I(trit_session_ids(s)[2], 2 * 7919 % N_VOCAB);
        buffer again = save(s);
        TRIT_CHECK(again.n == f.n && memcmp(again.bytes, f.bytes, f.n) == 0);
        free(again.bytes);
        TRIT_CHECK(go_on(s) == expected);
        trit_session_free(s);
        trit_model_free(other);
    }
    free(f.bytes);
    trit_model_free(model);
}

/* Every byte that differs, every length and bytes behind the end. */
static void test_damage(const trit_model *model, trit_kv kv)
{
    trit_session *s = open_session(model, kv, 8, 8);
    prefill(s, 2);
    buffer f = save(s);
    for (size_t at = 0; at < f.n; at += at < 64 ? 1 : 13) {
        f.bytes[at] ^= at % 2 ? 0x80 : 1;
        trit_status status = load_session(s, f.bytes, f.n, 1000);
        TRIT_CHECK(
            status == TRIT_BAD_SESSION ||
            (at < HEADER_BYTES && (status == TRIT_BAD_VERSION || status == TRIT_OTHER_SESSION ||
                                   status == TRIT_PROMPT_TOO_LONG)));
        f.bytes[at] ^= at % 2 ? 0x80 : 1;
    }
    for (size_t n = 0; n < f.n; n += n < 64 ? 1 : 101)
        TRIT_CHECK_EQ_I(load_session(s, f.bytes, n, 1000), TRIT_BAD_SESSION);
    f.bytes = realloc(f.bytes, f.n + 1);
    f.bytes[f.n] = 0;
    TRIT_CHECK_EQ_I(load_session(s, f.bytes, f.n + 1, 1000), TRIT_BAD_SESSION);
    TRIT_CHECK_EQ_I(load_session(s, f.bytes, f.n, 1000), TRIT_OK);
    prefill(s, 3); /* the session is as good as new */
    TRIT_CHECK(trit_session_logits(s) != NULL);
    free(f.bytes);
    trit_session_free(s);
}

static void test_refusals(const trit_model *model)
{
    trit_model *other = make_model(2, NULL);
    trit_session *s = open_session(model, TRIT_KV_F16, 16, 8),
                 *of_other = open_session(other, TRIT_KV_F16, 16, 8),
                 *of_f32 = open_session(model, TRIT_KV_F32, 16, 8),
                 *small = open_session(model, TRIT_KV_F16, 7, 8);
    prefill(s, 8);
    buffer f = save(s);
    TRIT_CHECK_EQ_I(trit_session_save(s, refuse, NULL, NULL), TRIT_ABORTED);
    TRIT_CHECK_EQ_I(trit_session_save(s, NULL, NULL, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(load_session(of_other, f.bytes, f.n, 7), TRIT_OTHER_SESSION);
    TRIT_CHECK_EQ_I(load_session(of_f32, f.bytes, f.n, 7), TRIT_OTHER_SESSION);
    TRIT_CHECK_EQ_I(load_session(small, f.bytes, f.n, 7), TRIT_PROMPT_TOO_LONG);
    memset(f.bytes + AT_TOKENS, 0xff, 4);
    TRIT_CHECK_EQ_I(load_session(s, f.bytes, f.n, 7), TRIT_PROMPT_TOO_LONG);
    TRIT_CHECK_EQ_I(load_session(s, (const uint8_t *)"<!doctype html><html lang=\"en\">  ", 32, 7),
                    TRIT_BAD_SESSION);
    TRIT_CHECK_EQ_I(trit_session_load_push(s, NULL, 1, NULL), TRIT_PARAM);
    free(f.bytes);
    trit_session_free(s);
    trit_session_free(of_other);
    trit_session_free(of_f32);
    trit_session_free(small);
    trit_model_free(other);
}

/* What waits is not saved, an empty session can be, and other work ends a load. */
static void test_states(const trit_model *model)
{
    trit_session *s = open_session(model, TRIT_KV_INT8, 16, 8);
    buffer empty = save(s);
    int32_t ids[4] = {1, 2, 3, 4};
    TRIT_CHECK_EQ_I(trit_session_sync(s, ids, 4, NULL, NULL), TRIT_OK);
    buffer waiting = save(s);
    TRIT_CHECK(waiting.n == empty.n && memcmp(waiting.bytes, empty.bytes, empty.n) == 0);
    TRIT_CHECK_EQ_I(trit_session_length(s), 4);
    TRIT_CHECK_EQ_I(load_session(s, empty.bytes, empty.n, 1000), TRIT_OK);
    for (int how = 0; how < 3; how++) {
        TRIT_CHECK_EQ_I(trit_session_load_begin(s, NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_session_load_push(s, NULL, 0, NULL), TRIT_OK);
        if (how == 0) TRIT_CHECK_EQ_I(trit_session_append(s, 5, NULL), TRIT_OK);
        if (how == 1) prefill(s, 2);
        if (how == 2) TRIT_CHECK_EQ_I(trit_session_rewind(s, 0, NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_session_load_push(s, empty.bytes, 8, NULL), TRIT_STATE);
    }
    free(empty.bytes);
    free(waiting.bytes);
    trit_session_free(s);
}

int main(void)
{
    trit_model *model = make_model(1, NULL);
    for (int kv = TRIT_KV_F32; kv <= TRIT_KV_INT8; kv++) {
        test_goes_on((trit_kv)kv);
        test_damage(model, (trit_kv)kv);
    }
    test_refusals(model);
    test_states(model);
    trit_model_free(model);
    return TRIT_DONE();
}
