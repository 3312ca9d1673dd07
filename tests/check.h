/* The smallest test vocabulary: a failed check prints its place and the test goes on. */
#ifndef TRIT_CHECK_H
#define TRIT_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_failed, check_count;

#define TRIT_CHECK(cond)                                                                           \
    do {                                                                                           \
        check_count++;                                                                             \
        if (!(cond)) {                                                                             \
            check_failed++;                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                             \
        }                                                                                          \
    } while (0)

#define TRIT_CHECK_EQ_I(a, b)                                                                      \
    do {                                                                                           \
        long long check_a = (long long)(a), check_b = (long long)(b);                              \
        check_count++;                                                                             \
        if (check_a != check_b) {                                                                  \
            check_failed++;                                                                        \
            fprintf(stderr, "%s:%d: %s = %lld, %s = %lld\n", __FILE__, __LINE__, #a, check_a, #b,  \
                    check_b);                                                                      \
        }                                                                                          \
    } while (0)

/* A test that checked nothing has failed. */
#define TRIT_DONE()                                                                                \
    (printf("%d checks, %d failed\n", check_count, check_failed), check_failed || !check_count)

#endif
