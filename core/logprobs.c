/* Log-probabilities, with our own exp and log: the same bits in every engine. */
#include "base.h"
#include "real.h"
#include "scalar.h"

#include <math.h>

/* Puts id among the best n of at most n_top: larger logit first, then lower id. Returns how many there are now. */
static size_t insert(int32_t *top, size_t n, size_t n_top, const float *logits, int32_t id)
{
    size_t at = n;
    while (at && logits[id] > logits[top[at - 1]]) at--;
    if (at == n_top) return n;
    if (n < n_top) n++;
    memmove(top + at + 1, top + at, (n - 1 - at) * sizeof *top);
    top[at] = id;
    return n;
}

trit_status trit_logprobs(const float *logits, size_t n_vocab, int32_t *top, size_t n_top,
                          double *log_sum, trit_error *err)
{
    if (!logits || !log_sum || (n_top && !top))
        return tritx_fail(err, TRIT_PARAM, 0, "logprobs: NULL argument");
    if (n_vocab < 1 || n_vocab > TRITX_MAX_VOCAB || n_top > n_vocab || n_top > TRIT_MAX_LOGPROBS)
        return tritx_fail(err, TRIT_PARAM, 0, "logprobs: %zu tokens of %zu cannot be listed", n_top,
                          n_vocab);
    float largest = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n_vocab; i++) {
        if (!(logits[i] < INFINITY))
            return tritx_fail(err, TRIT_NUMERIC, i, "the logit of token %zu is not a finite number",
                              i);
        if (logits[i] > largest) largest = logits[i];
    }
    if (largest == -INFINITY)
        return tritx_fail(err, TRIT_NUMERIC, 0, "no logit is a finite number");
    for (size_t i = 0; i < n_vocab; i++) sum += tritx_exp((double)logits[i] - (double)largest);
    *log_sum = (double)largest + tritx_log(sum);
    for (size_t i = 0, n = 0; n_top && i < n_vocab; i++)
        n = insert(top, n, n_top, logits, (int32_t)i);
    return TRIT_OK;
}
