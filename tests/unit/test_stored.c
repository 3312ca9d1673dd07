/* The store as C drives it, over a store that is played here: each call in turn fails, or is the last one before
 * a crash, and whatever happens nothing is ever complete that is not whole, and nothing stored is lost. */
#include <stdlib.h>

#include "base.h"
#include "check.h"
#include "stored.h"

/* As in wasm/exports.txt; their only other caller is JavaScript. */
void trit_js_stored_open(const char *source, size_t n_source, const char *about, size_t n_about,
                         uint32_t record_bytes, const uint8_t *expected);
void trit_js_stored_close(void);
trit_status trit_js_stored_need(uint32_t *out);
trit_status trit_js_stored_total(uint32_t low, uint32_t high);
void trit_js_stored_begin(void);
void trit_js_stored_read(trit_loader *into);
void trit_js_stored_room(void);
trit_status trit_js_stored_push(trit_loader *loader, const uint8_t *bytes, size_t n_bytes);
void trit_js_stored_flush(void);
void trit_js_stored_import(const trit_model *model);
void trit_js_stored_unit(void);
void trit_js_stored_resume(trit_loader *into);
trit_status trit_js_stored_hashed(void);
void trit_js_stored_finish(void);
void trit_js_stored_use(uint32_t low, uint32_t high);
trit_status trit_js_stored_lacks(uint32_t *out);
void trit_js_stored_remove(const char *id);
void trit_js_stored_drop(void);
trit_status trit_js_stored_describe(const char *about, size_t n_about);
const char *trit_js_stored_about(void);
void trit_js_stored_clear(void);
void trit_js_stored_reset(void);
void trit_js_stored_manifests(void);
const char *trit_js_stored_listing(void);

enum { MAX_VALUES = 256, RECORD = TRIT_RECORD_MIN };

/* ---- the store ---- */

typedef struct {
    char name[TRIT_NAME_BYTES];
    uint8_t *bytes;
    size_t n;
} value;

static value values[MAX_VALUES];
static struct {
    trit_store_answer *answer;
    trit_store_result result;
    size_t n;
} pending[8];
static int n_pending, n_calls, fails_at = -1, crashes_at = -1;
static bool crashed;
static const char *held = ""; /* the name of a lock that somebody else has */
static trit_error error;
static int32_t finished;
static bool has_finished;

trit_error *trit_js_fresh_error(void)
{
    error = (trit_error){0};
    return &error;
}

void trit_store_finished(int32_t status)
{
    TRIT_CHECK(!has_finished); /* one answer for each request */
    finished = status;
    has_finished = true;
}

static void sha256(uint8_t digest[32], const uint8_t *bytes, size_t n)
{
    trit_sha256 sha;
    trit_sha256_begin(&sha);
    trit_sha256_push(&sha, bytes, n);
    trit_sha256_end(&sha, digest);
}

static value *find(const char *name)
{
    for (int i = 0; i < MAX_VALUES; i++)
        if (values[i].bytes && strcmp(values[i].name, name) == 0) return &values[i];
    return NULL;
}

static void drop(value *v)
{
    free(v->bytes);
    *v = (value){0};
}

/* False when this call fails or is one after the crash: then it changes nothing. */
static bool called(trit_store_answer *answer, trit_store_result result, size_t n)
{
    int call = n_calls++;
    if (call == crashes_at) crashed = true;
    if (crashed) return false;
    bool fails = call == fails_at;
    pending[n_pending].answer = answer;
    pending[n_pending].result = fails ? TRIT_STORE_FAILED : result;
    pending[n_pending++].n = fails ? 0 : n;
    return !fails;
}

/* A new value of this name and these bytes. */
static void keep_value(const char *name, const uint8_t *bytes, size_t n)
{
    value *v = find(name);
    for (int i = 0; !v; i++)
        if (!values[i].bytes) v = &values[i];
    drop(v);
    strcpy(v->name, name);
    v->n = n;
    v->bytes = malloc(n);
    memcpy(v->bytes, bytes, n);
}

void trit_store_put(const char *name, uint8_t *bytes, size_t n, int strict,
                    trit_store_answer *answer)
{
    (void)strict;
    if (!called(answer, TRIT_STORE_DONE, 0)) return;
    sha256(bytes, bytes + 32, n - 32);
    keep_value(name, bytes, n);
}

void trit_store_get(const char *name, uint8_t *into, size_t capacity, uint8_t digest[32],
                    trit_store_answer *answer)
{
    const value *v = find(name);
    bool there = v && v->n >= 32 && v->n <= capacity;
    if (!called(answer, there ? TRIT_STORE_DONE : TRIT_STORE_ABSENT, there ? v->n : 0) || !there)
        return;
    memcpy(into, v->bytes, v->n);
    sha256(digest, v->bytes + 32, v->n - 32);
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

void trit_store_list(const char *prefix, char *into, size_t capacity, trit_store_answer *answer)
{
    char names[MAX_VALUES][TRIT_NAME_BYTES];
    size_t n_names = 0, n = 0;
    for (int i = 0; i < MAX_VALUES; i++)
        if (values[i].bytes && strncmp(values[i].name, prefix, strlen(prefix)) == 0)
            strcpy(names[n_names++], values[i].name);
    qsort(names, n_names, sizeof *names, by_name);
    for (size_t i = 0; i < n_names; i++) {
        char *slash = strchr(names[i] + strlen(prefix), '/');
        if (slash) *slash = 0;
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            n += tritx_format(into + n, capacity - n, "%s\n", names[i]);
    }
    called(answer, TRIT_STORE_DONE, n);
}

void trit_store_remove(const char *prefix, trit_store_answer *answer)
{
    if (!called(answer, TRIT_STORE_DONE, 0)) return;
    for (int i = 0; i < MAX_VALUES; i++)
        if (values[i].bytes && strncmp(values[i].name, prefix, strlen(prefix)) == 0)
            drop(&values[i]);
}

void trit_store_lock(const char *name, trit_lock how, trit_store_answer *answer)
{
    bool is_held = how == TRIT_LOCK_ALONE_NOW && strcmp(name, held) == 0;
    called(answer, is_held ? TRIT_STORE_ABSENT : TRIT_STORE_DONE, 0);
}

void trit_store_reset(trit_store_answer *answer)
{
    if (!called(answer, TRIT_STORE_DONE, 0)) return;
    for (int i = 0; i < MAX_VALUES; i++) drop(&values[i]);
}

void trit_store_unlock(void) { n_pending = 0; }

/* Lets the answers come until the request is done; false after a crash. */
static bool done(void)
{
    while (!has_finished && n_pending) {
        trit_store_answer *answer = pending[0].answer;
        trit_store_result result = pending[0].result;
        size_t n = pending[0].n;
        n_pending--;
        memmove(pending, pending + 1, sizeof *pending * (size_t)n_pending);
        answer(result, n);
    }
    TRIT_CHECK(has_finished || crashed);
    bool is_done = has_finished;
    has_finished = false;
    return is_done;
}

/* ---- a visit, as web/storing.js makes it ---- */

static size_t piece; /* in which the source sends its bytes, at most a record */

typedef struct {
    const uint8_t *bytes;
    size_t n;
    size_t n_sent; /* from the source */
} source;

#define ASK(request)                                                                               \
    do {                                                                                           \
        request;                                                                                   \
        if (!done()) return TRIT_ABORTED;                                                          \
        if (finished < 0) return finished;                                                         \
    } while (0)

static uint64_t wide(const uint32_t *words) { return words[0] | (uint64_t)words[1] << 32; }

typedef struct {
    uint64_t begin, end;
    bool complete, imported, known, read, whole, at_once;
} need;

static need ask_need(void)
{
    uint32_t words[11];
    TRIT_CHECK_EQ_I(trit_js_stored_need(words), TRIT_OK);
    return (need){wide(words + 2),
                  wide(words + 4),
                  words[0] == TRIT_STORED_COMPLETE,
                  words[1] == TRIT_ORIGIN_IMPORTED,
                  words[10] != 0,
                  words[6] != 0,
                  words[7] != 0,
                  words[8] != 0};
}

static trit_status store_units(void)
{
    do ASK(trit_js_stored_unit());
    while (finished == TRIT_CONTINUE);
    return TRIT_OK;
}

static trit_status send(trit_loader *loader, source *from, bool *begun)
{
    need n = ask_need();
    uint64_t end = n.end ? n.end : from->n;
    for (uint64_t at = n.begin; at < end; at += piece) {
        size_t n_bytes = end - at < piece ? (size_t)(end - at) : piece;
        ASK(trit_js_stored_room());
        from->n_sent += n_bytes;
        TRIT_TRY(trit_js_stored_push(loader, from->bytes + at, n_bytes));
        if (!*begun && ask_need().known) {
            ASK(trit_js_stored_begin());
            *begun = true;
        }
        TRIT_TRY(store_units());
    }
    ASK(trit_js_stored_flush());
    return trit_js_stored_hashed();
}

typedef struct {
    uint8_t *bytes;
    size_t n;
} out;

static out sides[3]; /* of the source, if it is a folder */

static void begin_anew(trit_loader **loader)
{
    trit_loader_free(*loader);
    TRIT_CHECK_EQ_I(trit_loader_new(loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
}

static void send_sides(trit_loader *loader)
{
    static const trit_side names[] = {TRIT_SIDE_CONFIG, TRIT_SIDE_TOKENIZER,
                                      TRIT_SIDE_TOKENIZER_CONFIG};
    for (int i = 0; i < 3 && sides[i].n; i++)
        TRIT_CHECK_EQ_I(
            trit_loader_side(loader, names[i], (char *)sides[i].bytes, sides[i].n, NULL), TRIT_OK);
}

/* What is missing of an import; false when the loader has the model. */
static trit_status go_on(trit_loader **loader, source *from, bool *begun, bool *again)
{
    uint64_t last = UINT64_MAX;
    begin_anew(loader);
    send_sides(*loader);
    for (*again = true;;) {
        ASK(trit_js_stored_resume(*loader));
        TRIT_TRY(store_units());
        ASK(trit_js_stored_room());
        need n = ask_need();
        if (n.whole) break;
        if (n.begin == last) return TRIT_TRUNCATED;
        last = n.begin;
        TRIT_TRY(send(*loader, from, begun));
        if (ask_need().at_once) {
            *again = false;
            return TRIT_OK;
        }
    }
    begin_anew(loader);
    return TRIT_OK;
}

static const uint8_t *expected; /* the source's SHA-256 */

static trit_status fill(trit_loader **loader, source *from)
{
    ASK(trit_js_stored_open("x", 1, "{}", 2, RECORD, expected));
    bool begun = ask_need().complete, again = true;
    while (again) {
        do ASK(trit_js_stored_read(*loader));
        while (finished == TRIT_CONTINUE);
        need n = ask_need();
        if (n.read) return TRIT_OK;
        if (n.imported) {
            TRIT_TRY(go_on(loader, from, &begun, &again));
            continue;
        }
        TRIT_TRY(trit_js_stored_total((uint32_t)from->n, 0));
        send_sides(*loader);
        TRIT_TRY(send(*loader, from, &begun));
        again = !ask_need().imported;
    }
    return TRIT_OK;
}

static trit_status keep(trit_model *model)
{
    if (ask_need().at_once && !ask_need().whole) do
            ASK(trit_js_stored_import(model));
        while (finished == TRIT_CONTINUE);
    ASK(trit_js_stored_finish());
    return TRIT_OK;
}

static trit_status visit(source *from)
{
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    n_calls = 0;
    crashed = has_finished = false;
    begin_anew(&loader);
    trit_status status = fill(&loader, from);
    if (status == TRIT_OK) status = trit_loader_finish(loader, &model, &error);
    if (status == TRIT_OK) status = keep(model);
    trit_js_stored_close();
    trit_model_free(model);
    trit_loader_free(loader);
    return status;
}

static int count_records(void)
{
    int n = 0;
    for (int i = 0; i < MAX_VALUES; i++)
        n += values[i].bytes && strncmp(values[i].name, "record/", 7) == 0;
    return n;
}

static void forget_all(void)
{
    for (int i = 0; i < MAX_VALUES; i++) drop(&values[i]);
}

static bool is_complete(void)
{
    n_calls = 0;
    crashed = has_finished = false;
    fails_at = crashes_at = -1;
    trit_js_stored_manifests();
    TRIT_CHECK(done() && finished == TRIT_OK);
    return strstr(trit_js_stored_listing(), "\"complete\"") != NULL;
}

/* The bytes of the records, one after the other, are the packed file. */
static void check_records(const uint8_t *file, size_t n)
{
    size_t at = 0, next = 0;
    for (size_t left = 1; left; next++) {
        left = 0;
        for (int i = 0; i < MAX_VALUES; i++) {
            const char *number = values[i].bytes ? strrchr(values[i].name, '/') : NULL;
            if (!number || strncmp(values[i].name, "record/", 7) != 0 || number[1] > '9' ||
                strtoul(number + 1, NULL, 10) != next)
                continue;
            left = values[i].n - TRIT_RECORD_HEAD;
            TRIT_CHECK(at + left <= n &&
                       memcmp(values[i].bytes + TRIT_RECORD_HEAD, file + at, left) == 0);
            at += left;
        }
    }
    TRIT_CHECK_EQ_I(at, n);
}

/* Every call of a first visit, or one of so many, fails, or is the last (S05 to S07, of the crash after the last record, too); the visit after it is like any other, and asks for at most
 * `again` bytes that had come. */
static void test_faults(source from, const uint8_t *file, size_t n_file, size_t again, int step)
{
    for (int crash = 0; crash < 2; crash++)
        for (int k = 0;; k += step) {
            forget_all();
            fails_at = crash ? -1 : k;
            crashes_at = crash ? k : -1;
            from.n_sent = 0;
            trit_status status = visit(&from);
            bool reached = n_calls > k;
            if (reached) TRIT_CHECK_EQ_I(status, crash ? TRIT_ABORTED : TRIT_STORAGE);
            else TRIT_CHECK_EQ_I(status, TRIT_OK);
            bool complete = is_complete();
            if (complete) check_records(file, n_file);
            /* what had come is not asked for again, but for the record that was on its way and one begun */
            size_t first = from.n_sent;
            from.n_sent = 0;
            TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
            TRIT_CHECK(first + from.n_sent <= from.n + again);
            if (complete) TRIT_CHECK_EQ_I(from.n_sent, 0);
            TRIT_CHECK(is_complete());
            check_records(file, n_file);
            if (!reached) break;
        }
}

/* A value is damaged, in each way that there is; then only what it held is asked for again. */
static void test_damage(source from, const uint8_t *file, size_t n_file)
{
    forget_all();
    TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
    for (int i = 0; i < MAX_VALUES; i++) {
        value *v = &values[i];
        if (!v->bytes) continue;
        const char *number = strrchr(v->name, '/') + 1;
        bool is_manifest = strncmp(v->name, "model/", 6) == 0, is_record = *number <= '9';
        size_t n = v->n;
        uint8_t *sound = malloc(n);
        memcpy(sound, v->bytes, n);
        for (int how = 0; how < (is_manifest ? 3 : 4); how++) {
            if (how == 0) v->bytes[v->n / 2] ^= 4;
            if (how == 1) v->bytes[how * 7] ^= 4; /* in the hash */
            if (how == 2) v->n -= 1;
            if (how == 3) { /* sound by itself, but not what the manifest says */
                v->bytes[v->n - 1] ^= 4;
                sha256(v->bytes, v->bytes + 32, v->n - 32);
            }
            from.n_sent = 0;
            TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
            /* without its manifest nobody knows what the records are; what only an import needs is not read */
            if (is_manifest) TRIT_CHECK_EQ_I(from.n_sent, from.n);
            else if (!is_record) TRIT_CHECK_EQ_I(from.n_sent, 0);
            else TRIT_CHECK(from.n_sent <= 2 * RECORD);
            TRIT_CHECK(is_complete());
            check_records(file, n_file);
            if (is_manifest || is_record) continue;
            v->n = n;
            memcpy(v->bytes, sound, n);
        }
        free(sound);
    }
}

/* Everything is damaged but the manifest. */
static void test_all_damaged(source from, const uint8_t *file, size_t n_file)
{
    forget_all();
    TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
    for (int i = 0; i < MAX_VALUES; i++)
        if (values[i].bytes && !strncmp(values[i].name, "record/", 7)) values[i].bytes[80] ^= 1;
    from.n_sent = 0;
    TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
    TRIT_CHECK(from.n_sent >= from.n);
    TRIT_CHECK(is_complete());
    check_records(file, n_file);
}

/* An import that broke off, what was kept of its header or of its cursor is damaged, too. */
static void test_damaged_import(source from, const uint8_t *file, size_t n_file)
{
    for (int k = 5;; k += 7) {
        bool found = false;
        for (int letter = 0; letter < 2; letter++) {
            forget_all();
            crashes_at = k;
            if (visit(&from) == TRIT_OK) return;
            crashes_at = -1;
            for (int i = 0; i < MAX_VALUES; i++) {
                const char *number = values[i].bytes ? strrchr(values[i].name, '/') + 1 : "";
                if (*number != "sc"[letter]) continue;
                values[i].bytes[values[i].n / 2] ^= 4;
                found = true;
            }
            TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
            TRIT_CHECK(is_complete());
            check_records(file, n_file);
        }
        TRIT_CHECK(found || k < 20);
    }
}

/* The source has become another one of the same shape; then its hash says so, or it is a mixture that a later
 * visit with the hash refuses. */
static void test_other_source(source from)
{
    uint8_t *other = malloc(from.n);
    source changed = {other, from.n, 0};
    memcpy(other, from.bytes, from.n);
    other[from.n - 3] ^= 1; /* in the last tensor, a norm */
    forget_all();
    crashes_at = 20;
    TRIT_CHECK_EQ_I(visit(&changed), TRIT_ABORTED);
    crashes_at = -1;
    TRIT_CHECK_EQ_I(visit(&changed), TRIT_HASH);
    TRIT_CHECK(!is_complete());
    free(other);
}

/* What version 1 has written, of a packed file and of an import, loads without its source. */
static void test_version_1(source from, uint32_t origin)
{
    forget_all();
    TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
    for (int i = 0; i < MAX_VALUES; i++) {
        value *v = &values[i];
        if (!v->bytes || strncmp(v->name, "model/", 6) != 0) continue;
        TRIT_CHECK(v->bytes[40] == 2 && v->bytes[104] == 0); /* no ends */
        v->bytes[40] = 1;
        v->bytes[48] = (uint8_t)origin;
        memmove(v->bytes + 104, v->bytes + 108, v->n - 108);
        v->n -= 4;
        sha256(v->bytes, v->bytes + 32, v->n - 32);
    }
    from.n_sent = 0;
    TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
    TRIT_CHECK_EQ_I(from.n_sent, 0);
    TRIT_CHECK(is_complete());
}

/* Of a model that is not complete, whose manifest knows no hashes: a record that is right by itself but cut off, or
 * another model's, or of another place. */
static void test_foreign(source from)
{
    for (int how = 0; how < 3; how++) {
        forget_all();
        fails_at = crashes_at = -1;
        TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
        crashes_at = n_calls - 1; /* the manifest's last writing */
        forget_all();
        TRIT_CHECK_EQ_I(visit(&from), TRIT_ABORTED);
        TRIT_CHECK(!is_complete());
        for (int i = 0; i < MAX_VALUES; i++) {
            value *v = &values[i];
            if (!v->bytes || !strstr(v->name, "/00000001")) continue;
            if (how == 0) v->n -= 1000;
            else v->bytes[how == 1 ? 40 : 64] ^= 4;
            sha256(v->bytes, v->bytes + 32, v->n - 32);
        }
        from.n_sent = 0;
        TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
        TRIT_CHECK_EQ_I(from.n_sent, RECORD);
    }
}

/* What is not whole does not become complete, whoever says so. */
static void test_early_finish(void)
{
    forget_all();
    fails_at = crashes_at = -1;
    trit_js_stored_open("x", 1, "{}", 2, RECORD, NULL);
    TRIT_CHECK(done() && finished == TRIT_OK);
    trit_js_stored_finish();
    TRIT_CHECK(done() && finished == TRIT_STATE);
    trit_js_stored_close();
    TRIT_CHECK(!is_complete());
}

/* A request that no call of the store hinders. */
#define FINE(request)                                                                              \
    do {                                                                                           \
        n_calls = 0;                                                                               \
        crashed = has_finished = false;                                                            \
        fails_at = crashes_at = -1;                                                                \
        request;                                                                                   \
        TRIT_CHECK(done() && finished == TRIT_OK);                                                 \
    } while (0)

static int count_values(void)
{
    int n = 0;
    for (int i = 0; i < MAX_VALUES; i++) n += values[i].bytes != NULL;
    return n;
}

/* S08: a break at any call leaves the model as it was, or the next start deletes what is left of it. */
static void test_remove(source from)
{
    for (int k = 0;; k++) {
        char id[65];
        forget_all();
        fails_at = crashes_at = -1;
        TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
        int n_values = count_values();
        for (int i = 0; i < MAX_VALUES; i++)
            if (strncmp(values[i].name, "model/", 6) == 0) memcpy(id, values[i].name + 6, 65);
        n_calls = 0;
        crashes_at = k;
        trit_js_stored_remove(id);
        bool whole = done();
        trit_js_stored_close();
        FINE(trit_js_stored_clear());
        if (count_values()) TRIT_CHECK(!whole && is_complete() && count_values() == n_values);
        FINE(trit_js_stored_remove(id));
        TRIT_CHECK_EQ_I(count_values(), 0);
        if (whole) break;
    }
}

/* Begins a file whose first record is stored, and then drops it, with a crash at this call of dropping (-1: none);
 * whether it came to its end. */
static bool begin_and_drop(source from, int crash)
{
    const char about[] = "{\"version\":{}}";
    trit_loader *loader = NULL;
    bool begun = false;
    forget_all();
    fails_at = crashes_at = -1;
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
    trit_js_stored_open("x", 1, "{}", 2, RECORD, NULL);
    TRIT_CHECK(done() && finished == TRIT_OK);
    TRIT_CHECK(strcmp(trit_js_stored_about(), "{}") == 0);
    TRIT_CHECK_EQ_I(trit_js_stored_describe(about, strlen(about)), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_js_stored_describe(about, TRIT_STORED_MAX_ABOUT + 1), TRIT_PARAM);
    TRIT_CHECK(strcmp(trit_js_stored_about(), about) == 0);
    from.n = RECORD;
    TRIT_CHECK_EQ_I(send(loader, &from, &begun), TRIT_OK);
    TRIT_CHECK_EQ_I(count_records(), 1);
    n_calls = 0;
    crashes_at = crash;
    trit_js_stored_drop();
    bool whole = done();
    trit_js_stored_close();
    trit_loader_free(loader);
    return whole;
}

/* What is dropped leaves nothing; after a crash on the way, the next visit is like the first. */
static void test_drop(source from, const uint8_t *file)
{
    TRIT_CHECK(begin_and_drop(from, -1) && count_values() == 0);
    for (int k = 0; !begin_and_drop(from, k); k++) {
        fails_at = crashes_at = -1;
        TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
        check_records(file, from.n);
    }
    crashes_at = -1;
    TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
    trit_js_stored_open("x", 1, "{}", 2, RECORD, NULL);
    TRIT_CHECK(done() && finished == TRIT_OK);
    trit_js_stored_drop();
    TRIT_CHECK(done() && finished == TRIT_OK);
    trit_js_stored_close();
    TRIT_CHECK(is_complete()); /* a whole one is not dropped */
}

/* What belongs to no manifest goes, unless somebody has it; whatever call fails, a model stays. */
static void test_clear(source from)
{
    static const char *const left[] = {
        "record/000000000000000000000000000000000000000000000000000000000000000a/00000000",
        "record/000000000000000000000000000000000000000000000000000000000000000a/00000001",
        "record/fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffb/00000007",
        "used/000000000000000000000000000000000000000000000000000000000000000c"};
    for (int crash = 0; crash < 2; crash++)
        for (int k = 0;; k++) {
            forget_all();
            fails_at = crashes_at = -1;
            TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
            int n_values = count_values();
            for (int i = 0; i < 4; i++) keep_value(left[i], (const uint8_t *)"x", 1);
            held = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffb";
            n_calls = 0;
            fails_at = crash ? -1 : k;
            crashes_at = crash ? k : -1;
            trit_js_stored_clear();
            bool whole = done() && n_calls <= k;
            trit_js_stored_close();
            TRIT_CHECK(find(left[2]) && is_complete());
            FINE(trit_js_stored_clear());
            TRIT_CHECK(find(left[2]) && count_values() == n_values + 1);
            held = "";
            FINE(trit_js_stored_clear());
            TRIT_CHECK(count_values() == n_values && is_complete());
            if (whole) break;
        }
    FINE(trit_js_stored_reset());
    TRIT_CHECK_EQ_I(count_values(), 0);
}

/* What is said of a model's use, and of the room that it still takes. */
static void test_use(source from)
{
    uint32_t lacks[2];
    forget_all();
    fails_at = crashes_at = -1;
    TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
    FINE(trit_js_stored_open("x", 1, "{}", 2, RECORD, NULL));
    TRIT_CHECK(trit_js_stored_lacks(lacks) == TRIT_OK && lacks[0] == 0);
    FINE(trit_js_stored_use(77, 1));
    trit_js_stored_close();
    TRIT_CHECK(is_complete() && strstr(trit_js_stored_listing(), "\"used\":4294967373,"));
    for (int i = 0; i < MAX_VALUES; i++) {
        value *v = &values[i];
        if (!v->bytes) continue;
        if (strncmp(v->name, "used/", 5) == 0) v->bytes[35] ^= 1;
        else if (strstr(v->name, "/00000001")) drop(v);
    }
    TRIT_CHECK(is_complete() && strstr(trit_js_stored_listing(), "\"used\":0,"));
    FINE(trit_js_stored_open("x", 1, "{}", 2, RECORD, NULL));
    TRIT_CHECK(trit_js_stored_lacks(lacks) == TRIT_OK && lacks[0] == RECORD && lacks[1] == 0);
    trit_js_stored_close();
}

/* What other pages of the site have written is left out of the list of models. */
static void test_foreign_names(source from)
{
    char name[TRIT_NAME_BYTES] = "model/";
    forget_all();
    fails_at = crashes_at = -1;
    keep_value("model/x", (const uint8_t *)"x", 1);
    memset(name + 6, 'z', 64);
    keep_value(name, (const uint8_t *)"x", 1);
    TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
    TRIT_CHECK(is_complete());
    const char *id = strstr(trit_js_stored_listing(), "\"id\"");
    TRIT_CHECK(id && !strstr(id + 1, "\"id\""));
    TRIT_CHECK(strstr(trit_js_stored_listing(), "\"about\":\"{}\"") != NULL);
}

/* ---- models ---- */

static int gather(void *ctx, const uint8_t *bytes, size_t n)
{
    out *o = ctx;
    o->bytes = realloc(o->bytes, o->n + n);
    memcpy(o->bytes + o->n, bytes, n);
    o->n += n;
    return 0;
}

/* A header that comes in pieces, of which the first do not tell what it is; with the hash of it all. */
static void test_folder(source from, const out of_folder[3])
{
    uint8_t digest[32];
    memcpy(sides, of_folder, sizeof sides);
    sha256(digest, from.bytes, from.n);
    expected = digest;
    piece = 1000;
    forget_all();
    fails_at = crashes_at = -1;
    TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
    for (int k = 3; k < n_calls; k += 17) {
        forget_all();
        crashes_at = k;
        from.n_sent = 0;
        int n_before = n_calls;
        TRIT_CHECK_EQ_I(visit(&from), TRIT_ABORTED);
        crashes_at = -1;
        TRIT_CHECK_EQ_I(visit(&from), TRIT_OK);
        TRIT_CHECK(from.n_sent <= from.n + 2 * RECORD && is_complete());
        n_calls = n_before;
    }
    for (int i = 0; i < 3; i++) {
        free(sides[i].bytes);
        sides[i] = (out){0};
    }
    expected = NULL;
}

int main(void)
{
    trit_config config;
    uint8_t digest[32];
    trit_model *model = NULL;
    trit_synthetic how = {.seed = 1, .zeros = 0.3f};
    out packed = {0}, gguf = {0}, imported = {0};
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &config, NULL), TRIT_OK);
    config.n_layer = 1;
    config.n_vocab = 300;
    TRIT_CHECK_EQ_I(trit_model_synthetic(&config, &how, NULL, &model, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_model_write(model, NULL, gather, &packed, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_model_export(model, TRIT_EXPORT_TQ2_0, gather, &gguf, &error), TRIT_OK);
    out folder = {0};
    TRIT_CHECK_EQ_I(trit_model_export(model, TRIT_EXPORT_SAFETENSORS, gather, &folder, &error),
                    TRIT_OK);
    out of_folder[3] = {{0}};
    for (int i = 0; i < 3; i++)
        TRIT_CHECK_EQ_I(trit_model_export(model, (trit_export)(TRIT_EXPORT_CONFIG + i), gather,
                                          &of_folder[i], &error),
                        TRIT_OK);
    trit_model_free(model);
    TRIT_CHECK(packed.n > 3 * RECORD);

    trit_loader *loader = NULL;
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, gguf.bytes, gguf.n, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_finish(loader, &model, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_model_write(model, NULL, gather, &imported, NULL), TRIT_OK);
    trit_loader_free(loader);
    trit_model_free(model);

    source from_packed = {packed.bytes, packed.n, 0}, from_gguf = {gguf.bytes, gguf.n, 0};
    piece = packed.n / 4 + 1; /* the last one ends two records */
    TRIT_CHECK(piece <= RECORD && 3 * piece < 3 * RECORD && packed.n < 4 * RECORD);
    test_faults(from_packed, packed.bytes, packed.n, 2 * RECORD, 1);
    piece = 10000;
    test_faults(from_packed, packed.bytes, packed.n, 2 * RECORD, 1);
    test_faults(from_gguf, imported.bytes, imported.n, 2 * RECORD, 1);
    test_damage(from_packed, packed.bytes, packed.n);
    test_damage(from_gguf, imported.bytes, imported.n);
    test_all_damaged(from_gguf, imported.bytes, imported.n);
    test_version_1(from_packed, TRIT_ORIGIN_PACKED);
    test_version_1(from_packed, TRIT_ORIGIN_IMPORTED);
    test_foreign(from_packed);
    test_foreign_names(from_packed);
    test_early_finish();
    test_remove(from_packed);
    test_drop(from_packed, packed.bytes);
    test_clear(from_packed);
    test_use(from_packed);
    test_remove(from_gguf);
    sha256(digest, gguf.bytes, gguf.n);
    expected = digest;
    test_faults(from_gguf, imported.bytes, imported.n, 2 * RECORD, 4);
    test_damaged_import(from_gguf, imported.bytes, imported.n);
    test_other_source(from_gguf);
    test_folder((source){folder.bytes, folder.n, 0}, of_folder);
    forget_all();
    free(folder.bytes);
    free(packed.bytes);
    free(gguf.bytes);
    free(imported.bytes);
    return TRIT_DONE();
}
