/* Stands in for libFuzzer where the compiler has none: hands the saved findings and then
 * pseudo-random inputs to the target, the same ones for the same seed, so that a failure in CI is a
 * failure at the desk.
 *   fuzz_x [runs [seed [file ...]]]     default: 2000 runs of seed 1
 * The input that is being run stands in the file fuzz_x.input, where a crash leaves it. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_INPUT = 256, MAX_FILE = 1 << 20 };

/* xorshift64*, Vigna 2016. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

static void fail(const char *path)
{
    perror(path);
    exit(1);
}

static void run_saved(const char *path)
{
    uint8_t *data = malloc(MAX_FILE);
    FILE *file = fopen(path, "rb");
    if (!data || !file) fail(path);
    size_t n = fread(data, 1, MAX_FILE, file);
    fclose(file);
    /* A block of the exact size, so that ASan sees a read past the end. */
    data = realloc(data, n + !n);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
}

static void run_random(uint64_t *state, const char *kept)
{
    size_t n = next_random(state) % MAX_INPUT;
    uint8_t *data = malloc(n + !n);
    FILE *file = fopen(kept, "wb");
    if (!data || !file) fail(kept);
    for (size_t i = 0; i < n; i++) data[i] = (uint8_t)(next_random(state) >> 56);
    fwrite(data, 1, n, file);
    if (fclose(file) != 0) fail(kept);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
}

int main(int argc, char **argv)
{
    char kept[4096];
    unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
    for (int i = 3; i < argc; i++) run_saved(argv[i]);
    snprintf(kept, sizeof kept, "%s.input", argv[0]);
    for (unsigned long run = 0; run < runs; run++) run_random(&state, kept);
    remove(kept);
    printf("%lu inputs of seed %llu, %d saved ones\n", runs, (unsigned long long)seed,
           argc > 3 ? argc - 3 : 0);
    return 0;
}
