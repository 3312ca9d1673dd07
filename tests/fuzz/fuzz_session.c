/* Saved sessions: a good one with a few places changed and its hash put right, or any bytes. A refusal with a
 * name, or a session that goes on: with numbers that are not finite it may say so. */
#include "hash.h"
#include "input.h"

enum { N_CTX = 6, N_SAVED = 4 };

static trit_session *open_session(const trit_model *model, trit_kv kv)
{
    trit_session *s = NULL;
    trit_session_params p = {.n_ctx = N_CTX, .n_slice = 2, .kv = kv};
    if (trit_session_new(model, &p, &s, NULL) != TRIT_OK) abort();
    return s;
}

static buffer save_good(trit_session *s)
{
    buffer good = {0};
    int32_t ids[N_SAVED] = {1, 2, 3, 4};
    if (trit_session_sync(s, ids, N_SAVED, NULL, NULL) != TRIT_OK ||
        trit_session_run(s, NULL, NULL, 0, NULL) != TRIT_OK ||
        trit_session_save(s, append, &good, NULL) != TRIT_OK)
        abort();
    return good;
}

static trit_status load_session(trit_session *s, const buffer *file, size_t piece)
{
    trit_error err = {0};
    trit_status status = trit_session_load_begin(s, &err);
    for (size_t at = 0; status == TRIT_OK && at < file->n; at += piece)
        status = trit_session_load_push(s, file->bytes + at,
                                        file->n - at < piece ? file->n - at : piece, &err);
    if (status == TRIT_OK) status = trit_session_load_finish(s, &err);
    return checked(status, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static trit_session *sessions[3];
    static buffer good[3];
    static trit_model *model;
    trit_config c;
    if (!model) {
        if (trit_config_preset("tiny", &c, NULL) != TRIT_OK) abort();
        c.n_layer = 1, c.n_vocab = 40;
        if (trit_model_synthetic(&c, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model,
                                 NULL) != TRIT_OK)
            abort();
        for (int i = 0; i < 3; i++) {
            sessions[i] = open_session(model, (trit_kv)(TRIT_KV_F32 + i));
            good[i] = save_good(sessions[i]);
        }
    }
    input in = {data, n};
    int kv = (int)(take(&in, 1) % 3);
    size_t piece = piece_of(take(&in, 1));
    bool mend = take(&in, 1) % 4 != 0;
    trit_session *s = sessions[kv];
    buffer file = take_file(&in, &good[kv], 48);
    if (mend && file.n > 8) {
        uint64_t hash = tritx_hash(TRITX_HASH_BEGIN, file.bytes, file.n - 8);
        memcpy(file.bytes + file.n - 8, &hash, sizeof hash);
    }
    if (load_session(s, &file, piece) == TRIT_OK) {
        size_t length = trit_session_length(s);
        if (length > N_CTX) abort();
        if (length < N_CTX) {
            trit_error err = {0};
            if (trit_session_append(s, 5, &err) != TRIT_OK) abort();
            trit_status status = checked(trit_session_run(s, NULL, NULL, 0, &err), &err);
            if (status != TRIT_OK && status != TRIT_NUMERIC) abort();
        }
    } else if (trit_session_length(s)) abort();
    free(file.bytes);
    return 0;
}
