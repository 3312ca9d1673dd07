#include "grammar_json.h"
#include "out.h"

#include <math.h>
#include <stdlib.h>

/* ---- values ---- */

static int add_text(void *ctx, const uint8_t *bytes, size_t n_bytes)
{
    tritx_list *text = ctx;
    for (size_t i = 0; i < n_bytes; i++) {
        uint8_t *byte = tritx_list_add(text, 1);
        if (!byte) return 1;
        *byte = bytes[i];
    }
    return 0;
}

/* The fewest digits that are read as the same number. */
static void write_number(tritx_out *out, double number)
{
    char text[40];
    if (isinf(number)) {
        tritx_out_bytes(out, number < 0 ? "-1e999" : "1e999", number < 0 ? 6 : 5);
        return;
    }
    tritx_format(text, sizeof text, "%.15g", number);
    if (strtod(text, NULL) != number) tritx_format(text, sizeof text, "%.17g", number);
    tritx_out_bytes(out, text, strlen(text));
}

/* The depth is that of a JSON text, which is bounded. */
static void write_value(tritx_out *out, const cJSON *value)
{
    bool object = cJSON_IsObject(value);
    if (cJSON_IsString(value)) {
        tritx_out_json(out, value->valuestring, strlen(value->valuestring));
    } else if (cJSON_IsNumber(value)) {
        write_number(out, value->valuedouble);
    } else if (object || cJSON_IsArray(value)) {
        tritx_out_bytes(out, object ? "{" : "[", 1);
        for (const cJSON *item = value->child; item; item = item->next) {
            if (item != value->child) tritx_out_bytes(out, ",", 1);
            if (object) {
                tritx_out_json(out, item->string, strlen(item->string));
                tritx_out_bytes(out, ":", 1);
            }
            write_value(out, item);
        }
        tritx_out_bytes(out, object ? "}" : "]", 1);
    } else {
        const char *word = cJSON_IsTrue(value) ? "true" : cJSON_IsFalse(value) ? "false" : "null";
        tritx_out_bytes(out, word, strlen(word));
    }
}

uint32_t tritx_tree_json(tritx_tree *tree, const cJSON *value)
{
    tritx_list text = {0};
    tritx_out out;
    trit_status status = tritx_out_begin(&out, add_text, &text, NULL);
    if (status == TRIT_OK) {
        write_value(&out, value);
        status = tritx_out_flush(&out);
    }
    tritx_out_end(&out);
    if (status != TRIT_OK) tritx_tree_no_memory(tree);
    uint32_t node = tritx_tree_literal(tree, text.items, text.n);
    free(text.items);
    return node;
}

/* ---- numbers ---- */

static uint32_t name(tritx_tree *tree, const char *rule)
{
    return tritx_tree_call(tree, tritx_tree_named(tree, rule, strlen(rule), 0));
}

static uint32_t both(tritx_tree *tree, uint32_t first, uint32_t second)
{
    tritx_group group = {.kind = TRITX_SEQUENCE};
    tritx_tree_add(tree, &group, first);
    tritx_tree_add(tree, &group, second);
    return group.node;
}

static uint32_t digits(tritx_tree *tree, char low, char high)
{
    tritx_points range = {(uint8_t)low, (uint8_t)high};
    return tritx_tree_class(tree, &range, 1);
}

/* The texts of n digits from low to high. */
static uint32_t same_length(tritx_tree *tree, const char *low, const char *high, int n)
{
    static const char nines[] = "9999999999999999", zeros[] = "0000000000000000";
    tritx_group group = {.kind = TRITX_CHOICE};
    if (n == 0) return 0;
    if (memcmp(low, zeros, (size_t)n) == 0 && memcmp(high, nines, (size_t)n) == 0)
        return tritx_tree_repeat(tree, digits(tree, '0', '9'), (uint32_t)n, (uint32_t)n);
    if (*low == *high)
        return both(tree, digits(tree, *low, *low), same_length(tree, low + 1, high + 1, n - 1));
    /* whole tens in the middle, and what is left of the first and the last */
    bool from_zero = memcmp(low + 1, zeros, (size_t)n - 1) == 0;
    bool to_nine = memcmp(high + 1, nines, (size_t)n - 1) == 0;
    char first = (char)(*low + !from_zero), last = (char)(*high - !to_nine);
    if (!from_zero)
        tritx_tree_add(
            tree, &group,
            both(tree, digits(tree, *low, *low), same_length(tree, low + 1, nines, n - 1)));
    if (first <= last)
        tritx_tree_add(
            tree, &group,
            both(tree, digits(tree, first, last), same_length(tree, zeros, nines, n - 1)));
    if (!to_nine)
        tritx_tree_add(
            tree, &group,
            both(tree, digits(tree, *high, *high), same_length(tree, zeros, high + 1, n - 1)));
    return group.node;
}

/* 0 <= low <= high */
static uint32_t whole_numbers(tritx_tree *tree, int64_t low, int64_t high)
{
    tritx_group group = {.kind = TRITX_CHOICE};
    int64_t least = 0, most = 9;
    for (int n = 1; least <= high; n++, least = most + 1, most = most * 10 + 9) {
        char from[24], to[24];
        if (most < low) continue;
        tritx_format(from, sizeof from, "%lld", (long long)(low > least ? low : least));
        tritx_format(to, sizeof to, "%lld", (long long)(high < most ? high : most));
        tritx_tree_add(tree, &group, same_length(tree, from, to, n));
    }
    return group.node;
}

uint32_t tritx_tree_integers(tritx_tree *tree, int64_t low, int64_t high)
{
    tritx_group group = {.kind = TRITX_CHOICE};
    if (high >= 0) tritx_tree_add(tree, &group, whole_numbers(tree, low > 0 ? low : 0, high));
    if (low < 0)
        tritx_tree_add(tree, &group,
                       both(tree, tritx_tree_literal(tree, "-", 1),
                            whole_numbers(tree, high < 0 ? -high : 1, -low)));
    return group.node;
}

/* Adds the decimals of at least 0 from low to high; `above`, `below`: not they themselves. */
static void add_decimals(tritx_tree *tree, tritx_group *group, int64_t low, int64_t high,
                         bool above, bool below, uint32_t sign)
{
    tritx_group all = {.kind = TRITX_CHOICE};
    int64_t whole = above ? low + 1 : low;
    if (above && low < high)
        tritx_tree_add(tree, &all,
                       both(tree, whole_numbers(tree, low, low), name(tree, "above-zero")));
    if (whole < high)
        tritx_tree_add(tree, &all,
                       both(tree, whole_numbers(tree, whole, high - 1),
                            tritx_tree_repeat(tree, name(tree, "fraction"), 0, 1)));
    if (!below && whole <= high) tritx_tree_add(tree, &all, whole_numbers(tree, high, high));
    if (all.node) tritx_tree_add(tree, group, both(tree, sign, all.node));
}

uint32_t tritx_tree_decimals(tritx_tree *tree, tritx_bounds b)
{
    tritx_group group = {.kind = TRITX_CHOICE};
    int64_t low = isinf(b.low) ? -TRITX_MOST_DECIMAL : (int64_t)b.low;
    int64_t high = isinf(b.high) ? TRITX_MOST_DECIMAL : (int64_t)b.high;
    if (high >= 0)
        add_decimals(tree, &group, low > 0 ? low : 0, high, low >= 0 && b.above, b.below, 0);
    /* no -0 */
    if (low < 0)
        add_decimals(tree, &group, high < 0 ? -high : 0, -low, high >= 0 || b.below, b.above,
                     tritx_tree_literal(tree, "-", 1));
    return group.node;
}
