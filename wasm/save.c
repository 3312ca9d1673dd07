/* Bytes of a packed file into records of the store; of a model that cannot be imported in units, when it is there. */
#include <string.h>

#include "export.h"
#include "stored.h"

static trit_stored *const k = &trit_opened;
static uint32_t being_written = UINT32_MAX;

static void on_written(trit_store_result result, size_t n_bytes)
{
    (void)n_bytes;
    trit_manifest *m = &k->manifest;
    const uint8_t *record = k->buffers[1 - k->current];
    k->writing = false;
    if (result != TRIT_STORE_DONE) k->failure = TRIT_STORAGE;
    else if (m->state == TRIT_STORED_COMPLETE && memcmp(m->hashes[being_written], record, 32) != 0)
        k->failure = TRIT_SOURCE_CHANGED;
    else {
        memcpy(m->hashes[being_written], record, 32);
        k->present[being_written] = true;
        trit_importing_advance();
    }
    being_written = UINT32_MAX;
    void (*then)(void) = k->when_written;
    k->when_written = NULL;
    if (then) then();
}

void trit_stored_write(uint32_t index, uint32_t n_bytes)
{
    char name[TRIT_NAME_BYTES];
    uint8_t *record = k->buffers[k->current];
    trit_record_frame(record, k->manifest.id, index, n_bytes);
    trit_stored_record_name(name, index);
    being_written = index;
    k->writing = true;
    k->current = 1 - k->current;
    trit_store_put(name, record, TRIT_RECORD_HEAD + (size_t)n_bytes, 0, on_written);
}

static void finish_written(void)
{
    if (k->failure == TRIT_SOURCE_CHANGED)
        trit_stored_fail(TRIT_SOURCE_CHANGED, "the source has other bytes than when the model was "
                                              "stored: delete the model and load it again");
    else trit_store_finished(k->failure);
}

bool trit_stored_is_written(uint32_t index) { return k->writing && being_written == index; }

void trit_stored_when_written(void (*then)(void))
{
    if (k->writing) k->when_written = then;
    else then();
}

/* A request: waits until a whole record can be taken. */
TRIT_EXPORT void trit_js_stored_room(void) { trit_stored_when_written(finish_written); }

static void end_record(void)
{
    trit_stored_write(k->next, (uint32_t)k->n_filled);
    k->next++;
    k->n_filled = 0;
}

/* Into records; a short last one, which the same bytes may end, waits for the flush. */
static trit_status take(const uint8_t *bytes, size_t n_bytes)
{
    while (n_bytes) {
        uint32_t whole = trit_manifest_record_bytes(&k->manifest, k->next);
        size_t left = whole - k->n_filled, n = n_bytes < left ? n_bytes : left;
        if (k->next >= TRIT_STORED_MAX_RECORDS || left == 0) {
            trit_js_fresh_error()->status = TRIT_SIZE;
            return TRIT_SIZE;
        }
        memcpy(k->buffers[k->current] + TRIT_RECORD_HEAD + k->n_filled, bytes, n);
        k->n_filled += n;
        bytes += n;
        n_bytes -= n;
        if (k->n_filled == whole && !k->writing) end_record();
    }
    return TRIT_OK;
}

/* The source's next bytes, at most a record, after trit_js_stored_room: into the loader, and into records or what
 * is made of them. */
TRIT_EXPORT trit_status trit_js_stored_push(trit_loader *loader, const uint8_t *bytes,
                                            size_t n_bytes)
{
    trit_manifest *m = &k->manifest;
    trit_status status = trit_loader_push(loader, bytes, n_bytes, trit_js_fresh_error());
    if (status != TRIT_OK) return status;
    if (m->origin == TRIT_ORIGIN_UNKNOWN && !k->import.is_other) {
        trit_container container = trit_loader_container(loader);
        if (container == TRIT_CONTAINER_PACKED) m->origin = TRIT_ORIGIN_PACKED;
        /* what has not said by the end of a record what it is, is packed anew */
        else
            k->import.is_other =
                container == TRIT_CONTAINER_OTHER || k->n_filled + n_bytes >= m->record_bytes;
        k->import.at = k->import.n_head =
            k->n_filled; /* an import's header, as far as it has come */
    }
    if (k->import.is_other || m->origin == TRIT_ORIGIN_IMPORTED)
        return trit_importing_take(loader, bytes, n_bytes);
    if (k->has_expected) trit_sha256_push(&k->sha, bytes, n_bytes);
    return take(bytes, n_bytes);
}

static void flush(void)
{
    bool is_import = k->import.is_other || k->manifest.origin == TRIT_ORIGIN_IMPORTED;
    if (!is_import && k->n_filled && trit_stored_position() == k->manifest.n_bytes) end_record();
    trit_js_stored_room();
}

/* A request: the source has ended, where its length says or, when it has said none, here. The last record is
 * stored. */
TRIT_EXPORT void trit_js_stored_flush(void)
{
    trit_manifest *m = &k->manifest;
    bool is_import = k->import.is_other || m->origin == TRIT_ORIGIN_IMPORTED;
    if (!is_import && m->n_bytes == 0) m->n_bytes = trit_stored_position();
    trit_stored_when_written(flush);
}

/* ---- an import at once: the model that the loader has made, as a packed file ---- */

static void end_import(trit_status status)
{
    trit_packer_free(k->packer);
    k->packer = NULL;
    trit_store_finished(status);
}

static void import_record(void)
{
    if (k->failure != TRIT_OK) {
        end_import(k->failure);
        return;
    }
    uint32_t n_bytes = trit_manifest_record_bytes(&k->manifest, k->next);
    trit_stored_write(k->next, n_bytes);
    k->next++;
    trit_store_finished(TRIT_CONTINUE);
}

static void end_of_import(void) { end_import(k->failure); }

/* A request: makes the next record of the model and stores it, CONTINUE; OK after the last one is stored. */
TRIT_EXPORT void trit_js_stored_import(const trit_model *model)
{
    trit_manifest *m = &k->manifest;
    trit_error *error = trit_js_fresh_error();
    trit_status status = TRIT_OK;
    if (!k->packer) {
        status = trit_packer_new(model, NULL, &k->packer, &m->n_bytes, error);
        m->origin = TRIT_ORIGIN_IMPORTED;
        k->next = 0;
        k->n_filled = 0;
        if (status == TRIT_OK && trit_manifest_count(m) > TRIT_STORED_MAX_RECORDS) {
            error->status = status = TRIT_SIZE;
        }
    }
    if (status == TRIT_OK && k->next == trit_manifest_count(m)) {
        trit_stored_when_written(end_of_import);
        return;
    }
    if (status == TRIT_OK)
        status = trit_packer_read(k->packer, trit_stored_position(),
                                  k->buffers[k->current] + TRIT_RECORD_HEAD,
                                  trit_manifest_record_bytes(m, k->next), error);
    if (status != TRIT_OK) end_import(status);
    else trit_stored_when_written(import_record);
}
