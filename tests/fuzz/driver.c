/* Stands in for libFuzzer where the compiler has none: hands pseudo-random inputs to the target, the
 * same ones for the same seed, so that a failure in CI is a failure at the desk.
 *   fuzz_x [runs [seed]]     default: 2000 runs of seed 1 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_INPUT = 256 };

/* xorshift64*, Vigna 2016. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

int main(int argc, char **argv)
{
    unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    for (unsigned long run = 0; run < runs; run++) {
        /* A block of the exact size, so that ASan sees a read past the end. */
        size_t n = next_random(&state) % MAX_INPUT;
        uint8_t *data = malloc(n + 1);
        if (!data) return 1;
        for (size_t i = 0; i < n; i++) data[i] = (uint8_t)(next_random(&state) >> 56);
        LLVMFuzzerTestOneInput(data, n);
        free(data);
    }
    printf("%lu inputs of seed %llu\n", runs, (unsigned long long)seed);
    return 0;
}
