/* A model: weights in one arena, immutable after load. */
#ifndef TRIT_MODEL_H
#define TRIT_MODEL_H

#include "base.h"
#include "kernels.h"
#include "tokenizer.h"
#include "vocabulary.h"

typedef struct { /* a ternary matrix in the layout of the model's kernels */
    uint8_t *codes;
    float *scale; /* [1] mean |W| */
    int32_t rows, cols;
} tritx_ternary;

typedef struct {   /* embedding or head: one of i8 (with scale and sum) and f16 */
    int8_t *i8;    /* i8 layout (kernels.h) */
    float *scale;  /* [rows] */
    int32_t *sum;  /* [rows] */
    uint16_t *f16; /* [rows][cols] */
    int32_t rows, cols;
} tritx_rows;

typedef struct {
    float *attn_norm;     /* [dim] */
    float *attn_sub_norm; /* [n_head * head_dim] or NULL */
    float *ffn_norm;      /* [dim] */
    float *ffn_sub_norm;  /* [ffn_dim] or NULL */
    tritx_ternary q, k, v, o, gate, up, down;
} tritx_layer;

struct trit_model {
    trit_config config;
    trit_kernels kernels; /* what the weights are laid out for */
    tritx_layer *layers;  /* [n_layer] */
    tritx_rows embed, head;
    float *norm;                 /* [dim] */
    tritx_tokenizer *tokenizer;  /* NULL for a synthetic model of at most 256 ids */
    tritx_vocabulary vocabulary; /* empty until a grammar needs it */
    char *card;
    char *chat_template; /* Jinja, with the template id "jinja"; else NULL */
    uint8_t *arena;
    size_t n_bytes; /* of arena and layers */
    bool is_i2_s;   /* of the file that it was read from */
};

/* The card travels under it in a GGUF file's keys and in the metadata of safetensors. */
#define TRITX_CARD_KEY "trit.card"

/* What a tensor of a file can be. Order: as in the packed file. */
typedef enum {
    TRIT_SLOT_TOKENIZER_ENDS,
    TRIT_SLOT_TOKENIZER_BYTES,
    TRIT_SLOT_TOKENIZER_SPECIAL,
    TRIT_SLOT_TOKENIZER_MERGES,
    TRIT_SLOT_TOKENIZER_FLAGS,
    TRIT_SLOT_EMBED,
    TRIT_SLOT_EMBED_SCALE,
    TRIT_SLOT_EMBED_SUM,
    TRIT_SLOT_ATTN_NORM,
    TRIT_SLOT_Q,
    TRIT_SLOT_Q_SCALE,
    TRIT_SLOT_K,
    TRIT_SLOT_K_SCALE,
    TRIT_SLOT_V,
    TRIT_SLOT_V_SCALE,
    TRIT_SLOT_ATTN_SUB_NORM,
    TRIT_SLOT_O,
    TRIT_SLOT_O_SCALE,
    TRIT_SLOT_FFN_NORM,
    TRIT_SLOT_GATE,
    TRIT_SLOT_GATE_SCALE,
    TRIT_SLOT_UP,
    TRIT_SLOT_UP_SCALE,
    TRIT_SLOT_FFN_SUB_NORM,
    TRIT_SLOT_DOWN,
    TRIT_SLOT_DOWN_SCALE,
    TRIT_SLOT_NORM,
    TRIT_SLOT_HEAD,
    TRIT_SLOT_HEAD_SCALE,
    TRIT_SLOT_HEAD_SUM,
    TRIT_SLOT_COUNT,
    TRIT_SLOT_LAYER_FIRST = TRIT_SLOT_ATTN_NORM,
    TRIT_SLOT_LAYER_LAST = TRIT_SLOT_DOWN_SCALE
} tritx_slot;

static inline bool tritx_slot_in_layer(tritx_slot slot)
{
    return slot >= TRIT_SLOT_LAYER_FIRST && slot <= TRIT_SLOT_LAYER_LAST;
}

/* A model of this configuration, of which only the shape may be asked: pointers to weights are NULL where it
 * has none, and lead nowhere. kernels as in trit.h. As trit_config_validate; OOM, PARAM. */
trit_status tritx_model_plan(const trit_config *config, const char *kernels, trit_model **model,
                             trit_error *err);
/* Allocates the arena of a planned model and points every weight into it. OOM. */
trit_status tritx_model_allocate(trit_model *model, trit_error *err);
/* Both. */
trit_status tritx_model_new(const trit_config *config, const char *kernels, trit_model **model,
                            trit_error *err);

/* The ternary matrix of slot Q, K, V, O, GATE, UP or DOWN; NULL for other slots. */
tritx_ternary *tritx_model_ternary(trit_model *model, tritx_slot slot, int layer);
/* The float vector of a norm or scale slot and its length; NULL when this model has none. */
float *tritx_model_floats(trit_model *model, tritx_slot slot, int layer, size_t *n);
/* EMBED or HEAD; NULL when this model has none (a tied head). */
tritx_rows *tritx_model_rows(trit_model *model, tritx_slot slot);
/* The rows that make logits: the embedding when tied. */
const tritx_rows *tritx_model_head(const trit_model *model);

/* fingerprint.c: a number that no other trained model has, whatever it was loaded from and is laid out for. OOM. */
trit_status tritx_model_fingerprint(const trit_model *model, uint64_t *fingerprint,
                                    trit_error *err);

/* names.c: which slot a tensor's name means, in the packed file, in one of Hugging Face or in GGUF;
 * false when the name means nothing. Layer is 0 outside layers. */
bool tritx_name_packed(const char *name, tritx_slot *slot, int *layer);
bool tritx_name_hf(const char *name, tritx_slot *slot, int *layer);
bool tritx_name_gguf(const char *name, tritx_slot *slot, int *layer);
/* The name of a slot that the container has. */
void tritx_name_write(tritx_slot slot, int layer, char *out, size_t capacity);
void tritx_name_write_hf(tritx_slot slot, int layer, char *out, size_t capacity);
void tritx_name_write_gguf(tritx_slot slot, int layer, char *out, size_t capacity);

#endif
