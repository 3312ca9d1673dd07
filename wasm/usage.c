/* When models were used last, and what room one still takes. The value "used/<id>" is
 *     SHA-256 of what follows [32], milliseconds since 1970 u64, little-endian.
 * Nothing depends on it but the order in which models are given up. */
#include <stdio.h>
#include <string.h>

#include "export.h"
#include "stored.h"

static trit_stored *const k = &trit_opened;
static uint8_t value[TRIT_USED_BYTES];

void trit_used_name(char name[TRIT_NAME_BYTES], const char *id)
{
    snprintf(name, TRIT_NAME_BYTES, "used/%.64s", id);
}

uint64_t trit_used_read(const uint8_t bytes[TRIT_USED_BYTES], const uint8_t digest[32])
{
    uint64_t time = 0;
    if (memcmp(bytes, digest, 32) != 0) return 0;
    for (int i = 0; i < 8; i++) time |= (uint64_t)bytes[32 + i] << 8 * i;
    return time;
}

static void on_written(trit_store_result result, size_t n_bytes)
{
    (void)n_bytes;
    trit_store_finished(result == TRIT_STORE_DONE ? TRIT_OK : TRIT_STORAGE);
}

/* A request: the open model is used now. */
TRIT_EXPORT void trit_js_stored_use(uint32_t low, uint32_t high)
{
    char name[TRIT_NAME_BYTES];
    uint64_t time = low | (uint64_t)high << 32;
    for (int i = 0; i < 8; i++) value[32 + i] = (uint8_t)(time >> 8 * i);
    trit_used_name(name, k->name);
    trit_store_put(name, value, sizeof value, 0, on_written);
}

/* out: bytes of the open model's records that are not stored, in two words; 0 while its length is not known. */
TRIT_EXPORT trit_status trit_js_stored_lacks(uint32_t *out)
{
    uint64_t n_bytes = 0;
    uint32_t count = k->manifest.n_bytes ? trit_manifest_count(&k->manifest) : 0;
    for (uint32_t i = 0; i < count; i++)
        if (!k->present[i]) n_bytes += trit_manifest_record_bytes(&k->manifest, i);
    out[0] = (uint32_t)n_bytes;
    out[1] = (uint32_t)(n_bytes >> 32);
    return TRIT_OK;
}
