/* One run of the one-hash test, natively: work.js says what is computed, and engine.js does the same
 * in WebAssembly.
 *   tool_hash MODEL PROMPTS KV TABLE THREADS SLICE HISTORY
 * PROMPTS is a file of int32 [N_PROMPTS][N_PROMPT]. Prints the hash, or "none" when this build has no
 * kernel table of that name. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "trit.h"

enum {
    N_PROMPTS = 3,
    N_PROMPT = 210,
    N_SAMPLE = 100,
    N_CTX = 320,
    N_SAME = 100,
    N_OTHER = 150,
    N_KEPT = 120
};

static trit_error error;

static void die(const char *message)
{
    fprintf(stderr, "tool_hash: %s\n", message);
    exit(1);
}

static void check(trit_status status)
{
    if (status != TRIT_OK) die(error.message);
}

static void read_prompts(const char *path, int32_t ids[N_PROMPTS][N_PROMPT])
{
    size_t n = (size_t)N_PROMPTS * N_PROMPT;
    FILE *file = fopen(path, "rb");
    if (!file || fread(ids, sizeof(int32_t), n, file) != n) die("cannot read the prompts");
    fclose(file);
}

static trit_model *load(const char *path, const char *kernels)
{
    static uint8_t bytes[1 << 16];
    trit_loader *loader;
    trit_model *model;
    FILE *file = fopen(path, "rb");
    if (!file) die("cannot open the model");
    check(trit_loader_new(&loader, TRIT_HEAD_AS_IS, kernels, &error));
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;)
        check(trit_loader_push(loader, bytes, n, &error));
    fclose(file);
    check(trit_loader_finish(loader, &model, &error));
    trit_loader_free(loader);
    return model;
}

/* Each step is one-to-one in the lane and in the word: one changed word always changes the hash. */
typedef struct {
    uint32_t a, b;
} hasher;

static uint32_t mix(uint32_t lane, uint32_t word, uint32_t factor)
{
    lane = (lane ^ word) * factor;
    return lane ^ lane >> 15;
}

static void hash_words(hasher *h, const void *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t word;
        memcpy(&word, (const char *)data + i * sizeof word, sizeof word);
        h->a = mix(h->a, word, 0x9e3779b1u);
        h->b = mix(h->b, word, 0x85ebca6bu);
    }
}

typedef struct {
    float *rows; /* [N_PROMPT][n_vocab] */
    size_t n_vocab;
} all_logits;

static void keep_logits(void *ctx, size_t position, const float *logits)
{
    all_logits *all = ctx;
    memcpy(all->rows + position * all->n_vocab, logits, all->n_vocab * sizeof *logits);
}

static void compute(trit_session *s, const int32_t *ids, size_t n_ids, size_t n_expected)
{
    size_t n_reused;
    check(trit_session_sync(s, ids, n_ids, &n_reused, &error));
    if (n_reused != n_expected) die("another number of tokens was reused than expected");
    check(trit_session_run(s, NULL, NULL, 0, &error));
}

static void hash_prompt(trit_session *s, const int32_t *ids, bool rewound, all_logits *all,
                        hasher *h)
{
    check(trit_session_rewind(s, 0, &error));
    trit_session_each_logits(s, keep_logits, all);
    if (rewound) {
        int32_t other[N_OTHER];
        memcpy(other, ids, sizeof other);
        other[N_SAME] ^= 1;
        compute(s, other, N_OTHER, 0);
        check(trit_session_rewind(s, N_KEPT, &error));
    }
    compute(s, ids, N_PROMPT, rewound ? N_SAME : 0);
    trit_session_each_logits(s, NULL, NULL);
    hash_words(h, all->rows, N_PROMPT * all->n_vocab);
}

static void hash_sample(const trit_model *model, trit_session *s, const int32_t *prompt, hasher *h)
{
    const trit_config *config = trit_model_config(model);
    int32_t ids[N_PROMPT + N_SAMPLE];
    float never[sizeof config->stop_ids / sizeof *config->stop_ids];
    trit_sampler *sampler;
    trit_sampler_params p = {.temperature = 0.8f,
                             .top_k = 40,
                             .top_p = 0.95f,
                             .repeat_penalty = 1,
                             .seed = 5,
                             .bias_ids = config->stop_ids,
                             .bias_values = never,
                             .n_bias = (size_t)config->n_stop};
    for (int i = 0; i < config->n_stop; i++) never[i] = -INFINITY;
    check(trit_sampler_new(model, &p, &sampler, &error));
    memcpy(ids, prompt, N_PROMPT * sizeof *ids);
    for (size_t n = N_PROMPT; n < N_PROMPT + N_SAMPLE; n++) {
        check(trit_sampler_draw(sampler, trit_session_logits(s), ids, n, &ids[n], &error));
        check(trit_session_append(s, ids[n], &error));
        check(trit_session_run(s, NULL, NULL, 0, &error));
    }
    trit_sampler_free(sampler);
    hash_words(h, ids + N_PROMPT, N_SAMPLE);
}

static trit_kv kv_of(const char *name)
{
    if (strcmp(name, "f32") == 0) return TRIT_KV_F32;
    if (strcmp(name, "f16") == 0) return TRIT_KV_F16;
    if (strcmp(name, "int8") == 0) return TRIT_KV_INT8;
    die("KV is not f32, f16 or int8");
    return TRIT_KV_F32;
}

int main(int argc, char **argv)
{
    static int32_t prompts[N_PROMPTS][N_PROMPT];
    trit_session *s;
    if (argc != 8) die("usage: MODEL PROMPTS KV TABLE THREADS SLICE fresh|rewound");
    trit_session_params p = {.n_ctx = N_CTX, .n_slice = atoi(argv[6]), .kv = kv_of(argv[3])};
    bool rewound = strcmp(argv[7], "rewound") == 0;
    if (!rewound && strcmp(argv[7], "fresh") != 0) die("the history is not fresh or rewound");
    if (!trit_kernels_by_name(argv[4])) {
        puts("none");
        return 0;
    }
    read_prompts(argv[2], prompts);
    trit_model *model = load(argv[1], argv[4]);
    int n_threads = atoi(argv[5]);
    if (n_threads != 1) check(trit_pool_new(&p.pool, n_threads, &error));
    check(trit_session_new(model, &p, &s, &error));
    all_logits all = {NULL, (size_t)trit_model_config(model)->n_vocab};
    all.rows = malloc(N_PROMPT * all.n_vocab * sizeof *all.rows);
    if (!all.rows) die("no memory");
    hasher h = {1, 2};
    for (int i = 0; i < N_PROMPTS; i++) hash_prompt(s, prompts[i], rewound, &all, &h);
    hash_sample(model, s, prompts[N_PROMPTS - 1], &h);
    printf("%08x%08x\n", (unsigned)h.a, (unsigned)h.b);
    free(all.rows);
    trit_session_free(s);
    trit_pool_free(p.pool);
    trit_model_free(model);
    return 0;
}
