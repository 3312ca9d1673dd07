/* Which rows are listed, and when a list is taken. */
#include "check.h"
#include "skip.h"

enum { N = 40 };

static void test_list(void)
{
    float gate[N] = {0};
    int32_t list[N];
    TRIT_CHECK_EQ_I(tritx_skip_list(list, gate, N), 0);
    gate[6] = 1e-30f, gate[9] = 3, gate[11] = -1, gate[N - 1] = 2;
    TRIT_CHECK_EQ_I(tritx_skip_list(list, gate, N), 3);
    TRIT_CHECK(list[0] == 6 && list[1] == 9 && list[2] == N - 1);
    for (int r = 0; r < N; r++) gate[r] = 1;
    TRIT_CHECK_EQ_I(tritx_skip_list(list, gate, N), N);
    for (int r = 0; r < N; r++) TRIT_CHECK_EQ_I(list[r], r);
}

/* Rounds of 100 rows of which n_list are needed, until lists are (not) taken any more. */
static int learn(tritx_skip_costs *costs, int n_list, double ms_a_listed_row, int rounds)
{
    int n_taken = 0;
    for (int i = 0; i < rounds; i++) {
        bool take = tritx_skip_pays(costs, n_list, 100);
        n_taken += take;
        tritx_skip_learn(costs, 100, 1.0, take ? n_list : 0, n_list * ms_a_listed_row);
    }
    return n_taken;
}

static void test_costs(void)
{
    tritx_skip_costs costs = {0};
    TRIT_CHECK(tritx_skip_pays(&costs, 99, 100));
    TRIT_CHECK(!tritx_skip_pays(&costs, 100, 100));
    TRIT_CHECK_EQ_I(learn(&costs, 90, 0.01, 1000), 1000); /* as fast as rows in order */
    int n_taken = learn(&costs, 50, 0.05, 10000);         /* 2.5 times slower than all rows */
    TRIT_CHECK(n_taken >= 100 && n_taken < 400);          /* tried now and then */
    TRIT_CHECK(learn(&costs, 10, 0.05, 1000) > 990);      /* twice as fast */
    TRIT_CHECK(learn(&costs, 50, 0.01, 20000) > 10000);   /* and back */
}

int main(void)
{
    test_list();
    test_costs();
    return TRIT_DONE();
}
