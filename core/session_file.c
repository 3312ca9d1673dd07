/* Saved sessions: a header, the tokens, keys and values of each layer and KV head, and a hash of all that.
 *
 *   "TRITSESS"  u32 version  u32 KV type (trit_kv)  u64 fingerprint of the model  u32 tokens  u32 0
 *   i32 [tokens] ids
 *   for each layer, for each KV head:  keys [tokens][head_dim]  values [tokens][head_dim]
 *                       of int8 also:  f32 [tokens] scales of keys  f32 [tokens] of values
 *   u64 hash
 *
 * Little-endian. One list of pieces serves both ways, so that they cannot disagree. */
#include "hash.h"
#include "out.h"
#include "session.h"

enum { VERSION = 1, AT_VERSION = 8, AT_KV = 12, AT_MODEL = 16, AT_TOKENS = 24, AT_ZERO = 28 };
enum { PIECE_HEADER, PIECE_TOKENS, PIECE_FIRST_HEAD };

static const char magic[8] = {'T', 'R', 'I', 'T', 'S', 'E', 'S', 'S'};

typedef struct {
    void *bytes;
    size_t n; /* a multiple of 4 */
} piece;

static size_t element_bytes(trit_kv kv)
{
    return kv == TRIT_KV_F32 ? 4 : kv == TRIT_KV_F16 ? 2 : 1;
}

static int arrays_a_head(const trit_session *s) { return s->params.kv == TRIT_KV_INT8 ? 4 : 2; }

/* The last piece: the hash of those before. */
static int piece_end(const trit_session *s)
{
    const trit_config *c = &s->model->config;
    return PIECE_FIRST_HEAD + c->n_layer * c->n_head_kv * arrays_a_head(s);
}

static piece piece_at(trit_session *s, int i, size_t n_tokens)
{
    if (i == PIECE_HEADER) return (piece){s->reader.header, sizeof s->reader.header};
    if (i == PIECE_TOKENS) return (piece){s->tokens, n_tokens * sizeof *s->tokens};
    if (i == piece_end(s)) return (piece){s->reader.end, sizeof s->reader.end};
    i -= PIECE_FIRST_HEAD;
    size_t head = (size_t)(i / arrays_a_head(s)), row = head * (size_t)s->params.n_ctx,
           row_bytes = (size_t)s->model->config.head_dim * element_bytes(s->params.kv);
    switch (i % arrays_a_head(s)) {
    case 0: return (piece){(uint8_t *)s->k + row * row_bytes, n_tokens * row_bytes};
    case 1: return (piece){(uint8_t *)s->v + row * row_bytes, n_tokens * row_bytes};
    case 2: return (piece){s->k_scale + row, n_tokens * sizeof *s->k_scale};
    default: return (piece){s->v_scale + row, n_tokens * sizeof *s->v_scale};
    }
}

/* The sample of the model is read once for each session: one that waits for its turn is saved and loaded often. */
static trit_status find_fingerprint(trit_session *s, trit_error *err)
{
    if (!s->has_fingerprint) TRIT_TRY(tritx_model_fingerprint(s->model, &s->fingerprint, err));
    s->has_fingerprint = true;
    return TRIT_OK;
}

static void fill_header(trit_session *s)
{
    uint8_t *h = s->reader.header;
    memcpy(h, magic, sizeof magic);
    tritx_store_u32(h + AT_VERSION, VERSION);
    tritx_store_u32(h + AT_KV, (uint32_t)s->params.kv);
    tritx_store_u32(h + AT_MODEL, (uint32_t)s->fingerprint);
    tritx_store_u32(h + AT_MODEL + 4, (uint32_t)(s->fingerprint >> 32));
    tritx_store_u32(h + AT_TOKENS, (uint32_t)s->n_done);
    tritx_store_u32(h + AT_ZERO, 0);
}

trit_status trit_session_save(trit_session *s, trit_sink *sink, void *ctx, trit_error *err)
{
    tritx_out out;
    uint64_t hash = TRITX_HASH_BEGIN;
    if (!s || !sink) return tritx_fail(err, TRIT_PARAM, 0, "save: NULL argument");
    s->reader.active = false;
    TRIT_TRY(find_fingerprint(s, err));
    fill_header(s);
    TRIT_TRY(tritx_out_begin(&out, sink, ctx, err));
    for (int i = 0; i < piece_end(s); i++) {
        piece p = piece_at(s, i, s->n_done);
        hash = tritx_hash(hash, p.bytes, p.n);
        tritx_out_bytes(&out, p.bytes, p.n);
    }
    tritx_out_u64(&out, hash);
    trit_status status = tritx_out_flush(&out);
    tritx_out_end(&out);
    return status;
}

trit_status trit_session_load_begin(trit_session *s, trit_error *err)
{
    TRIT_TRY(trit_session_rewind(s, 0, err));
    TRIT_TRY(find_fingerprint(s, err));
    s->reader = (tritx_session_reader){.active = true, .hash = TRITX_HASH_BEGIN};
    return TRIT_OK;
}

static trit_status check_header(trit_session *s, trit_error *err)
{
    const uint8_t *h = s->reader.header;
    size_t n_tokens = tritx_load_u32(h + AT_TOKENS);
    if (memcmp(h, magic, sizeof magic) != 0)
        return tritx_fail(err, TRIT_BAD_SESSION, 0, "the bytes are no saved session");
    if (tritx_load_u32(h + AT_VERSION) != VERSION)
        return tritx_fail(err, TRIT_BAD_VERSION, AT_VERSION,
                          "the session was saved in version %u of the format, this engine reads %d",
                          (unsigned)tritx_load_u32(h + AT_VERSION), VERSION);
    if (tritx_load_u64(h + AT_MODEL) != s->fingerprint)
        return tritx_fail(err, TRIT_OTHER_SESSION, AT_MODEL,
                          "the session was saved with another model");
    if (tritx_load_u32(h + AT_KV) != (uint32_t)s->params.kv)
        return tritx_fail(err, TRIT_OTHER_SESSION, AT_KV,
                          "the session was saved with another KV type");
    if (tritx_load_u32(h + AT_ZERO) != 0)
        return tritx_fail(err, TRIT_BAD_SESSION, AT_ZERO, "the session's header is malformed");
    if (n_tokens > (size_t)s->params.n_ctx)
        return tritx_fail(err, TRIT_PROMPT_TOO_LONG, AT_TOKENS,
                          "the session's %zu tokens do not fit the context of %d", n_tokens,
                          (int)s->params.n_ctx);
    s->reader.n_tokens = n_tokens;
    return TRIT_OK;
}

static trit_status check_tokens(const trit_session *s, trit_error *err)
{
    for (size_t i = 0; i < s->reader.n_tokens; i++)
        if (s->tokens[i] < 0 || s->tokens[i] >= s->model->config.n_vocab)
            return tritx_fail(err, TRIT_BAD_SESSION, 0,
                              "token %zu of the session is not in the vocabulary", i);
    return TRIT_OK;
}

static trit_status check_hash(const trit_session *s, trit_error *err)
{
    if (tritx_load_u64(s->reader.end) == s->reader.hash) return TRIT_OK;
    return tritx_fail(err, TRIT_BAD_SESSION, 0, "the saved session is damaged: its hash differs");
}

static trit_status check_piece(trit_session *s, trit_error *err)
{
    if (s->reader.piece == PIECE_HEADER) return check_header(s, err);
    if (s->reader.piece == PIECE_TOKENS) return check_tokens(s, err);
    return s->reader.piece == piece_end(s) ? check_hash(s, err) : TRIT_OK;
}

/* Fills the pieces until the bytes are used up. */
static trit_status take(trit_session *s, const uint8_t *bytes, size_t n_bytes, trit_error *err)
{
    tritx_session_reader *r = &s->reader;
    while (r->piece <= piece_end(s)) {
        piece p = piece_at(s, r->piece, r->n_tokens);
        size_t room = p.n - r->filled, n = n_bytes < room ? n_bytes : room;
        if (n) memcpy((uint8_t *)p.bytes + r->filled, bytes, n);
        r->filled += n;
        bytes += n;
        n_bytes -= n;
        if (r->filled < p.n) return TRIT_OK;
        TRIT_TRY(check_piece(s, err));
        r->hash = tritx_hash(r->hash, p.bytes, p.n);
        r->piece++;
        r->filled = 0;
    }
    return n_bytes ? tritx_fail(err, TRIT_BAD_SESSION, 0, "bytes follow the saved session")
                   : TRIT_OK;
}

trit_status trit_session_load_push(trit_session *s, const uint8_t *bytes, size_t n_bytes,
                                   trit_error *err)
{
    if (!s || (!bytes && n_bytes)) return tritx_fail(err, TRIT_PARAM, 0, "load: NULL argument");
    if (!s->reader.active)
        return tritx_fail(err, TRIT_STATE, 0, "no saved session is being loaded: begin first");
    trit_status status = n_bytes ? take(s, bytes, n_bytes, err) : TRIT_OK;
    if (status != TRIT_OK) s->reader.active = false;
    return status;
}

trit_status trit_session_load_finish(trit_session *s, trit_error *err)
{
    if (!s || !s->reader.active)
        return tritx_fail(err, TRIT_STATE, 0, "no saved session is being loaded: begin first");
    s->reader.active = false;
    if (s->reader.piece <= piece_end(s))
        return tritx_fail(err, TRIT_BAD_SESSION, 0, "the saved session ends too early");
    s->n_done = s->n_queued = s->reader.n_tokens;
    return TRIT_OK;
}
