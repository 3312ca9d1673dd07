/* trit: the public C interface of the engine, and the only header outside code may include.
 *
 * Three nouns. A *loader* is pushed bytes and yields a model. A *model* is immutable weights and a
 * tokenizer. A *session* is one timeline of tokens: it owns the KV cache, activations and logits.
 * The engine never sees a file, a URL or a clock: bytes are pushed, time comes from a callback.
 *
 * Every function that can fail returns a trit_status; results go through out-parameters, which are
 * untouched on failure. `err` may be NULL; after a failure it holds the status and a sentence.
 * PARAM (NULL where none may be, a value out of range) and OOM are possible everywhere and are
 * named only where they need words. What a `new` makes, its `free` ends; freeing NULL is fine.
 *
 * A model must outlive its sessions. It is read by any number of threads; a loader, a session or a
 * sampler is used by one at a time. Parsing JSON uses global state: two threads must not be in the
 * loader, or in trit_model_write, at the same time. */
#ifndef TRIT_H
#define TRIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name, value (pinned for ever), what to do about it */
#define TRIT_STATUS_MAP(XX)                                                                        \
    XX(OK, 0, "no error")                                                                          \
    XX(CONTINUE, 1, "the time budget is spent; call run again")                                    \
    XX(OOM, -1, "not enough memory: use a shorter context or a smaller model")                     \
    XX(PARAM, -2, "a parameter is out of range: see the message")                                  \
    XX(STATE, -3, "the call does not fit the object's state: see the message")                     \
    XX(UNSUPPORTED, -4, "the model needs a feature this engine does not have")                     \
    XX(NUMERIC, -5, "the model computed a number that is not finite: its weights are damaged")     \
    XX(PROMPT_TOO_LONG, -6, "the tokens do not fit the context: shorten them or raise it")         \
    XX(ABORTED, -7, "the work was stopped by the caller")                                          \
    XX(NOT_A_MODEL, -20, "the file is not a model this engine reads: pack it with trit pack")      \
    XX(TRUNCATED, -21, "the file ends too early: download it again")                               \
    XX(TRAILING_BYTES, -22, "the file goes on after its last tensor: download it again")           \
    XX(BAD_HEADER, -23, "the file's header is malformed: download the file again")                 \
    XX(BAD_JSON, -24, "a JSON text in the model is malformed: download the file again")            \
    XX(BAD_CONFIG, -25, "the model's configuration is incomplete or inconsistent")                 \
    XX(BAD_TENSOR_SHAPE, -26, "a tensor's shape does not fit the configuration")                   \
    XX(BAD_TENSOR_TYPE, -27, "a tensor's data type is not the one expected")                       \
    XX(MISSING_TENSOR, -28, "a tensor that the configuration asks for is not in the file")         \
    XX(UNKNOWN_TENSOR, -29, "the file holds a tensor that the configuration does not explain")     \
    XX(BAD_CODES, -30, "a byte of ternary codes is impossible: the file is damaged")               \
    XX(BAD_SCALE, -31, "a scale is not a finite number of at least zero: the file is damaged")     \
    XX(BAD_VERSION, -32, "the packed file is of another format version: pack it again")            \
    XX(BAD_TOKENIZER, -33, "the tokenizer is malformed or of a kind this engine does not have")    \
    XX(BAD_INDEX, -34,                                                                             \
       "the index of shards is malformed or does not fit the files: get them again")               \
    XX(BAD_SESSION, -35, "the bytes are no saved session, or damaged: compute it again")           \
    XX(OTHER_SESSION, -36,                                                                         \
       "the session was saved with another model or KV type: compute it again")                    \
    XX(BAD_GRAMMAR, -37, "the grammar is malformed, too large or too ambiguous: see the message")  \
    XX(BAD_SCHEMA, -38, "the JSON schema is malformed or asks for what is not served")             \
    XX(STORAGE, -40, "the storage failed: see the message")                                        \
    XX(DB_NEWER, -41, "a newer version has stored this: reload the page, or delete the model")     \
    XX(IN_USE, -42, "the stored model is in use: close it first")                                  \
    XX(HASH, -43, "the file is not the one that its hash promises: download it again")             \
    XX(SIZE, -44, "the source has another length than it announced: download it again")            \
    XX(SOURCE_CHANGED, -45, "the source has changed: delete the stored model and load it again")

typedef int32_t trit_status;
enum {
#define XX(name, value, text) TRIT_##name = (value),
    TRIT_STATUS_MAP(XX)
#undef XX
};

/* The code's name without prefix, such as "BAD_CODES"; "UNKNOWN" for a value not in the list.
 * Static, as all names and sentences here. */
const char *trit_status_name(trit_status status);
/* The list's sentence, for when there is no trit_error. */
const char *trit_status_text(trit_status status);

typedef struct {
    trit_status status;
    uint64_t offset; /* byte offset in the input for parsers, else 0 */
    char message[200];
} trit_error;

/* ---- configuration: shape and axes (models/FORMAT.md lists the words used in files) ---- */

typedef enum {
    TRIT_SITE_QKV,
    TRIT_SITE_O,
    TRIT_SITE_GATE_UP,
    TRIT_SITE_DOWN,
    TRIT_SITE_HEAD,
    TRIT_SITE_COUNT
} trit_site;
/* 0 is "missing" on every axis, so that an axis nobody set is refused: no silent default. */
typedef enum { TRIT_NORM_NONE = 1, TRIT_NORM_RMS, TRIT_NORM_LAYERNORM } trit_norm;
typedef enum { TRIT_ROTATE_NONE = 1, TRIT_ROTATE_HADAMARD } trit_rotate;
typedef enum { TRIT_ACT_NONE = 1, TRIT_ACT_A8, TRIT_ACT_A4 } trit_act;
typedef enum {
    TRIT_WEIGHT_TERNARY = 1,
    TRIT_WEIGHT_BINARY,
    TRIT_WEIGHT_F16,
    TRIT_WEIGHT_INT8
} trit_weight;
typedef enum { TRIT_KEEP_ALL = 1, TRIT_KEEP_TOPK, TRIT_KEEP_N_OF_M } trit_keep;
typedef enum { TRIT_PLACE_PRE = 1, TRIT_PLACE_IN_LINEAR, TRIT_PLACE_POST } trit_norm_place;
typedef enum { TRIT_FFN_GLU_SILU = 1, TRIT_FFN_GLU_RELU2, TRIT_FFN_MLP_GELU } trit_ffn;
typedef enum { TRIT_ROPE_NONE = 1, TRIT_ROPE_NEOX, TRIT_ROPE_PAIRS } trit_rope;
typedef enum { TRIT_MASK_CAUSAL = 1, TRIT_MASK_FULL } trit_mask;

typedef struct {    /* what happens to x before W x, in this order */
    uint8_t norm;   /* trit_norm: SubLN at O and DOWN */
    uint8_t rotate; /* trit_rotate: BitNet v2 at O and DOWN */
    uint8_t act;    /* trit_act */
    uint8_t weight; /* trit_weight */
    uint8_t keep;   /* trit_keep */
} trit_linear_spec;

enum { TRIT_MAX_STOP = 8 };

typedef struct {
    int32_t n_layer, dim, ffn_dim, n_head, n_head_kv, head_dim, n_vocab, n_ctx;
    float norm_eps, rope_theta, residual_scale;
    uint8_t norm_place; /* trit_norm_place */
    uint8_t ffn;        /* trit_ffn */
    uint8_t rope;       /* trit_rope */
    uint8_t mask;       /* trit_mask */
    uint8_t tied_head;  /* 0 | 1 */
    uint8_t bias;       /* 0 | 1 */
    uint8_t kv_bits;    /* what the recipe was trained with: 16 = not quantised */
    uint8_t add_bos;    /* 0 | 1: prompts begin with bos_id */
    int32_t bos_id;     /* -1: none */
    int32_t stop_ids[TRIT_MAX_STOP];
    int32_t n_stop;
    char template_id[32]; /* chat template, "" = none; see trit_chat_render */
    trit_linear_spec site[TRIT_SITE_COUNT];
} trit_config;

/* OK, UNSUPPORTED (an axis value that is declared but not served yet) or BAD_CONFIG. */
trit_status trit_config_validate(const trit_config *config, trit_error *err);
/* A known shape by name: "tiny", "0.7B", "3B", "2B4T", "Llama3-8B", "Falcon3-1B", "-3B", "-7B", "-10B"; PARAM
 * when there is none of that name. */
trit_status trit_config_preset(const char *name, trit_config *config, trit_error *err);

/* ---- loader ---- */

typedef struct trit_model trit_model;
typedef struct trit_loader trit_loader;
typedef struct trit_pool trit_pool;

typedef enum { TRIT_HEAD_AS_IS = 0, TRIT_HEAD_INT8, TRIT_HEAD_F16 } trit_head;

/* Side files of a safetensors directory, handed over whole before the tensors. A packed file and a
 * GGUF file have everything inside and take none. */
typedef enum {
    TRIT_SIDE_CONFIG,
    TRIT_SIDE_TOKENIZER,
    TRIT_SIDE_TOKENIZER_CONFIG,
    TRIT_SIDE_GENERATION_CONFIG,
    TRIT_SIDE_INDEX, /* model.safetensors.index.json, when the tensors come in several files */
    TRIT_SIDE_CHAT_TEMPLATE /* chat_template.jinja */
} trit_side;

/* Measures which kernels are the fastest on this processor, for some 60 ms where there is a
 * choice; now(ctx) in milliseconds, of any step. Writes words for `kernels` below, such as "relaxed16 head=v128". PARAM when they do
 * not fit `capacity` bytes (64 are enough), OOM. */
trit_status trit_kernels_tune(double (*now)(void *ctx), void *ctx, char *choice, size_t capacity,
                              trit_error *err);

/* `kernels`: the table that weights are laid out for and sessions use, "ref", "v128", "relaxed" or
 * "relaxed16", and after it, if wanted, " head=" and another for the head. NULL = the usual best. All
 * give the same bits. PARAM when this build has none of it. */

/* `head`: what embedding and head of masters and GGUF become; INT8 or F16 for a packed file of the
 * other kind is UNSUPPORTED. AS_IS is INT8 for masters and GGUF. */
trit_status trit_loader_new(trit_loader **loader, trit_head head, const char *kernels,
                            trit_error *err);
/* How four codes share a byte of I2_S, which no file tells: of 128 numbers the four runs of 32, as x86 and all
 * published files have it; of 64 the four runs of 16, as some ARM builds write; or four rows. The wrong
 * one makes a model of noise. */
typedef enum { TRIT_I2_S_128, TRIT_I2_S_64, TRIT_I2_S_ROWS } trit_i2_s;
/* Before the first push (else STATE); without it TRIT_I2_S_128. */
trit_status trit_loader_i2_s(trit_loader *loader, trit_i2_s layout, trit_error *err);
/* Threads that expand the weights, before the first push (else STATE); the pool must outlive the
 * loader. */
trit_status trit_loader_pool(trit_loader *loader, trit_pool *pool, trit_error *err);
/* TRIT_SIDE_CONFIG comes first, the others in any order, all before the first push (else STATE).
 * The text is not kept. BAD_JSON, BAD_CONFIG, BAD_TOKENIZER, BAD_INDEX, UNSUPPORTED. */
trit_status trit_loader_side(trit_loader *loader, trit_side side, const char *text, size_t n_bytes,
                             trit_error *err);
/* What is pushed next is the file of this name: with TRIT_SIDE_INDEX one of the index, each of them once, in
 * any order; without, a part of a GGUF file, each in its turn. TRUNCATED (the one before), BAD_INDEX,
 * STATE; then as after a failure of push. */
trit_status trit_loader_shard(trit_loader *loader, const char *name, trit_error *err);
/* The next n_bytes of the file, in order, any split. The bytes are not kept. After a failure (any
 * status of the list) every further call is STATE. */
trit_status trit_loader_push(trit_loader *loader, const uint8_t *bytes, size_t n_bytes,
                             trit_error *err);
/* After the last byte: checks that nothing is missing and hands the model over. TRUNCATED,
 * MISSING_TENSOR (a shard or a part), BAD_TOKENIZER, STATE. */
trit_status trit_loader_finish(trit_loader *loader, trit_model **model, trit_error *err);
void trit_loader_free(trit_loader *loader); /* also after finish */
/* What is being pushed, as soon as its header tells. */
typedef enum { TRIT_CONTAINER_UNKNOWN, TRIT_CONTAINER_PACKED, TRIT_CONTAINER_OTHER } trit_container;
trit_container trit_loader_container(const trit_loader *loader);
/* Before the first push (else STATE): only the header is wanted, to know what a model needs before it is there. No
 * memory is taken for weights, what follows the header is not looked at, safetensors need config.json alone, and
 * finish fails. */
trit_status trit_loader_plan_only(trit_loader *loader, trit_error *err);
/* The model that is being loaded, as soon as its header is there, else NULL: its configuration, card, and the bytes of
 * it and of its sessions. Owned by the loader until it is handed over. */
const trit_model *trit_loader_model(const trit_loader *loader);
/* Memory that the loader takes beside the model, when its header is there. */
size_t trit_loader_bytes(const trit_loader *loader);
void trit_model_free(trit_model *model);

const trit_config *trit_model_config(const trit_model *model); /* owned by the model */
size_t trit_model_bytes(const trit_model *model);              /* memory of the weights */
/* Whether the file had I2_S, so that the text it makes must tell if the layout was right. */
bool trit_model_is_i2_s(const trit_model *model);

/* How the weights of a model without training are drawn. */
typedef struct {
    uint64_t seed;
    float zeros; /* share of the ternary weights that are 0, in 0 ... 1 */
    /* Share of the FFN gate's outputs that squared ReLU makes 0, in 0.5 ... 0.99, by a bias in the
     * stream that every row of the gate takes off; 0 = no bias, which makes it about a half. */
    float gate_zeros;
} trit_synthetic;
/* A model of this shape with pseudo-random weights, for benchmarks and tests. With more than 256
 * ids it has a tokenizer of one token a byte, and can be packed. As trit_config_validate; PARAM for
 * shares out of range, or zeros behind a gate without squared ReLU and norms before o and down. */
trit_status trit_model_synthetic(const trit_config *config, const trit_synthetic *how,
                                 const char *kernels, trit_model **model, trit_error *err);

/* ---- packed file (models/FORMAT.md) ---- */

/* Receives the file's bytes in order; returns 0, or another value to stop (status ABORTED). */
typedef int trit_sink(void *ctx, const uint8_t *bytes, size_t n_bytes);
/* `card` is a JSON object's text (provenance, licence, sampling settings) of at most 64 KiB; NULL
 * keeps the model's own. ABORTED, BAD_JSON, STATE (a model without a tokenizer), UNSUPPORTED. */
trit_status trit_model_write(const trit_model *model, const char *card, trit_sink *sink, void *ctx,
                             trit_error *err);
/* The same file, to be read from any place. The model must outlive the packer. As trit_model_write, and
 * *n_bytes is the file's length. */
typedef struct trit_packer trit_packer;
trit_status trit_packer_new(const trit_model *model, const char *card, trit_packer **packer,
                            uint64_t *n_bytes, trit_error *err);
/* The bytes from `offset` on. PARAM behind the end. Allocates nothing. */
trit_status trit_packer_read(trit_packer *packer, uint64_t offset, uint8_t *bytes, size_t n_bytes,
                             trit_error *err);
void trit_packer_free(trit_packer *packer);

/* ---- importing: the packed file while its source, one file of another container, is still being loaded ---- */

typedef struct {
    uint64_t begin, end;
} trit_range;
/* What the source's bytes up to `source_end` make of the packed file; ranges may be empty. */
typedef struct {
    uint64_t source_end;
    trit_range made[3];
} trit_piece;

/* The packed file that finishing will make, as soon as the source's header has been taken. The loader must outlive
 * the packer. STATE before; UNSUPPORTED for packed files, and for models in several files, which are packed when
 * they are finished. */
trit_status trit_loader_packer(const trit_loader *loader, trit_packer **packer, uint64_t *n_bytes,
                               trit_error *err);
/* Where the units of the packed file end: as many of a layer's tensors as fit into `most` bytes, a matrix with its
 * scale, or so many rows of an embedding; what is longer alone is cut. Each is known when the pieces of the source
 * that make it have been taken. Writes at most `capacity` of them and returns how many there are. */
size_t trit_packer_units(const trit_packer *packer, uint32_t most, uint64_t *ends, size_t capacity);
/* Whether the loader has taken all that [begin, end) of the packed file is made of. */
bool trit_packer_has(const trit_packer *packer, uint64_t begin, uint64_t end);
/* The piece that begins at `from`, which is 0 or another's end: the header, a tensor or rows of it; `most` as
 * above. False at the end of the source. */
bool trit_packer_piece(const trit_packer *packer, uint32_t most, uint64_t from, trit_piece *piece);
/* What is pushed next begins there, the beginning of a piece behind the header. What is left out is not known, and
 * the model of such a loader not whole. PARAM, STATE. */
trit_status trit_loader_seek(trit_loader *loader, uint64_t offset, trit_error *err);
/* The model in a container of others. Each that is loaded again, with the head that the model has, gives the
 * same packed file. GGUF is one file; safetensors, packed as Hugging Face does, are a folder's
 * model.safetensors, config.json, tokenizer.json and tokenizer_config.json. */
typedef enum {
    TRIT_EXPORT_TQ2_0 = 1, /* GGUF */
    TRIT_EXPORT_I2_S,      /* GGUF */
    TRIT_EXPORT_SAFETENSORS,
    TRIT_EXPORT_CONFIG,
    TRIT_EXPORT_TOKENIZER,
    TRIT_EXPORT_TOKENIZER_CONFIG
} trit_export;
/* UNSUPPORTED, before the first byte, for what the container cannot hold of this model. ABORTED, STATE. */
trit_status trit_model_export(const trit_model *model, trit_export what, trit_sink *sink, void *ctx,
                              trit_error *err);
/* The card of a packed model, "" when there is none. Owned by the model. */
const char *trit_model_card(const trit_model *model);

/* ---- tokenizer ---- */

#define TRIT_TOKENIZE_BOS 1u     /* put the beginning-of-sequence id first */
#define TRIT_TOKENIZE_SPECIAL 2u /* read special tokens; without it all text stays text */

/* ids [capacity] of `text`, of which *n_ids are written. With too little room it is PARAM, `ids` is
 * left alone and *n_ids is the number needed. Without BOS no text has more ids than bytes; of a
 * tokenizer that puts a space first, than twice the bytes. STATE when the model has no tokenizer.
 * Scratch memory comes from malloc: not part of the hot path. */
trit_status trit_tokenize(const trit_model *model, const char *text, size_t n_bytes, uint32_t flags,
                          int32_t *ids, size_t capacity, size_t *n_ids, trit_error *err);
/* As trit_tokenize with TRIT_TOKENIZE_SPECIAL, for a text that a program and people have written: part i
 * ends at ends[i]. Special tokens are read in the parts 0, 2, 4 …, each by itself; what people wrote, the
 * parts 1, 3, 5 …, stays text. */
trit_status trit_tokenize_parts(const trit_model *model, const char *text, const uint32_t *ends,
                                size_t n_parts, int32_t *ids, size_t capacity, size_t *n_ids,
                                trit_error *err);
/* Whether the tokenizer puts a space before a text: the bytes of its first token then begin with it. */
bool trit_model_space_first(const trit_model *model);
/* The bytes of one token, owned by the model; special tokens give their text and *special = true.
 * STATE when the model has no tokenizer. */
trit_status trit_token_bytes(const trit_model *model, int32_t id, const uint8_t **bytes,
                             size_t *n_bytes, bool *special);

/* Joins token bytes to whole code points. Zero-initialise. Bytes that can never become UTF-8 come
 * out as U+FFFD, one for each maximal subpart (Unicode 15, section 3.9). */
typedef struct {
    uint8_t pending[4];
    uint8_t n_pending;
} trit_utf8;
/* Appends at most 3 * (n_bytes + 4) bytes to out; returns how many. n_bytes 0 flushes the rest. */
size_t trit_utf8_push(trit_utf8 *state, const uint8_t *bytes, size_t n_bytes, uint8_t *out);

typedef struct {
    const char *role; /* "system", "user" or "assistant" */
    const char *text;
    size_t n_bytes;
} trit_message;
/* ids of a conversation by the model's template, with the opening of the assistant's answer. Text
 * in messages can never become a special token. Same rules for capacity as trit_tokenize. STATE
 * when the model has no tokenizer or no template, UNSUPPORTED for a template this engine does not
 * know. */
trit_status trit_chat_render(const trit_model *model, const trit_message *messages,
                             size_t n_messages, int32_t *ids, size_t capacity, size_t *n_ids,
                             trit_error *err);
/* The text of a chat template that the engine does not render itself (Jinja), "" when there is none. Whoever
 * renders it hands the outcome to trit_tokenize_parts. Owned by the model. */
const char *trit_model_template(const trit_model *model);
/* Another template: the id of one that is rendered here, or Jinja of at most 256 KiB. PARAM, OOM. */
trit_status trit_model_set_template(trit_model *model, const char *text, trit_error *err);

/* ---- threads ---- */

/* A pool of n_threads in all (the caller is one of them), 1 ... 64. It must outlive the loaders
 * and sessions that use it, and only one of them may run at a time. UNSUPPORTED for more than 1 in a build
 * without threads. */
trit_status trit_pool_new(trit_pool **pool, int n_threads, trit_error *err);
void trit_pool_free(trit_pool *pool);

/* ---- session ---- */

typedef struct trit_session trit_session;
typedef enum { TRIT_KV_F32 = 1, TRIT_KV_F16, TRIT_KV_INT8 } trit_kv;

typedef struct {
    int32_t n_ctx;   /* tokens the KV cache holds, 1 ... the model's n_ctx */
    int32_t n_slice; /* tokens of a prefill that are computed together, 1 ... 256 */
    trit_kv kv;
    trit_pool *pool; /* NULL = one thread */
    bool dense;      /* compute what is multiplied by 0 as well: the same bits, more work */
} trit_session_params;

/* Bytes that trit_session_new will take. Both are PARAM for params out of range. */
trit_status trit_session_bytes(const trit_model *model, const trit_session_params *params,
                               size_t *n_bytes, trit_error *err);
trit_status trit_session_new(const trit_model *model, const trit_session_params *params,
                             trit_session **session, trit_error *err);
void trit_session_free(trit_session *session);

/* Makes the timeline equal to ids[0..n): keeps the longest common prefix that is already computed,
 * drops the rest, and queues what is new (at least the last token, so that logits are its own).
 * *n_reused may be NULL. PROMPT_TOO_LONG, PARAM (no ids, or one outside the vocabulary). */
trit_status trit_session_sync(trit_session *session, const int32_t *ids, size_t n_ids,
                              size_t *n_reused, trit_error *err);
/* Queues one more token: the decode step. PROMPT_TOO_LONG when the context is full, STATE while a
 * run is unfinished, PARAM for an id outside the vocabulary. */
trit_status trit_session_append(trit_session *session, int32_t id, trit_error *err);
/* Computes what is queued, half a layer at a time, until done (OK) or until now(ctx), in milliseconds, has
 * moved on by budget_ms (CONTINUE: call again). now == NULL: no budget. Allocates nothing. NUMERIC:
 * the tokens of the slice wait again. */
trit_status trit_session_run(trit_session *session, double (*now)(void *ctx), void *ctx,
                             double budget_ms, trit_error *err);
/* Drops tokens from the end until n are left. Logits are gone until more is queued and run. PARAM
 * when there are fewer than n. */
trit_status trit_session_rewind(trit_session *session, size_t n, trit_error *err);
size_t trit_session_length(const trit_session *session); /* tokens computed or queued */
/* float32 [n_vocab] after the last token; NULL before a run is done. Owned by the session, which
 * does not read them: a sampler may write into them. */
float *trit_session_logits(trit_session *session);
/* Their ids, owned by the session; valid until its next call. */
const int32_t *trit_session_ids(const trit_session *session);
/* Asks for the logits of every queued position: fn is called once for each, in order, during run;
 * NULL ends that. `logits` [n_vocab] are valid during the call, which must not use the session. */
void trit_session_each_logits(trit_session *session,
                              void (*fn)(void *ctx, size_t position, const float *logits),
                              void *ctx);

/* For checks against a reference: called with the integers q [n] and the scale (x * scale = q) that
 * enter a linear site. Valid during the call. The head is not reported. NULL ends it. */
typedef void trit_trace(void *ctx, int layer, trit_site site, size_t position, const int8_t *q,
                        int n, float scale);
void trit_session_trace(trit_session *session, trit_trace *fn, void *ctx);

/* What the session has computed as bytes: tokens, keys and values, their type, and a fingerprint of the model. What
 * waits is not among them. Any session of the same model and KV type can go on there, with the same bits, whatever
 * its kernels, threads, slice and context. ABORTED, OOM. */
trit_status trit_session_save(trit_session *session, trit_sink *sink, void *ctx, trit_error *err);
/* Takes such bytes: begin, then push in order, any split, then finish. From begin on the session has no tokens;
 * after finish has succeeded it has those that were saved, and no logits (sync queues the last token). Whatever
 * else changes the timeline ends the taking, and so does a failure: then push and finish are STATE.
 * BAD_SESSION, BAD_VERSION, OTHER_SESSION, PROMPT_TOO_LONG, OOM. Only finish knows of damage to the
 * numbers. */
trit_status trit_session_load_begin(trit_session *session, trit_error *err);
trit_status trit_session_load_push(trit_session *session, const uint8_t *bytes, size_t n_bytes,
                                   trit_error *err);
trit_status trit_session_load_finish(trit_session *session, trit_error *err);

/* ---- grammars: which tokens may follow ---- */

/* A grammar and where a text stands in it. The model must outlive it; one thread at a time uses it. */
typedef struct trit_grammar trit_grammar;

/* A grammar in GBNF, the notation of llama.cpp, that begins with the rule `root`; <tokens> are not read. Left
 * recursion, what never ends, more than 1 MiB of text and more than 262,144 instructions are refused. The first grammar of
 * a model sorts its vocabulary: no other may be made at the same time. BAD_GRAMMAR, with the offset; STATE when the
 * model has no tokenizer. */
trit_status trit_grammar_new(trit_model *model, const char *text, size_t n_bytes,
                             trit_grammar **grammar, trit_error *err);
/* JSON that a schema of JSON Schema (2020-12) allows; `true` allows any. What it lets through is valid; what of the
 * schema a grammar does not hold is refused by name. BAD_SCHEMA, STATE. */
trit_status trit_grammar_schema(trit_model *model, const char *json, size_t n_bytes,
                                trit_grammar **grammar, trit_error *err);
void trit_grammar_free(trit_grammar *grammar);
/* Sets the logits [n_vocab] of all tokens that may not follow to minus infinity. A token may when the text with its bytes is
 * the beginning of a text of the grammar, or whole; special tokens may not, but those that stop may where the text is
 * whole. BAD_GRAMMAR when that takes too much work or memory. */
trit_status trit_grammar_mask(trit_grammar *grammar, float *logits, trit_error *err);
/* The text goes on with this token; one that stops leaves it as it is. PARAM for one that may not follow. */
trit_status trit_grammar_take(trit_grammar *grammar, int32_t id, trit_error *err);
/* Whether the text is whole and nothing can follow. */
bool trit_grammar_ended(const trit_grammar *grammar);

/* ---- sampler ---- */

/* Order: the grammar's mask, repetition, frequency and presence penalties, logit bias, (temperature 0: the largest
 * logit, lowest id first, ends here), temperature, top-k, top-p, min-p, draw. */
typedef struct {
    float temperature;    /* 0 = greedy, to 100 */
    int32_t top_k;        /* 0 = off */
    float top_p;          /* (0, 1], 1 = off */
    float min_p;          /* [0, 1], 0 = off */
    float repeat_penalty; /* 0.01 ... 100, 1 = off; divides positive logits, multiplies others */
    float frequency_penalty, presence_penalty; /* 0 = off, -100 ... 100 */
    int32_t penalty_last; /* how many last tokens the penalties look at, -1 = all */
    uint64_t seed;
    const int32_t *bias_ids; /* n_bias pairs; -INFINITY forbids a token */
    const float *bias_values;
    size_t n_bias;
    trit_grammar *
        grammar; /* what is drawn follows it, and is taken by it; NULL = none. Must outlive the sampler */
} trit_sampler_params;

typedef struct trit_sampler trit_sampler;
trit_sampler_params trit_sampler_defaults(void);
/* PARAM names the value that is out of range. The bias is copied. */
trit_status trit_sampler_new(const trit_model *model, const trit_sampler_params *params,
                             trit_sampler **sampler, trit_error *err);
void trit_sampler_free(trit_sampler *sampler);
/* What the model itself makes of the next token, before any parameter of a sampler: the log-probability of an id is
 * its logit less *log_sum. top [n_top], at most TRIT_MAX_LOGPROBS: the likeliest ids, likeliest first, of
 * equals the lowest. NUMERIC for a logit that is NaN or +inf, and when all are -inf. */
enum { TRIT_MAX_LOGPROBS = 20 };
trit_status trit_logprobs(const float *logits, size_t n_vocab, int32_t *top, size_t n_top,
                          double *log_sum, trit_error *err);
/* Draws the next id. logits [n_vocab] are overwritten; history [n_history] are the tokens so far.
 * PARAM when no token is left to choose, NUMERIC for a logit that is NaN or +inf. Allocates nothing but
 * for a grammar; BAD_GRAMMAR. */
trit_status trit_sampler_draw(trit_sampler *sampler, float *logits, const int32_t *history,
                              size_t n_history, int32_t *id, trit_error *err);

/* ---- SHA-256 (FIPS 180-4), for files and records ---- */

typedef struct {
    uint32_t state[8];
    uint64_t n_bytes;
    uint8_t block[64];
} trit_sha256;
void trit_sha256_begin(trit_sha256 *sha);
void trit_sha256_push(trit_sha256 *sha, const void *bytes, size_t n_bytes);
void trit_sha256_end(trit_sha256 *sha, uint8_t digest[32]);

#endif
