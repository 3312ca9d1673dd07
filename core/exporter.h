/* Between the writers of other containers: export.c (what is asked for, what no container holds),
 * export_gguf.c, export_safetensors.c, and export_json.c (the side files of safetensors). */
#ifndef TRIT_EXPORTER_H
#define TRIT_EXPORTER_H

#include "model.h"
#include "out.h"

/* One weight of the model, in the order of the packed file; one of matrix, rows and floats. */
typedef struct {
    tritx_slot slot;
    int layer;
    const tritx_ternary *matrix;
    const tritx_rows *rows;
    const float *floats; /* [n] */
    size_t n;
} tritx_weight;

typedef struct {
    const trit_model *model;
    trit_export what;
    tritx_out out;
    tritx_weight *weights; /* [n_weights] */
    size_t n_weights;
    uint8_t *codes; /* scratch: a row of codes, ... */
    uint8_t *bytes; /* ... a row of the container, and of floats */
} tritx_exporter;

/* Says what the container cannot hold of this model: UNSUPPORTED. */
trit_status tritx_gguf_holds(const tritx_exporter *e, trit_error *err);
trit_status tritx_safetensors_holds(const tritx_exporter *e, trit_error *err);

/* What these write goes to e->out, as does their failure. */
void tritx_write_gguf(tritx_exporter *e);
void tritx_write_safetensors(tritx_exporter *e);
void tritx_write_config_json(tritx_exporter *e);
void tritx_write_tokenizer_json(tritx_exporter *e);
void tritx_write_tokenizer_config_json(tritx_exporter *e);

/* The chat template's text, "" when there is none; NULL when its id alone is known. */
const char *tritx_export_template(const tritx_exporter *e);
/* Codes [cols] of a row of the matrix. */
void tritx_weight_codes(const tritx_exporter *e, const tritx_ternary *m, size_t row,
                        uint8_t *codes);
/* A row of embedding or head as the container's bytes, float32 or float16; returns how many. */
size_t tritx_weight_row(const tritx_exporter *e, const tritx_rows *r, size_t row);

#endif
