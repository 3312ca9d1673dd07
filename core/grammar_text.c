/* GBNF, the notation of llama.cpp: rules `name ::= alternatives`, of "text", [classes], ., names and (groups),
 * with *, +, ? and {m,n} behind them. */
#include "grammar.h"
#include "unicode.h"

#include <stdlib.h>

enum { MOST_DIGITS = 7 };

typedef struct {
    tritx_tree *tree;
    const uint8_t *text;
    size_t n, at;
    int depth;
} reader;

/* The first failure ends the text, and with it every loop. */
static void end_text(reader *r) { r->n = r->at = 0; }

static void no_memory(reader *r)
{
    tritx_tree_no_memory(r->tree);
    end_text(r);
}

static void refuse(reader *r, size_t at, const char *what)
{
    unsigned line = 1;
    for (size_t i = 0; i < at && i < r->n; i++) line += r->text[i] == '\n';
    tritx_tree_fail(r->tree, at, "grammar, line %u: %s", line, what);
    end_text(r);
}

static uint8_t peek(const reader *r) { return r->at < r->n ? r->text[r->at] : 0; }

static bool take(reader *r, uint8_t byte)
{
    if (r->at >= r->n || r->text[r->at] != byte) return false;
    r->at++;
    return true;
}

/* Blanks and comments, and if wanted the ends of lines. */
static void skip_space(reader *r, bool lines)
{
    for (;;) {
        uint8_t c = peek(r);
        if (c == '#')
            while (r->at < r->n && r->text[r->at] != '\n') r->at++;
        else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) r->at++;
        else return;
    }
}

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static size_t read_word(reader *r)
{
    size_t begin = r->at;
    while (is_word(peek(r))) r->at++;
    return r->at - begin;
}

static uint32_t read_hex(reader *r, int n_digits)
{
    uint32_t point = 0;
    for (int i = 0; i < n_digits; i++) {
        uint8_t c = peek(r), letter = c | 0x20;
        bool digit = c >= '0' && c <= '9';
        if (!digit && (letter < 'a' || letter > 'f')) {
            refuse(r, r->at, "an escape has too few hexadecimal digits");
            return 0;
        }
        point = point << 4 | (uint32_t)(digit ? c - '0' : letter - 'a' + 10);
        r->at++;
    }
    return point;
}

/* A character of a text or a class, which has not ended yet. */
static uint32_t read_point(reader *r)
{
    static const char escapes[] = "nrt\\\"[]-^", meanings[] = "\n\r\t\\\"[]-^";
    size_t begin = r->at;
    uint32_t point = 0;
    if (!take(r, '\\')) {
        size_t n = tritx_utf8_decode(r->text + r->at, r->n - r->at, &point);
        r->at += n;
        if (n == 0) refuse(r, begin, "it is not UTF-8");
        return point;
    }
    uint8_t c = peek(r);
    const char *escape = c ? strchr(escapes, c) : NULL;
    r->at++;
    if (escape) return (uint8_t)meanings[escape - escapes];
    if (c == 'x') point = read_hex(r, 2);
    else if (c == 'u') point = read_hex(r, 4);
    else if (c == 'U') point = read_hex(r, 8);
    else refuse(r, begin, "an escape is none of \\n \\r \\t \\\\ \\\" \\[ \\] \\- \\^ \\x \\u \\U");
    if (point > TRITX_LAST_POINT || (point >= 0xd800 && point <= 0xdfff))
        refuse(r, begin, "an escape is no character of Unicode");
    return point;
}

static uint32_t read_literal(reader *r)
{
    size_t begin = r->at++;
    tritx_list text = {0};
    while (r->at < r->n && peek(r) != '"' && peek(r) != '\n') {
        uint8_t bytes[4];
        size_t n = tritx_utf8_encode(read_point(r), bytes);
        for (size_t i = 0; i < n; i++) {
            uint8_t *byte = tritx_list_add(&text, 1);
            if (byte) *byte = bytes[i];
            else no_memory(r);
        }
    }
    if (r->n && !take(r, '"')) refuse(r, begin, "a text has no closing quote in its line");
    uint32_t node = tritx_tree_literal(r->tree, text.items, text.n);
    free(text.items);
    return node;
}

static uint32_t read_class(reader *r)
{
    size_t begin = r->at++;
    tritx_list list = {0};
    bool others = take(r, '^');
    while (r->at < r->n && peek(r) != ']' && peek(r) != '\n') {
        tritx_points *range = tritx_list_add(&list, sizeof *range);
        if (!range) {
            no_memory(r);
            break;
        }
        range->low = range->high = read_point(r);
        if (peek(r) == '-' && r->at + 1 < r->n && r->text[r->at + 1] != ']') {
            r->at++;
            range->high = read_point(r);
        }
        if (range->high < range->low) refuse(r, begin, "a range of a class ends before it begins");
    }
    if (r->n && !take(r, ']')) refuse(r, begin, "a class has no closing bracket in its line");
    uint32_t node = 0, n = tritx_points_join(list.items, list.n);
    if (others && !tritx_list_add(&list, sizeof(tritx_points))) no_memory(r);
    if (others && r->n) n = tritx_points_invert(list.items, n);
    if (r->n) node = tritx_tree_class(r->tree, list.items, n);
    free(list.items);
    return node;
}

static uint32_t read_number(reader *r, size_t begin)
{
    uint32_t value = 0;
    int n_digits = 0;
    for (; peek(r) >= '0' && peek(r) <= '9' && n_digits <= MOST_DIGITS; n_digits++)
        value = value * 10 + (uint32_t)(r->text[r->at++] - '0');
    if (n_digits == 0 || n_digits > MOST_DIGITS)
        refuse(r, begin, "braces hold no {m}, {m,} or {m,n} of at most 7 digits");
    skip_space(r, true);
    return value;
}

/* Behind an opening brace. */
static uint32_t read_repeat(reader *r, uint32_t node)
{
    size_t begin = r->at;
    skip_space(r, true);
    uint32_t low = peek(r) == ',' ? 0 : read_number(r, begin), high = low;
    if (take(r, ',')) {
        skip_space(r, true);
        high = peek(r) == '}' ? TRITX_NO_END : read_number(r, begin);
    }
    if (r->n && !take(r, '}')) refuse(r, begin, "braces hold no {m}, {m,} or {m,n}");
    if (r->n && high < low) refuse(r, begin, "{m,n} has an m above its n");
    return tritx_tree_repeat(r->tree, node, low, high);
}

static uint32_t read_choice(reader *r, bool nested);

static uint32_t read_group(reader *r)
{
    size_t begin = r->at++;
    if (++r->depth > TRITX_GRAMMAR_NESTING) {
        refuse(r, begin, "more than 64 groups in groups: give some of them names");
        return 0;
    }
    skip_space(r, true);
    uint32_t node = read_choice(r, true);
    r->depth--;
    if (r->n && !take(r, ')')) refuse(r, begin, "a group has no closing parenthesis");
    return node;
}

static uint32_t read_call(reader *r)
{
    size_t begin = r->at, n = read_word(r);
    uint32_t rule = tritx_tree_named(r->tree, (const char *)r->text + begin, n, (uint32_t)begin);
    return tritx_tree_call(r->tree, rule);
}

/* Whether a part begins here, which then stands in *node. */
static bool read_part(reader *r, uint32_t *node)
{
    static const tritx_points any = {0, TRITX_LAST_POINT};
    uint8_t c = peek(r);
    if (is_word(c)) *node = read_call(r);
    else if (c == '"') *node = read_literal(r);
    else if (c == '[') *node = read_class(r);
    else if (c == '(') *node = read_group(r);
    else if (take(r, '.')) *node = tritx_tree_class(r->tree, &any, 1);
    else if (c == '<' || c == '!') refuse(r, r->at, "<tokens> are not read: write their text");
    else return false;
    return r->n > 0;
}

static uint32_t read_sequence(reader *r, bool nested)
{
    tritx_group group = {.kind = TRITX_SEQUENCE};
    for (uint32_t node; read_part(r, &node);) {
        for (bool more = true; more;) {
            skip_space(r, nested);
            if (take(r, '*')) node = tritx_tree_repeat(r->tree, node, 0, TRITX_NO_END);
            else if (take(r, '+')) node = tritx_tree_repeat(r->tree, node, 1, TRITX_NO_END);
            else if (take(r, '?')) node = tritx_tree_repeat(r->tree, node, 0, 1);
            else if (take(r, '{')) node = read_repeat(r, node);
            else more = false;
        }
        tritx_tree_add(r->tree, &group, node);
    }
    return group.node;
}

static uint32_t read_choice(reader *r, bool nested)
{
    tritx_group group = {.kind = TRITX_CHOICE};
    for (;;) {
        tritx_tree_add(r->tree, &group, read_sequence(r, nested));
        size_t end = r->at;
        skip_space(r, true); /* a line may begin with the next alternative */
        if (!take(r, '|')) {
            if (r->n && !nested) r->at = end;
            return group.node;
        }
        skip_space(r, true);
    }
}

static void read_rule(reader *r)
{
    size_t begin = r->at, n = read_word(r);
    skip_space(r, false);
    bool is_rule = n > 0 && r->n - r->at >= 3 && memcmp(r->text + r->at, "::=", 3) == 0;
    if (!is_rule) {
        refuse(r, begin, "no rule begins here: one is name ::= what it is, and ends with its line");
        return;
    }
    uint32_t rule = tritx_tree_named(r->tree, (const char *)r->text + begin, n, (uint32_t)begin);
    r->at += 3;
    skip_space(r, true);
    uint32_t node = read_choice(r, false);
    if (r->tree->status != TRIT_OK) return;
    if (((tritx_rule *)r->tree->rules.items)[rule].defined)
        refuse(r, begin, "a rule of this name is there already: rename one of the two");
    tritx_tree_define(r->tree, rule, node);
    skip_space(r, false);
    if (r->at < r->n && peek(r) != '\n' && peek(r) != '\r')
        refuse(r, r->at, "something stands here that belongs to no rule");
}

/* Every rule that is named must be there. */
static void check_rules(tritx_tree *tree, const uint8_t *text)
{
    const tritx_rule *rules = tree->rules.items;
    for (uint32_t i = 0; i < tree->rules.n && tree->status == TRIT_OK; i++) {
        const char *name = (const char *)tree->bytes.items + rules[i].name;
        unsigned line = 1;
        if (rules[i].defined) continue;
        if (i == 0)
            tritx_tree_fail(tree, 0, "grammar: there is no rule root, with which it begins");
        for (uint32_t at = 0; at < rules[i].place; at++) line += text[at] == '\n';
        tritx_tree_fail(tree, rules[i].place, "grammar, line %u: there is no rule %.*s: add it",
                        line, rules[i].n_name < 64 ? (int)rules[i].n_name : 64, name);
    }
}

void tritx_grammar_rules(tritx_tree *tree, const char *text, size_t n_bytes)
{
    reader r = {.tree = tree, .text = (const uint8_t *)text, .n = n_bytes};
    for (skip_space(&r, true); r.at < r.n && tree->status == TRIT_OK; skip_space(&r, true))
        read_rule(&r);
}

trit_status tritx_grammar_read(tritx_tree *tree, const char *text, size_t n_bytes)
{
    if (n_bytes > TRITX_GRAMMAR_TEXT)
        tritx_tree_fail(tree, 0, "the grammar has %zu bytes, and %d are the most", n_bytes,
                        TRITX_GRAMMAR_TEXT);
    else tritx_grammar_rules(tree, text, n_bytes);
    check_rules(tree, (const uint8_t *)text);
    return tree->status;
}
