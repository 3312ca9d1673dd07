/* The pre-scan refuses what cJSON would let pass and measures exactly what cJSON will allocate. */
#include "json.h"
#include "unicode.h"

#include <math.h>
#include <stdlib.h>

enum {
    MAX_DEPTH = 32,
    MAX_NUMBER = 64,
    ALIGN = 16,
    FIRST_KEYS = 64,
    SLOTS_A_KEY = 4, /* at least: searches are short, and only a hostile file makes a long one */
    MAX_PROBES = 128
};

typedef struct {
    uint64_t hash;       /* of the key without its escapes */
    const uint8_t *text; /* as written, after the opening quote; valid JSON */
} json_key;

typedef struct {
    const uint8_t *text;
    size_t n, at;
    size_t n_arena;
    json_key *keys; /* of all open objects, the innermost last */
    size_t n_keys, capacity;
    size_t first_key; /* of the innermost object */
    uint32_t *slots;  /* by hash, 1 + which key; those of the last keys are emptied first */
    trit_error *err;
} scan;

static trit_status fail(scan *s, const char *what)
{
    return tritx_fail(s->err, TRIT_BAD_JSON, s->at, "JSON: %s at byte %zu", what, s->at);
}

/* The next byte, or 0 (which is nowhere valid) at the end. */
static uint8_t peek(const scan *s) { return s->at < s->n ? s->text[s->at] : 0; }

static void skip_space(scan *s)
{
    uint8_t c;
    while ((c = peek(s)) == ' ' || c == '\n' || c == '\r' || c == '\t') s->at++;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of an escape; -1 when they are not. */
static int32_t hex_unit(const uint8_t *digits, size_t n)
{
    int32_t unit = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < n ? hex_digit(digits[i]) : -1;
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* After "\u": the digits, and a second escape when they are the first half of a pair. */
static trit_status scan_unicode_escape(scan *s)
{
    int32_t unit = hex_unit(s->text + s->at, s->n - s->at);
    if (unit < 0) return fail(s, "bad escape");
    if (unit == 0) return fail(s, "NUL in a string");
    if (unit >= 0xdc00 && unit <= 0xdfff) return fail(s, "lone surrogate");
    s->at += 4;
    if (unit < 0xd800 || unit > 0xdbff) return TRIT_OK;
    if (s->n - s->at < 6 || s->text[s->at] != '\\' || s->text[s->at + 1] != 'u')
        return fail(s, "lone surrogate");
    unit = hex_unit(s->text + s->at + 2, 4);
    if (unit < 0xdc00 || unit > 0xdfff) return fail(s, "lone surrogate");
    s->at += 6;
    return TRIT_OK;
}

/* A character of one byte that stands for itself. */
static bool is_plain(uint8_t c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

static trit_status scan_string(scan *s)
{
    if (peek(s) != '"') return fail(s, "expected a string");
    size_t begin = ++s->at;
    for (uint8_t c; (c = peek(s)) != '"';) {
        if (is_plain(c)) {
            s->at++;
            continue;
        }
        if (c < 0x20) return fail(s, s->at < s->n ? "control character in a string" : "cut off");
        if (c != '\\') {
            uint32_t point;
            size_t length = tritx_utf8_decode(s->text + s->at, s->n - s->at, &point);
            if (length == 0) return fail(s, "not UTF-8");
            s->at += length;
            continue;
        }
        s->at++;
        c = peek(s);
        if (c == 0 || !strchr("\"\\/bfnrtu", c)) return fail(s, "bad escape");
        s->at++;
        if (c == 'u') TRIT_TRY(scan_unicode_escape(s));
    }
    /* cJSON counts the opening quote too and adds a NUL; escapes only ever shrink. */
    s->n_arena += tritx_round_up(s->at - begin + 2, ALIGN);
    s->at++;
    return TRIT_OK;
}

/* The next character of a scanned string without its escape, as UTF-8; 0 at the closing quote. */
static size_t next_character(const uint8_t **text, uint8_t out[4])
{
    const uint8_t *p = *text;
    if (*p == '"') return 0;
    size_t length = 1;
    if (*p != '\\') {
        length = tritx_utf8_length(*p);
        memcpy(out, p, length);
    } else if (p[1] != 'u') {
        static const char escapes[] = "bfnrt", meanings[] = "\b\f\n\r\t";
        const char *escape = strchr(escapes, p[1]);
        out[0] = escape ? (uint8_t)meanings[escape - escapes] : p[1];
        *text = p + 2;
        return 1;
    } else {
        uint32_t point = (uint32_t)hex_unit(p + 2, 4);
        *text = p + 6;
        if (point >= 0xd800 && point <= 0xdbff) {
            point = 0x10000 + ((point - 0xd800) << 10) + ((uint32_t)hex_unit(p + 8, 4) - 0xdc00);
            *text = p + 12;
        }
        return tritx_utf8_encode(point, out);
    }
    *text = p + length;
    return length;
}

/* Without its object, so that the few keys of many small ones stay where the cache has them. */
static uint64_t hash_key(const uint8_t *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    uint8_t c[4];
    while (is_plain(*text)) hash = (hash ^ *text++) * 0x100000001b3u;
    for (size_t n; (n = next_character(&text, c)) > 0;)
        for (size_t i = 0; i < n; i++) hash = (hash ^ c[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

static bool same_key(const json_key *a, const json_key *b)
{
    if (a->hash != b->hash) return false;
    const uint8_t *p = a->text, *q = b->text;
    for (;;) {
        uint8_t c[4] = {0}, d[4] = {0}; /* no character is NUL: the end is unlike any */
        size_t n = next_character(&p, c);
        (void)next_character(&q, d);
        if (memcmp(c, d, sizeof c) != 0) return false;
        if (n == 0) return true;
    }
}

/* The slot of this key, or an empty one; NULL when too many others are in its way. */
static uint32_t *slot_of(const scan *s, const json_key *key)
{
    size_t mask = s->capacity * SLOTS_A_KEY - 1;
    for (size_t probe = 0; probe < MAX_PROBES; probe++) {
        uint32_t *slot = &s->slots[((size_t)key->hash + probe) & mask];
        if (*slot == 0 || (*slot > s->first_key && same_key(&s->keys[*slot - 1], key))) return slot;
    }
    return NULL;
}

/* Room for twice as many keys. The slots are dealt out again, and in more of them no key stands further from
 * its own. */
static trit_status grow_keys(scan *s)
{
    size_t capacity = s->capacity ? s->capacity * 2 : FIRST_KEYS, n_bytes;
    json_key *keys =
        tritx_mul_ok(capacity, sizeof *keys, &n_bytes) ? realloc(s->keys, n_bytes) : NULL;
    if (!keys) return tritx_fail(s->err, TRIT_OOM, s->at, "no memory for the keys of a JSON");
    s->keys = keys;
    free(s->slots);
    s->slots = calloc(capacity, SLOTS_A_KEY * sizeof *s->slots);
    if (!s->slots) return tritx_fail(s->err, TRIT_OOM, s->at, "no memory for the keys of a JSON");
    s->capacity = capacity;
    size_t mask = capacity * SLOTS_A_KEY - 1;
    for (size_t i = 0; i < s->n_keys; i++) {
        size_t at = (size_t)keys[i].hash;
        while (s->slots[at & mask]) at++;
        s->slots[at & mask] = (uint32_t)i + 1;
    }
    return TRIT_OK;
}

/* Every key is compared at once with those of its object. */
static trit_status add_key(scan *s, const uint8_t *text)
{
    json_key key = {hash_key(text), text};
    if (s->n_keys == s->capacity) TRIT_TRY(grow_keys(s));
    uint32_t *slot = slot_of(s, &key);
    if (!slot || *slot) {
        s->at = (size_t)(text - s->text);
        return fail(s, slot ? "duplicate key" : "too many keys collide");
    }
    s->keys[s->n_keys++] = key;
    *slot = (uint32_t)s->n_keys;
    return TRIT_OK;
}

/* Forgets the keys of the object that ends. */
static void close_object(scan *s)
{
    while (s->n_keys > s->first_key) *slot_of(s, &s->keys[--s->n_keys]) = 0;
}

static size_t scan_digits(scan *s)
{
    size_t begin = s->at;
    while (peek(s) >= '0' && peek(s) <= '9') s->at++;
    return s->at - begin;
}

static trit_status scan_number(scan *s)
{
    size_t begin = s->at;
    if (peek(s) == '-') s->at++;
    bool zero = peek(s) == '0';
    size_t n_digits = scan_digits(s);
    if (n_digits == 0 || (zero && n_digits > 1)) return fail(s, "bad number");
    if (peek(s) == '.') {
        s->at++;
        if (scan_digits(s) == 0) return fail(s, "bad number");
    }
    if ((peek(s) | 0x20) == 'e') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-') s->at++;
        if (scan_digits(s) == 0) return fail(s, "bad number");
    }
    return s->at - begin <= MAX_NUMBER ? TRIT_OK : fail(s, "too long a number");
}

static trit_status scan_word(scan *s, const char *word)
{
    size_t n = strlen(word);
    if (s->n - s->at < n || memcmp(s->text + s->at, word, n) != 0) return fail(s, "bad value");
    s->at += n;
    return TRIT_OK;
}

static trit_status scan_value(scan *s, int depth);

static trit_status scan_member(scan *s, int depth)
{
    const uint8_t *key = s->text + s->at + 1;
    TRIT_TRY(scan_string(s));
    TRIT_TRY(add_key(s, key));
    skip_space(s);
    if (peek(s) != ':') return fail(s, "expected a colon");
    s->at++;
    return scan_value(s, depth);
}

static trit_status scan_container(scan *s, int depth)
{
    if (depth == MAX_DEPTH) return fail(s, "nested too deeply");
    bool object = s->text[s->at++] == '{';
    uint8_t closing = object ? '}' : ']';
    size_t outer_key = s->first_key;
    if (object) s->first_key = s->n_keys;
    skip_space(s);
    while (peek(s) != closing) {
        TRIT_TRY(object ? scan_member(s, depth + 1) : scan_value(s, depth + 1));
        skip_space(s);
        if (peek(s) == closing) break;
        if (peek(s) != ',') return fail(s, "expected a comma or an end");
        s->at++;
        skip_space(s);
        if (peek(s) == closing) return fail(s, "comma before an end");
    }
    s->at++;
    if (object) close_object(s);
    s->first_key = outer_key;
    return TRIT_OK;
}

static trit_status scan_value(scan *s, int depth)
{
    skip_space(s);
    s->n_arena += tritx_round_up(sizeof(cJSON), ALIGN);
    switch (peek(s)) {
    case '{':
    case '[': return scan_container(s, depth);
    case '"': return scan_string(s);
    case 't': return scan_word(s, "true");
    case 'f': return scan_word(s, "false");
    case 'n': return scan_word(s, "null");
    default: return s->at < s->n ? scan_number(s) : fail(s, "cut off");
    }
}

static trit_status scan_text(scan *s)
{
    /* Nothing allocates more than a node and a string of two bytes for one byte of text. */
    if (s->n > SIZE_MAX / (2 * sizeof(cJSON)) || (uint64_t)s->n > UINT32_MAX)
        return fail(s, "too long a text");
    TRIT_TRY(scan_value(s, 0));
    skip_space(s);
    if (s->at != s->n) return fail(s, "something after the value");
    s->n_arena += tritx_round_up(MAX_NUMBER + 1, ALIGN); /* cJSON copies a number to convert it */
    return TRIT_OK;
}

/* Where cJSON allocates while it parses. Its hooks take no context, so this is global as they are. */
static struct {
    uint8_t *memory;
    size_t n, used, last; /* last: where the newest block begins */
} arena;

static void *arena_malloc(size_t n_bytes)
{
    if (n_bytes > arena.n - arena.used) return NULL;
    size_t taken = tritx_round_up(n_bytes, ALIGN);
    if (taken > arena.n - arena.used) return NULL;
    arena.last = arena.used;
    arena.used += taken;
    return arena.memory + arena.last;
}

/* Gives the newest block back, which a number's copy is; all others live as long as the arena. */
static void arena_free(void *block)
{
    if (block && block == arena.memory + arena.last) arena.used = arena.last;
}

trit_status tritx_json_parse(const char *text, size_t n_bytes, tritx_json *json, trit_error *err)
{
    scan s = {.text = (const uint8_t *)text, .n = n_bytes, .err = err};
    trit_status status = scan_text(&s);
    free(s.keys);
    free(s.slots);
    if (status != TRIT_OK) return status;
    arena.memory = malloc(s.n_arena);
    if (!arena.memory)
        return tritx_fail(err, TRIT_OOM, 0, "no memory for %zu bytes of JSON", n_bytes);
    arena.n = s.n_arena;
    arena.used = arena.last = 0;
    cJSON_InitHooks(&(cJSON_Hooks){arena_malloc, arena_free});
    cJSON *root = cJSON_ParseWithLength(text, n_bytes);
    cJSON_InitHooks(NULL);
    uint8_t *memory = arena.memory;
    memset(&arena, 0, sizeof arena);
    if (!root) {
        free(memory);
        return tritx_fail(err, TRIT_BAD_JSON, 0, "JSON: the parser refused the text");
    }
    json->root = root;
    return TRIT_OK;
}

void tritx_json_free(tritx_json *json)
{
    free(json->root); /* the arena's first block */
    json->root = NULL;
}

bool tritx_json_int(const cJSON *object, const char *key, int64_t low, int64_t high, int64_t *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item)) return false;
    double value = item->valuedouble;
    if (!(fabs(value) <= 9007199254740992.0) || value != floor(value)) return false;
    if ((int64_t)value < low || (int64_t)value > high) return false;
    *out = (int64_t)value;
    return true;
}
