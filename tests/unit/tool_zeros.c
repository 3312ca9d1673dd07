/* How many zeros a squared-ReLU model makes while it answers, layer by layer: what skipping them
 * could save at most.
 *   tool_zeros MODEL TEXT N
 * tells, over N tokens drawn after TEXT: gates at most 0 (rows of `up` that are not needed), pairs of
 * rows of which both are not needed, and int8 zeros that enter `down` (columns that add nothing). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

enum { MAX_LAYERS = 256, N_CTX = 512 };

typedef struct {
    double gates, pairs, codes;
} shares;

static shares seen[MAX_LAYERS]; /* sums over tokens */
static int layer, n_layer;
static trit_glu_relu2_fn *glu;

static void die(const char *message)
{
    fprintf(stderr, "tool_zeros: %s\n", message);
    exit(1);
}

static void count_gates(float *restrict y, const float *restrict gate, const float *restrict up,
                        int n)
{
    int zeros = 0, pairs = 0;
    for (int i = 0; i < n; i++) zeros += !(gate[i] > 0);
    for (int i = 0; i < n; i += 2) pairs += !(gate[i] > 0) && !(gate[i + 1] > 0);
    seen[layer].gates += (double)zeros / n;
    seen[layer].pairs += 2.0 * pairs / n;
    layer = (layer + 1) % n_layer;
    glu(y, gate, up, n);
}

static void count_codes(void *ctx, int at, trit_site site, size_t position, const int8_t *q, int n,
                        float scale)
{
    (void)ctx, (void)position, (void)scale;
    int zeros = 0;
    if (site != TRIT_SITE_DOWN) return;
    for (int i = 0; i < n; i++) zeros += q[i] == 0;
    seen[at].codes += (double)zeros / n;
}

static trit_model *load(const char *path)
{
    static uint8_t bytes[1 << 16];
    trit_loader *loader;
    trit_model *model;
    trit_error err;
    FILE *file = fopen(path, "rb");
    if (!file) die("cannot open the model");
    if (trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, &err) != TRIT_OK) die(err.message);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;)
        if (trit_loader_push(loader, bytes, n, &err) != TRIT_OK) die(err.message);
    fclose(file);
    if (trit_loader_finish(loader, &model, &err) != TRIT_OK) die(err.message);
    trit_loader_free(loader);
    return model;
}

static void answer(trit_model *model, trit_session *s, const char *text, int n_tokens)
{
    int32_t ids[N_CTX + 1]; /* a full context still has one token to draw */
    size_t n;
    trit_error err;
    trit_sampler *sampler;
    trit_sampler_params p = trit_sampler_defaults();
    if (trit_tokenize(model, text, strlen(text), 0, ids, N_CTX, &n, &err) != TRIT_OK ||
        trit_session_sync(s, ids, n, NULL, &err) != TRIT_OK ||
        trit_session_run(s, NULL, NULL, 0, &err) != TRIT_OK ||
        trit_sampler_new(model, &p, &sampler, &err) != TRIT_OK)
        die(err.message);
    glu = model->kernels.glu_relu2;
    model->kernels.glu_relu2 = count_gates;
    trit_session_trace(s, count_codes, NULL);
    for (int i = 0; i < n_tokens; i++, n++)
        if (trit_sampler_draw(sampler, trit_session_logits(s), ids, n, &ids[n], &err) != TRIT_OK ||
            trit_session_append(s, ids[n], &err) != TRIT_OK ||
            trit_session_run(s, NULL, NULL, 0, &err) != TRIT_OK)
            die(err.message);
    trit_sampler_free(sampler);
}

int main(int argc, char **argv)
{
    trit_session *s;
    trit_error err;
    if (argc != 4) die("usage: MODEL TEXT N");
    trit_model *model = load(argv[1]);
    const trit_config *c = trit_model_config(model);
    int n_tokens = atoi(argv[3]);
    n_layer = c->n_layer;
    if (c->ffn != TRIT_FFN_GLU_RELU2 || n_layer > MAX_LAYERS || n_tokens < 1)
        die("a squared-ReLU model and at least one token are needed");
    trit_session_params p = {
        .n_ctx = N_CTX < c->n_ctx ? N_CTX : c->n_ctx, .n_slice = 64, .kv = TRIT_KV_F32};
    if (trit_session_new(model, &p, &s, &err) != TRIT_OK) die(err.message);
    answer(model, s, argv[2], n_tokens);
    puts("layer  gates <= 0  both of a pair  int8 zeros into down");
    for (int i = 0; i < n_layer; i++)
        printf("%5d %10.1f %% %13.1f %% %19.1f %%\n", i, 100 * seen[i].gates / n_tokens,
               100 * seen[i].pairs / n_tokens, 100 * seen[i].codes / n_tokens);
    trit_session_free(s);
    trit_model_free(model);
    return 0;
}
