/* The choice among designs of the integer products. */
#include <string.h>

#include "check.h"
#include "tune.h"

/* A clock that says a millisecond has passed whenever it is asked. */
static double tick(void *ctx) { return *(double *)ctx += 1; }

static void test_choose(void)
{
    trit_kernels k;
    TRIT_CHECK(tritx_kernels_choose(NULL, &k) && tritx_kernels_choose("", &k));
    TRIT_CHECK(k.gemv_t2_a8 == trit_kernels_by_name(NULL)->gemv_t2_a8);
    TRIT_CHECK(tritx_kernels_choose("ref gemm_t2_a8=v128", &k));
    TRIT_CHECK(k.gemv_t2_a8 == trit_kernels_ref.gemv_t2_a8);
    TRIT_CHECK(k.gemm_t2_a8 == trit_kernels_v128.gemm_t2_a8);
    TRIT_CHECK(k.rope == trit_kernels_ref.rope);
    TRIT_CHECK(!tritx_kernels_choose("rope=v128", &k)); /* not an integer product */
}

static void test_tune(void)
{
    char choice[256], small[8] = "same";
    double time = 0;
    trit_error err;
    trit_kernels k;
    TRIT_CHECK_EQ_I(trit_kernels_tune(tick, &time, choice, sizeof choice, &err), TRIT_OK);
    TRIT_CHECK(time > 0);
    TRIT_CHECK(strstr(choice, "gemv_t2_a8=") && strstr(choice, "head_i8_h14="));
    TRIT_CHECK(!strstr(choice, "=ref"));
    TRIT_CHECK(tritx_kernels_choose(choice, &k));
    TRIT_CHECK_EQ_I(trit_kernels_tune(tick, &time, small, sizeof small, &err), TRIT_PARAM);
    TRIT_CHECK(strcmp(small, "same") == 0);
    TRIT_CHECK_EQ_I(trit_kernels_tune(NULL, NULL, choice, sizeof choice, &err), TRIT_PARAM);
}

int main(void)
{
    test_choose();
    test_tune();
    return TRIT_DONE();
}
