#include "manifest.h"

#include <string.h>

static const char magic[8] = {'t', 'r', 'i', 't', 'k', 'e', 'e', 'p'};

static void put32(uint8_t *p, uint32_t x)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(x >> 8 * i);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t trit_manifest_count(const trit_manifest *m)
{
    return (uint32_t)((m->n_bytes + m->record_bytes - 1) / m->record_bytes);
}

size_t trit_manifest_write(const trit_manifest *m, uint8_t *out)
{
    memset(out, 0, TRIT_MANIFEST_HEAD);
    memcpy(out + 32, magic, sizeof magic);
    put32(out + 40, TRIT_STORED_VERSION);
    put32(out + 44, m->state);
    put32(out + 48, m->origin);
    memcpy(out + 52, m->id, 32);
    put32(out + 84, (uint32_t)m->n_bytes);
    put32(out + 88, (uint32_t)(m->n_bytes >> 32));
    put32(out + 92, m->record_bytes);
    put32(out + 96, m->n_records);
    put32(out + 100, m->n_about);
    size_t n = TRIT_MANIFEST_HEAD;
    memcpy(out + n, m->hashes, (size_t)m->n_records * 32);
    n += (size_t)m->n_records * 32;
    memcpy(out + n, m->about, m->n_about);
    return n + m->n_about;
}

/* Numbers that fit each other. */
static bool is_sound(const trit_manifest *m, size_t n_bytes)
{
    if (m->state < TRIT_STORED_PARTIAL || m->state > TRIT_STORED_COMPLETE) return false;
    if (m->origin > TRIT_ORIGIN_IMPORTED) return false;
    if (m->record_bytes < TRIT_RECORD_MIN || m->record_bytes > TRIT_RECORD_MAX) return false;
    if (m->n_bytes > (uint64_t)m->record_bytes * TRIT_STORED_MAX_RECORDS) return false;
    if (m->n_about > TRIT_STORED_MAX_ABOUT || m->n_records > TRIT_STORED_MAX_RECORDS) return false;
    if (m->state == TRIT_STORED_COMPLETE && (m->n_bytes == 0 || m->origin == TRIT_ORIGIN_UNKNOWN ||
                                             m->n_records != trit_manifest_count(m)))
        return false;
    return n_bytes == TRIT_MANIFEST_HEAD + (size_t)m->n_records * 32 + m->n_about;
}

trit_manifest_found trit_manifest_read(trit_manifest *m, const uint8_t id[32],
                                       const uint8_t digest[32], const uint8_t *bytes,
                                       size_t n_bytes)
{
    if (n_bytes < TRIT_MANIFEST_HEAD || memcmp(bytes, digest, 32) != 0 ||
        memcmp(bytes + 32, magic, sizeof magic) != 0)
        return TRIT_MANIFEST_BAD;
    uint32_t version = get32(bytes + 40);
    if (version > TRIT_STORED_VERSION) return TRIT_MANIFEST_NEWER;
    m->state = get32(bytes + 44);
    m->origin = get32(bytes + 48);
    memcpy(m->id, bytes + 52, 32);
    m->n_bytes = get32(bytes + 84) | (uint64_t)get32(bytes + 88) << 32;
    m->record_bytes = get32(bytes + 92);
    m->n_records = get32(bytes + 96);
    m->n_about = get32(bytes + 100);
    if (version != TRIT_STORED_VERSION || memcmp(m->id, id, 32) != 0 || !is_sound(m, n_bytes))
        return TRIT_MANIFEST_BAD;
    memcpy(m->hashes, bytes + TRIT_MANIFEST_HEAD, (size_t)m->n_records * 32);
    memcpy(m->about, bytes + TRIT_MANIFEST_HEAD + (size_t)m->n_records * 32, m->n_about);
    return TRIT_MANIFEST_FINE;
}

void trit_record_frame(uint8_t *record, const uint8_t id[32], uint32_t index, uint32_t n_bytes)
{
    memset(record, 0, 32);
    memcpy(record + 32, id, 32);
    put32(record + 64, index);
    put32(record + 68, n_bytes);
}

bool trit_record_check(const uint8_t *record, size_t n_value, const uint8_t digest[32],
                       const uint8_t id[32], uint32_t index, uint32_t n_bytes)
{
    return n_value == (size_t)TRIT_RECORD_HEAD + n_bytes && memcmp(record, digest, 32) == 0 &&
           memcmp(record + 32, id, 32) == 0 && get32(record + 64) == index &&
           get32(record + 68) == n_bytes;
}
