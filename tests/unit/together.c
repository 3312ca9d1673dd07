/* The program of many tests: runs the one that is named. TRIT_TESTS, of tests/CMakeLists.txt, is X(name) for each. */
#include <stdio.h>
#include <string.h>

#define X(name) int main_of_##name(void);
TRIT_TESTS
#undef X

int main(int argc, char **argv)
{
    const char *wanted = argc == 2 ? argv[1] : "";
#define X(name)                                                                                    \
    if (strcmp(wanted, #name) == 0) return main_of_##name();
    TRIT_TESTS
#undef X
    fprintf(stderr, "there is no test \"%s\"\n", wanted);
    return 2;
}
