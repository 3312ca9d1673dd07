/* A JSON schema as a grammar.
 *
 * What the grammar lets through is valid by the schema, as validators read it. Not all that is valid is let through:
 * members come in the order of `properties`, and others only where additionalProperties says so; all prefixItems are
 * there; texts are escaped no more than they need; between tokens stands at most a space, or a line's end and blanks.
 * What a grammar does not hold is refused by its name. */
#include "grammar_json.h"
#include "json.h"
#include "schema_facts.h"
#include "unicode.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_MEMBERS = 1024, MOST_CHOICES = 64, MOST_PATH = 64, FIRST_SLOTS = 64 };

static const char prelude[] =
    "value ::= object | array | string | number | boolean | null\n"
    "object ::= \"{\" ws (member (\",\" ws member)* ws)? \"}\"\n"
    "member ::= string \":\" ws value\n"
    "array ::= \"[\" ws (value (\",\" ws value)* ws)? \"]\"\n"
    "boolean ::= \"true\" | \"false\"\n"
    "null ::= \"null\"\n"
    "ws ::= \" \"? | \"\\n\" [ \\t]{0,20}\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    /* escapes of halves of pairs are none, so that each char is a character */
    "char ::= [^\"\\\\\\x00-\\x1f] | \"\\\\\" ([\"\\\\/bfnrt] | \"u\" ([0-9a-cA-CefEF] hex | [dD] "
    "[0-7]) hex hex)\n"
    "hex ::= [0-9a-fA-F]\n"
    "digit ::= [0-9]\n"
    /* at most what a double holds */
    "number ::= \"-\"? (\"0\" | [1-9] digit{0,15}) (\".\" digit{1,16})? ([eE] [-+]? digit{1,2})?\n"
    "integer ::= \"0\" | \"-\"? [1-9] digit{0,15}\n"
    "fraction ::= \".\" digit{1,6}\n"
    "above-zero ::= \".\" digit{0,5} [1-9]\n"
    /* all but the 29th of February */
    "date ::= digit{4} \"-\" ((\"0\" [1-9] | \"1\" [0-2]) \"-\" (\"0\" [1-9] | \"1\" digit | \"2\" "
    "[0-8])"
    " | (\"0\" [13-9] | \"1\" [0-2]) \"-\" (\"29\" | \"30\") | (\"0\" [13578] | \"1\" [02]) "
    "\"-31\")\n"
    "minutes ::= ([01] digit | \"2\" [0-3]) \":\" [0-5] digit\n"
    "time ::= minutes \":\" [0-5] digit (\".\" digit{1,6})? (\"Z\" | [-+] minutes)\n"
    "date-time ::= date \"T\" time\n"
    "uuid ::= hex{8} (\"-\" hex{4}){3} \"-\" hex{12}\n";

/* What a rule is made of. */
typedef enum {
    OF_VALUE,  /* a schema */
    OF_MEMBER, /* a property: its name and value */
    OF_TAIL,   /* what may follow in an object, with the comma before it, from a property on */
    OF_END,    /* the same behind the last property of an object's schema */
    OF_OTHER   /* a member of an object's schema that is none of its properties */
} rule_kind;

typedef struct {
    const cJSON *at, *object; /* object: whose property it is */
    rule_kind kind;
    uint32_t rule;
    uint32_t from; /* the entry that asked for it */
} entry;

typedef struct {
    tritx_tree *tree;
    const cJSON *root;
    tritx_list entries; /* entry; their rules are made in this order, beginning with the root */
    uint32_t *slots;    /* 1 + entry, by what it is of */
    uint32_t n_slots;   /* a power of two */
    uint32_t now;       /* the entry whose rule is being made */
} schema;

static const entry *entry_at(const schema *s, uint32_t i)
{
    return &((const entry *)s->entries.items)[i];
}

/* "a/b": the properties that lead to the present place; of many the last. */
static void write_path(const schema *s, char path[2 * MOST_PATH])
{
    size_t begin = 2 * MOST_PATH - 1;
    path[begin] = 0;
    for (uint32_t i = s->now; i; i = entry_at(s, i)->from) {
        const entry *e = entry_at(s, i);
        if (e->kind != OF_MEMBER) continue;
        size_t n = strlen(e->at->string);
        if (n + 1 > begin - MOST_PATH) break;
        begin -= n;
        memcpy(path + begin, e->at->string, n);
        path[--begin] = '/';
    }
    memmove(path, path + begin, 2 * MOST_PATH - begin);
}

/* Notes what is wrong at the present place. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static uint32_t
refuse(const schema *s, const char *format, ...)
{
    char text[120], path[2 * MOST_PATH];
    va_list args;
    va_start(args, format);
    tritx_format_list(text, sizeof text, format, args);
    va_end(args);
    write_path(s, path);
    tritx_tree_fail(s->tree, 0, "JSON schema%s%s: %s", *path ? " at " : "", path, text);
    return 0;
}

/* ---- rules that are made later, each once ---- */

static uint32_t hash_entry(const cJSON *at, rule_kind kind)
{
    uint64_t hash = ((uint64_t)(uintptr_t)at + (uint64_t)kind) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(hash >> 32);
}

static uint32_t *slot_of(const schema *s, const cJSON *at, rule_kind kind)
{
    for (uint32_t i = hash_entry(at, kind);; i++) {
        uint32_t *slot = &s->slots[i & (s->n_slots - 1)];
        const entry *e = *slot ? entry_at(s, *slot - 1) : NULL;
        if (!e || (e->at == at && e->kind == kind)) return slot;
    }
}

static bool grow_slots(schema *s)
{
    uint32_t n = s->n_slots ? s->n_slots * 2 : FIRST_SLOTS;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots) return false;
    free(s->slots);
    s->slots = slots;
    s->n_slots = n;
    for (uint32_t i = 0; i < s->entries.n; i++)
        *slot_of(s, entry_at(s, i)->at, entry_at(s, i)->kind) = i + 1;
    return true;
}

/* A call of the rule that is made of this. */
static uint32_t call_rule(schema *s, const cJSON *at, rule_kind kind, const cJSON *object)
{
    tritx_tree *tree = s->tree;
    if (tree->status != TRIT_OK) return 0;
    bool room = s->entries.n * 2 < s->n_slots || grow_slots(s);
    uint32_t *slot = room ? slot_of(s, at, kind) : NULL;
    if (slot && *slot) return tritx_tree_call(tree, entry_at(s, *slot - 1)->rule);
    entry *made = room ? tritx_list_add(&s->entries, sizeof *made) : NULL;
    if (!made) {
        tritx_tree_no_memory(tree);
        return 0;
    }
    /* the root has its rule already */
    uint32_t rule = s->entries.n == 1 ? 0 : tritx_tree_rule(tree);
    *made = (entry){at, object, kind, rule, s->now};
    *slot = s->entries.n;
    return tritx_tree_call(tree, rule);
}

static uint32_t call_value(schema *s, const cJSON *at) { return call_rule(s, at, OF_VALUE, NULL); }

/* ---- parts ---- */

static uint32_t named(schema *s, const char *name)
{
    return tritx_tree_call(s->tree, tritx_tree_named(s->tree, name, strlen(name), 0));
}

static uint32_t text(schema *s, const char *bytes)
{
    return tritx_tree_literal(s->tree, bytes, strlen(bytes));
}

static uint32_t sequence(schema *s, const uint32_t *nodes, size_t n)
{
    tritx_group group = {.kind = TRITX_SEQUENCE};
    for (size_t i = 0; i < n; i++) tritx_tree_add(s->tree, &group, nodes[i]);
    return group.node;
}
#define SEQUENCE(s, ...)                                                                           \
    sequence(s, (const uint32_t[]){__VA_ARGS__},                                                   \
             sizeof(const uint32_t[]){__VA_ARGS__} / sizeof(uint32_t))

static uint32_t optional(schema *s, uint32_t node)
{
    return tritx_tree_repeat(s->tree, node, 0, 1);
}

/* ---- keywords ---- */

/* Kinds of keywords: the types that they are for, or one of these. */
enum {
    A_NOTE = 256,   /* says nothing of what is valid */
    ALONE = 512,    /* nothing but notes may stand beside it */
    OF_TYPE = 1024, /* type, and what stands beside it with enum and const */
    A_LIST = 2048   /* enum, const */
};

static const struct {
    const char *name;
    int kind;
} keywords[] = {
    {"$comment", A_NOTE},
    {"$defs", A_NOTE},
    {"$schema", A_NOTE},
    {"default", A_NOTE},
    {"definitions", A_NOTE},
    {"deprecated", A_NOTE},
    {"description", A_NOTE},
    {"examples", A_NOTE},
    {"readOnly", A_NOTE},
    {"title", A_NOTE},
    {"writeOnly", A_NOTE},
    {"$ref", ALONE},
    {"allOf", ALONE},
    {"anyOf", ALONE},
    {"oneOf", ALONE},
    {"type", OF_TYPE},
    {"const", A_LIST},
    {"enum", A_LIST},
    {"exclusiveMaximum", A_NUMBER},
    {"exclusiveMinimum", A_NUMBER},
    {"maximum", A_NUMBER},
    {"minimum", A_NUMBER},
    {"format", A_STRING},
    {"maxLength", A_STRING},
    {"minLength", A_STRING},
    {"items", AN_ARRAY},
    {"maxItems", AN_ARRAY},
    {"minItems", AN_ARRAY},
    {"prefixItems", AN_ARRAY},
    {"uniqueItems", AN_ARRAY},
    {"additionalProperties", AN_OBJECT},
    {"properties", AN_OBJECT},
    {"required", AN_OBJECT},
};

static int keyword_kind(const schema *s, const cJSON *key)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strcmp(key->string, keywords[i].name) == 0) return keywords[i].kind;
    if (strcmp(key->string, "$id") == 0 && entry_at(s, s->now)->at == s->root) return A_NOTE;
    return 0;
}

/* The kinds of all keywords of a schema; what is not known is refused. */
static int check_keywords(const schema *s, const cJSON *node)
{
    int kinds = 0;
    for (const cJSON *key = node->child; key; key = key->next) {
        int kind = keyword_kind(s, key);
        if (kind == 0) refuse(s, "\"%.40s\" is not served: leave it out", key->string);
        if (kinds & ~A_NOTE && kind != A_NOTE && (kinds | kind) & ALONE)
            refuse(s, "$ref, allOf, anyOf and oneOf must stand alone, not beside \"%.40s\"",
                   key->string);
        kinds |= kind;
    }
    return kinds;
}

/* A keyword that counts; `otherwise` without it. */
static int64_t count_of(const schema *s, const cJSON *node, const char *key, int64_t otherwise)
{
    int64_t value = otherwise;
    if (schema_get(node, key) && !tritx_json_int(node, key, 0, (int64_t)1 << 31, &value))
        refuse(s, "%s is no whole number of at least 0", key);
    return value;
}

/* ---- references ---- */

static uint32_t make_ref(schema *s, const cJSON *ref)
{
    const cJSON *target = tritx_schema_find(s->root, ref);
    if (target) return call_value(s, target);
    return refuse(s, "$ref \"%.60s\" is not in this schema",
                  cJSON_IsString(ref) ? ref->valuestring : "");
}

/* ---- choices ---- */

static uint32_t make_choice(schema *s, const cJSON *list, bool exactly_one)
{
    tritx_group group = {.kind = TRITX_CHOICE};
    int n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    if (n == 0) return refuse(s, "%s is no list of schemas", list->string);
    if (exactly_one && n > MOST_CHOICES)
        return refuse(s, "oneOf has more than %d schemas: use anyOf", MOST_CHOICES);
    for (const cJSON *a = list->child; a; a = a->next) {
        for (const cJSON *b = a->next; exactly_one && b; b = b->next)
            if (!tritx_schema_apart(s->root, a, b))
                return refuse(s,
                              "a value could be of two schemas of oneOf: use anyOf, or a property "
                              "with const");
        tritx_tree_add(s->tree, &group, call_value(s, a));
    }
    return group.node;
}

/* What enum or const lists, of these types. */
static uint32_t make_list(schema *s, const cJSON *node, int types)
{
    tritx_group group = {.kind = TRITX_CHOICE};
    const cJSON *single, *list = tritx_schema_listed(node, &single);
    if (single && schema_get(node, "enum"))
        return refuse(s, "enum and const stand beside each other");
    if (!single && !cJSON_IsArray(list)) return refuse(s, "enum is no list");
    for (const cJSON *value = single ? single : list->child; value;
         value = single ? NULL : value->next)
        if (tritx_schema_type_of(value) & types)
            tritx_tree_add(s->tree, &group, tritx_tree_json(s->tree, value));
    return group.node ? group.node : refuse(s, "no value of enum or const is of the type");
}

/* ---- numbers and texts ---- */

static double bound_of(const schema *s, const cJSON *node, const char *key, double otherwise)
{
    const cJSON *bound = schema_get(node, key);
    if (!bound) return otherwise;
    if (!cJSON_IsNumber(bound)) refuse(s, "%s is no number", key);
    return bound->valuedouble;
}

static uint32_t make_integers(schema *s, tritx_bounds b)
{
    double low = ceil(b.low), high = floor(b.high), most = (double)TRITX_MOST_WHOLE;
    if (b.above && low == b.low) low++;
    if (b.below && high == b.high) high--;
    if (low < -most) low = isinf(low) ? -most : most + 1;
    if (high > most) high = isinf(high) ? most : -most - 1;
    if (low > high) return refuse(s, "no whole number of 16 digits is between its bounds");
    return tritx_tree_integers(s->tree, (int64_t)low, (int64_t)high);
}

static uint32_t make_decimals(schema *s, tritx_bounds b)
{
    bool low = isinf(b.low) || (b.low == floor(b.low) && fabs(b.low) <= TRITX_MOST_DECIMAL);
    bool high = isinf(b.high) || (b.high == floor(b.high) && fabs(b.high) <= TRITX_MOST_DECIMAL);
    if (!low || !high)
        return refuse(s, "the bounds of a number must be whole, and at most 1e9 from 0");
    uint32_t node = b.low <= b.high ? tritx_tree_decimals(s->tree, b) : 0;
    return node ? node : refuse(s, "no number is between its bounds");
}

static uint32_t make_number(schema *s, const cJSON *node, bool whole)
{
    const double none = HUGE_VAL;
    tritx_bounds b = {bound_of(s, node, "minimum", -none), bound_of(s, node, "maximum", none),
                      false, false};
    double above = bound_of(s, node, "exclusiveMinimum", -none);
    double below = bound_of(s, node, "exclusiveMaximum", none);
    if (above >= b.low && !isinf(above)) b.low = above, b.above = true;
    if (below <= b.high && !isinf(below)) b.high = below, b.below = true;
    if (isinf(b.low) && isinf(b.high)) return named(s, whole ? "integer" : "number");
    return whole ? make_integers(s, b) : make_decimals(s, b);
}

static uint32_t make_string(schema *s, const cJSON *node)
{
    static const char *const formats[] = {"date", "time", "date-time", "uuid"};
    const cJSON *format = schema_get(node, "format");
    int64_t low = count_of(s, node, "minLength", 0), high = count_of(s, node, "maxLength", -1);
    uint32_t content = 0;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (cJSON_IsString(format) && strcmp(format->valuestring, formats[i]) == 0)
            content = named(s, formats[i]);
    if (format && !content)
        return refuse(s, "format is none of date, time, date-time and uuid: leave it out");
    if (format && (schema_get(node, "minLength") || schema_get(node, "maxLength")))
        return refuse(s, "a length stands beside format: leave it out");
    if (high >= 0 && high < low) return refuse(s, "maxLength is less than minLength");
    if (!format && low == 0 && high < 0) return named(s, "string");
    if (!format)
        content = tritx_tree_repeat(s->tree, named(s, "char"), (uint32_t)low,
                                    high < 0 ? TRITX_NO_END : (uint32_t)high);
    return SEQUENCE(s, text(s, "\""), content, text(s, "\""));
}

/* ---- arrays ---- */

static uint32_t after_comma(schema *s, uint32_t node)
{
    return SEQUENCE(s, text(s, ","), named(s, "ws"), node);
}

/* low to high items that are all of one schema, behind others or not. */
static uint32_t make_items(schema *s, const cJSON *items, int64_t low, int64_t high, bool behind)
{
    if (high == 0) return 0;
    int64_t begun = behind ? 0 : 1, least = low > begun ? low - begun : 0;
    uint32_t item = items ? call_value(s, items) : named(s, "value");
    uint32_t more = tritx_tree_repeat(s->tree, after_comma(s, item), (uint32_t)least,
                                      high < 0 ? TRITX_NO_END : (uint32_t)(high - begun));
    if (behind) return more;
    uint32_t first = items ? call_value(s, items) : named(s, "value");
    uint32_t all = SEQUENCE(s, first, more, named(s, "ws"));
    return low == 0 ? optional(s, all) : all;
}

static uint32_t make_array(schema *s, const cJSON *node)
{
    const cJSON *items = schema_get(node, "items"), *first = schema_get(node, "prefixItems");
    const cJSON *unique = schema_get(node, "uniqueItems");
    int64_t low = count_of(s, node, "minItems", 0), high = count_of(s, node, "maxItems", -1), n = 0;
    tritx_group group = {.kind = TRITX_SEQUENCE};
    if (unique && !cJSON_IsFalse(unique))
        return refuse(s, "\"uniqueItems\" is not served: leave it out");
    if (cJSON_IsArray(items)) return refuse(s, "items is a list: name it prefixItems");
    if (first && !cJSON_IsArray(first)) return refuse(s, "prefixItems is no list");
    if (high >= 0 && high < low) return refuse(s, "maxItems is less than minItems");
    for (const cJSON *item = first ? first->child : NULL; item && n != high; item = item->next, n++)
        tritx_tree_add(s->tree, &group,
                       n ? after_comma(s, call_value(s, item)) : call_value(s, item));
    /* behind prefixItems there are others only if `items` says which */
    bool closed = cJSON_IsFalse(items) || (n && !items);
    if (closed && low > n) return refuse(s, "minItems is more than there are prefixItems");
    int64_t left = closed ? 0 : high < 0 ? -1 : high - n;
    uint32_t rest = make_items(s, items, low > n ? low - n : 0, left, n > 0);
    uint32_t content = n ? SEQUENCE(s, group.node, rest, named(s, "ws")) : rest;
    return SEQUENCE(s, text(s, "["), named(s, "ws"), content, text(s, "]"));
}

/* ---- objects ---- */

static bool has_others(const cJSON *object)
{
    const cJSON *others = schema_get(object, "additionalProperties");
    return others && !cJSON_IsFalse(others);
}

static uint32_t make_member(schema *s, const cJSON *property)
{
    cJSON name = {.type = cJSON_String, .valuestring = property->string};
    return SEQUENCE(s, tritx_tree_json(s->tree, &name), text(s, ":"), named(s, "ws"),
                    call_value(s, property));
}

/* The property, or the end of the object. */
static uint32_t call_tail(schema *s, const cJSON *property, const cJSON *object)
{
    if (property) return call_rule(s, property, OF_TAIL, object);
    return has_others(object) ? call_rule(s, object, OF_END, object) : 0;
}

static uint32_t make_tail(schema *s, const cJSON *property, const cJSON *object)
{
    uint32_t member = after_comma(s, call_rule(s, property, OF_MEMBER, object));
    if (!tritx_schema_requires(object, property->string)) member = optional(s, member);
    return SEQUENCE(s, member, call_tail(s, property->next, object));
}

static uint32_t make_object(schema *s, const cJSON *node)
{
    const cJSON *properties = schema_get(node, "properties"),
                *required = schema_get(node, "required");
    const cJSON *p = cJSON_IsObject(properties) ? properties->child : NULL;
    tritx_group first = {.kind = TRITX_CHOICE};
    bool some = false; /* one must be there */
    if (properties && !cJSON_IsObject(properties)) return refuse(s, "properties is no object");
    if (required && !cJSON_IsArray(required)) return refuse(s, "required is no list");
    if (cJSON_GetArraySize(properties) > MOST_MEMBERS ||
        cJSON_GetArraySize(required) > MOST_MEMBERS)
        return refuse(s, "an object has more than %d properties", MOST_MEMBERS);
    for (const cJSON *name = required ? required->child : NULL; name; name = name->next) {
        if (!cJSON_IsString(name)) return refuse(s, "required is no list of names");
        if (!schema_get(properties, name->valuestring))
            return refuse(s, "required names \"%.40s\", which is not in properties: add it",
                          name->valuestring);
    }
    if (!properties && !schema_get(node, "additionalProperties")) return named(s, "object");
    for (; p && !some; p = p->next) {
        tritx_tree_add(s->tree, &first,
                       SEQUENCE(s, call_rule(s, p, OF_MEMBER, node), call_tail(s, p->next, node)));
        some = tritx_schema_requires(node, p->string);
    }
    if (!some && has_others(node))
        tritx_tree_add(s->tree, &first,
                       SEQUENCE(s, call_rule(s, node, OF_OTHER, node), call_tail(s, NULL, node)));
    uint32_t content = first.node ? SEQUENCE(s, first.node, named(s, "ws")) : 0;
    if (content && !some) content = optional(s, content);
    return SEQUENCE(s, text(s, "{"), named(s, "ws"), content, text(s, "}"));
}

static uint32_t make_end(schema *s, const cJSON *object)
{
    return tritx_tree_repeat(s->tree, after_comma(s, call_rule(s, object, OF_OTHER, object)), 0,
                             TRITX_NO_END);
}

/* ---- names that are none of the properties ---- */

/* The characters that follow a prefix in the names of properties, each once; *whole: it is a name itself. */
static void next_points(schema *s, const cJSON *properties, const char *prefix, size_t n_prefix,
                        tritx_list *points, bool *whole)
{
    for (const cJSON *p = properties->child; p; p = p->next) {
        uint32_t point;
        if (strncmp(p->string, prefix, n_prefix) != 0) continue;
        const char *rest = p->string + n_prefix;
        if (tritx_utf8_decode((const uint8_t *)rest, strlen(rest), &point) == 0) {
            *whole = true;
            continue;
        }
        const tritx_points *known = points->items;
        uint32_t i = 0;
        while (i < points->n && known[i].low != point) i++;
        if (i < points->n) continue;
        tritx_points *made = tritx_list_add(points, sizeof *made);
        if (made) *made = (tritx_points){point, point};
        else tritx_tree_no_memory(s->tree);
    }
}

/* All but these characters, and those that stand in no text without an escape. */
static uint32_t other_point(schema *s, const tritx_list *points)
{
    static const tritx_points escaped[] = {{0, 0x1f}, {'"', '"'}, {'\\', '\\'}};
    enum { N_ESCAPED = sizeof escaped / sizeof *escaped };
    tritx_points *all = malloc(((size_t)points->n + N_ESCAPED + 1) * sizeof *all);
    if (!all) {
        tritx_tree_no_memory(s->tree);
        return 0;
    }
    memcpy(all, escaped, sizeof escaped);
    if (points->n) memcpy(all + N_ESCAPED, points->items, points->n * sizeof *all);
    uint32_t n = tritx_points_join(all, points->n + N_ESCAPED);
    uint32_t node = tritx_tree_class(s->tree, all, tritx_points_invert(all, n));
    free(all);
    return node;
}

/* What may stand behind a prefix so that the whole is the name of no property. Behind MOST_PATH characters a name
 * goes its own way. */
static uint32_t other_rest(schema *s, const cJSON *properties, const char *prefix, size_t n_prefix,
                           int depth)
{
    tritx_list points = {0};
    tritx_group group = {.kind = TRITX_CHOICE};
    bool whole = false;
    next_points(s, properties, prefix, n_prefix, &points, &whole);
    uint32_t any = tritx_tree_repeat(s->tree, named(s, "char"), 0, TRITX_NO_END);
    tritx_tree_add(s->tree, &group, SEQUENCE(s, other_point(s, &points), any));
    if (!whole) tritx_tree_add(s->tree, &group, 0);
    for (uint32_t i = 0; i < points.n && depth < MOST_PATH && s->tree->status == TRIT_OK; i++) {
        uint32_t point = ((const tritx_points *)points.items)[i].low;
        uint8_t bytes[4];
        size_t n = tritx_utf8_encode(point, bytes);
        if (point < 0x20 || point == '"' || point == '\\') continue;
        /* the longer prefix, as a name has it */
        const cJSON *p = properties->child;
        while (strncmp(p->string, prefix, n_prefix) != 0 ||
               strncmp(p->string + n_prefix, (char *)bytes, n) != 0)
            p = p->next;
        uint32_t rest = other_rest(s, properties, p->string, n_prefix + n, depth + 1);
        tritx_tree_add(s->tree, &group, SEQUENCE(s, tritx_tree_literal(s->tree, bytes, n), rest));
    }
    free(points.items);
    return group.node;
}

static uint32_t make_other(schema *s, const cJSON *object)
{
    const cJSON *properties = schema_get(object, "properties");
    uint32_t name = named(s, "string");
    if (properties && properties->child)
        name = SEQUENCE(s, text(s, "\""), other_rest(s, properties, "", 0, 0), text(s, "\""));
    return SEQUENCE(s, name, text(s, ":"), named(s, "ws"),
                    call_value(s, schema_get(object, "additionalProperties")));
}

/* ---- schemas ---- */

static uint32_t make_types(schema *s, const cJSON *node, int types)
{
    tritx_group group = {.kind = TRITX_CHOICE};
    if (types & A_NULL) tritx_tree_add(s->tree, &group, named(s, "null"));
    if (types & A_BOOLEAN) tritx_tree_add(s->tree, &group, named(s, "boolean"));
    if (types & A_NUMBER)
        tritx_tree_add(s->tree, &group, make_number(s, node, !(types & A_FRACTION)));
    if (types & A_STRING) tritx_tree_add(s->tree, &group, make_string(s, node));
    if (types & AN_ARRAY) tritx_tree_add(s->tree, &group, make_array(s, node));
    if (types & AN_OBJECT) tritx_tree_add(s->tree, &group, make_object(s, node));
    return group.node;
}

static uint32_t make_value(schema *s, const cJSON *node)
{
    if (cJSON_IsTrue(node)) return named(s, "value");
    if (cJSON_IsFalse(node))
        return refuse(s, "the schema false lets nothing through: leave it out");
    if (!cJSON_IsObject(node)) return refuse(s, "a schema is neither an object nor true");
    int kinds = check_keywords(s, node);
    const cJSON *all = schema_get(node, "allOf"), *type = schema_get(node, "type");
    if (s->tree->status != TRIT_OK) return 0;
    if (schema_get(node, "$ref")) return make_ref(s, schema_get(node, "$ref"));
    if (schema_get(node, "anyOf")) return make_choice(s, schema_get(node, "anyOf"), false);
    if (schema_get(node, "oneOf")) return make_choice(s, schema_get(node, "oneOf"), true);
    if (all && cJSON_IsArray(all) && cJSON_GetArraySize(all) == 1) return call_value(s, all->child);
    if (all) return refuse(s, "allOf of more than one schema is not served: put them into one");
    int types = type ? tritx_schema_named_types(type) : kinds & ANY_TYPE;
    if (type && !types) return refuse(s, "type names no type of JSON");
    if (kinds & A_LIST && kinds & ANY_TYPE)
        return refuse(s, "other keywords than type stand beside enum or const: leave them out");
    if (kinds & A_LIST) return make_list(s, node, type ? types : ANY_TYPE);
    return types ? make_types(s, node, types) : named(s, "value");
}

static uint32_t make_rule(schema *s, const entry *e)
{
    switch (e->kind) {
    case OF_VALUE: return make_value(s, e->at);
    case OF_MEMBER: return make_member(s, e->at);
    case OF_TAIL: return make_tail(s, e->at, e->object);
    case OF_END: return make_end(s, e->at);
    default: return make_other(s, e->at);
    }
}

static void make_rules(schema *s)
{
    tritx_grammar_rules(s->tree, prelude, sizeof prelude - 1);
    call_value(s, s->root);
    for (; s->now < s->entries.n && s->tree->status == TRIT_OK; s->now++) {
        entry e = *entry_at(s, s->now);
        tritx_tree_define(s->tree, e.rule, make_rule(s, &e));
    }
}

trit_status tritx_grammar_schema(tritx_tree *tree, const char *json, size_t n_bytes)
{
    tritx_json parsed = {NULL};
    trit_error error = {0};
    if (n_bytes > TRITX_GRAMMAR_TEXT) {
        tritx_tree_fail(tree, 0, "the JSON schema has %zu bytes, and %d are the most", n_bytes,
                        TRITX_GRAMMAR_TEXT);
        return tree->status;
    }
    trit_status status = tritx_json_parse(json, n_bytes, &parsed, &error);
    if (status == TRIT_OOM) tree->status = tritx_fail(tree->err, TRIT_OOM, 0, "%s", error.message);
    else if (status != TRIT_OK)
        tritx_tree_fail(tree, error.offset, "JSON schema: it is no %s", error.message);
    if (status == TRIT_OK) {
        schema s = {.tree = tree, .root = parsed.root};
        make_rules(&s);
        free(s.entries.items);
        free(s.slots);
        tritx_json_free(&parsed);
    }
    return tree->status;
}
