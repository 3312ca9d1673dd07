/* The flat C interface for JavaScript: integers and pointers in, a status out.
 *
 * Results are written to scratch memory of the caller as 32-bit little-endian words, one after the
 * other. JavaScript knows no struct: whatever has fields is passed as separate arguments. A failing
 * call leaves its sentence in one static trit_error. */
#include <emscripten/em_js.h>
#include <emscripten/emscripten.h>
#include <stdlib.h>

#include "export.h"
#include "stored.h"
#include "trit.h"

static trit_error error;

/* Every call that can fail begins here, so that an old message is never shown for a new failure. */
trit_error *trit_js_fresh_error(void)
{
    error = (trit_error){0};
    return &error;
}

TRIT_EXPORT const char *trit_js_error_message(void) { return error.message; }

TRIT_EXPORT void *trit_js_alloc(size_t n_bytes) { return malloc(n_bytes); }

TRIT_EXPORT void trit_js_free(void *memory) { free(memory); }

/* ---- loader and model ---- */

TRIT_EXPORT trit_status trit_js_loader_new(trit_head head, const char *kernels, trit_loader **out)
{
    return trit_loader_new(out, head, kernels, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_loader_pool(trit_loader *loader, trit_pool *pool)
{
    return trit_loader_pool(loader, pool, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_loader_i2_s(trit_loader *loader, trit_i2_s layout)
{
    return trit_loader_i2_s(loader, layout, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_loader_side(trit_loader *loader, trit_side side, const char *text,
                                            size_t n_bytes)
{
    return trit_loader_side(loader, side, text, n_bytes, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_loader_shard(trit_loader *loader, const char *name)
{
    return trit_loader_shard(loader, name, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_loader_push(trit_loader *loader, const uint8_t *bytes,
                                            size_t n_bytes)
{
    return trit_loader_push(loader, bytes, n_bytes, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_loader_finish(trit_loader *loader, trit_model **out)
{
    return trit_loader_finish(loader, out, trit_js_fresh_error());
}

TRIT_EXPORT void trit_js_loader_free(trit_loader *loader) { trit_loader_free(loader); }

TRIT_EXPORT trit_status trit_js_loader_plan_only(trit_loader *loader)
{
    return trit_loader_plan_only(loader, trit_js_fresh_error());
}

TRIT_EXPORT const trit_model *trit_js_loader_model(const trit_loader *loader)
{
    return trit_loader_model(loader);
}

TRIT_EXPORT size_t trit_js_loader_bytes(const trit_loader *loader)
{
    return trit_loader_bytes(loader);
}

/* Random weights in the shape of another model, with fewer layers and ids, to measure with. */
TRIT_EXPORT trit_status trit_js_model_sample(const trit_model *of, int32_t n_layer, int32_t n_vocab,
                                             float zeros, const char *kernels, trit_model **out)
{
    trit_config config = *trit_model_config(of);
    trit_synthetic how = {.seed = 1, .zeros = zeros};
    config.n_layer = n_layer;
    config.n_vocab = n_vocab;
    config.add_bos = 0;
    config.bos_id = -1;
    config.n_stop = 0;
    return trit_model_synthetic(&config, &how, kernels, out, trit_js_fresh_error());
}

/* n_ctx: what the context is to be at least, as no training has bounded it. */
TRIT_EXPORT trit_status trit_js_model_synthetic(const char *shape, int32_t n_ctx, float zeros,
                                                float gate_zeros, const char *kernels,
                                                trit_model **out)
{
    trit_config config;
    trit_synthetic how = {.seed = 1, .zeros = zeros, .gate_zeros = gate_zeros};
    trit_status status = trit_config_preset(shape, &config, trit_js_fresh_error());
    if (status != TRIT_OK) return status;
    if (n_ctx > config.n_ctx) config.n_ctx = n_ctx;
    return trit_model_synthetic(&config, &how, kernels, out, &error);
}

TRIT_EXPORT void trit_js_model_free(trit_model *model) { trit_model_free(model); }

TRIT_EXPORT int trit_js_model_is_i2_s(const trit_model *model) { return trit_model_is_i2_s(model); }

TRIT_EXPORT const char *trit_js_model_card(const trit_model *model)
{
    return trit_model_card(model);
}

/* Module.sink(pointer, length) is set by the caller of what writes; not 0 stops. */
EM_JS(int, trit_js_sink, (const uint8_t *bytes, size_t n_bytes),
      { return Module['sink'](bytes >>> 0, n_bytes >>> 0); })

static int sink(void *ctx, const uint8_t *bytes, size_t n_bytes)
{
    (void)ctx;
    return trit_js_sink(bytes, n_bytes);
}

TRIT_EXPORT trit_status trit_js_model_write(const trit_model *model, const char *card)
{
    return trit_model_write(model, card, sink, NULL, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_model_export(const trit_model *model, trit_export what)
{
    return trit_model_export(model, what, sink, NULL, trit_js_fresh_error());
}

/* For a page without WebCrypto: the digest of bytes. */
TRIT_EXPORT void trit_js_sha256(const uint8_t *bytes, size_t n_bytes, uint8_t *digest)
{
    trit_sha256 sha;
    trit_sha256_begin(&sha);
    trit_sha256_push(&sha, bytes, n_bytes);
    trit_sha256_end(&sha, digest);
}

/* ---- text ---- */

TRIT_EXPORT const char *trit_js_model_template(const trit_model *model)
{
    return trit_model_template(model);
}

TRIT_EXPORT trit_status trit_js_model_set_template(trit_model *model, const char *text)
{
    return trit_model_set_template(model, text, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_tokenize(const trit_model *model, const char *text, size_t n_bytes,
                                         uint32_t flags, int32_t *ids, size_t capacity,
                                         size_t *n_ids)
{
    return trit_tokenize(model, text, n_bytes, flags, ids, capacity, n_ids, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_tokenize_parts(const trit_model *model, const char *text,
                                               const uint32_t *ends, size_t n_parts, int32_t *ids,
                                               size_t capacity, size_t *n_ids)
{
    return trit_tokenize_parts(model, text, ends, n_parts, ids, capacity, n_ids,
                               trit_js_fresh_error());
}

/* out: address and length of the bytes, 1 for a special token */
TRIT_EXPORT trit_status trit_js_token_bytes(const trit_model *model, int32_t id, uint32_t *out)
{
    const uint8_t *bytes;
    size_t n_bytes;
    bool special;
    trit_js_fresh_error();
    trit_status status = trit_token_bytes(model, id, &bytes, &n_bytes, &special);
    if (status != TRIT_OK) return status;
    out[0] = (uint32_t)(uintptr_t)bytes;
    out[1] = (uint32_t)n_bytes;
    out[2] = special;
    return TRIT_OK;
}

/* Message i has the role named roles[i] and the text between ends[i - 1] and ends[i]. */
TRIT_EXPORT trit_status trit_js_chat_render(const trit_model *model, const char *const *roles,
                                            const char *text, const uint32_t *ends,
                                            size_t n_messages, int32_t *ids, size_t capacity,
                                            size_t *n_ids)
{
    trit_js_fresh_error();
    trit_message *messages = calloc(n_messages + 1, sizeof *messages);
    if (!messages) return TRIT_OOM;
    for (size_t i = 0; i < n_messages; i++) {
        uint32_t begin = i ? ends[i - 1] : 0;
        messages[i] = (trit_message){roles[i], text + begin, ends[i] - begin};
    }
    trit_status status =
        trit_chat_render(model, messages, n_messages, ids, capacity, n_ids, &error);
    free(messages);
    return status;
}

/* ---- session ---- */

TRIT_EXPORT trit_status trit_js_pool_new(int n_threads, trit_pool **out)
{
    return trit_pool_new(out, n_threads, trit_js_fresh_error());
}

TRIT_EXPORT void trit_js_pool_free(trit_pool *pool) { trit_pool_free(pool); }

static double now(void *ctx)
{
    (void)ctx;
    return emscripten_get_now();
}

TRIT_EXPORT trit_status trit_js_kernels_tune(char *choice, size_t capacity)
{
    return trit_kernels_tune(now, NULL, choice, capacity, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_session_bytes(const trit_model *model, int32_t n_ctx,
                                              int32_t n_slice, trit_kv kv, size_t *out)
{
    trit_session_params params = {.n_ctx = n_ctx, .n_slice = n_slice, .kv = kv};
    return trit_session_bytes(model, &params, out, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_session_new(const trit_model *model, int32_t n_ctx, int32_t n_slice,
                                            trit_kv kv, trit_pool *pool, int dense,
                                            trit_session **out)
{
    trit_session_params params = {
        .n_ctx = n_ctx, .n_slice = n_slice, .kv = kv, .pool = pool, .dense = dense};
    return trit_session_new(model, &params, out, trit_js_fresh_error());
}

TRIT_EXPORT void trit_js_session_free(trit_session *session) { trit_session_free(session); }

TRIT_EXPORT trit_status trit_js_session_sync(trit_session *session, const int32_t *ids,
                                             size_t n_ids, size_t *n_reused)
{
    return trit_session_sync(session, ids, n_ids, n_reused, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_session_append(trit_session *session, int32_t id)
{
    return trit_session_append(session, id, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_session_rewind(trit_session *session, size_t n)
{
    return trit_session_rewind(session, n, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_session_run(trit_session *session, double budget_ms)
{
    return trit_session_run(session, now, NULL, budget_ms, trit_js_fresh_error());
}

TRIT_EXPORT float *trit_js_session_logits(trit_session *session)
{
    return trit_session_logits(session);
}

TRIT_EXPORT size_t trit_js_session_length(const trit_session *session)
{
    return trit_session_length(session);
}

TRIT_EXPORT const int32_t *trit_js_session_ids(const trit_session *session)
{
    return trit_session_ids(session);
}

TRIT_EXPORT trit_status trit_js_session_save(trit_session *session)
{
    return trit_session_save(session, sink, NULL, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_session_load_begin(trit_session *session)
{
    return trit_session_load_begin(session, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_session_load_push(trit_session *session, const uint8_t *bytes,
                                                  size_t n_bytes)
{
    return trit_session_load_push(session, bytes, n_bytes, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_session_load_finish(trit_session *session)
{
    return trit_session_load_finish(session, trit_js_fresh_error());
}

/* Where the logits of all positions go. One session collects at a time: JavaScript runs one job. */
static struct {
    float *rows; /* [n_rows][n_vocab] */
    size_t first, n_rows, n_vocab;
} collection;

static void collect(void *ctx, size_t position, const float *logits)
{
    (void)ctx;
    if (position < collection.first || position - collection.first >= collection.n_rows) return;
    float *row = collection.rows + (position - collection.first) * collection.n_vocab;
    for (size_t i = 0; i < collection.n_vocab; i++) row[i] = logits[i];
}

/* Copies the logits of positions [first, first + n_rows) to rows as they are computed; rows NULL
 * ends that. */
TRIT_EXPORT void trit_js_session_collect(trit_session *session, float *rows, size_t first,
                                         size_t n_rows, size_t n_vocab)
{
    collection.rows = rows;
    collection.first = first;
    collection.n_rows = n_rows;
    collection.n_vocab = n_vocab;
    trit_session_each_logits(session, rows ? collect : NULL, NULL);
}

/* ---- sampler ---- */

TRIT_EXPORT trit_status trit_js_grammar_new(trit_model *model, const char *text, size_t n_bytes,
                                            trit_grammar **out)
{
    return trit_grammar_new(model, text, n_bytes, out, trit_js_fresh_error());
}

TRIT_EXPORT trit_status trit_js_grammar_schema(trit_model *model, const char *json, size_t n_bytes,
                                               trit_grammar **out)
{
    return trit_grammar_schema(model, json, n_bytes, out, trit_js_fresh_error());
}

TRIT_EXPORT void trit_js_grammar_free(trit_grammar *grammar) { trit_grammar_free(grammar); }

TRIT_EXPORT int trit_js_grammar_ended(const trit_grammar *grammar)
{
    return trit_grammar_ended(grammar);
}

/* The seed comes in two halves, since JavaScript's numbers hold 53 bits. */
TRIT_EXPORT trit_status trit_js_sampler_new(
    const trit_model *model, float temperature, int32_t top_k, float top_p, float min_p,
    float repeat_penalty, float frequency_penalty, float presence_penalty, int32_t penalty_last,
    uint32_t seed_low, uint32_t seed_high, const int32_t *bias_ids, const float *bias_values,
    size_t n_bias, trit_grammar *grammar, trit_sampler **out)
{
    trit_sampler_params params = {.temperature = temperature,
                                  .top_k = top_k,
                                  .top_p = top_p,
                                  .min_p = min_p,
                                  .repeat_penalty = repeat_penalty,
                                  .frequency_penalty = frequency_penalty,
                                  .presence_penalty = presence_penalty,
                                  .penalty_last = penalty_last,
                                  .seed = (uint64_t)seed_high << 32 | seed_low,
                                  .bias_ids = bias_ids,
                                  .bias_values = bias_values,
                                  .n_bias = n_bias,
                                  .grammar = grammar};
    return trit_sampler_new(model, &params, out, trit_js_fresh_error());
}

/* log_sum is a double, the one result that is no word. */
TRIT_EXPORT trit_status trit_js_logprobs(trit_session *session, size_t n_vocab, int32_t *top,
                                         size_t n_top, double *log_sum)
{
    return trit_logprobs(trit_session_logits(session), n_vocab, top, n_top, log_sum,
                         trit_js_fresh_error());
}

TRIT_EXPORT void trit_js_sampler_free(trit_sampler *sampler) { trit_sampler_free(sampler); }

TRIT_EXPORT trit_status trit_js_sampler_draw(trit_sampler *sampler, trit_session *session,
                                             const int32_t *history, size_t n_history, int32_t *id)
{
    float *logits = trit_session_logits(session);
    trit_js_fresh_error();
    return logits ? trit_sampler_draw(sampler, logits, history, n_history, id, &error) : TRIT_STATE;
}
