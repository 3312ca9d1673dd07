/* Open addressing with linear probing over the tokens' own bytes. */
#include "token_map.h"

#include <stdlib.h>

static uint32_t hash_bytes(const uint8_t *bytes, size_t n)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ n;
    for (; n >= 8; bytes += 8, n -= 8) {
        h = (h ^ tritx_load_u64(bytes)) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    uint64_t rest = 0;
    for (size_t i = 0; i < n; i++) rest |= (uint64_t)bytes[i] << (8 * i);
    h = (h ^ rest) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
    h *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(h >> 32);
}

uint32_t tritx_slots_for(uint32_t n)
{
    uint32_t slots = 16;
    while (slots / 2 < n) slots *= 2;
    return slots;
}

static bool same_bytes(const tritx_token_map *map, uint32_t id, const uint8_t *bytes, size_t n)
{
    size_t n_token;
    const uint8_t *token = tritx_token(map->tables, id, &n_token);
    return n_token == n && memcmp(token, bytes, n) == 0;
}

static trit_status insert(tritx_token_map *map, uint32_t id, trit_error *err)
{
    size_t n;
    const uint8_t *bytes = tritx_token(map->tables, id, &n);
    uint32_t hash = hash_bytes(bytes, n);
    for (uint32_t probe = 0; probe < TRITX_MAX_PROBES; probe++) {
        tritx_token_slot *slot = &map->slots[(hash + probe) & map->mask];
        if (slot->id_plus_1 == 0) {
            *slot = (tritx_token_slot){hash, id + 1};
            return TRIT_OK;
        }
        if (slot->hash == hash && same_bytes(map, slot->id_plus_1 - 1, bytes, n))
            return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "tokens %u and %u have the same bytes",
                              slot->id_plus_1 - 1, id);
    }
    return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "token %u: too many tokens collide", id);
}

trit_status tritx_token_map_new(const tritx_tokenizer_tables *tables, tritx_token_map *map,
                                trit_error *err)
{
    uint32_t n_slots = tritx_slots_for((uint32_t)tables->n_vocab);
    tritx_token_map m = {tables, calloc(n_slots, sizeof *m.slots), n_slots - 1};
    if (!m.slots) return tritx_fail(err, TRIT_OOM, 0, "no memory for the tokens' index");
    for (uint32_t id = 0; id < (uint32_t)tables->n_vocab; id++) {
        trit_status status = tables->token_kinds[id] ? TRIT_OK : insert(&m, id, err);
        if (status != TRIT_OK) {
            tritx_token_map_free(&m);
            return status;
        }
    }
    *map = m;
    return TRIT_OK;
}

void tritx_token_map_free(tritx_token_map *map)
{
    free(map->slots);
    map->slots = NULL;
}

int32_t tritx_token_map_find(const tritx_token_map *map, const uint8_t *bytes, size_t n_bytes)
{
    uint32_t hash = hash_bytes(bytes, n_bytes);
    for (uint32_t probe = 0; probe < TRITX_MAX_PROBES; probe++) {
        const tritx_token_slot *slot = &map->slots[(hash + probe) & map->mask];
        if (slot->id_plus_1 == 0) break;
        if (slot->hash == hash && same_bytes(map, slot->id_plus_1 - 1, bytes, n_bytes))
            return (int32_t)(slot->id_plus_1 - 1);
    }
    return -1;
}
