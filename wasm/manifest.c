#include "manifest.h"

#include <string.h>

static const char magic[8] = {'t', 'r', 'i', 't', 'k', 'e', 'e', 'p'};

static void put32(uint8_t *p, uint32_t x)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(x >> 8 * i);
}

static void put64(uint8_t *p, uint64_t x)
{
    put32(p, (uint32_t)x);
    put32(p + 4, (uint32_t)(x >> 32));
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p) { return get32(p) | (uint64_t)get32(p + 4) << 32; }

uint32_t trit_manifest_count(const trit_manifest *m)
{
    if (m->n_ends) return m->n_ends;
    return (uint32_t)((m->n_bytes + m->record_bytes - 1) / m->record_bytes);
}

uint64_t trit_manifest_begin(const trit_manifest *m, uint32_t index)
{
    if (m->n_ends) return index ? m->ends[index - 1] : 0;
    return (uint64_t)index * m->record_bytes;
}

uint32_t trit_manifest_record_bytes(const trit_manifest *m, uint32_t index)
{
    uint64_t begin = trit_manifest_begin(m, index);
    if (m->n_ends) return (uint32_t)(m->ends[index] - begin);
    if (m->n_bytes == 0 || m->n_bytes - begin > m->record_bytes) return m->record_bytes;
    return (uint32_t)(m->n_bytes - begin);
}

uint32_t trit_manifest_find(const trit_manifest *m, uint64_t offset)
{
    if (!m->n_ends) return (uint32_t)(offset / m->record_bytes);
    uint32_t low = 0, high = m->n_ends;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (m->ends[middle] <= offset) low = middle + 1;
        else high = middle;
    }
    return low;
}

size_t trit_manifest_write(const trit_manifest *m, uint8_t *out)
{
    memset(out, 0, TRIT_MANIFEST_HEAD);
    memcpy(out + 32, magic, sizeof magic);
    put32(out + 40, TRIT_STORED_VERSION);
    put32(out + 44, m->state);
    put32(out + 48, m->origin);
    memcpy(out + 52, m->id, 32);
    put64(out + 84, m->n_bytes);
    put32(out + 92, m->record_bytes);
    put32(out + 96, m->n_records);
    put32(out + 100, m->n_about);
    put32(out + 104, m->n_ends);
    uint8_t *at = out + TRIT_MANIFEST_HEAD;
    memcpy(at, m->hashes, (size_t)m->n_records * 32);
    at += (size_t)m->n_records * 32;
    for (uint32_t i = 0; i < m->n_ends; i++, at += 8) put64(at, m->ends[i]);
    memcpy(at, m->about, m->n_about);
    return (size_t)(at - out) + m->n_about;
}

/* Ends that can be those of records. */
static bool have_ends(const trit_manifest *m)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < m->n_ends; i++) {
        if (m->ends[i] <= last || m->ends[i] - last > m->record_bytes) return false;
        last = m->ends[i];
    }
    return m->n_ends == 0 || last == m->n_bytes;
}

/* Numbers that fit each other. */
static bool is_sound(const trit_manifest *m)
{
    if (m->state < TRIT_STORED_PARTIAL || m->state > TRIT_STORED_COMPLETE) return false;
    if (m->origin > TRIT_ORIGIN_IMPORTED) return false;
    if (m->record_bytes < TRIT_RECORD_MIN || m->record_bytes > TRIT_RECORD_MAX) return false;
    if (m->n_bytes > (uint64_t)m->record_bytes * TRIT_STORED_MAX_RECORDS) return false;
    if (m->n_ends && m->origin != TRIT_ORIGIN_IMPORTED) return false;
    return m->state != TRIT_STORED_COMPLETE ||
           (m->n_bytes && m->origin && m->n_records == trit_manifest_count(m));
}

trit_manifest_found trit_manifest_read(trit_manifest *m, const uint8_t id[32],
                                       const uint8_t digest[32], const uint8_t *bytes,
                                       size_t n_bytes)
{
    enum { HEAD_1 = 104 };
    if (n_bytes < HEAD_1 || memcmp(bytes, digest, 32) != 0 ||
        memcmp(bytes + 32, magic, sizeof magic) != 0)
        return TRIT_MANIFEST_BAD;
    uint32_t version = get32(bytes + 40);
    size_t head = version == 1 ? HEAD_1 : TRIT_MANIFEST_HEAD;
    if (version > TRIT_STORED_VERSION) return TRIT_MANIFEST_NEWER;
    if (version == 0 || n_bytes < head) return TRIT_MANIFEST_BAD;
    m->state = get32(bytes + 44);
    m->origin = get32(bytes + 48);
    memcpy(m->id, bytes + 52, 32);
    m->n_bytes = get64(bytes + 84);
    m->record_bytes = get32(bytes + 92);
    m->n_records = get32(bytes + 96);
    m->n_about = get32(bytes + 100);
    m->n_ends = version == 1 ? 0 : get32(bytes + 104);
    if (memcmp(m->id, id, 32) != 0 || m->n_records > TRIT_STORED_MAX_RECORDS ||
        m->n_ends > TRIT_STORED_MAX_RECORDS || m->n_about > TRIT_STORED_MAX_ABOUT ||
        n_bytes != head + (size_t)m->n_records * 32 + (size_t)m->n_ends * 8 + m->n_about)
        return TRIT_MANIFEST_BAD;
    const uint8_t *at = bytes + head;
    memcpy(m->hashes, at, (size_t)m->n_records * 32);
    at += (size_t)m->n_records * 32;
    for (uint32_t i = 0; i < m->n_ends; i++, at += 8) m->ends[i] = get64(at);
    memcpy(m->about, at, m->n_about);
    return have_ends(m) && is_sound(m) ? TRIT_MANIFEST_FINE : TRIT_MANIFEST_BAD;
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
