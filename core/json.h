/* Strict JSON for hostile text: a pre-scan, then cJSON with its nodes in one bounded arena.
 * cJSON's allocation hooks are global: two threads must not parse at the same time. */
#ifndef TRIT_JSON_H
#define TRIT_JSON_H

#include <cJSON.h>

#include "base.h"

typedef struct {
    cJSON *root; /* never given to cJSON_Delete, nor anything below it */
} tritx_json;

/* Parses exactly one JSON value. Refused with BAD_JSON and the offset: not UTF-8, a BOM, depth over
 * 32, NUL escapes, lone surrogates, duplicate keys in one object, numbers of more than 64
 * characters, anything after the value. OOM. */
trit_status tritx_json_parse(const char *text, size_t n_bytes, tritx_json *json, trit_error *err);
void tritx_json_free(tritx_json *json);

/* An integer member in [low, high]; false when missing, not a whole number of at most 2^53 (1.0 and
 * 1e0 are 1: cJSON keeps no spelling), or out of range. */
bool tritx_json_int(const cJSON *object, const char *key, int64_t low, int64_t high, int64_t *out);

#endif
