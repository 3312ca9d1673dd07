/* The inside of a packer, shared by packfile.c (the file's bytes) and import.c (which of them are known while the
 * source is still being loaded). */
#ifndef TRIT_PACKFILE_H
#define TRIT_PACKFILE_H

#include "model.h"
#include "safetensors.h"

typedef struct { /* one of matrix, i8 and data */
    tritx_slot slot;
    int layer;
    uint64_t begin; /* in the file's data */
    size_t n_bytes, row_bytes, n_rows;
    const tritx_ternary *matrix;
    const tritx_rows *i8;
    const void *data; /* words are little-endian on every machine this engine runs on */
} tritx_packed_tensor;

struct trit_packer {
    trit_model *model;
    const tritx_tokenizer_tables *tokenizer;
    char *chat_template;        /* NULL unless nothing but its text can tell it */
    const trit_loader *loader;  /* of a model that is still being loaded; else NULL */
    size_t embed_row, head_row; /* bytes of an embedding's row, in the wider of both files */
    char *header;
    size_t n_header, header_capacity;
    tritx_packed_tensor *tensors;
    size_t n_tensors;
    uint64_t n_data;
    uint8_t *row;                      /* one of the file */
    uint8_t *codes;                    /* of a group of rows, of this matrix and from this row on */
    const tritx_packed_tensor *matrix; /* NULL: of none */
    size_t first_row;
};

/* As trit_packer_new, of a model whose tokenizer and template stand elsewhere. */
trit_status tritx_packer_begin(const trit_model *model, const tritx_tokenizer_tables *tokenizer,
                               char *chat_template, const char *card, trit_packer **packer,
                               uint64_t *n_bytes, trit_error *err);

#endif
