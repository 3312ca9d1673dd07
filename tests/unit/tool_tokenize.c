/* The tokenizer as a command, for the golden tests of tokenizers.
 *   tool_tokenize tokenizer.json|model.gguf n_vocab [--special | --user=TEMPLATE] [--time]  < texts
 * Each text is ended by a NUL. It
 * prints one line of ids for each text, or with --time bytes, ids and seconds. Bytes that do not
 * come back from the ids end it with an error. With --user each text is a chat of one message, by
 * the template of this id. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat.h"
#include "gguf_model.h"

static void die(const char *what)
{
    fprintf(stderr, "tool_tokenize: %s\n", what);
    exit(1);
}

static char *read_all(FILE *file, size_t *n_bytes)
{
    size_t n = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    while (text) {
        n += fread(text + n, 1, capacity - n, file);
        if (n < capacity) break;
        capacity *= 2;
        text = realloc(text, capacity);
    }
    if (!text || ferror(file)) die("cannot read");
    *n_bytes = n;
    return text;
}

static trit_status read_gguf(const char *text, size_t n_bytes, tritx_tokenizer_tables *tables,
                             trit_error *err)
{
    tritx_gguf gguf;
    const uint8_t *bytes = (const uint8_t *)text;
    tritx_gguf_begin(&gguf);
    TRIT_TRY(tritx_gguf_push(&gguf, &bytes, &n_bytes, err));
    if (gguf.step != TRITX_GGUF_DONE) die("the header ends early");
    TRIT_TRY(tritx_gguf_tokenizer(&gguf, tables, err));
    tritx_gguf_free(&gguf);
    return TRIT_OK;
}

static tritx_tokenizer *load(const char *path, int32_t n_vocab)
{
    FILE *file = fopen(path, "rb");
    if (!file) die("cannot open the tokenizer");
    size_t n_bytes;
    char *text = read_all(file, &n_bytes);
    fclose(file);
    tritx_tokenizer_tables tables;
    tritx_tokenizer *tokenizer = NULL;
    bool add_bos;
    int32_t bos_id;
    trit_error err = {0};
    trit_status status =
        n_bytes > 4 && memcmp(text, "GGUF", 4) == 0
            ? read_gguf(text, n_bytes, &tables, &err)
            : tritx_tokenizer_json(text, n_bytes, n_vocab, &tables, &add_bos, &bos_id, &err);
    if (status != TRIT_OK || tritx_tokenizer_new(&tables, &tokenizer, &err) != TRIT_OK)
        die(err.message);
    free(text);
    return tokenizer;
}

/* What SentencePiece gives back of a text: a space before it, and spaces for U+2581. */
static size_t with_spaces(const char *text, size_t n_bytes, char *out)
{
    size_t n = 0;
    if (n_bytes > 0) out[n++] = ' ';
    for (size_t at = 0; at < n_bytes; n++) {
        bool space = n_bytes - at >= 3 && memcmp(text + at, "\xe2\x96\x81", 3) == 0;
        out[n] = space ? ' ' : text[at];
        at += space ? 3 : 1;
    }
    return n;
}

static void check_bytes(const tritx_tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                        const char *text, size_t n_bytes)
{
    const tritx_tokenizer_tables *t = tritx_tokenizer_get(tokenizer);
    size_t at = 0;
    static char *spaced;
    if (t->flags & TRITX_SPACE_FIRST) {
        spaced = realloc(spaced, n_bytes + 1);
        if (!spaced) die("no memory");
        n_bytes = with_spaces(text, n_bytes, spaced);
        text = spaced;
    }
    for (size_t i = 0; i < n_ids; i++) {
        uint32_t begin = ids[i] ? t->token_ends[ids[i] - 1] : 0, n = t->token_ends[ids[i]] - begin;
        if (n > n_bytes - at || memcmp(text + at, t->token_bytes + begin, n) != 0)
            die("the ids do not give the text back");
        at += n;
    }
    if (at != n_bytes) die("the ids give only a part of the text back");
}

/* Room for the ids that the template adds. */
enum { TEMPLATE_IDS = 64 };

static size_t encode(const tritx_tokenizer *tokenizer, const char *text, size_t n, bool special,
                     const char *user, int32_t *ids)
{
    trit_error err = {0};
    size_t n_ids = 0;
    if (user) {
        trit_config config = {0};
        tritx_format(config.template_id, sizeof config.template_id, "%s", user);
        config.bos_id = tritx_tokenizer_special(tokenizer, "<|begin_of_text|>");
        trit_message message = {"user", text, n};
        if (tritx_chat_render(tokenizer, &config, &message, 1, ids, n + TEMPLATE_IDS, &n_ids,
                              &err) != TRIT_OK)
            die(err.message);
        return n_ids;
    }
    size_t most = tritx_tokenizer_most(tokenizer, n);
    if (tritx_tokenizer_encode(tokenizer, text, n, special, ids, most, &n_ids, &err) != TRIT_OK)
        die(err.message);
    return n_ids;
}

int main(int argc, char **argv)
{
    bool special = false, timed = false;
    const char *user = NULL;
    for (int i = 3; i < argc; i++) {
        special |= strcmp(argv[i], "--special") == 0;
        timed |= strcmp(argv[i], "--time") == 0;
        if (strncmp(argv[i], "--user=", 7) == 0) user = argv[i] + 7;
    }
    if (argc < 3) die("usage: tokenizer.json n_vocab [--special | --user=TEMPLATE] [--time]");
    tritx_tokenizer *tokenizer = load(argv[1], atoi(argv[2]));
    size_t n_input;
    char *input = read_all(stdin, &n_input);
    int32_t *ids = malloc((2 * n_input + TEMPLATE_IDS) * sizeof *ids);
    if (!ids || n_input == 0 || input[n_input - 1] != 0) die("the input does not end with a NUL");
    for (size_t at = 0; at < n_input;) {
        size_t n = strlen(input + at);
        clock_t start = clock();
        size_t n_ids = encode(tokenizer, input + at, n, special, user, ids);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        bool spaced = tritx_tokenizer_get(tokenizer)->flags & TRITX_SPACE_FIRST;
        if (!user && !(spaced && special)) check_bytes(tokenizer, ids, n_ids, input + at, n);
        if (timed) printf("%zu %zu %f", n, n_ids, seconds);
        for (size_t i = 0; i < n_ids && !timed; i++) printf(i ? " %d" : "%d", (int)ids[i]);
        printf("\n");
        at += n + 1;
    }
    free(ids);
    free(input);
    tritx_tokenizer_free(tokenizer);
    return 0;
}
