/* JSON schemas, whole texts of the input's own or grown from keywords, and what they let through, which is JSON. */
#include <cJSON.h>

#include "grammar_walk.h"

enum { MOST_DEPTH = 5 };

static void grow_schema(grown *text, input *in, int depth);

static const char *const names[] = {"\"a\"", "\"b\"",   "\"ab\"", "\"a\\\"\\\\\"",
                                    "\"é\"", "\"\\n\"", "\"\"",   "\"type\""};
static const char *const values[] = {
    "0",    "1",         "\"a\"",     "\"b\"", "null",        "true",
    "-2.5", "[1,\"x\"]", "{\"a\":1}", "1e21",  "\"\\u0001\"", "3",
    "12",   "-1e9",      "{}",        "7",     "2000",        "99999999999999999999"};
static const char *const types[] = {"\"null\"",   "\"boolean\"", "\"integer\"", "\"number\"",
                                    "\"string\"", "\"array\"",   "\"object\"",  "\"text\""};
static const char *const counts[] = {"0", "1", "2", "5", "30", "3000", "1.5", "-1"};
static const char *const formats[] = {"\"date\"", "\"time\"", "\"date-time\"", "\"uuid\"",
                                      "\"email\""};
static const char *const refs[] = {
    "\"#\"", "\"#/$defs/a\"", "\"#/$defs/b\"", "\"#/properties/a\"", "\"#/properties/a~1\"",
    "\"x\""};

typedef void (*grow_item)(grown *text, input *in, int depth);

static void grow_value(grown *text, input *in, int depth)
{
    (void)depth;
    GROW_ONE_OF(text, in, values);
}

static void grow_name(grown *text, input *in, int depth)
{
    (void)depth;
    GROW_ONE_OF(text, in, names);
}

static void grow_type(grown *text, input *in, int depth)
{
    (void)depth;
    GROW_ONE_OF(text, in, types);
}

static void grow_list(grown *text, input *in, grow_item item, int depth)
{
    grow(text, "[");
    for (uint32_t left = take(in, 1) % 5; left; left--) {
        item(text, in, depth + 1);
        if (left > 1) grow(text, ",");
    }
    grow(text, "]");
}

/* Schemas by name. */
static void grow_members(grown *text, input *in, int depth)
{
    grow(text, "{");
    for (uint32_t first = take(in, 1), i = first; i % 5; i++) {
        if (i != first) grow(text, ",");
        grow(text, names[i % (sizeof names / sizeof *names)]);
        grow(text, ":");
        grow_schema(text, in, depth + 1);
    }
    grow(text, "}");
}

static void grow_type_or_list(grown *text, input *in, int depth)
{
    if (take(in, 1) & 3) GROW_ONE_OF(text, in, types);
    else grow_list(text, in, grow_type, depth);
}

static void grow_values(grown *text, input *in, int depth)
{
    grow_list(text, in, grow_value, depth);
}

static void grow_names(grown *text, input *in, int depth) { grow_list(text, in, grow_name, depth); }

static void grow_schemas(grown *text, input *in, int depth)
{
    grow_list(text, in, grow_schema, depth);
}

static void grow_count(grown *text, input *in, int depth)
{
    (void)depth;
    GROW_ONE_OF(text, in, counts);
}

static void grow_format(grown *text, input *in, int depth)
{
    (void)depth;
    GROW_ONE_OF(text, in, formats);
}

static void grow_ref(grown *text, input *in, int depth)
{
    (void)depth;
    GROW_ONE_OF(text, in, refs);
}

static const struct {
    const char *name;
    grow_item value;
} keywords[] = {{"type", grow_type_or_list},
                {"properties", grow_members},
                {"required", grow_names},
                {"additionalProperties", grow_schema},
                {"items", grow_schema},
                {"prefixItems", grow_schemas},
                {"minItems", grow_count},
                {"maxItems", grow_count},
                {"minLength", grow_count},
                {"maxLength", grow_count},
                {"minimum", grow_value},
                {"maximum", grow_value},
                {"exclusiveMinimum", grow_value},
                {"exclusiveMaximum", grow_value},
                {"enum", grow_values},
                {"const", grow_value},
                {"anyOf", grow_schemas},
                {"oneOf", grow_schemas},
                {"allOf", grow_schemas},
                {"$ref", grow_ref},
                {"$defs", grow_members},
                {"format", grow_format},
                {"title", grow_name},
                {"pattern", grow_name}};

static void grow_schema(grown *text, input *in, int depth)
{
    enum { N = sizeof keywords / sizeof *keywords };
    uint32_t how = take(in, 1);
    if (depth >= MOST_DEPTH || how >= 240) {
        grow(text, how & 1 ? "true" : "{}");
        return;
    }
    grow(text, "{");
    for (uint32_t left = how % 4, at = take(in, 1); left; left--, at += 1 + take(in, 1) % 5) {
        grow(text, "\"");
        grow(text, keywords[at % N].name);
        grow(text, "\":");
        keywords[at % N].value(text, in, depth);
        if (left > 1) grow(text, ",");
    }
    grow(text, "}");
}

static void grow_whole(grown *text, input *in) { grow_schema(text, in, 0); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    grammar_walk walk = {.ended = false};
    if (!walk_input(&walk, data, n, grow_whole, trit_grammar_schema, "\"}]")) return 0;
    if (!walk.ended) return 0;
    cJSON *made = cJSON_ParseWithLength((const char *)walk.text, walk.n_text);
    if (!made) abort();
    cJSON_Delete(made);
    return 0;
}
