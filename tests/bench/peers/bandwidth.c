/* How fast this machine reads memory: threads that each add up their share of a large array.
 * Usage: bandwidth THREADS; prints the bytes a second of the best of several passes. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 64, PASSES = 5 };
static const size_t total_bytes = (size_t)1 << 29; /* far more than any cache */

typedef struct {
    const uint64_t *words;
    size_t n_words;
    uint64_t sum;
} share;

static void *add_up(void *argument)
{
    share *s = argument;
    uint64_t sum[8] = {0}; /* independent, so that the adding does not hold up the reading */
    for (size_t i = 0; i < s->n_words; i += 8)
        for (size_t k = 0; k < 8; k++) sum[k] += s->words[i + k];
    for (size_t k = 0; k < 8; k++) s->sum += sum[k];
    return NULL;
}

static double seconds(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    int n_threads = argc == 2 ? atoi(argv[1]) : 0;
    uint8_t *memory = aligned_alloc(64, total_bytes);
    if (n_threads < 1 || n_threads > MAX_THREADS || !memory) {
        fprintf(stderr, "bandwidth: give a number of threads in 1 ... %d\n", MAX_THREADS);
        return 2;
    }
    memset(memory, 1, total_bytes); /* or all pages would be one page of zeros */
    size_t share_words = total_bytes / 64 / (size_t)n_threads * 8;
    share shares[MAX_THREADS];
    for (int i = 0; i < n_threads; i++)
        shares[i] = (share){(const uint64_t *)memory + (size_t)i * share_words, share_words, 0};
    double best = 1e9;
    for (int pass = 0; pass < PASSES; pass++) {
        pthread_t threads[MAX_THREADS];
        double begin = seconds();
        for (int i = 1; i < n_threads; i++)
            if (pthread_create(&threads[i], NULL, add_up, &shares[i]) != 0) return 1;
        add_up(&shares[0]);
        for (int i = 1; i < n_threads; i++) pthread_join(threads[i], NULL);
        double took = seconds() - begin;
        if (took < best) best = took;
    }
    uint64_t sum = 0; /* is printed, so that no compiler leaves the reading out */
    for (int i = 0; i < n_threads; i++) sum += shares[i].sum;
    printf("%.0f %llu\n", (double)(share_words * 8 * (size_t)n_threads) / best,
           (unsigned long long)sum);
    free(memory);
    return 0;
}
