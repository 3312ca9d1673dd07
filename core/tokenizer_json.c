/* tokenizer.json, read strictly: what this engine would do differently is refused by its name. */
#include "json.h"
#include "pretokenize.h"
#include "spelling.h"

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

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool is_absent(const cJSON *item) { return !item || cJSON_IsNull(item); }

static bool is_text(const cJSON *item, const char *text)
{
    return cJSON_IsString(item) && strcmp(item->valuestring, text) == 0;
}

static bool is_type(const cJSON *object, const char *type)
{
    return is_text(member(object, "type"), type);
}

/* Missing and false are the same for every switch of this format that matters here. */
static bool is_off(const cJSON *object, const char *key)
{
    const cJSON *item = member(object, key);
    return is_absent(item) || cJSON_IsFalse(item);
}

static bool is_empty_text(const cJSON *object, const char *key)
{
    const cJSON *item = member(object, key);
    return is_absent(item) || is_text(item, "");
}

static trit_status check_model(const cJSON *model, trit_error *err)
{
    if (!is_type(model, "BPE")) return refuse(err, "the model is not BPE");
    const cJSON *dropout = member(model, "dropout");
    if (!is_absent(dropout) && !(cJSON_IsNumber(dropout) && dropout->valuedouble == 0.0))
        return refuse(err, "the model has dropout");
    if (!is_absent(member(model, "unk_token"))) return refuse(err, "the model has unk_token");
    if (!is_empty_text(model, "continuing_subword_prefix"))
        return refuse(err, "the model has continuing_subword_prefix");
    if (!is_empty_text(model, "end_of_word_suffix"))
        return refuse(err, "the model has end_of_word_suffix");
    if (!is_off(model, "byte_fallback")) return refuse(err, "the model has byte_fallback");
    const cJSON *ignore_merges = member(model, "ignore_merges");
    if (!is_absent(ignore_merges) && !cJSON_IsBool(ignore_merges))
        return refuse(err, "ignore_merges is no boolean");
    if (!cJSON_IsObject(member(model, "vocab"))) return refuse(err, "the model has no vocab");
    if (!cJSON_IsArray(member(model, "merges"))) return refuse(err, "the model has no merges");
    return TRIT_OK;
}

static trit_status check_pre_tokenizer(const cJSON *sequence, trit_error *err)
{
    const cJSON *steps = member(sequence, "pretokenizers");
    if (!is_type(sequence, "Sequence") || !cJSON_IsArray(steps) || cJSON_GetArraySize(steps) != 2)
        return refuse(err, "the pre_tokenizer is not Split and ByteLevel");
    const cJSON *split = steps->child, *bytes = split->next;
    if (!is_type(split, "Split") || !is_type(bytes, "ByteLevel"))
        return refuse(err, "the pre_tokenizer is not Split and ByteLevel");
    if (!is_text(member(member(split, "pattern"), "Regex"), TRITX_PRETOKEN_EXPRESSION))
        return refuse(err, "the pre_tokenizer's expression is not that of Llama 3");
    if (!is_text(member(split, "behavior"), "Isolated") || !is_off(split, "invert"))
        return refuse(err, "the pre_tokenizer's Split is not Isolated");
    /* These two switches are on when they are missing. */
    if (!cJSON_IsFalse(member(bytes, "add_prefix_space")) ||
        !cJSON_IsFalse(member(bytes, "use_regex")))
        return refuse(err, "the pre_tokenizer's ByteLevel adds a space or splits again");
    return TRIT_OK;
}

static trit_status check_kind(const cJSON *root, trit_error *err)
{
    if (!cJSON_IsObject(root)) return refuse(err, "not an object");
    if (!is_absent(member(root, "truncation"))) return refuse(err, "truncation is set");
    if (!is_absent(member(root, "padding"))) return refuse(err, "padding is set");
    if (!is_absent(member(root, "normalizer"))) return refuse(err, "a normalizer is set");
    if (!is_type(member(root, "decoder"), "ByteLevel"))
        return refuse(err, "the decoder is not ByteLevel");
    TRIT_TRY(check_model(member(root, "model"), err));
    return check_pre_tokenizer(member(root, "pre_tokenizer"), err);
}

static trit_status read_vocab(reader *r)
{
    tritx_tokenizer_tables *t = r->tables;
    for (const cJSON *item = member(r->model, "vocab")->child; item; item = item->next) {
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
    const cJSON *list = member(r->root, "added_tokens");
    if (!is_absent(list) && !cJSON_IsArray(list)) return refuse(r->err, "bad added_tokens");
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        int64_t id;
        const char *content = cJSON_GetStringValue(member(item, "content"));
        if (!tritx_json_int(item, "id", 0, r->tables->n_vocab - 1, &id))
            return refuse(r->err, "an added token's id is outside the model's vocabulary");
        if (!content || !content[0]) return refuse(r->err, "an added token has no content");
        if (!cJSON_IsTrue(member(item, "special")))
            return refuse(r->err, "an added token is not special");
        for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
            if (!is_off(item, switches[i])) return refuse(r->err, "an added token has strip flags");
        if (r->tables->token_special[id]) return refuse(r->err, "two added tokens have one id");
        if (r->texts[id] && strcmp(r->texts[id], content) != 0)
            return refuse(r->err, "an added token takes another token's id");
        r->texts[id] = content;
        r->tables->token_special[id] = 1;
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
        size_t n = 0;
        if (!r->texts[id]) {
            t->token_special[id] = 1;
        } else if (t->token_special[id]) {
            n = strlen(r->texts[id]);
            memcpy(t->token_bytes + end, r->texts[id], n);
        } else if (!tritx_unspell(&r->alphabet, r->texts[id], strlen(r->texts[id]),
                                  t->token_bytes + end, &n)) {
            return refuse(r->err, "a token is not in the byte alphabet");
        }
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
    for (const cJSON *item = member(r->model, "merges")->child; item;
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
    const cJSON *list = member(r->model, "merges");
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
    const cJSON *list = member(template, "single"),
                *text = cJSON_IsArray(list) ? list->child : NULL;
    int n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    if (n == 2) text = text->next;
    if (n < 1 || n > 2 || !is_text(member(member(text, "Sequence"), "id"), "A"))
        return refuse(r->err, "the post_processor's template is not [token] and text");
    if (n == 1) return TRIT_OK;
    const char *name = cJSON_GetStringValue(member(member(list->child, "SpecialToken"), "id"));
    const cJSON *token = name ? member(member(template, "special_tokens"), name) : NULL;
    const cJSON *ids = member(token, "ids");
    double id =
        cJSON_IsArray(ids) && cJSON_GetArraySize(ids) == 1 ? cJSON_GetNumberValue(ids->child) : -1;
    if (!(id >= 0 && id < r->tables->n_vocab) || id != (int32_t)id ||
        !r->tables->token_special[(int32_t)id])
        return refuse(r->err, "the post_processor's token is no special token");
    if (*add_bos) return refuse(r->err, "the post_processor has two templates");
    *add_bos = true;
    *bos_id = (int32_t)id;
    return TRIT_OK;
}

static trit_status read_post_processor(const reader *r, bool *add_bos, int32_t *bos_id)
{
    const cJSON *step = member(r->root, "post_processor");
    if (is_absent(step)) return TRIT_OK;
    bool sequence = is_type(step, "Sequence");
    if (sequence) {
        step = member(step, "processors");
        if (!cJSON_IsArray(step)) return refuse(r->err, "bad post_processor");
        step = step->child;
    }
    for (; step; step = sequence ? step->next : NULL) {
        if (is_type(step, "TemplateProcessing")) TRIT_TRY(read_template(r, step, add_bos, bos_id));
        else if (!is_type(step, "ByteLevel")) /* which only moves offsets */
            return refuse(r->err, "an unknown post_processor");
    }
    return TRIT_OK;
}

static trit_status read_tables(reader *r, bool *add_bos, int32_t *bos_id)
{
    size_t n = (size_t)r->tables->n_vocab;
    TRIT_TRY(check_kind(r->root, r->err));
    r->model = member(r->root, "model");
    r->tables->ignore_merges = cJSON_IsTrue(member(r->model, "ignore_merges")) ? 1 : 0;
    r->tables->token_ends = malloc(n * sizeof *r->tables->token_ends);
    r->tables->token_special = calloc(n, 1);
    r->texts = calloc(n, sizeof *r->texts);
    if (!r->tables->token_ends || !r->tables->token_special || !r->texts)
        return tritx_fail(r->err, TRIT_OOM, 0, "no memory for the vocabulary");
    tritx_alphabet_fill(&r->alphabet);
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
