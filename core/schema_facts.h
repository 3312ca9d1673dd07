/* What can be said of a JSON schema by itself: of which types its values are, where its references lead, and whether
 * two schemas have no value in common. */
#ifndef TRIT_SCHEMA_FACTS_H
#define TRIT_SCHEMA_FACTS_H

#include <cJSON.h>

#include "base.h"

enum {
    A_NULL = 1,
    A_BOOLEAN = 2,
    AN_INTEGER = 4,
    A_FRACTION = 8,
    A_STRING = 16,
    AN_ARRAY = 32,
    AN_OBJECT = 64,
    A_NUMBER = AN_INTEGER | A_FRACTION,
    ANY_TYPE = 127
};

static inline const cJSON *schema_get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* The types that the keyword `type` names; 0 for what it must not be. */
int tritx_schema_named_types(const cJSON *type);
int tritx_schema_type_of(const cJSON *value);
/* The list of enum; NULL where const stands, then in *single. */
const cJSON *tritx_schema_listed(const cJSON *node, const cJSON **single);
bool tritx_schema_requires(const cJSON *object, const char *name);
/* What "#", "#/$defs/name" and the like mean; NULL when it is not there. */
const cJSON *tritx_schema_find(const cJSON *root, const cJSON *ref);
/* Whether no value can be of both schemas: of other types, of other lists of texts, or objects with a
 * property that tells them apart. */
bool tritx_schema_apart(const cJSON *root, const cJSON *a, const cJSON *b);

#endif
