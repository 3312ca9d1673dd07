/* Fork-join over rows. The pool knows no kernels. */
#ifndef TRIT_POOL_H
#define TRIT_POOL_H

#include "trit.h"

/* Called with disjoint ranges that cover [0, n_rows); begins are multiples of `grain`. */
typedef void tritx_range_fn(void *ctx, int begin, int end);

/* Runs fn over all rows and returns when all is done. pool NULL = serial, in the caller. Only one
 * thread may call it at a time. */
void tritx_parallel_for(trit_pool *pool, tritx_range_fn *fn, void *ctx, int n_rows, int grain);

/* How many threads there are, the caller included. pool NULL = 1. */
int tritx_pool_threads(const trit_pool *pool);

/* Milliseconds for judging how many threads are worth waiting for. Without a clock all take part. NULL
 * pool: nothing happens. */
void tritx_pool_clock(trit_pool *pool, double (*now)(void *ctx), void *ctx);

/* The jobs since the last call were a lap. Laps of one kind are the same work, so that their times
 * tell whether fewer threads are faster, as where cores are taken away; kind 0 is not counted. NULL pool:
 * nothing happens. */
void tritx_pool_lap(trit_pool *pool, int kind);

#endif
