/* The C API in a small program: pack and convert models, complete text, dump logits and traces. It is the
 * native counterpart of the tests; people use the JavaScript command line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trit.h"

static trit_error error;

static void die_file(const char *path)
{
    fprintf(stderr, "trit-native: FILE: %s: %s\n", path, strerror(errno));
    exit(1);
}

static void die_usage(const char *option, const char *sentence)
{
    fprintf(stderr, "trit-native: USAGE: %s: %s\n", option, sentence);
    exit(2);
}

static void check(trit_status status)
{
    if (status == TRIT_OK) return;
    fprintf(stderr, "trit-native: %s: %s\n", trit_status_name(status),
            error.message[0] ? error.message : trit_status_text(status));
    exit(1);
}

/* The whole of a small file with a NUL behind it, NULL when there is none. The caller frees it. */
static char *read_text(const char *path, size_t *n)
{
    enum { MAX_TEXT = 64 << 20 };
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    char *text = malloc(MAX_TEXT + 1);
    if (!text) die_file(path);
    *n = fread(text, 1, MAX_TEXT, f);
    if (ferror(f)) die_file(path);
    text[*n] = 0;
    fclose(f);
    return text;
}

static void push_file(trit_loader *loader, const char *path)
{
    static uint8_t chunk[1 << 20];
    FILE *f = fopen(path, "rb");
    if (!f) die_file(path);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        check(trit_loader_push(loader, chunk, n, &error));
    if (ferror(f)) die_file(path);
    fclose(f);
}

typedef struct {
    const char *model, *prompt, *ids, *out, *kernels, *card;
    trit_head head;
    trit_i2_s i2_s;
    trit_export to;
    trit_kv kv;
    int n, threads, slice, all;
} options;

/* A directory of masters, a GGUF file, or a packed file. */
static trit_model *load(const options *o)
{
    static const struct {
        const char *name;
        trit_side side;
    } sides[] = {{"config.json", TRIT_SIDE_CONFIG},
                 {"tokenizer.json", TRIT_SIDE_TOKENIZER},
                 {"tokenizer_config.json", TRIT_SIDE_TOKENIZER_CONFIG},
                 {"generation_config.json", TRIT_SIDE_GENERATION_CONFIG}};
    trit_loader *loader;
    trit_model *model;
    char name[4096];
    size_t n;
    check(trit_loader_new(&loader, o->head, o->kernels, &error));
    check(trit_loader_i2_s(loader, o->i2_s, &error));
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        snprintf(name, sizeof name, "%s/%s", o->model, sides[i].name);
        char *text = read_text(name, &n);
        if (text) check(trit_loader_side(loader, sides[i].side, text, n, &error));
        free(text);
    }
    snprintf(name, sizeof name, "%s/model.safetensors", o->model);
    FILE *f = fopen(name, "rb");
    if (f) fclose(f);
    push_file(loader, f ? name : o->model);
    check(trit_loader_finish(loader, &model, &error));
    trit_loader_free(loader);
    return model;
}

static int write_bytes(void *ctx, const uint8_t *bytes, size_t n)
{
    return fwrite(bytes, 1, n, ctx) == n ? 0 : 1;
}

static void trace(void *ctx, int layer, trit_site site, size_t position, const int8_t *q, int n,
                  float scale)
{
    int32_t head[4] = {layer, (int32_t)site, (int32_t)position, n};
    fwrite(head, sizeof head, 1, ctx);
    fwrite(&scale, sizeof scale, 1, ctx);
    fwrite(q, 1, (size_t)n, ctx);
}

static void write_logits(void *ctx, size_t position, const float *logits)
{
    (void)position;
    struct {
        FILE *f;
        size_t n;
    } *out = ctx;
    fwrite(logits, sizeof *logits, out->n, out->f);
}

static size_t parse_ids(const char *text, int32_t *ids, size_t capacity)
{
    size_t n = 0;
    for (char *end; n < capacity && *text; text = *end ? end + 1 : end) {
        ids[n++] = (int32_t)strtol(text, &end, 10);
        if (end == text) die_usage("--ids", "give numbers with commas");
    }
    return n;
}

/* *pool must live as long as the session. */
static trit_session *open_session(const trit_model *model, const options *o, trit_pool **pool)
{
    trit_session *session;
    check(trit_pool_new(pool, o->threads, &error));
    trit_session_params p = {
        .n_ctx = trit_model_config(model)->n_ctx, .n_slice = o->slice, .pool = *pool, .kv = o->kv};
    check(trit_session_new(model, &p, &session, &error));
    return session;
}

static void pack(const options *o)
{
    trit_model *model = load(o);
    size_t n = 0;
    char *card = o->card ? read_text(o->card, &n) : NULL;
    if (o->card && !card) die_file(o->card);
    FILE *f = fopen(o->out, "wb");
    if (!f) die_file(o->out);
    check(trit_model_write(model, card, write_bytes, f, &error));
    if (fclose(f) != 0) die_file(o->out);
    free(card);
    trit_model_free(model);
}

static void export(const trit_model *model, trit_export what, const char *path)
{
    FILE *f = fopen(path, "wb");
    if (!f) die_file(path);
    check(trit_model_export(model, what, write_bytes, f, &error));
    if (fclose(f) != 0) die_file(path);
}

/* To one GGUF file, or into a directory that is there. */
static void convert(const options *o)
{
    static const char *const files[] = {"model.safetensors", "config.json", "tokenizer.json",
                                        "tokenizer_config.json"};
    char name[4096];
    trit_model *model = load(o);
    if (o->to != TRIT_EXPORT_SAFETENSORS) export(model, o->to, o->out);
    for (int i = 0; o->to == TRIT_EXPORT_SAFETENSORS && i < 4; i++) {
        snprintf(name, sizeof name, "%s/%s", o->out, files[i]);
        export(model, (trit_export)(TRIT_EXPORT_SAFETENSORS + i), name);
    }
    trit_model_free(model);
}

static size_t prompt_ids(const trit_model *model, const options *o, int32_t *ids, size_t capacity)
{
    size_t n = 0;
    if (o->ids) return parse_ids(o->ids, ids, capacity);
    if (!o->prompt) die_usage("-p", "give a text, or --ids");
    check(trit_tokenize(model, o->prompt, strlen(o->prompt),
                        trit_model_config(model)->add_bos ? TRIT_TOKENIZE_BOS : 0, ids, capacity,
                        &n, &error));
    return n;
}

static void dump(const options *o, int is_trace)
{
    static int32_t ids[65536];
    trit_model *model = load(o);
    trit_pool *pool;
    trit_session *session = open_session(model, o, &pool);
    size_t n = prompt_ids(model, o, ids, 65536);
    FILE *f = fopen(o->out, "wb");
    if (!f) die_file(o->out);
    struct {
        FILE *f;
        size_t n;
    } out = {f, (size_t)trit_model_config(model)->n_vocab};
    if (is_trace) trit_session_trace(session, trace, f);
    if (o->all && !is_trace) trit_session_each_logits(session, write_logits, &out);
    check(trit_session_sync(session, ids, n, NULL, &error));
    check(trit_session_run(session, NULL, NULL, 0, &error));
    if (!o->all && !is_trace) write_logits(&out, 0, trit_session_logits(session));
    if (fclose(f) != 0) die_file(o->out);
    trit_session_free(session);
    trit_pool_free(pool);
    trit_model_free(model);
}

static void print_list(const char *name, const int32_t *ids, size_t n)
{
    printf("\"%s\":[", name);
    for (size_t i = 0; i < n; i++) printf("%s%d", i ? "," : "", (int)ids[i]);
    printf("],");
}

/* Greedy completion; the text is left to the reader of the ids. */
static void run(const options *o)
{
    static int32_t ids[65536];
    trit_model *model = load(o);
    const trit_config *c = trit_model_config(model);
    trit_pool *pool;
    trit_session *session = open_session(model, o, &pool);
    trit_sampler *sampler;
    trit_sampler_params p = trit_sampler_defaults();
    p.temperature = 0;
    check(trit_sampler_new(model, &p, &sampler, &error));
    size_t n_prompt = prompt_ids(model, o, ids, 65536), n = n_prompt;
    const char *finish = "length";
    check(trit_session_sync(session, ids, n, NULL, &error));
    while (n - n_prompt < (size_t)o->n) {
        int32_t id;
        check(trit_session_run(session, NULL, NULL, 0, &error));
        check(trit_sampler_draw(sampler, trit_session_logits(session), ids, n, &id, &error));
        int stop = 0;
        for (int i = 0; i < c->n_stop; i++) stop |= c->stop_ids[i] == id;
        if (stop) {
            finish = "stop";
            break;
        }
        ids[n++] = id;
        if (n - n_prompt < (size_t)o->n && n < (size_t)c->n_ctx)
            check(trit_session_append(session, id, &error));
        else break;
    }
    printf("{");
    print_list("prompt_ids", ids, n_prompt);
    print_list("ids", ids + n_prompt, n - n_prompt);
    printf("\"finish\":\"%s\"}\n", finish);
    trit_sampler_free(sampler);
    trit_session_free(session);
    trit_pool_free(pool);
    trit_model_free(model);
}

/* What a known model's name says, as JSON. */
static void shape(const char *name)
{
    trit_config c;
    check(trit_config_preset(name, &c, &error));
    printf(
        "{\"n_layer\":%d,\"dim\":%d,\"ffn_dim\":%d,\"n_head\":%d,\"n_head_kv\":%d,\"head_dim\":%d,",
        (int)c.n_layer, (int)c.dim, (int)c.ffn_dim, (int)c.n_head, (int)c.n_head_kv,
        (int)c.head_dim);
    printf("\"n_vocab\":%d,\"n_ctx\":%d,\"tied_head\":%s,\"sub_norms\":%s}\n", (int)c.n_vocab,
           (int)c.n_ctx, c.tied_head ? "true" : "false",
           c.site[TRIT_SITE_O].norm == TRIT_NORM_RMS ? "true" : "false");
}

static int number(const char *option, const char *text)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (end == text || *end || errno || n < 0 || n > INT32_MAX)
        die_usage(option, "give a whole number");
    return (int)n;
}

/* The value of a word; words [n] belong to the values 1 ... n of an enum. */
static int value_of(const char *option, const char *word, const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0) return i + 1;
    die_usage(option, "there is no such kind");
    return 0;
}

static options parse(int argc, char **argv)
{
    static const char *const kv_words[] = {"f32", "f16", "int8"};
    static const char *const head_words[] = {"int8", "f16"};
    static const char *const i2s_words[] = {"x86", "arm", "rows"};
    static const char *const to_words[] = {"tq2_0", "i2_s", "safetensors"};
    options o = {.head = TRIT_HEAD_AS_IS,
                 .to = TRIT_EXPORT_TQ2_0,
                 .kv = TRIT_KV_F32,
                 .n = 64,
                 .threads = 1,
                 .slice = 64};
    for (int i = 2; i < argc; i++) {
        const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
        if (a[0] != '-') {
            o.model = a;
            continue;
        }
        if (strcmp(a, "--all") == 0) {
            o.all = 1;
            continue;
        }
        if (strcmp(a, "--json") == 0) continue; /* the only output there is */
        if (!v) die_usage(a, "its value is missing");
        i++;
        if (strcmp(a, "-m") == 0) o.model = v;
        else if (strcmp(a, "-p") == 0) o.prompt = v;
        else if (strcmp(a, "--ids") == 0) o.ids = v;
        else if (strcmp(a, "-o") == 0 || strcmp(a, "--out") == 0) o.out = v;
        else if (strcmp(a, "--head") == 0) o.head = (trit_head)value_of(a, v, head_words, 2);
        else if (strcmp(a, "--i2s") == 0) o.i2_s = (trit_i2_s)(value_of(a, v, i2s_words, 3) - 1);
        else if (strcmp(a, "--to") == 0) o.to = (trit_export)value_of(a, v, to_words, 3);
        else if (strcmp(a, "--card") == 0) o.card = v;
        else if (strcmp(a, "--kernels") == 0) o.kernels = v;
        else if (strcmp(a, "--kv") == 0) o.kv = (trit_kv)value_of(a, v, kv_words, 3);
        else if (strcmp(a, "-n") == 0) o.n = number(a, v);
        else if (strcmp(a, "-t") == 0) o.threads = number(a, v);
        else if (strcmp(a, "--slice") == 0) o.slice = number(a, v);
        else if (strcmp(a, "--temp") == 0 && strcmp(v, "0") == 0) continue; /* greedy only */
        else die_usage(a, "there is no such option");
    }
    return o;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: trit-native pack|convert|run|shape|logits|trace ...\n", stderr);
        return 2;
    }
    options o = parse(argc, argv);
    if (!o.model) die_usage("-m", "give a model");
    if (strcmp(argv[1], "run") == 0) run(&o);
    else if (strcmp(argv[1], "shape") == 0) shape(o.model);
    else if (!o.out) die_usage("-o", "give a file to write");
    else if (strcmp(argv[1], "pack") == 0) pack(&o);
    else if (strcmp(argv[1], "convert") == 0) convert(&o);
    else if (strcmp(argv[1], "logits") == 0) dump(&o, 0);
    else if (strcmp(argv[1], "trace") == 0) dump(&o, 1);
    else die_usage(argv[1], "there is no such command: pack, convert, run, shape, logits or trace");
    return 0;
}
