/* Runs a fuzz target where there is no libFuzzer: the files it is given, then pseudo-random inputs and the
 * files with a few changes, the same ones for the same seed, so that a failure in CI is a failure at the
 * desk.
 *   fuzz_targets x [runs [seed [file ...]]]     default: 2000 runs of seed 1
 * The input that is being run stands in the file fuzz_targets.x.input, where a crash leaves it.
 * TRIT_TARGETS, of tests/CMakeLists.txt, is X(name) for each target. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int input_taker(const uint8_t *data, size_t n);

#define X(name) input_taker input_of_##name;
TRIT_TARGETS
#undef X

enum { MAX_RANDOM = 256, MAX_FILE = 1 << 20 };

static uint64_t state;

/* xorshift64*, Vigna 2016. */
static uint64_t next_random(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717u;
}

static size_t below(size_t n) { return (size_t)(next_random() >> 16) % n; }

static void fail(const char *path)
{
    perror(path);
    exit(1);
}

static size_t read_input(const char *path, uint8_t *data)
{
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    size_t n = fread(data, 1, MAX_FILE, file);
    fclose(file);
    return n;
}

static input_taker *find_target(const char *wanted)
{
#define X(name)                                                                                    \
    if (strcmp(wanted, #name) == 0) return input_of_##name;
    TRIT_TARGETS
#undef X
    fprintf(stderr, "there is no fuzz target \"%s\"\n", wanted);
    exit(2);
}

/* In a block of the exact size, so that ASan sees a read past the end. */
static void run(input_taker *target, const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n + !n);
    if (!copy) fail("memory");
    memcpy(copy, data, n);
    target(copy, n);
    free(copy);
}

static size_t random_input(uint8_t *data)
{
    size_t n = below(MAX_RANDOM);
    for (size_t i = 0; i < n; i++) data[i] = (uint8_t)(next_random() >> 56);
    return n;
}

/* Bytes changed, moved about or cut off. */
static size_t change(uint8_t *data, size_t n)
{
    for (size_t left = 1 + below(4); left && n; left--) {
        size_t at = below(n), from = below(n), length = below(16);
        switch (below(4)) {
        case 0: data[at] ^= (uint8_t)(1u << below(8)); break;
        case 1: data[at] = (uint8_t)next_random(); break;
        case 2:
            if (length > n - (at > from ? at : from)) length = n - (at > from ? at : from);
            memmove(data + at, data + from, length);
            break;
        default:
            if (below(8) == 0) n = at;
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    char kept[4096];
    const char *name = argc > 1 ? argv[1] : "";
    input_taker *target = find_target(name);
    uint8_t *data = malloc(MAX_FILE);
    unsigned long runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 2000;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    char **files = argv + 4;
    int n_files = argc > 4 ? argc - 4 : 0;
    if (!data) fail("memory");
    state = seed * 0x9E3779B97F4A7C15u + 1;
    for (int i = 0; i < n_files; i++) run(target, data, read_input(files[i], data));
    snprintf(kept, sizeof kept, "%s.%s.input", argv[0], name);
    for (unsigned long i = 0; i < runs; i++) {
        size_t n = 0;
        if (n_files && i % 2) n = change(data, read_input(files[below((size_t)n_files)], data));
        else n = random_input(data);
        FILE *file = fopen(kept, "wb");
        if (!file) fail(kept);
        fwrite(data, 1, n, file);
        if (fclose(file) != 0) fail(kept);
        run(target, data, n);
    }
    free(data);
    remove(kept);
    printf("%lu inputs of seed %llu, %d files\n", runs, (unsigned long long)seed, n_files);
    return 0;
}
