/* The inside of a loader, shared by loader.c (the state machine), loader_index.c and loader_parts.c
 * (models in several files), import.c (where it stands in the source), loader_plan.c (what each tensor must look like), loader_rows.c (what becomes of its bytes) and
 * loader_gguf.c (both, as far as GGUF is different). */
#ifndef TRIT_LOADER_H
#define TRIT_LOADER_H

#include "config.h"
#include "gguf.h"
#include "json.h"
#include "model.h"
#include "pool.h"
#include "safetensors.h"
#include "tune.h"

typedef enum { STATE_LENGTH, STATE_HEADER, STATE_GGUF, STATE_DATA, STATE_FAILED } loader_state;

/* Groups of rows are dealt out to lanes, each with scratch memory of its own. */
enum { TRITX_LOADER_LANES = 8, TRITX_MAX_SHARD_NAME = 128 };

typedef struct {
    uint8_t *codes; /* TRIT_T2_ROWS padded rows of codes and 4 more; pads hold codes as well */
    float *floats;  /* one row of an embedding of floats, and what becomes of it */
    int8_t *int8;
} tritx_lane;

typedef struct {
    const char *name,
        *shard; /* of the tensor, and of the file that holds it; in the index's JSON */
    bool found;
} tritx_index_entry;

struct trit_loader {
    loader_state state;
    trit_head head;
    char kernels[TRIT_CHOICE_BYTES];
    trit_pool *pool;
    trit_config config;
    char *chat_template; /* what template.c kept */
    bool have_config, packed;
    bool plan_only;                /* nothing behind the header is looked at */
    size_t group_bytes;            /* of the largest group of rows, when the header is there */
    tritx_hf_weights hf;           /* when it is not packed */
    tritx_tokenizer_tables tables; /* until the tokenizer takes them */
    bool have_tokenizer;
    tritx_json index_json;
    tritx_index_entry *index; /* [n_index] by name; NULL for a model in one file */
    size_t n_index;
    const char *shard; /* the file of the index, or the part, that is being pushed */
    char part_name[TRITX_MAX_SHARD_NAME + 1];
    int part, n_parts;                    /* GGUF: which of how many; 0 before the first header */
    size_t n_part_tensors, n_all_tensors; /* in the parts so far, and announced */
    uint64_t offset;                      /* bytes of the file pushed so far */
    uint8_t length[8];
    size_t n_filled; /* bytes of the present state's or group's buffer */
    uint8_t *header;
    size_t n_header;
    tritx_json json;
    tritx_gguf *gguf; /* NULL for safetensors */
    trit_i2_s i2_s;
    bool pairs_qk;      /* GGUF: rows of Q and K are in the order for rotating neighbours */
    uint64_t data;      /* where in the file the tensors begin; in GGUF each at a multiple of ... */
    uint32_t alignment; /* ... and bytes of no tensor may follow each up to one */
    tritx_tensor *tensors;
    size_t n_tensors, tensor; /* the one being read */
    tritx_slot slot;
    int layer;
    size_t n_rows, row_bytes, row; /* row: how many of it have been taken */
    uint8_t *group;                /* for rows that come in pieces */
    int n_lanes;
    tritx_lane lanes[TRITX_LOADER_LANES];
    uint8_t *seen;         /* [n_layer][TRIT_SLOT_COUNT]: that a header has named, ... */
    uint8_t *taken;        /* ... and whose bytes have come */
    struct {               /* of the embedding and of the head: the rows that have come last, ... */
        size_t begin, end; /* ... without a gap */
    } rows_taken[2];
    trit_model *model;
};

static inline const char *tritx_loader_name(const trit_loader *l)
{
    return l->tensors[l->tensor].name;
}

/* Goes to the next tensor that has bytes. */
trit_status tritx_loader_begin_tensor(trit_loader *l, trit_error *err);
/* UNKNOWN_TENSOR when the name means nothing. */
trit_status tritx_loader_find(const trit_loader *l, const tritx_tensor *t, tritx_slot *slot,
                              int *layer, trit_error *err);
/* Rows that the tensor is read by; 1 when it is needed as a whole. */
size_t tritx_loader_rows(trit_loader *l, const tritx_tensor *t, tritx_slot slot);
/* For each header: checks every tensor, and has the memory that loading takes, the model at first. */
trit_status tritx_loader_plan(trit_loader *l, trit_error *err);

/* The model, which is there, gets the card of this JSON text. BAD_JSON, BAD_CONFIG, OOM. */
trit_status tritx_loader_card(trit_loader *l, const char *text, size_t n_bytes, trit_error *err);

/* Reads the index of shards. BAD_JSON, BAD_INDEX, STATE. */
trit_status tritx_index_read(trit_loader *l, const char *text, size_t n_bytes, trit_error *err);
void tritx_index_free(trit_loader *l);
/* l->shard becomes the one of this name. BAD_INDEX, STATE. */
trit_status tritx_index_begin(trit_loader *l, const char *shard, trit_error *err);
/* Compares the header's tensors with those that the shard has by the index. BAD_INDEX. */
trit_status tritx_index_take(trit_loader *l, trit_error *err);
/* MISSING_TENSOR when a shard has not come. */
trit_status tritx_index_end(const trit_loader *l, trit_error *err);

/* loader_parts.c: what the header says about parts. BAD_INDEX, MISSING_TENSOR. */
trit_status tritx_parts_read(trit_loader *l, trit_error *err);
/* The next part has this name. BAD_INDEX, PARAM, STATE. */
trit_status tritx_parts_begin(trit_loader *l, const char *name, trit_error *err);
/* MISSING_TENSOR when a part has not come. */
trit_status tritx_parts_end(const trit_loader *l, trit_error *err);

/* Takes n rows of the present tensor, from row l->row on. n is a multiple of TRIT_T2_ROWS, or goes
 * to the end of the tensor. l->offset is behind them. */
trit_status tritx_loader_take(trit_loader *l, const uint8_t *bytes, size_t n, trit_error *err);

/* loader_gguf.c: the first eight bytes, l->length, are those of a GGUF file. */
trit_status tritx_loader_begin_gguf(trit_loader *l, trit_error *err);
/* Its header is there: configuration, tokenizer, tensors, plan. */
trit_status tritx_loader_read_gguf(trit_loader *l, trit_error *err);
/* A matrix of a GGUF file, whose numbers must be ternary as they are; `offset` as in loader_rows.c. */
trit_status tritx_loader_take_ternary(trit_loader *l, const tritx_ternary *m, const uint8_t *bytes,
                                      uint64_t offset, trit_error *err);

#endif
