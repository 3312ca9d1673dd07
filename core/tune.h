/* The choice among designs of the integer products. */
#ifndef TRIT_TUNE_H
#define TRIT_TUNE_H

#include "kernels.h"
#include "trit.h"

/* A choice with its NUL fits. */
enum { TRIT_CHOICE_BYTES = 64 };

/* The table that a choice means (trit.h, "kernels"); false when this build has none of it. */
bool tritx_kernels_choose(const char *choice, trit_kernels *kernels);

/* Milliseconds that a call takes, by a clock of any step; DBL_MAX when the clock does not tell. */
double tritx_call_ms(double (*now)(void *ctx), void *ctx, void (*call)(void *arg), void *arg);

#endif
