/* The choice among designs of the integer products. */
#ifndef TRIT_TUNE_H
#define TRIT_TUNE_H

#include "kernels.h"
#include "trit.h"

/* A choice with its NUL fits. */
enum { TRIT_CHOICE_BYTES = 64 };

/* The table that a choice means (trit.h, "kernels"); false when this build has none of it. */
bool tritx_kernels_choose(const char *choice, trit_kernels *kernels);

#endif
