/* Deleting a model, clearing what deletions and first visits that broke off have left, and beginning anew.
 *
 * The manifest goes first, in one transaction: from then on the records are nobody's, and whoever opens the store
 * next deletes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "stored.h"

static trit_stored *const k = &trit_opened;

/* Where the values of a model stand, before its id, in the order in which they go. */
static const char *const places[] = {"model/", "record/", "used/"};
enum { N_PLACES = sizeof places / sizeof *places, ID_BYTES = 64, MAX_MODELS = 1024 };

static void remove_at(const char *place, const char *id, trit_store_answer *answer)
{
    char prefix[TRIT_NAME_BYTES];
    snprintf(prefix, sizeof prefix, "%s%.64s", place, id);
    trit_store_remove(prefix, answer);
}

/* ---- a model ---- */

static int next_place;

static void remove_next(trit_store_result result, size_t n_bytes)
{
    (void)n_bytes;
    if (result == TRIT_STORE_DONE && next_place < N_PLACES) {
        remove_at(places[next_place++], k->name, remove_next);
        return;
    }
    trit_js_stored_close();
    trit_store_finished(result == TRIT_STORE_DONE ? TRIT_OK : TRIT_STORAGE);
}

static void on_locked(trit_store_result result, size_t n_bytes)
{
    if (result == TRIT_STORE_ABSENT) {
        trit_js_stored_close();
        trit_stored_fail(TRIT_IN_USE,
                         "the model is being loaded or stored, perhaps by another tab: "
                         "close it first");
        return;
    }
    next_place = 0;
    remove_next(result, n_bytes);
}

/* A request: what turned out to be no model is forgotten, so that the next load asks its source for everything. One
 * that is complete is left alone: each of its records is known by its hash. */
TRIT_EXPORT void trit_js_stored_drop(void)
{
    if (!k->is_open || k->manifest.state == TRIT_STORED_COMPLETE) {
        trit_store_finished(TRIT_OK);
        return;
    }
    next_place = 0;
    remove_next(TRIT_STORE_DONE, 0);
}

/* A request: deletes the model of this id, or what is left of it. */
TRIT_EXPORT void trit_js_stored_remove(const char *id)
{
    trit_js_stored_close();
    if (!trit_stored_is_id(id) || id[ID_BYTES] != 0) {
        trit_stored_fail(TRIT_PARAM, "a stored model's id is 64 hexadecimal digits");
        return;
    }
    memcpy(k->name, id, sizeof k->name);
    k->is_open = true;
    trit_store_lock(k->name, TRIT_LOCK_ALONE_NOW, on_locked);
}

/* ---- what has no manifest ---- */

static struct {
    char *models, *others;           /* names of manifests, and of one other place */
    size_t n_models, n_others, next; /* bytes */
    int place;
} c;

static size_t capacity(void) { return MAX_MODELS * (ID_BYTES + sizeof "record/"); }

static void end_clearing(trit_status status)
{
    free(c.models);
    free(c.others);
    c.models = c.others = NULL;
    trit_js_stored_close();
    trit_store_finished(status);
}

static void list_others(void);
static void next_other(void);

static bool has_manifest(const char *id)
{
    for (size_t i = 0; i + ID_BYTES <= c.n_models; i++)
        if (memcmp(c.models + i, id, ID_BYTES) == 0) return true;
    return false;
}

static void on_cleared(trit_store_result result, size_t n_bytes)
{
    (void)n_bytes;
    trit_store_unlock();
    if (result == TRIT_STORE_FAILED) {
        end_clearing(TRIT_STORAGE);
        return;
    }
    next_other();
}

/* Under the lock: somebody may have stored it meanwhile. */
static void on_looked(trit_store_result result, size_t n_bytes)
{
    if (result == TRIT_STORE_FAILED) {
        end_clearing(TRIT_STORAGE);
        return;
    }
    c.n_models = n_bytes;
    if (has_manifest(k->name)) on_cleared(TRIT_STORE_ABSENT, 0);
    else remove_at(places[c.place], k->name, on_cleared);
}

static void on_locked_to_clear(trit_store_result result, size_t n_bytes)
{
    /* somebody who has it is just beginning to store it */
    if (result == TRIT_STORE_DONE) trit_store_list(places[0], c.models, capacity(), on_looked);
    else on_cleared(result, n_bytes);
}

/* Names that are not ours hold anything, also a 0 where a prefix would end; they are left alone. */
static void next_other(void)
{
    size_t n_place = strlen(places[c.place]);
    while (c.next < c.n_others) {
        const char *name = c.others + c.next, *id = name + n_place,
                   *stop = memchr(name, '\n', c.n_others - c.next);
        if (!stop) break;
        c.next += (size_t)(stop - name) + 1;
        bool is_ours = (size_t)(stop - name) == n_place + ID_BYTES && trit_stored_is_id(id);
        if (!is_ours || has_manifest(id)) continue;
        memcpy(k->name, id, ID_BYTES);
        trit_store_lock(k->name, TRIT_LOCK_ALONE_NOW, on_locked_to_clear);
        return;
    }
    c.place++;
    list_others();
}

static void on_others(trit_store_result result, size_t n_bytes)
{
    if (result == TRIT_STORE_FAILED) {
        end_clearing(TRIT_STORAGE);
        return;
    }
    c.n_others = n_bytes;
    c.next = 0;
    next_other();
}

static void list_others(void)
{
    if (c.place == N_PLACES) end_clearing(TRIT_OK);
    else trit_store_list(places[c.place], c.others, capacity(), on_others);
}

static void on_models(trit_store_result result, size_t n_bytes)
{
    if (result == TRIT_STORE_FAILED) {
        end_clearing(TRIT_STORAGE);
        return;
    }
    c.n_models = n_bytes;
    c.place = 1;
    list_others();
}

/* A request: deletes what belongs to no manifest and is in nobody's hands. */
TRIT_EXPORT void trit_js_stored_clear(void)
{
    trit_js_stored_close();
    k->is_open = true;
    free(c.models); /* of a request that was cancelled */
    free(c.others);
    c.models = malloc(capacity());
    c.others = malloc(capacity());
    if (!c.models || !c.others) {
        end_clearing(TRIT_OOM);
        return;
    }
    trit_store_list(places[0], c.models, capacity(), on_models);
}

/* ---- everything ---- */

static void on_reset(trit_store_result result, size_t n_bytes)
{
    (void)n_bytes;
    trit_store_finished(result == TRIT_STORE_DONE ? TRIT_OK : TRIT_STORAGE);
}

/* A request: the store begins anew, whatever state it is in. */
TRIT_EXPORT void trit_js_stored_reset(void)
{
    trit_js_stored_close();
    trit_store_reset(on_reset);
}
