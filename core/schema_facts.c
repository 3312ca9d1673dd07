#include "schema_facts.h"

#include <math.h>

enum { MOST_REFS = 16 };

/* ---- types ---- */

static int type_of_name(const cJSON *name)
{
    static const struct {
        const char *name;
        int type;
    } types[] = {{"null", A_NULL},     {"boolean", A_BOOLEAN}, {"integer", AN_INTEGER},
                 {"number", A_NUMBER}, {"string", A_STRING},   {"array", AN_ARRAY},
                 {"object", AN_OBJECT}};
    for (size_t i = 0; cJSON_IsString(name) && i < sizeof types / sizeof *types; i++)
        if (strcmp(name->valuestring, types[i].name) == 0) return types[i].type;
    return 0;
}

int tritx_schema_named_types(const cJSON *type)
{
    int types = 0;
    if (!cJSON_IsArray(type)) return type_of_name(type);
    for (const cJSON *name = type->child; name; name = name->next) {
        if (type_of_name(name) == 0) return 0;
        types |= type_of_name(name);
    }
    return types;
}

int tritx_schema_type_of(const cJSON *value)
{
    if (cJSON_IsNull(value)) return A_NULL;
    if (cJSON_IsBool(value)) return A_BOOLEAN;
    if (cJSON_IsNumber(value))
        return value->valuedouble == floor(value->valuedouble) ? AN_INTEGER : A_FRACTION;
    if (cJSON_IsString(value)) return A_STRING;
    return cJSON_IsArray(value) ? AN_ARRAY : AN_OBJECT;
}

/* ---- references ---- */

/* The step of a JSON pointer, whose end is *step; false when it is none of this item. */
static bool is_step(const char *name, const char *step, const char *end)
{
    for (; step < end; step++, name++) {
        char c = *step;
        if (c == '~') c = step + 1 < end && *++step == '1' ? '/' : '~';
        if (*name != c) return false;
    }
    return *name == 0;
}

static const cJSON *find_step(const cJSON *at, const char *step, const char *end)
{
    char index[12];
    int i = 0;
    for (const cJSON *item = at->child; item; item = item->next, i++) {
        if (cJSON_IsArray(at)) tritx_format(index, sizeof index, "%d", i);
        if (is_step(cJSON_IsArray(at) ? index : item->string, step, end)) return item;
    }
    return NULL;
}

const cJSON *tritx_schema_find(const cJSON *root, const cJSON *ref)
{
    const char *path = cJSON_IsString(ref) ? ref->valuestring : "";
    const cJSON *at = *path == '#' ? root : NULL;
    if (at) path++;
    while (at && *path == '/') {
        const char *end = path + 1 + strcspn(path + 1, "/");
        at = find_step(at, path + 1, end);
        path = end;
    }
    return at && *path == 0 ? at : NULL;
}

/* Follows references; NULL for a circle or what is not there. */
static const cJSON *resolved(const cJSON *root, const cJSON *node)
{
    for (int i = 0; node && schema_get(node, "$ref"); i++)
        node = i < MOST_REFS ? tritx_schema_find(root, schema_get(node, "$ref")) : NULL;
    return node;
}

/* ---- what two schemas have in common ---- */

const cJSON *tritx_schema_listed(const cJSON *node, const cJSON **single)
{
    const cJSON *list = schema_get(node, "enum");
    *single = schema_get(node, "const");
    return *single ? NULL : list;
}

/* What a value of this schema can be at most. */
static int possible_types(const cJSON *root, const cJSON *node)
{
    const cJSON *single, *list;
    int types = 0;
    node = resolved(root, node);
    if (!node || !cJSON_IsObject(node)) return ANY_TYPE;
    list = tritx_schema_listed(node, &single);
    if (single) return tritx_schema_type_of(single);
    if (schema_get(node, "type")) return tritx_schema_named_types(schema_get(node, "type"));
    if (!list) return ANY_TYPE;
    for (const cJSON *value = list->child; value; value = value->next)
        types |= tritx_schema_type_of(value);
    return types;
}

static bool has_text(const cJSON *node, const char *value)
{
    const cJSON *single, *list = tritx_schema_listed(node, &single);
    if (single) return strcmp(single->valuestring, value) == 0;
    for (const cJSON *item = list->child; item; item = item->next)
        if (strcmp(item->valuestring, value) == 0) return true;
    return false;
}

/* Whether a schema lists its values, all of them texts. */
static bool lists_texts(const cJSON *node)
{
    const cJSON *single, *list = node ? tritx_schema_listed(node, &single) : NULL;
    if (!node || (!single && !cJSON_IsArray(list))) return false;
    if (single) return cJSON_IsString(single);
    for (const cJSON *item = list->child; item; item = item->next)
        if (!cJSON_IsString(item)) return false;
    return true;
}

/* Whether no text is in both lists. */
static bool differ_in_text(const cJSON *a, const cJSON *b)
{
    const cJSON *single, *list;
    if (!lists_texts(a) || !lists_texts(b)) return false;
    list = tritx_schema_listed(a, &single);
    if (single) return !has_text(b, single->valuestring);
    for (const cJSON *item = list->child; item; item = item->next)
        if (has_text(b, item->valuestring)) return false;
    return true;
}

bool tritx_schema_requires(const cJSON *object, const char *name)
{
    const cJSON *required = schema_get(object, "required");
    for (const cJSON *item = cJSON_IsArray(required) ? required->child : NULL; item;
         item = item->next)
        if (cJSON_IsString(item) && strcmp(item->valuestring, name) == 0) return true;
    return false;
}

bool tritx_schema_apart(const cJSON *root, const cJSON *a, const cJSON *b)
{
    if (!(possible_types(root, a) & possible_types(root, b))) return true;
    a = resolved(root, a);
    b = resolved(root, b);
    if (!a || !b) return false;
    if (differ_in_text(a, b)) return true;
    if (possible_types(root, a) != AN_OBJECT || possible_types(root, b) != AN_OBJECT) return false;
    const cJSON *properties = schema_get(a, "properties");
    for (const cJSON *p = properties ? properties->child : NULL; p; p = p->next) {
        const cJSON *other = schema_get(schema_get(b, "properties"), p->string);
        if (other && tritx_schema_requires(a, p->string) && tritx_schema_requires(b, p->string) &&
            differ_in_text(resolved(root, p), resolved(root, other)))
            return true;
    }
    return false;
}
