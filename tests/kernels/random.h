/* Seeded data for kernel tests: plain, extreme and adversarial. */
#ifndef TRIT_TEST_RANDOM_H
#define TRIT_TEST_RANDOM_H

#include <stdint.h>

typedef enum { DATA_RANDOM, DATA_MAX, DATA_MIN, DATA_ALTERNATING, DATA_KINDS } data_kind;

static uint64_t random_state = 1;

static uint32_t random_u32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) ^ (uint32_t)(random_state >> 13);
}
static inline float random_float(void) { return (float)(int32_t)random_u32() / 2147483648.0f; }
static inline int pick(data_kind kind, int i, int low, int high)
{
    switch (kind) {
    case DATA_MAX: return high;
    case DATA_MIN: return low;
    case DATA_ALTERNATING: return i % 2 ? low : high;
    default: return low + (int)(random_u32() % (uint32_t)(high - low + 1));
    }
}

#endif
