/* Parts of a tree that are JSON: values as they are written, and numbers between bounds. */
#ifndef TRIT_GRAMMAR_JSON_H
#define TRIT_GRAMMAR_JSON_H

#include <cJSON.h>

#include "grammar.h"

/* The least and largest that a number may be; `above`, `below`: they themselves not. */
typedef struct {
    double low, high; /* infinite without a bound */
    bool above, below;
} tritx_bounds;

/* Of integers; of the bounds of decimals, which with their places have no more digits than a double holds. */
#define TRITX_MOST_WHOLE 9999999999999999
#define TRITX_MOST_DECIMAL 1000000000

/* A value, without blanks; of a string its shortest spelling. */
uint32_t tritx_tree_json(tritx_tree *tree, const cJSON *value);
/* Whole numbers, low <= high, at most TRITX_MOST_WHOLE from 0. */
uint32_t tritx_tree_integers(tritx_tree *tree, int64_t low, int64_t high);
/* Decimals of at most six places between bounds that are whole and at most TRITX_MOST_DECIMAL from 0, or
 * infinite. */
uint32_t tritx_tree_decimals(tritx_tree *tree, tritx_bounds bounds);

#endif
