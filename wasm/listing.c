/* What is stored: one line of JSON for all models. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "stored.h"

enum { NAME_BYTES = 71, MAX_MODELS = 1024 }; /* "model/", 64 digits and a line feed */

static struct {
    char *names, *text;
    uint8_t *value;
    size_t n_names, next, n_text, capacity;
    uint8_t id[32], digest[32];
    trit_manifest manifest;
    trit_manifest_found found; /* of it */
    uint8_t used[TRIT_USED_BYTES];
} l;

static void append(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(l.text + l.n_text, l.capacity - l.n_text, format, args);
    va_end(args);
    if (n > 0) l.n_text += (size_t)n;
}

/* As the inside of a JSON string, whatever it is. */
static void append_escaped(const uint8_t *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x20 || text[i] == '"' || text[i] == '\\')
            append("\\u%04x", (unsigned)text[i]);
        else l.text[l.n_text++] = (char)text[i];
    l.text[l.n_text] = 0;
}

static void end(trit_status status)
{
    free(l.names);
    free(l.value);
    l.names = NULL;
    l.value = NULL;
    trit_store_finished(status);
}

static const char *name_of(size_t i) { return l.names + i * NAME_BYTES; }

static bool have_text(size_t n_more)
{
    if (l.n_text + n_more < l.capacity) return true;
    size_t capacity = 2 * l.capacity + n_more;
    char *text = realloc(l.text, capacity);
    if (!text) return false;
    l.text = text;
    l.capacity = capacity;
    return true;
}

static void next_manifest(void);

static void on_used(trit_store_result result, size_t n_bytes)
{
    static const char *const states[] = {"damaged", "partial", "complete"};
    const trit_manifest *m = &l.manifest;
    bool is_known = result == TRIT_STORE_DONE && n_bytes == sizeof l.used;
    uint64_t used = is_known ? trit_used_read(l.used, l.digest) : 0;
    if (!have_text(256 + 6 * (size_t)m->n_about)) {
        end(TRIT_OOM);
        return;
    }
    append("%s{\"id\":\"%.64s\",\"state\":\"%s\",\"imported\":%s,\"bytes\":%llu,\"used\":%llu,",
           l.next ? "," : "", name_of(l.next) + 6,
           l.found == TRIT_MANIFEST_NEWER ? "newer" : states[m->state],
           m->origin == TRIT_ORIGIN_IMPORTED ? "true" : "false", (unsigned long long)m->n_bytes,
           (unsigned long long)used);
    append("\"about\":\"");
    append_escaped(m->about, m->n_about);
    append("\"}");
    l.next++;
    next_manifest();
}

/* A manifest that cannot be read has lost what it said of the model, whose records may be deleted. */
static void on_value(trit_store_result result, size_t n_bytes)
{
    char name[TRIT_NAME_BYTES];
    if (result == TRIT_STORE_FAILED) {
        end(TRIT_STORAGE);
        return;
    }
    l.found = result == TRIT_STORE_ABSENT
                  ? TRIT_MANIFEST_BAD
                  : trit_manifest_read(&l.manifest, l.id, l.digest, l.value, n_bytes);
    if (l.found != TRIT_MANIFEST_FINE) l.manifest = (trit_manifest){.state = 0};
    trit_used_name(name, name_of(l.next) + 6);
    trit_store_get(name, l.used, sizeof l.used, l.digest, on_used);
}

static void next_manifest(void)
{
    if (l.next == l.n_names) {
        append("]");
        end(TRIT_OK);
        return;
    }
    char name[TRIT_NAME_BYTES];
    snprintf(name, sizeof name, "%.*s", NAME_BYTES - 1, name_of(l.next));
    for (int i = 0; i < 32; i++) {
        char digits[3] = {name[6 + 2 * i], name[7 + 2 * i], 0};
        l.id[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    trit_store_get(name, l.value, TRIT_MANIFEST_MAX, l.digest, on_value);
}

static void on_names(trit_store_result result, size_t n_bytes)
{
    if (result != TRIT_STORE_DONE) {
        end(TRIT_STORAGE);
        return;
    }
    /* others than those of models are left out */
    for (const char *line = l.names, *stop; line < l.names + n_bytes; line = stop + 1) {
        stop = memchr(line, '\n', (size_t)(l.names + n_bytes - line));
        if (!stop) break;
        if (stop - line != NAME_BYTES - 1 || !trit_stored_is_id(line + 6)) continue;
        memmove(l.names + l.n_names * NAME_BYTES, line, NAME_BYTES);
        l.n_names++;
    }
    next_manifest();
}

/* A request: reads all manifests. */
TRIT_EXPORT void trit_js_stored_manifests(void)
{
    free(l.text);
    free(l.names);
    free(l.value);
    memset(&l, 0, sizeof l);
    l.names = malloc(NAME_BYTES * MAX_MODELS);
    l.value = malloc(TRIT_MANIFEST_MAX);
    if (!l.names || !l.value || !have_text(256)) {
        end(TRIT_OOM);
        return;
    }
    append("[");
    trit_store_list("model/", l.names, NAME_BYTES * MAX_MODELS, on_names);
}

/* Their text: an array of {id, state, imported, bytes, used, about}, about as a text of its own. */
TRIT_EXPORT const char *trit_js_stored_listing(void) { return l.text; }
