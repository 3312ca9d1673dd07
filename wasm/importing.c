/* A source that is no packed file, stored while it comes: its header as it is, of the rest each unit of the packed
 * file as soon as it is known. What broke off goes on with the first piece of the source that is missing. */
#include <stdio.h>
#include <string.h>

#include "export.h"
#include "stored.h"

enum {
    HEAD_INDEX = 1 << 30,
    CURSOR_INDEX = 1 << 29
}; /* in frames, so that nothing is taken for another */

static trit_stored *const k = &trit_opened;
static trit_importing *const t = &trit_opened.import;
static trit_loader *loader; /* of trit_js_stored_resume */

/* TRIT_RECORD_HEAD, the cursor u64, and the hash state of all before it */
static uint8_t cursor_value[TRIT_RECORD_HEAD + 8 + sizeof(trit_sha256)];

static void name_of(char name[TRIT_NAME_BYTES], char letter, uint32_t index)
{
    snprintf(name, TRIT_NAME_BYTES, "record/%s/%c%07u", k->name, letter, (unsigned)index);
}

void trit_importing_end(void)
{
    bool has_hash = t->has_hash;
    trit_packer_free(t->packer);
    memset(t, 0, sizeof *t);
    t->has_hash = has_hash;
}

/* Only of what is being stored for the first time is the hash of the source known from its beginning. */
static bool is_hashed(void) { return k->has_expected && k->manifest.state != TRIT_STORED_COMPLETE; }

/* ---- what has come and what of it is stored ---- */

static bool is_made(const trit_piece *piece)
{
    const trit_manifest *m = &k->manifest;
    for (int i = 0; i < 3; i++) {
        const trit_range *made = &piece->made[i];
        for (uint32_t u = trit_manifest_find(m, made->begin);
             made->begin < made->end && u < m->n_ends && trit_manifest_begin(m, u) < made->end; u++)
            if (!k->present[u]) return false;
    }
    return true;
}

static void unite(trit_range *range, const trit_range *other)
{
    if (other->begin == other->end) return;
    if (range->begin == range->end) *range = *other;
    if (other->begin < range->begin) range->begin = other->begin;
    if (other->end > range->end) range->end = other->end;
}

static void add_pending(const trit_piece *piece)
{
    if (t->n_pending == TRIT_PENDING_PIECES) {
        /* files whose parts of one unit lie that far apart take the last ones together */
        trit_piece *last = &t->pending[t->n_pending - 1].piece;
        for (int i = 0; i < 3; i++) unite(&last->made[i], &piece->made[i]);
        last->source_end = piece->source_end;
    } else t->pending[t->n_pending++].piece = *piece;
    t->pending[t->n_pending - 1].sha = k->sha;
    t->has_news = true;
}

void trit_importing_advance(void)
{
    trit_piece next;
    while (t->n_pending && is_made(&t->pending[0].piece)) {
        uint64_t end = t->pending[0].piece.source_end;
        /* not behind the last one, so that there is always something to ask for */
        if (end > t->cursor && trit_packer_piece(t->packer, k->manifest.record_bytes, end, &next)) {
            t->moved = true;
            t->cursor = end;
            t->cursor_sha = t->pending[0].sha;
        }
        memmove(t->pending, t->pending + 1, sizeof *t->pending * (size_t)--t->n_pending);
    }
}

/* Notes the pieces that end in these bytes. */
static void note_pieces(const uint8_t *bytes, size_t n_bytes)
{
    trit_piece piece;
    uint64_t hashed = t->at, end = t->at + n_bytes;
    while (t->packer && trit_packer_piece(t->packer, k->manifest.record_bytes, t->piece, &piece) &&
           piece.source_end <= end) {
        if (is_hashed())
            trit_sha256_push(&k->sha, bytes + (hashed - t->at),
                             (size_t)(piece.source_end - hashed));
        hashed = piece.source_end;
        t->piece = piece.source_end;
        add_pending(&piece);
    }
    if (is_hashed()) trit_sha256_push(&k->sha, bytes + (hashed - t->at), (size_t)(end - hashed));
    t->at = end;
    if (t->packer) trit_importing_advance();
}

/* ---- the header ---- */

static void on_rest_written(trit_store_result result, size_t n_bytes)
{
    (void)n_bytes;
    void (*then)(void) = k->when_written;
    k->writing = false;
    k->when_written = NULL;
    if (result != TRIT_STORE_DONE) k->failure = TRIT_STORAGE;
    if (then) then();
}

static void write_head(void)
{
    char name[TRIT_NAME_BYTES];
    uint8_t *record = k->buffers[k->current];
    uint32_t n_bytes = (uint32_t)k->n_filled, index = t->n_heads++;
    trit_record_frame(record, k->manifest.id, HEAD_INDEX + index, n_bytes);
    name_of(name, 's', index);
    k->writing = true;
    k->current = 1 - k->current;
    k->n_filled = 0;
    trit_store_put(name, record, TRIT_RECORD_HEAD + (size_t)n_bytes, 0, on_rest_written);
}

/* The header's bytes fill records; what is left of it waits for trit_js_stored_unit. */
static void keep_head(const uint8_t *bytes, size_t n_bytes)
{
    trit_piece head;
    uint64_t end = UINT64_MAX;
    if (t->packer && trit_packer_piece(t->packer, k->manifest.record_bytes, 0, &head))
        end = head.source_end;
    if (n_bytes > end - t->n_head) n_bytes = (size_t)(end - t->n_head);
    t->n_head += n_bytes;
    t->has_head = t->n_head == end;
    while (n_bytes) {
        size_t left = k->manifest.record_bytes - k->n_filled, n = n_bytes < left ? n_bytes : left;
        memcpy(k->buffers[k->current] + TRIT_RECORD_HEAD + k->n_filled, bytes, n);
        k->n_filled += n;
        bytes += n;
        n_bytes -= n;
        if (k->n_filled == k->manifest.record_bytes) write_head();
    }
}

/* Gives up storing in units. */
static void store_at_once(void)
{
    trit_packer_free(t->packer);
    t->packer = NULL;
    t->is_at_once = true;
    k->manifest.origin = TRIT_ORIGIN_IMPORTED;
    if (k->manifest.state != TRIT_STORED_COMPLETE)
        k->manifest.n_ends = 0; /* units of another source */
    k->next = 0;
    k->n_filled = 0;
}

/* As soon as the loader knows what becomes of the source, it is known which units there are. CONTINUE: not yet. */
static trit_status begin_units(const trit_loader *from)
{
    static uint64_t ends[TRIT_STORED_MAX_RECORDS];
    trit_manifest *m = &k->manifest;
    uint64_t n_bytes = 0;
    trit_error *error = trit_js_fresh_error();
    trit_status status = trit_loader_packer(from, &t->packer, &n_bytes, error);
    if (status == TRIT_STATE) return TRIT_CONTINUE;
    if (status == TRIT_UNSUPPORTED) {
        store_at_once();
        return TRIT_OK;
    }
    if (status != TRIT_OK) return status;
    size_t n = trit_packer_units(t->packer, m->record_bytes, ends, TRIT_STORED_MAX_RECORDS);
    bool was_at_once = m->state == TRIT_STORED_COMPLETE && !m->n_ends;
    if (n > TRIT_STORED_MAX_RECORDS || was_at_once) {
        store_at_once();
        return TRIT_OK;
    }
    if (m->n_ends) /* it goes on in the units with which it was begun */
        return m->n_bytes == n_bytes ? TRIT_OK : (error->status = TRIT_SOURCE_CHANGED);
    memcpy(m->ends, ends, n * sizeof *ends);
    m->n_ends = (uint32_t)n;
    m->n_bytes = n_bytes;
    m->origin = TRIT_ORIGIN_IMPORTED;
    return TRIT_OK;
}

trit_status trit_importing_take(const trit_loader *from, const uint8_t *bytes, size_t n_bytes)
{
    t->is_other = true;
    if (!t->packer && !t->is_at_once) {
        trit_status status = begin_units(from);
        if (status != TRIT_OK && status != TRIT_CONTINUE) return status;
    }
    if (t->is_at_once) {
        if (k->has_expected) trit_sha256_push(&k->sha, bytes, n_bytes);
        return TRIT_OK;
    }
    if (!t->has_head) keep_head(bytes, n_bytes);
    note_pieces(bytes, n_bytes);
    return TRIT_OK;
}

/* ---- storing units ---- */

/* Words are little-endian wherever this engine runs. */
static void write_cursor(void)
{
    char name[TRIT_NAME_BYTES];
    trit_record_frame(cursor_value, k->manifest.id, CURSOR_INDEX,
                      sizeof cursor_value - TRIT_RECORD_HEAD);
    memcpy(cursor_value + TRIT_RECORD_HEAD, &t->cursor, 8);
    memcpy(cursor_value + TRIT_RECORD_HEAD + 8, &t->cursor_sha, sizeof t->cursor_sha);
    name_of(name, 'c', 0);
    k->writing = true;
    t->moved = false;
    trit_store_put(name, cursor_value, sizeof cursor_value, 0, on_rest_written);
}

/* The next unit that is known and not stored, n_ends when there is none. */
static uint32_t next_unit(void)
{
    const trit_manifest *m = &k->manifest;
    for (int p = 0; t->has_news && p < t->n_pending; p++)
        for (int i = 0; i < 3; i++) {
            const trit_range *made = &t->pending[p].piece.made[i];
            if (made->begin == made->end) continue;
            for (uint32_t u = trit_manifest_find(m, made->begin);
                 u < m->n_ends && trit_manifest_begin(m, u) < made->end; u++)
                if (!k->present[u] && !trit_stored_is_written(u) &&
                    trit_packer_has(t->packer, trit_manifest_begin(m, u), m->ends[u]))
                    return u;
        }
    t->has_news = false;
    return m->n_ends;
}

static uint32_t unit;

static void write_unit(void)
{
    if (k->failure != TRIT_OK) {
        trit_store_finished(k->failure);
        return;
    }
    trit_stored_write(unit, trit_manifest_record_bytes(&k->manifest, unit));
    trit_store_finished(TRIT_CONTINUE);
}

static void write_rest(void)
{
    if (k->failure != TRIT_OK) {
        trit_store_finished(k->failure);
        return;
    }
    if (k->n_filled) write_head();
    else write_cursor();
    trit_store_finished(TRIT_CONTINUE);
}

/* A request: stores what has become known, CONTINUE; OK when there is nothing more, and all but the last of it is
 * stored. */
TRIT_EXPORT void trit_js_stored_unit(void)
{
    const trit_manifest *m = &k->manifest;
    if (!t->packer) {
        trit_store_finished(TRIT_OK);
        return;
    }
    if (k->n_filled) { /* of the header */
        trit_stored_when_written(write_rest);
        return;
    }
    unit = next_unit();
    if (unit < m->n_ends) {
        trit_error *error = trit_js_fresh_error();
        trit_status status = trit_packer_read(t->packer, trit_manifest_begin(m, unit),
                                              k->buffers[k->current] + TRIT_RECORD_HEAD,
                                              trit_manifest_record_bytes(m, unit), error);
        if (status != TRIT_OK) trit_store_finished(status);
        else trit_stored_when_written(write_unit);
    } else if (t->moved && is_hashed()) trit_stored_when_written(write_rest);
    else trit_store_finished(TRIT_OK);
}

/* ---- going on ---- */

static void ask_for(uint64_t begin, uint64_t end)
{
    trit_error *error = trit_js_fresh_error();
    trit_status status = begin > t->at ? trit_loader_seek(loader, begin, error) : TRIT_OK;
    if (status == TRIT_PARAM) { /* the header or the cursor that is kept is another source's */
        trit_stored_fail(TRIT_BAD_HEADER, "what is kept of the source is not its own: load the "
                                          "model again, which asks for all of it");
        return;
    }
    t->begin = t->at = t->piece = begin;
    t->end = end;
    trit_store_finished(status);
}

/* The first pieces in a row of which something is missing, behind the header. */
static void find_range(void)
{
    trit_piece piece;
    uint64_t most = k->manifest.record_bytes, from = t->n_head, begin = 0;
    bool found = false;
    while (trit_packer_piece(t->packer, (uint32_t)most, from, &piece)) {
        bool wanted = !is_made(&piece);
        if (wanted && !found) begin = from;
        if (!wanted && found) {
            ask_for(begin, from);
            return;
        }
        found = found || wanted;
        from = piece.source_end;
    }
    if (found) ask_for(begin, 0);
    else trit_store_finished(TRIT_OK);
}

static void on_cursor(trit_store_result result, size_t n_bytes)
{
    const uint8_t *value = cursor_value;
    uint64_t cursor = t->n_head;
    if (result == TRIT_STORE_FAILED) {
        trit_store_finished(TRIT_STORAGE);
        return;
    }
    if (result == TRIT_STORE_DONE &&
        trit_record_check(value, n_bytes, k->digest, k->manifest.id, CURSOR_INDEX,
                          sizeof cursor_value - TRIT_RECORD_HEAD)) {
        uint64_t kept;
        memcpy(&kept, value + TRIT_RECORD_HEAD, 8);
        if (kept >= cursor) { /* else the header is all there is */
            cursor = kept;
            memcpy(&k->sha, value + TRIT_RECORD_HEAD + 8, sizeof k->sha);
        }
    }
    ask_for(cursor, 0);
}

/* The header is there. Of a source that has a hash, all is asked for behind what the hash state covers. */
static void go_on(void)
{
    char name[TRIT_NAME_BYTES];
    trit_piece head;
    t->n_pending = 0;
    trit_packer_piece(t->packer, k->manifest.record_bytes, 0, &head);
    if (!is_made(&head)) add_pending(&head);
    if (!is_hashed()) {
        find_range();
        return;
    }
    if (t->has_hash) {
        trit_store_finished(TRIT_OK);
        return;
    }
    name_of(name, 'c', 0);
    trit_store_get(name, cursor_value, sizeof cursor_value, k->digest, on_cursor);
}

static void read_head(void);

static void on_head(trit_store_result result, size_t n_bytes)
{
    const uint8_t *record = k->buffers[k->current];
    trit_error *error = trit_js_fresh_error();
    if (result == TRIT_STORE_FAILED) {
        trit_store_finished(TRIT_STORAGE);
        return;
    }
    size_t n = n_bytes > TRIT_RECORD_HEAD ? n_bytes - TRIT_RECORD_HEAD : 0;
    if (result == TRIT_STORE_ABSENT ||
        !trit_record_check(record, n_bytes, k->digest, k->manifest.id, HEAD_INDEX + t->n_heads,
                           (uint32_t)n)) {
        ask_for(t->at, 0); /* the rest of the header, too */
        return;
    }
    trit_status status = trit_loader_push(loader, record + TRIT_RECORD_HEAD, n, error);
    if (is_hashed()) trit_sha256_push(&k->sha, record + TRIT_RECORD_HEAD, n);
    t->n_heads++;
    t->n_head += n;
    t->at += n;
    if (status == TRIT_OK) status = begin_units(loader);
    if (status == TRIT_CONTINUE) read_head();
    else if (status != TRIT_OK) trit_store_finished(status);
    else if (t->is_at_once) ask_for(t->at, 0);
    else {
        t->has_head = true;
        go_on();
    }
}

static void read_head(void)
{
    char name[TRIT_NAME_BYTES];
    name_of(name, 's', t->n_heads);
    trit_store_get(name, k->buffers[k->current],
                   TRIT_RECORD_HEAD + (size_t)k->manifest.record_bytes, k->digest, on_head);
}

/* A request: an import that is not whole goes on. The loader is new at first and gets the header from the store;
 * trit_js_stored_need then tells what is to be asked for. */
TRIT_EXPORT void trit_js_stored_resume(trit_loader *into)
{
    loader = into;
    k->next = 0;
    k->n_filled = 0;
    if (t->packer) {
        go_on();
        return;
    }
    trit_sha256_begin(&k->sha);
    read_head();
}

/* The source of an import has come to its end; the bytes of a packed file are hashed when all of them are there. */
TRIT_EXPORT trit_status trit_js_stored_hashed(void)
{
    trit_error *error = trit_js_fresh_error();
    bool is_import = k->manifest.origin == TRIT_ORIGIN_IMPORTED;
    if (!is_import || !is_hashed() || t->is_at_once || t->end) return TRIT_OK;
    t->has_hash = trit_stored_is_expected();
    if (t->has_hash) return TRIT_OK;
    error->status = TRIT_HASH;
    return TRIT_HASH;
}
