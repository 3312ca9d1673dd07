/* Records of the store into the loader, one ahead. */
#include <string.h>

#include "export.h"
#include "stored.h"

static trit_stored *const k = &trit_opened;
static trit_loader *loader;

static void on_record(trit_store_result result, size_t n_bytes)
{
    k->reading = false;
    k->has_read = true;
    k->n_read = result == TRIT_STORE_DONE ? n_bytes : 0;
    if (result == TRIT_STORE_FAILED) k->failure = TRIT_STORAGE;
    void (*then)(void) = k->when_read;
    k->when_read = NULL;
    if (then) then();
}

static bool is_at_end(void)
{
    return k->manifest.n_bytes && trit_stored_position() == k->manifest.n_bytes;
}

static bool is_stored(uint32_t index)
{
    return index < TRIT_STORED_MAX_RECORDS && k->present[index];
}

static void read_ahead(void)
{
    char name[TRIT_NAME_BYTES];
    if (k->n_filled || is_at_end() || !is_stored(k->next)) return;
    trit_stored_record_name(name, k->next);
    k->reading = true;
    trit_store_get(name, k->buffers[k->current],
                   TRIT_RECORD_HEAD + (size_t)k->manifest.record_bytes, k->digest, on_record);
}

/* Whether what has come is the record it should be; when the model is complete, the very same one. */
static bool is_sound(const uint8_t *record)
{
    trit_manifest *m = &k->manifest;
    uint32_t n_bytes = trit_manifest_record_bytes(m, k->next);
    /* of a source that has told no length, the shorter record is the last */
    bool is_last = m->n_bytes == 0 && k->n_read > TRIT_RECORD_HEAD &&
                   k->n_read < TRIT_RECORD_HEAD + (size_t)n_bytes;
    if (is_last) n_bytes = (uint32_t)(k->n_read - TRIT_RECORD_HEAD);
    if (!trit_record_check(record, k->n_read, k->digest, m->id, k->next, n_bytes)) return false;
    if (is_last) m->n_bytes = trit_stored_position() + n_bytes;
    return m->state != TRIT_STORED_COMPLETE || memcmp(record, m->hashes[k->next], 32) == 0;
}

static void take_record(void)
{
    uint8_t *record = k->buffers[k->current];
    k->has_read = false;
    if (k->failure != TRIT_OK) {
        trit_store_finished(k->failure);
        return;
    }
    if (!is_sound(record)) {
        k->present[k->next] = false;
        trit_store_finished(TRIT_OK);
        return;
    }
    memcpy(k->manifest.hashes[k->next], record, 32);
    size_t n_bytes = k->n_read - TRIT_RECORD_HEAD;
    k->next++;
    k->current = 1 - k->current;
    read_ahead();
    if (k->has_expected && k->manifest.origin == TRIT_ORIGIN_PACKED)
        trit_sha256_push(&k->sha, record + TRIT_RECORD_HEAD, n_bytes);
    trit_status status =
        trit_loader_push(loader, record + TRIT_RECORD_HEAD, n_bytes, trit_js_fresh_error());
    trit_store_finished(status == TRIT_OK ? TRIT_CONTINUE : status);
}

/* A request: the next record goes to the loader, CONTINUE; OK when the next one must come from the source, or
 * none is left (trit_js_stored_need). */
TRIT_EXPORT void trit_js_stored_read(trit_loader *into)
{
    loader = into;
    if (k->import.packer) trit_importing_end(); /* all of it is read from the store now */
    if (k->manifest.origin == TRIT_ORIGIN_IMPORTED && !trit_stored_is_whole()) {
        trit_store_finished(TRIT_OK);
        return;
    }
    if (!k->reading && !k->has_read) read_ahead();
    if (k->has_read) take_record();
    else if (k->reading) k->when_read = take_record;
    else trit_store_finished(TRIT_OK);
}
