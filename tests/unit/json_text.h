/* Changes in a JSON text. */
#ifndef TRIT_JSON_TEXT_H
#define TRIT_JSON_TEXT_H

#include <stdlib.h>

#include "check.h"

/* json with the first `old` replaced, and its length; `out` has room. */
static inline size_t replace(const char *json, const char *old, const char *new, char *out)
{
    const char *place = strstr(json, old);
    TRIT_CHECK(place != NULL);
    if (!place) exit(1);
    size_t before = (size_t)(place - json);
    memcpy(out, json, before);
    strcpy(out + before, new);
    strcat(out, place + strlen(old));
    return strlen(out);
}

#endif
