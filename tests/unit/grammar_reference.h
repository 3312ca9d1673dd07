/* A grammar that is drawn at random, its text, and a slow matcher that knows nothing of the engine's: it follows the
 * definition, from every place of the text, and is asked for one text at a time. */
#ifndef TRIT_GRAMMAR_REFERENCE_H
#define TRIT_GRAMMAR_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unicode.h"

enum { MAX_PARTS = 200, MAX_CHILDREN = 3, N_RULES = 4, MAX_TEXT = 60, ENDLESS = 1000 };

typedef enum { PART_TEXT, PART_CLASS, PART_RULE, PART_ALL, PART_ONE, PART_TIMES } part_kind;

typedef struct {
    part_kind kind;
    int what; /* which text, class or rule */
    int children[MAX_CHILDREN], n_children;
    int low, high; /* of PART_TIMES */
} part;

typedef struct {
    part parts[MAX_PARTS];
    int n_parts, rules[N_RULES];
    bool nullable[MAX_PARTS], productive[MAX_PARTS];
    uint64_t random;
} reference;

static const char *const part_texts[] = {"a", "b",  "ab", "ba", "\xc3\xa9", "\xe2\x82\xac",
                                         "",  "aab"};

typedef struct {
    const char *text;
    uint32_t ranges[3][2];
    int n_ranges;
} part_class;
static const part_class part_classes[] = {
    {"[ab]", {{'a', 'b'}}, 1},
    {"[^a]", {{0, '`'}, {'b', 0x10ffff}}, 2},
    {".", {{0, 0x10ffff}}, 1},
    {"[b-z\\u00e0-\\u07ff]", {{'b', 'z'}, {0xe0, 0x7ff}}, 2},
    {"[\\U0001F600-\\U0001F64F\\u20ac]", {{0x20ac, 0x20ac}, {0x1f600, 0x1f64f}}, 2},
    {"[\\u0800-\\uABCD]", {{0x800, 0xabcd}}, 1},
    {"[^\\x00-\\U0010FFFE]", {{0x10ffff, 0x10ffff}}, 1},
    {"[]", {{0}}, 0},
};

static inline uint32_t draw_below(uint64_t *random, uint32_t n)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return (uint32_t)(*random * 2685821657736338717u >> 33) % n;
}

/* Few, or so many that those in the middle are alike. */
static int draw_count(reference *r)
{
    bool many = draw_below(&r->random, 4) == 0;
    return many ? 14 + (int)draw_below(&r->random, 12) : (int)draw_below(&r->random, 3);
}

static int draw_part(reference *r, int depth)
{
    int at = r->n_parts++;
    part *p = &r->parts[at];
    uint32_t kind = draw_below(&r->random, depth < 4 && r->n_parts < MAX_PARTS / 2 ? 12 : 5);
    if (kind < 2) *p = (part){.kind = PART_TEXT, .what = (int)draw_below(&r->random, 8)};
    else if (kind < 4) *p = (part){.kind = PART_CLASS, .what = (int)draw_below(&r->random, 8)};
    else if (kind < 6) *p = (part){.kind = PART_RULE, .what = (int)draw_below(&r->random, N_RULES)};
    else {
        *p = (part){.kind = kind < 8 ? PART_ALL : kind < 10 ? PART_ONE : PART_TIMES};
        if (p->kind == PART_TIMES) {
            p->low = draw_count(r);
            p->high = draw_below(&r->random, 2) ? ENDLESS : p->low + draw_count(r);
        }
        p->n_children = p->kind == PART_TIMES ? 1 : 1 + (int)draw_below(&r->random, MAX_CHILDREN);
        for (int i = 0; i < p->n_children; i++) p->children[i] = draw_part(r, depth + 1);
    }
    return at;
}

/* Whether a part is so, given what is known of its children. */
static bool holds(const reference *r, const part *p, const bool *known, bool leaf_text,
                  bool leaf_class)
{
    bool all = true, one = false;
    for (int i = 0; i < p->n_children; i++) {
        all &= known[p->children[i]];
        one |= known[p->children[i]];
    }
    switch (p->kind) {
    case PART_TEXT: return leaf_text;
    case PART_CLASS: return leaf_class;
    case PART_RULE: return known[r->rules[p->what]];
    case PART_ALL: return all;
    case PART_ONE: return one;
    default: return p->low == 0 || all;
    }
}

static void draw_grammar(reference *r, uint64_t seed)
{
    *r = (reference){.random = seed * 0x9E3779B97F4A7C15u + 1};
    for (int i = 0; i < N_RULES; i++) r->rules[i] = draw_part(r, 0);
    for (int round = 0; round < MAX_PARTS; round++)
        for (int i = 0; i < r->n_parts; i++) {
            const part *p = &r->parts[i];
            bool empty = p->kind == PART_TEXT && part_texts[p->what][0] == 0;
            bool some = p->kind == PART_CLASS && part_classes[p->what].n_ranges > 0;
            r->nullable[i] = holds(r, p, r->nullable, empty, false);
            r->productive[i] = holds(r, p, r->productive, true, some);
        }
}

/* Whether a rule can begin with another, before any byte. */
static bool begins_with(const reference *r, int at, int rule, bool *seen)
{
    const part *p = &r->parts[at];
    if (seen[at]) return false;
    seen[at] = true;
    if (p->kind == PART_RULE)
        return p->what == rule || begins_with(r, r->rules[p->what], rule, seen);
    for (int i = 0; i < p->n_children; i++) {
        if (p->kind == PART_TIMES && p->high == 0) return false;
        if (begins_with(r, p->children[i], rule, seen)) return true;
        if (p->kind == PART_ALL && !r->nullable[p->children[i]]) return false;
    }
    return false;
}

static bool is_left_recursive(const reference *r)
{
    for (int i = 0; i < N_RULES; i++) {
        bool seen[MAX_PARTS] = {false};
        if (begins_with(r, r->rules[i], i, seen)) return true;
    }
    return false;
}

static void write_part(const reference *r, int at, char *out)
{
    const part *p = &r->parts[at];
    out += strlen(out);
    switch (p->kind) {
    case PART_TEXT: sprintf(out, "\"%s\"", part_texts[p->what]); break;
    case PART_CLASS: strcpy(out, part_classes[p->what].text); break;
    case PART_RULE: p->what ? sprintf(out, "r-%d", p->what) : sprintf(out, "root"); break;
    default:
        strcpy(out, "(");
        for (int i = 0; i < p->n_children; i++) {
            if (i) strcat(out, p->kind == PART_ONE ? " | " : " ");
            write_part(r, p->children[i], out);
        }
        strcat(out, ")");
        out += strlen(out);
        if (p->kind != PART_TIMES) break;
        if (p->high == ENDLESS && p->low < 2) strcpy(out, p->low ? "+" : "*");
        else if (p->high == ENDLESS) sprintf(out, "{%d,}", p->low);
        else if (p->low == 0 && p->high == 1) strcpy(out, "?");
        else sprintf(out, "{%d,%d}", p->low, p->high);
    }
}

static void write_grammar(const reference *r, char *out)
{
    *out = 0;
    for (int i = 0; i < N_RULES; i++) {
        i ? sprintf(out + strlen(out), "r-%d ::= ", i) : sprintf(out, "root ::= ");
        write_part(r, r->rules[i], out);
        strcat(out, "\n");
    }
}

/* ---- matching ---- */

typedef struct {
    const reference *r;
    const uint8_t *text;
    int n;
    bool can_go_on; /* the text is the beginning of another */
    bool known[MAX_PARTS][MAX_TEXT + 1];
    uint64_t ends[MAX_PARTS][MAX_TEXT + 1]; /* bits of places */
} match;

/* The characters whose bytes begin with these n, which are fewer than they need: a range, or none. */
static bool begun_points(const uint8_t *bytes, size_t n, uint32_t *low, uint32_t *high)
{
    size_t length = n ? tritx_utf8_length(bytes[0]) : 0;
    if (n == 0) {
        *low = 0;
        *high = 0x10ffff;
        return true;
    }
    if (length <= n) return false;
    for (size_t i = 1; i < n; i++)
        if ((bytes[i] & 0xc0) != 0x80) return false;
    *low = bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < n; i++) *low = *low << 6 | (bytes[i] & 0x3fu);
    *low <<= 6 * (length - n);
    *high = *low | ((1u << 6 * (length - n)) - 1);
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (*low < least[length]) *low = least[length];
    if (*high > 0x10ffff) *high = 0x10ffff;
    return *low <= *high;
}

static bool class_has_some(const part_class *c, uint32_t low, uint32_t high)
{
    for (int i = 0; i < c->n_ranges; i++) {
        uint32_t from = c->ranges[i][0] > low ? c->ranges[i][0] : low;
        uint32_t to = c->ranges[i][1] < high ? c->ranges[i][1] : high;
        if (from <= to && !(from >= 0xd800 && to <= 0xdfff)) return true;
    }
    return false;
}

static uint64_t match_part(match *m, int at, int from);

static uint64_t match_all_from(match *m, int at, uint64_t from)
{
    uint64_t ends = 0;
    for (int i = 0; i <= m->n; i++)
        if (from >> i & 1) ends |= match_part(m, at, i);
    return ends;
}

static uint64_t match_leaf(match *m, const part *p, int from)
{
    const uint8_t *rest = m->text + from;
    int left = m->n - from;
    uint32_t low, high;
    if (p->kind == PART_TEXT) {
        int n = (int)strlen(part_texts[p->what]);
        if (n > left && memcmp(rest, part_texts[p->what], (size_t)left) == 0) m->can_go_on = true;
        return n <= left && memcmp(rest, part_texts[p->what], (size_t)n) == 0 ? 1ull << (from + n)
                                                                              : 0;
    }
    size_t n = tritx_utf8_decode(rest, (size_t)left, &low);
    if (n) return class_has_some(&part_classes[p->what], low, low) ? 1ull << (from + (int)n) : 0;
    if (left < 4 && begun_points(rest, (size_t)left, &low, &high) &&
        class_has_some(&part_classes[p->what], low, high))
        m->can_go_on = true;
    return 0;
}

static uint64_t match_times(match *m, const part *p, int from)
{
    uint64_t here = 1ull << from, ends = p->low == 0 ? here : 0;
    for (int i = 1; i <= p->high && i <= p->low + m->n + 4 && here; i++) {
        here = match_all_from(m, p->children[0], here);
        if (i >= p->low) ends |= here;
    }
    return ends;
}

/* Where the part can end that begins at `from`. */
static uint64_t match_part(match *m, int at, int from)
{
    const part *p = &m->r->parts[at];
    uint64_t ends = 0;
    if (m->known[at][from]) return m->ends[at][from];
    if (!m->r->productive[at]) return 0;
    if (p->kind == PART_TEXT || p->kind == PART_CLASS) ends = match_leaf(m, p, from);
    else if (p->kind == PART_RULE) ends = match_part(m, m->r->rules[p->what], from);
    else if (p->kind == PART_TIMES)
        ends = m->r->productive[p->children[0]] ? match_times(m, p, from) : 1ull << from;
    else if (p->kind == PART_ONE)
        for (int i = 0; i < p->n_children; i++) ends |= match_part(m, p->children[i], from);
    else {
        ends = 1ull << from;
        for (int i = 0; i < p->n_children; i++) ends = match_all_from(m, p->children[i], ends);
    }
    m->known[at][from] = true;
    m->ends[at][from] = ends;
    return ends;
}

/* Whether a text of at most MAX_TEXT bytes is of the grammar; *can_go_on: whether a longer one begins with it. */
static bool reference_match(const reference *r, const uint8_t *text, int n, bool *can_go_on)
{
    static match m;
    memset(&m, 0, sizeof m);
    m.r = r, m.text = text, m.n = n;
    uint64_t ends = match_part(&m, r->rules[0], 0);
    *can_go_on = m.can_go_on;
    return ends >> n & 1;
}

#endif
