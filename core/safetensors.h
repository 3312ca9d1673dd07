/* The directory of a safetensors file: header JSON -> checked list of tensors in file order. */
#ifndef TRIT_SAFETENSORS_H
#define TRIT_SAFETENSORS_H

#include "json.h"
#include "pack.h"

enum { TRIT_MAX_TENSORS = 65536, TRIT_MAX_HEADER = 4 << 20, TRIT_MAX_DIMS = 4 };

typedef struct {
    const char *name; /* points into the parsed header */
    tritx_dtype dtype;
    uint32_t gguf_type; /* the number by which a GGUF file says it; 0 in safetensors */
    int n_dims;
    size_t shape[TRIT_MAX_DIMS];
    uint64_t begin, end; /* in the data section; tensors follow each other without holes */
} tritx_tensor;

/* *tensors is from malloc, [*n], sorted by begin. Names live as long as `root`.
 * BAD_HEADER: holes, overlaps, shape * type != bytes, an unknown type, too many tensors or dims. */
trit_status tritx_safetensors_read(const cJSON *root, tritx_tensor **tensors, size_t *n,
                                   trit_error *err);

#endif
