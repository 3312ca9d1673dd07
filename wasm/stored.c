#include "stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"

trit_stored trit_opened;
static trit_stored *const k = &trit_opened;

/* The way by which the store's JavaScript calls an answer. */
TRIT_EXPORT void trit_js_store_answer(trit_store_answer *answer, trit_store_result result,
                                      size_t n_bytes)
{
    answer(result, n_bytes);
}

void trit_stored_fail(trit_status status, const char *sentence)
{
    trit_error *error = trit_js_fresh_error();
    error->status = status;
    snprintf(error->message, sizeof error->message, "%s", sentence);
    trit_store_finished(status);
}

void trit_stored_record_name(char name[TRIT_NAME_BYTES], uint32_t index)
{
    snprintf(name, TRIT_NAME_BYTES, "record/%s/%08u", k->name, (unsigned)index);
}

uint64_t trit_stored_position(void)
{
    const trit_manifest *m = &k->manifest;
    if (m->n_ends && k->next == m->n_ends) return m->n_bytes;
    uint64_t position = trit_manifest_begin(m, k->next) + k->n_filled;
    return m->n_bytes && position > m->n_bytes ? m->n_bytes
                                               : position; /* the last one is shorter */
}

static bool have_records(void)
{
    const trit_manifest *m = &k->manifest;
    if (m->n_bytes == 0) return false;
    for (uint32_t i = 0; i < trit_manifest_count(m); i++)
        if (!k->present[i]) return false;
    return true;
}

bool trit_stored_is_whole(void)
{
    const trit_manifest *m = &k->manifest;
    bool is_unit_by_unit = m->origin == TRIT_ORIGIN_IMPORTED && !k->import.is_at_once;
    if (is_unit_by_unit && m->state != TRIT_STORED_COMPLETE && k->has_expected &&
        !k->import.has_hash)
        return false;
    return have_records();
}

bool trit_stored_is_id(const char *text) { return strspn(text, "0123456789abcdef") == 64; }

static void name_of_model(char name[TRIT_NAME_BYTES], const char *prefix, const char *id)
{
    snprintf(name, TRIT_NAME_BYTES, "%s/%s", prefix, id);
}

static void hex(char text[65], const uint8_t bytes[32])
{
    for (int i = 0; i < 32; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static size_t buffer_bytes(void)
{
    size_t record = TRIT_RECORD_HEAD + (size_t)k->manifest.record_bytes,
           names = (TRIT_STORED_MAX_RECORDS + 2048) * (size_t)TRIT_NAME_BYTES;
    size_t least = names > TRIT_MANIFEST_MAX ? names : TRIT_MANIFEST_MAX;
    return record > least ? record : least;
}

static bool have_buffers(void)
{
    for (int i = 0; i < 2; i++) {
        free(k->buffers[i]);
        k->buffers[i] = malloc(buffer_bytes());
    }
    return k->buffers[0] && k->buffers[1];
}

TRIT_EXPORT void trit_js_stored_close(void)
{
    if (!k->is_open) return;
    trit_store_unlock();
    for (int i = 0; i < 2; i++) free(k->buffers[i]);
    trit_packer_free(k->packer);
    trit_importing_end();
    memset(k, 0, sizeof *k);
}

/* ---- opening ---- */

/* Names end in the number of their record; what has another form is something else. */
static bool parse_index(const char *digits, uint32_t *index)
{
    *index = 0;
    for (int i = 0; i < 8; i++) {
        if (digits[i] < '0' || digits[i] > '9') return false;
        *index = *index * 10 + (uint32_t)(digits[i] - '0');
    }
    return *index < TRIT_STORED_MAX_RECORDS;
}

static void on_listed(trit_store_result result, size_t n_bytes)
{
    if (result == TRIT_STORE_FAILED) {
        trit_store_finished(TRIT_STORAGE);
        return;
    }
    const trit_manifest *m = &k->manifest;
    /* an import that was to be stored at once and broke off is made anew */
    bool usable =
        m->origin != TRIT_ORIGIN_IMPORTED || m->state == TRIT_STORED_COMPLETE || m->n_ends;
    char prefix[TRIT_NAME_BYTES];
    size_t n_prefix = (size_t)snprintf(prefix, sizeof prefix, "record/%s/", k->name);
    const char *at = (const char *)k->buffers[0], *end = at + n_bytes;
    for (const char *line = at; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) break;
        uint32_t index;
        if ((size_t)(stop - line) == n_prefix + 8 && parse_index(line + n_prefix, &index))
            k->present[index] = usable;
        line = stop + 1;
    }
    trit_store_finished(TRIT_OK);
}

static void list_records(void)
{
    char prefix[TRIT_NAME_BYTES];
    snprintf(prefix, sizeof prefix, "record/%s/", k->name);
    trit_store_list(prefix, (char *)k->buffers[0], buffer_bytes(), on_listed);
}

static void on_locked(trit_store_result result, size_t n_bytes);

/* What is not there yet is written by one page at a time. */
static void on_manifest(trit_store_result result, size_t n_bytes)
{
    trit_manifest *m = &k->manifest;
    static trit_manifest read;
    if (result == TRIT_STORE_FAILED) {
        trit_store_finished(TRIT_STORAGE);
        return;
    }
    trit_manifest_found found =
        result == TRIT_STORE_ABSENT
            ? TRIT_MANIFEST_BAD
            : trit_manifest_read(&read, m->id, k->digest, k->buffers[0], n_bytes);
    if (found == TRIT_MANIFEST_NEWER) {
        trit_stored_fail(TRIT_DB_NEWER, "a newer version of trit has stored this model: reload "
                                        "the page to get it, or delete the model");
        return;
    }
    bool complete = found == TRIT_MANIFEST_FINE && read.state == TRIT_STORED_COMPLETE;
    if (!complete && !k->alone) {
        k->alone = true;
        trit_store_unlock();
        trit_store_lock(k->name, TRIT_LOCK_ALONE, on_locked);
        return;
    }
    if (found == TRIT_MANIFEST_BAD) {
        /* without it nobody knows whether records are the source's bytes: they are made anew */
        trit_store_finished(TRIT_OK);
        return;
    }
    bool grows = read.record_bytes > m->record_bytes;
    *m = read;
    if (grows && !have_buffers()) {
        trit_stored_fail(TRIT_OOM, "no memory for records of the store");
        return;
    }
    list_records();
}

static void on_locked(trit_store_result result, size_t n_bytes)
{
    char name[TRIT_NAME_BYTES];
    (void)n_bytes;
    if (result != TRIT_STORE_DONE) {
        trit_store_finished(TRIT_STORAGE);
        return;
    }
    name_of_model(name, "model", k->name);
    trit_store_get(name, k->buffers[0], buffer_bytes(), k->digest, on_manifest);
}

/* A request: finds the model that this text names, or begins it. */
TRIT_EXPORT void trit_js_stored_open(const char *source, size_t n_source, const char *about,
                                     size_t n_about, uint32_t record_bytes, const uint8_t *expected)
{
    trit_manifest *m = &k->manifest;
    trit_sha256 sha;
    trit_js_stored_close();
    if (n_about > TRIT_STORED_MAX_ABOUT || record_bytes < TRIT_RECORD_MIN ||
        record_bytes > TRIT_RECORD_MAX) {
        trit_stored_fail(TRIT_PARAM, "the store: a record or a description of impossible size");
        return;
    }
    *m = (trit_manifest){.state = TRIT_STORED_PARTIAL, .record_bytes = record_bytes};
    m->n_about = (uint32_t)n_about;
    memcpy(m->about, about, n_about);
    trit_sha256_begin(&sha);
    trit_sha256_push(&sha, source, n_source);
    trit_sha256_end(&sha, m->id);
    hex(k->name, m->id);
    trit_sha256_begin(&k->sha);
    k->has_expected = expected != NULL;
    if (expected) memcpy(k->expected, expected, 32);
    k->is_open = true;
    if (!have_buffers()) {
        trit_js_stored_close();
        trit_stored_fail(TRIT_OOM, "no memory for records of the store");
        return;
    }
    trit_store_lock(k->name, TRIT_LOCK_SHARED, on_locked);
}

/* The next bytes that are missing, and where they end; 0 when nobody knows it. */
static void missing_range(uint64_t *begin, uint64_t *end)
{
    const trit_manifest *m = &k->manifest;
    if (m->origin == TRIT_ORIGIN_IMPORTED || k->import.is_other) {
        *begin = k->import.begin;
        *end = k->import.end;
        return;
    }
    *begin = trit_stored_position();
    *end = m->n_bytes;
    for (uint32_t i = k->next + 1; i < TRIT_STORED_MAX_RECORDS; i++)
        if (k->present[i] && (*end == 0 || trit_manifest_begin(m, i) < *end)) {
            *end = trit_manifest_begin(m, i);
            break;
        }
}

/* out: state, origin, begin and end of the source's bytes that are missing, each in two words; the
 * end is 0 when nobody knows it; whether the loader has all, whether the store has; whether the import is
 * stored at once; record_bytes; whether the origin is certain. */
TRIT_EXPORT trit_status trit_js_stored_need(uint32_t *out)
{
    const trit_manifest *m = &k->manifest;
    uint64_t begin, end;
    missing_range(&begin, &end);
    out[0] = m->state;
    out[1] = k->import.is_other ? TRIT_ORIGIN_IMPORTED : m->origin;
    out[2] = (uint32_t)begin;
    out[3] = (uint32_t)(begin >> 32);
    out[4] = (uint32_t)end;
    out[5] = (uint32_t)(end >> 32);
    out[6] = m->n_bytes != 0 && trit_stored_position() == m->n_bytes;
    out[7] = trit_stored_is_whole();
    out[8] = k->import.is_at_once;
    out[9] = m->record_bytes;
    out[10] = m->origin != TRIT_ORIGIN_UNKNOWN;
    return TRIT_OK;
}

/* The file's length, as the source announces it. */
TRIT_EXPORT trit_status trit_js_stored_total(uint32_t low, uint32_t high)
{
    uint64_t n_bytes = low | (uint64_t)high << 32;
    trit_error *error = trit_js_fresh_error();
    trit_manifest *m = &k->manifest;
    if (n_bytes == 0 || n_bytes > (uint64_t)m->record_bytes * TRIT_STORED_MAX_RECORDS ||
        (m->n_bytes && m->n_bytes != n_bytes)) {
        error->status = TRIT_SIZE;
        if (n_bytes == 0) snprintf(error->message, sizeof error->message, "the source is empty");
        else if (m->n_bytes)
            snprintf(error->message, sizeof error->message,
                     "the source announces %llu bytes, and has said %llu before: delete the stored "
                     "model and load it again",
                     (unsigned long long)n_bytes, (unsigned long long)m->n_bytes);
        else
            snprintf(error->message, sizeof error->message,
                     "the source announces %llu bytes, and %u records of %u bytes are all that is "
                     "stored: let store.recordBytes be larger, or load with store: false",
                     (unsigned long long)n_bytes, (unsigned)TRIT_STORED_MAX_RECORDS,
                     (unsigned)m->record_bytes);
        return TRIT_SIZE;
    }
    m->n_bytes = n_bytes;
    return TRIT_OK;
}

/* JSON of JavaScript's that is kept with the model, from the next writing of its manifest on. */
TRIT_EXPORT trit_status trit_js_stored_describe(const char *about, size_t n_about)
{
    trit_manifest *m = &k->manifest;
    if (n_about > TRIT_STORED_MAX_ABOUT) {
        trit_js_fresh_error()->status = TRIT_PARAM;
        return TRIT_PARAM;
    }
    memcpy(m->about, about, n_about);
    m->n_about = (uint32_t)n_about;
    return TRIT_OK;
}

/* The same, as it was found. */
TRIT_EXPORT const char *trit_js_stored_about(void)
{
    trit_manifest *m = &k->manifest;
    if (m->n_about >= TRIT_STORED_MAX_ABOUT) return "{}";
    m->about[m->n_about] = 0;
    return (const char *)m->about;
}

static void on_manifest_written(trit_store_result result, size_t n_bytes)
{
    (void)n_bytes;
    trit_store_finished(result == TRIT_STORE_DONE ? TRIT_OK : TRIT_STORAGE);
}

/* Through a buffer that is neither filled nor on its way. */
static void write_manifest(trit_store_answer *answer)
{
    char name[TRIT_NAME_BYTES];
    uint8_t *out = k->buffers[1 - k->current];
    name_of_model(name, "model", k->name);
    trit_store_put(name, out, trit_manifest_write(&k->manifest, out), 1, answer);
}

static void begin(void)
{
    k->manifest.state = TRIT_STORED_PARTIAL;
    k->manifest.n_records = 0;
    write_manifest(on_manifest_written);
}

/* A request, when the origin is known: so that a model that breaks off is known, and what its records are. */
TRIT_EXPORT void trit_js_stored_begin(void) { trit_stored_when_written(begin); }

bool trit_stored_is_expected(void)
{
    uint8_t digest[32];
    trit_sha256 sha = k->sha;
    trit_sha256_end(&sha, digest);
    return memcmp(digest, k->expected, 32) == 0;
}

/* A request, after the last record: only now is it a model. */
TRIT_EXPORT void trit_js_stored_finish(void)
{
    trit_manifest *m = &k->manifest;
    if (!trit_stored_is_whole() || k->writing) {
        trit_stored_fail(TRIT_STATE, "the store: the model is not whole");
        return;
    }
    /* of a complete import the source was hashed when it was made */
    if (k->has_expected && (m->origin == TRIT_ORIGIN_PACKED || m->state != TRIT_STORED_COMPLETE) &&
        !trit_stored_is_expected()) {
        trit_stored_fail(TRIT_HASH, "the file is not the one that its SHA-256 promises");
        return;
    }
    if (m->state == TRIT_STORED_COMPLETE) {
        trit_store_finished(TRIT_OK);
        return;
    }
    m->state = TRIT_STORED_COMPLETE;
    m->n_records = trit_manifest_count(m);
    write_manifest(on_manifest_written);
}
