/* The header of a GGUF file, version 2 or 3 and little-endian: keys with typed values, then the list of
 * tensors. It has no length in front, so it is read step by step, each step asking for so many bytes. */
#ifndef TRIT_GGUF_H
#define TRIT_GGUF_H

#include "safetensors.h"

/* Far below what the format allows, far above what models have. */
enum {
    TRITX_GGUF_MAX_HEADER = 64 << 20,
    TRITX_GGUF_MAX_PAIRS = 4096,
    TRITX_GGUF_MAX_TENSORS = 8192,
    TRITX_GGUF_MAX_KEY = 128,
    TRITX_GGUF_MAX_NAME = 64, /* with its NUL */
    TRITX_GGUF_MAX_STRING = 1 << 20,
    TRITX_GGUF_MAX_ELEMENTS = 1 << 20,
    TRITX_GGUF_MAX_ALIGNMENT = 4096
};

typedef enum { /* the format's numbers */
               TRITX_GGUF_U8,
               TRITX_GGUF_I8,
               TRITX_GGUF_U16,
               TRITX_GGUF_I16,
               TRITX_GGUF_U32,
               TRITX_GGUF_I32,
               TRITX_GGUF_F32,
               TRITX_GGUF_BOOL,
               TRITX_GGUF_STRING,
               TRITX_GGUF_ARRAY,
               TRITX_GGUF_U64,
               TRITX_GGUF_I64,
               TRITX_GGUF_F64,
               TRITX_GGUF_TYPE_COUNT
} tritx_gguf_type;

typedef struct {
    char key[TRITX_GGUF_MAX_KEY];
    tritx_gguf_type type, element; /* element: of an array */
    size_t value; /* where in the header it begins: a string's text, an array's elements */
    size_t n;     /* bytes of a string, elements of an array */
} tritx_gguf_pair;

typedef enum {
    TRITX_GGUF_HEAD,
    TRITX_GGUF_KEY_LENGTH,
    TRITX_GGUF_KEY,
    TRITX_GGUF_VALUE,
    TRITX_GGUF_ARRAY_HEAD,
    TRITX_GGUF_TEXT_LENGTH,
    TRITX_GGUF_TEXT,
    TRITX_GGUF_NAME_LENGTH,
    TRITX_GGUF_NAME,
    TRITX_GGUF_PLACE,
    TRITX_GGUF_DONE
} tritx_gguf_step;

typedef struct {
    uint8_t *bytes; /* of the header so far */
    size_t n_bytes, capacity;
    size_t at, need; /* bytes that the step wants, and where they begin */
    tritx_gguf_step step;
    size_t n_texts; /* strings still to come in the present value */
    tritx_gguf_pair *pairs;
    size_t n_pairs, pair;
    tritx_tensor *tensors; /* in the order of their data, whose places count from `data` */
    char (*names)[TRITX_GGUF_MAX_NAME];
    size_t n_tensors, tensor;
    uint64_t data; /* where in the file the data begins */
    uint32_t alignment;
} tritx_gguf;

void tritx_gguf_begin(tritx_gguf *gguf);
void tritx_gguf_free(tritx_gguf *gguf);

/* Takes from *bytes what belongs to the header and moves on behind it, until step is DONE. NOT_A_MODEL,
 * BAD_VERSION, BAD_HEADER, UNSUPPORTED (a type of tensor that this engine does not read), OOM. */
trit_status tritx_gguf_push(tritx_gguf *gguf, const uint8_t **bytes, size_t *n_bytes,
                            trit_error *err);

/* Places each tensor after the one before it and checks that they take the room of their types: the
 * only sign of what a type's number means (gguf_tensors.c). BAD_HEADER, UNSUPPORTED. */
trit_status tritx_gguf_tensor_type(tritx_tensor *tensor, uint32_t type, uint64_t offset,
                                   trit_error *err);
trit_status tritx_gguf_check_places(tritx_gguf *gguf, trit_error *err);

/* ---- what the keys say, when the step is DONE ---- */

const tritx_gguf_pair *tritx_gguf_find(const tritx_gguf *gguf, const char *key);
/* False when the value is of another type, or not in [low, high]. */
bool tritx_gguf_int(const tritx_gguf *gguf, const tritx_gguf_pair *pair, int64_t low, int64_t high,
                    int64_t *out);
bool tritx_gguf_float(const tritx_gguf *gguf, const tritx_gguf_pair *pair, float *out);
bool tritx_gguf_bool(const tritx_gguf *gguf, const tritx_gguf_pair *pair, bool *out);
/* Whether a string is these words. */
bool tritx_gguf_is(const tritx_gguf *gguf, const tritx_gguf_pair *pair, const char *text);
/* The elements of an array of this type; NULL when the pair is none. */
const uint8_t *tritx_gguf_elements(const tritx_gguf *gguf, const tritx_gguf_pair *pair,
                                   tritx_gguf_type element);
/* The string that *at points to, which then points to the next one. */
const char *tritx_gguf_next_string(const uint8_t **at, size_t *n_bytes);

#endif
