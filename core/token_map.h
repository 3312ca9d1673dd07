/* From a token's bytes to its id. */
#ifndef TRIT_TOKEN_MAP_H
#define TRIT_TOKEN_MAP_H

#include "tokenizer.h"

/* An honest table, at most half full, stays far below; a table made to collide is refused instead
 * of making every look-up a search. */
#define TRITX_MAX_PROBES 1024u

typedef struct {
    uint32_t hash, id_plus_1; /* 0 = free */
} tritx_token_slot;

typedef struct {
    const tritx_tokenizer_tables *tables; /* must outlive the map and hold valid ends */
    tritx_token_slot *slots;
    uint32_t mask;
} tritx_token_map;

static inline const uint8_t *tritx_token(const tritx_tokenizer_tables *tables, uint32_t id,
                                         size_t *n_bytes)
{
    uint32_t begin = id ? tables->token_ends[id - 1] : 0;
    *n_bytes = tables->token_ends[id] - begin;
    return tables->token_bytes + begin;
}

/* Every normal token. Two with the same bytes are BAD_TOKENIZER. OOM. */
trit_status tritx_token_map_new(const tritx_tokenizer_tables *tables, tritx_token_map *map,
                                trit_error *err);
void tritx_token_map_free(tritx_token_map *map);
/* -1 when there is none. */
int32_t tritx_token_map_find(const tritx_token_map *map, const uint8_t *bytes, size_t n_bytes);

/* Slots for n entries at most half full: a power of two. */
uint32_t tritx_slots_for(uint32_t n);

#endif
