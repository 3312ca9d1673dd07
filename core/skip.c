#include "skip.h"

/* Of a sum, at each new value: some 30 values count, so that a coarse clock evens out. */
static const double KEPT = 0.97;
/* What did not pay is tried again after so many times: a try takes at most some times as long. */
enum { RETRY = 100 };

int tritx_skip_list(int32_t *list, const float *gate, int n)
{
    int n_list = 0;
    for (int r = 0; r < n; r++) { /* written always, counted when needed: no branch to guess */
        list[n_list] = r;
        n_list += gate[r] > 0;
    }
    return n_list;
}

bool tritx_skip_pays(tritx_skip_costs *c, int n_list, int n_rows)
{
    if (n_list < n_rows && n_list * c->list_ms * c->all_rows <= n_rows * c->all_ms * c->list_rows)
        return true;
    if (n_list == n_rows || ++c->n_refused < RETRY) return false;
    c->n_refused = 0;
    return true;
}

void tritx_skip_learn(tritx_skip_costs *c, int n_rows, double all_ms, int n_list, double list_ms)
{
    c->all_ms = c->all_ms * KEPT + all_ms;
    c->all_rows = c->all_rows * KEPT + n_rows;
    if (n_list == 0) return;
    c->list_ms = c->list_ms * KEPT + list_ms;
    c->list_rows = c->list_rows * KEPT + n_list;
}
