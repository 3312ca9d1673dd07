/* The choice among designs of the integer products. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "tune.h"

/* A clock that says a millisecond has passed whenever it is asked. */
static double tick(void *ctx) { return *(double *)ctx += 1; }

static void test_choose(void)
{
    static const char *const wrong[] = {"fast",
                                        " ",
                                        "v128 ",
                                        "v128 head=",
                                        " head=v128",
                                        "v128 head=fast",
                                        "v128 v128",
                                        "v128  head=v128",
                                        "v128 head=v128 ",
                                        "a name that is longer than any table's is"};
    trit_kernels k;
    TRIT_CHECK(tritx_kernels_choose(NULL, &k) && tritx_kernels_choose("", &k));
    TRIT_CHECK(k.gemv_t2_a8 == trit_kernels_by_name(NULL)->gemv_t2_a8);
    TRIT_CHECK(tritx_kernels_choose("ref head=v128", &k));
    TRIT_CHECK(k.gemv_t2_a8 == trit_kernels_ref.gemv_t2_a8);
    TRIT_CHECK(k.layout == trit_kernels_ref.layout);
    TRIT_CHECK(k.head_i8_h14 == trit_kernels_v128.head_i8_h14);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        TRIT_CHECK(!tritx_kernels_choose(wrong[i], &k));
    trit_loader *loader = NULL;
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, "fast", NULL), TRIT_PARAM);
    TRIT_CHECK(loader == NULL);
}

static void test_tune(void)
{
    char choice[256], small[8] = "same";
    double time = 0;
    trit_error err;
    trit_kernels k;
    TRIT_CHECK_EQ_I(trit_kernels_tune(tick, &time, choice, sizeof choice, &err), TRIT_OK);
    TRIT_CHECK((time > 0) == (trit_kernels_by_index(1) != &trit_kernels_ref));
    TRIT_CHECK(strstr(choice, " head="));
    TRIT_CHECK(!strstr(choice, "ref"));
    TRIT_CHECK(tritx_kernels_choose(choice, &k));
    TRIT_CHECK_EQ_I(trit_kernels_tune(tick, &time, small, sizeof small, &err), TRIT_PARAM);
    TRIT_CHECK(strcmp(small, "same") == 0);
    TRIT_CHECK_EQ_I(trit_kernels_tune(NULL, NULL, choice, sizeof choice, &err), TRIT_PARAM);
}

/* A call takes 0.03 ms, and the clock shows multiples of `step` only. */
typedef struct {
    double ms, step;
} coarse_time;

static void pass_time(void *arg) { ((coarse_time *)arg)->ms += 0.03; }

static double look(void *ctx)
{
    const coarse_time *time = ctx;
    return time->step > 0 ? floor(time->ms / time->step) * time->step : time->step;
}

static void test_coarse_clocks(void)
{
    static const double steps[] = {0.001, 0.1, 1, 16};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        coarse_time time = {.step = steps[i]};
        TRIT_CHECK(fabs(tritx_call_ms(look, &time, pass_time, &time) - 0.03) < 0.005);
    }
    coarse_time still = {.step = 0}, unknown = {.step = (double)NAN};
    TRIT_CHECK(tritx_call_ms(look, &still, pass_time, &still) == DBL_MAX);
    TRIT_CHECK(tritx_call_ms(look, &unknown, pass_time, &unknown) == DBL_MAX);
}

int main(void)
{
    test_coarse_clocks();
    test_choose();
    test_tune();
    return TRIT_DONE();
}
