/* Rows of `up` that need not be computed for a token, since a squared ReLU made their gate 0; and
 * whether leaving them out is faster, as rows here and there are read more slowly from memory. */
#ifndef TRIT_SKIP_H
#define TRIT_SKIP_H

#include <stdbool.h>
#include <stdint.h>

/* What rows have cost: sums of what was measured, old values fading. Zero-initialise. */
typedef struct {
    double all_ms, all_rows;   /* matrices computed whole */
    double list_ms, list_rows; /* matrices of which a list of rows was computed */
    int n_refused;             /* lists that did not pay since the last try */
} tritx_skip_costs;

/* Lists the rows of [0, n) with gate[r] > 0. list [n]. Returns the length. */
int tritx_skip_list(int32_t *list, const float *gate, int n);

/* Whether to compute n_list of n_rows rows: when they are expected to be faster than all, nothing was
 * measured yet, or it is time to measure again. */
bool tritx_skip_pays(tritx_skip_costs *costs, int n_list, int n_rows);

/* All n_rows of gate took all_ms; n_list rows of up took list_ms, or with n_list 0 were not tried. */
void tritx_skip_learn(tritx_skip_costs *costs, int n_rows, double all_ms, int n_list,
                      double list_ms);

#endif
