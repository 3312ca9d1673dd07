/* The choice among designs of the integer products. */
#ifndef TRIT_TUNE_H
#define TRIT_TUNE_H

#include "kernels.h"
#include "trit.h"

/* The table that a choice means (trit_session_params.kernels); false when this build has no such
 * table or op. */
bool tritx_kernels_choose(const char *choice, trit_kernels *kernels);

#endif
