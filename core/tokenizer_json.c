/* tokenizer.json, read strictly: vocabulary, merges, added tokens and what comes first. */
#include "spelling.h"
#include "tokenizer_kind.h"

#include <stdlib.h>

typedef struct {
    const cJSON *root, *model;
    tritx_tokenizer_tables *tables;
    const char **texts; /* [n_vocab] of the JSON; NULL = no such token */
    tritx_alphabet alphabet;
    trit_error *err;
} reader;

static trit_status refuse(trit_error *err, const char *what)
{
    return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "tokenizer.json: %s", what);
}

static trit_status read_vocab(reader *r)
{
    tritx_tokenizer_tables *t = r->tables;
    for (const cJSON *item = tritx_member(r->model, "vocab")->child; item; item = item->next) {
        double id = cJSON_IsNumber(item) ? item->valuedouble : -1;
        if (!(id >= 0 && id < t->n_vocab) || id != (int32_t)id)
            return refuse(r->err, "a token's id is outside the model's vocabulary");
        if (r->texts[(int32_t)id]) return refuse(r->err, "two tokens have the same id");
        r->texts[(int32_t)id] = item->string;
    }
    return TRIT_OK;
}

static trit_status read_added(reader *r)
{
    static const char *const switches[] = {"single_word", "lstrip", "rstrip"};
    const cJSON *list = tritx_member(r->root, "added_tokens");
    if (!tritx_is_absent(list) && !cJSON_IsArray(list)) return refuse(r->err, "bad added_tokens");
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        int64_t id;
        const char *content = cJSON_GetStringValue(tritx_member(item, "content"));
        if (!tritx_json_int(item, "id", 0, r->tables->n_vocab - 1, &id))
            return refuse(r->err, "an added token's id is outside the model's vocabulary");
        if (!content || !content[0]) return refuse(r->err, "an added token has no content");
        const cJSON *special = tritx_member(item, "special");
        if (!tritx_is_absent(special) && !cJSON_IsBool(special))
            return refuse(r->err, "an added token's \"special\" is no boolean");
        for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
            if (!tritx_is_off(item, switches[i]))
                return refuse(r->err, "an added token has strip flags");
        if (r->tables->token_kinds[id]) return refuse(r->err, "two added tokens have one id");
        if (r->texts[id] && strcmp(r->texts[id], content) != 0)
            return refuse(r->err, "an added token takes another token's id");
        r->texts[id] = content;
        bool marks = cJSON_IsTrue(special) || tritx_is_mark(content, strlen(content));
        r->tables->token_kinds[id] = marks ? TRITX_TOKEN_SPECIAL : TRITX_TOKEN_ADDED;
    }
    return TRIT_OK;
}

/* The bytes of one token, for which there is room. */
static trit_status fill_token(reader *r, int32_t id, uint8_t *bytes, size_t *n)
{
    const char *text = r->texts[id];
    uint8_t *kind = r->tables->token_kinds + id;
    int byte = r->alphabet.sentencepiece && text ? tritx_unspell_byte(text, strlen(text)) : -1;
    *n = 0;
    if (!text) {
        *kind = TRITX_TOKEN_SPECIAL;
    } else if (*kind != TRITX_TOKEN_NORMAL) { /* added tokens are spelled as they are */
        *n = strlen(text);
        memcpy(bytes, text, *n);
    } else if (byte >= 0) {
        *kind = TRITX_TOKEN_BYTE;
        bytes[0] = (uint8_t)byte;
        *n = 1;
    } else if (!tritx_unspell(&r->alphabet, text, strlen(text), bytes, n)) {
        return refuse(r->err, "a token is not in the byte alphabet");
    }
    return TRIT_OK;
}

static trit_status fill_tokens(reader *r)
{
    tritx_tokenizer_tables *t = r->tables;
    size_t total = 0;
    for (int32_t id = 0; id < t->n_vocab; id++) total += r->texts[id] ? strlen(r->texts[id]) : 0;
    if (total > UINT32_MAX) return refuse(r->err, "the tokens are too long");
    t->token_bytes = malloc(total + 1);
    if (!t->token_bytes) return tritx_fail(r->err, TRIT_OOM, 0, "no memory for the tokens");
    size_t end = 0;
    for (int32_t id = 0; id < t->n_vocab; id++) {
        size_t n;
        TRIT_TRY(fill_token(r, id, t->token_bytes + end, &n));
        end += n;
        t->token_ends[id] = (uint32_t)end;
    }
    t->n_token_bytes = (uint32_t)end;
    return TRIT_OK;
}

/* "left right", or the list of both; text has room for the longest. */
static bool split_merge(const cJSON *item, char *text, const char **left, const char **right)
{
    if (cJSON_IsString(item)) {
        strcpy(text, item->valuestring);
        char *space = strchr(text, ' ');
        if (!space || strchr(space + 1, ' ')) return false;
        *space = 0;
        *left = text;
        *right = space + 1;
        return true;
    }
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2) return false;
    *left = cJSON_GetStringValue(item->child);
    *right = cJSON_GetStringValue(item->child->next);
    return *left && *right;
}

/* Longest text of a merge, both parts counted. */
static size_t longest_merge(const cJSON *list)
{
    size_t longest = 0;
    for (const cJSON *item = list->child; item; item = item->next) {
        size_t n = cJSON_IsString(item) ? strlen(item->valuestring) : 0;
        for (const cJSON *part = cJSON_IsArray(item) ? item->child : NULL; part; part = part->next)
            n += cJSON_IsString(part) ? strlen(part->valuestring) : 0;
        if (n > longest) longest = n;
    }
    return longest;
}

static trit_status fill_merges(reader *r, const tritx_token_map *map, char *text, uint8_t *joined)
{
    uint32_t *merge = r->tables->merges;
    for (const cJSON *item = tritx_member(r->model, "merges")->child; item;
         item = item->next, merge += 3) {
        const char *left, *right;
        const char *wrong = split_merge(item, text, &left, &right)
                                ? tritx_unspell_merge(&r->alphabet, map, left, strlen(left), right,
                                                      strlen(right), joined, merge)
                                : "a merge is not two tokens";
        if (wrong) return refuse(r->err, wrong);
    }
    return TRIT_OK;
}

static trit_status read_merges(reader *r)
{
    const cJSON *list = tritx_member(r->model, "merges");
    int n = cJSON_GetArraySize(list);
    size_t n_bytes, longest = longest_merge(list) + 1;
    if (!tritx_mul_ok((size_t)n + 1, 3 * sizeof *r->tables->merges, &n_bytes))
        return refuse(r->err, "too many merges");
    tritx_token_map map;
    TRIT_TRY(tritx_token_map_new(r->tables, &map, r->err));
    r->tables->merges = malloc(n_bytes);
    r->tables->n_merges = (uint32_t)n;
    char *text = malloc(longest);
    uint8_t *joined = malloc(longest);
    trit_status status = r->tables->merges && text && joined
                             ? fill_merges(r, &map, text, joined)
                             : tritx_fail(r->err, TRIT_OOM, 0, "no memory for the merges");
    free(joined);
    free(text);
    tritx_token_map_free(&map);
    return status;
}

/* What stands before the text: nothing, or one special token. */
static trit_status read_template(const reader *r, const cJSON *template, bool *add_bos,
                                 int32_t *bos_id)
{
    const cJSON *list = tritx_member(template, "single"),
                *text = cJSON_IsArray(list) ? list->child : NULL;
    int n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    if (n == 2) text = text->next;
    if (n < 1 || n > 2 || !tritx_is_text(tritx_member(tritx_member(text, "Sequence"), "id"), "A"))
        return refuse(r->err, "the post_processor's template is not [token] and text");
    if (n == 1) return TRIT_OK;
    const char *name =
        cJSON_GetStringValue(tritx_member(tritx_member(list->child, "SpecialToken"), "id"));
    const cJSON *token = name ? tritx_member(tritx_member(template, "special_tokens"), name) : NULL;
    const cJSON *ids = tritx_member(token, "ids");
    double id =
        cJSON_IsArray(ids) && cJSON_GetArraySize(ids) == 1 ? cJSON_GetNumberValue(ids->child) : -1;
    if (!(id >= 0 && id < r->tables->n_vocab) || id != (int32_t)id ||
        r->tables->token_kinds[(int32_t)id] != TRITX_TOKEN_SPECIAL)
        return refuse(r->err, "the post_processor's token is no special token");
    if (*add_bos) return refuse(r->err, "the post_processor has two templates");
    *add_bos = true;
    *bos_id = (int32_t)id;
    return TRIT_OK;
}

static trit_status read_post_processor(const reader *r, bool *add_bos, int32_t *bos_id)
{
    const cJSON *step = tritx_member(r->root, "post_processor");
    if (tritx_is_absent(step)) return TRIT_OK;
    bool sequence = tritx_is_type(step, "Sequence");
    if (sequence) {
        step = tritx_member(step, "processors");
        if (!cJSON_IsArray(step)) return refuse(r->err, "bad post_processor");
        step = step->child;
    }
    for (; step; step = sequence ? step->next : NULL) {
        if (tritx_is_type(step, "TemplateProcessing"))
            TRIT_TRY(read_template(r, step, add_bos, bos_id));
        else if (!tritx_is_type(step, "ByteLevel")) /* which only moves offsets */
            return refuse(r->err, "an unknown post_processor");
    }
    return TRIT_OK;
}

static trit_status read_tables(reader *r, bool *add_bos, int32_t *bos_id)
{
    size_t n = (size_t)r->tables->n_vocab;
    TRIT_TRY(tritx_tokenizer_kind(r->root, &r->tables->flags, r->err));
    r->model = tritx_member(r->root, "model");
    r->tables->token_ends = malloc(n * sizeof *r->tables->token_ends);
    r->tables->token_kinds = calloc(n, 1);
    r->texts = calloc(n, sizeof *r->texts);
    if (!r->tables->token_ends || !r->tables->token_kinds || !r->texts)
        return tritx_fail(r->err, TRIT_OOM, 0, "no memory for the vocabulary");
    tritx_alphabet_fill(&r->alphabet, r->tables->flags & TRITX_SENTENCEPIECE);
    TRIT_TRY(read_vocab(r));
    TRIT_TRY(read_added(r));
    TRIT_TRY(fill_tokens(r));
    TRIT_TRY(read_merges(r));
    return read_post_processor(r, add_bos, bos_id);
}

trit_status tritx_tokenizer_json(const char *text, size_t n_bytes, int32_t n_vocab_model,
                                 tritx_tokenizer_tables *tables, bool *add_bos, int32_t *bos_id,
                                 trit_error *err)
{
    if (n_vocab_model < 1 || n_vocab_model > TRITX_MAX_VOCAB)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "a vocabulary of %d tokens",
                          (int)n_vocab_model);
    tritx_json json;
    TRIT_TRY(tritx_json_parse(text, n_bytes, &json, err));
    tritx_tokenizer_tables read = {.n_vocab = n_vocab_model};
    reader r = {.root = json.root, .tables = &read, .err = err};
    bool has_bos = false;
    int32_t id = -1;
    trit_status status = read_tables(&r, &has_bos, &id);
    free(r.texts);
    tritx_json_free(&json);
    if (status != TRIT_OK) {
        tritx_tokenizer_tables_free(&read);
        return status;
    }
    *tables = read;
    *add_bos = has_bos;
    *bos_id = id;
    return TRIT_OK;
}
