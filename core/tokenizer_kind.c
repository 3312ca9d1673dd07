/* What this engine would do differently than tokenizer.json says is refused by its name. */
#include "tokenizer_kind.h"
#include "pretokenize.h"
#include "tokenizer.h"

#define SPACE_SPELLED "\xe2\x96\x81" /* U+2581, how SentencePiece spells a space */

static trit_status refuse(trit_error *err, const char *what)
{
    return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "tokenizer.json: %s", what);
}

/* A step of a kind that is not served: "the normalizer "NFC" is not …". */
static trit_status refuse_step(trit_error *err, const char *part, const cJSON *step,
                               const char *served)
{
    const char *type = cJSON_GetStringValue(tritx_member(step, "type"));
    return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "tokenizer.json: the %s \"%.40s\" is not %s",
                      part, type ? type : "", served);
}

static bool is_empty_text(const cJSON *object, const char *key)
{
    const cJSON *item = tritx_member(object, key);
    return tritx_is_absent(item) || tritx_is_text(item, "");
}

static trit_status check_model(const cJSON *model, trit_error *err)
{
    if (!tritx_is_type(model, "BPE")) return refuse_step(err, "model", model, "BPE");
    const cJSON *dropout = tritx_member(model, "dropout");
    if (!tritx_is_absent(dropout) && !(cJSON_IsNumber(dropout) && dropout->valuedouble == 0.0))
        return refuse(err, "the model has dropout");
    if (!is_empty_text(model, "continuing_subword_prefix"))
        return refuse(err, "the model has continuing_subword_prefix");
    if (!is_empty_text(model, "end_of_word_suffix"))
        return refuse(err, "the model has end_of_word_suffix");
    const cJSON *byte_fallback = tritx_member(model, "byte_fallback"),
                *ignore_merges = tritx_member(model, "ignore_merges");
    if (!tritx_is_absent(byte_fallback) && !cJSON_IsBool(byte_fallback))
        return refuse(err, "byte_fallback is no boolean");
    if (!tritx_is_absent(ignore_merges) && !cJSON_IsBool(ignore_merges))
        return refuse(err, "ignore_merges is no boolean");
    if (!cJSON_IsObject(tritx_member(model, "vocab"))) return refuse(err, "the model has no vocab");
    if (!cJSON_IsArray(tritx_member(model, "merges")))
        return refuse(err, "the model has no merges");
    return TRIT_OK;
}

/* The steps of a Sequence when there are so many, else NULL. */
static const cJSON *steps_of(const cJSON *sequence, const char *key, int n)
{
    const cJSON *steps = tritx_member(sequence, key);
    bool fine = tritx_is_type(sequence, "Sequence") && cJSON_IsArray(steps) &&
                cJSON_GetArraySize(steps) == n;
    return fine ? steps->child : NULL;
}

static trit_status check_cut(const cJSON *pre_tokenizer, trit_error *err)
{
    const cJSON *split = steps_of(pre_tokenizer, "pretokenizers", 2);
    if (!split) return refuse_step(err, "pre_tokenizer", pre_tokenizer, "Split and ByteLevel");
    const cJSON *bytes = split->next;
    if (!tritx_is_type(split, "Split"))
        return refuse_step(err, "pre_tokenizer", split, "Split before ByteLevel");
    if (!tritx_is_type(bytes, "ByteLevel"))
        return refuse_step(err, "pre_tokenizer", bytes, "ByteLevel behind Split");
    if (!tritx_is_text(tritx_member(tritx_member(split, "pattern"), "Regex"),
                       TRITX_PRETOKEN_EXPRESSION))
        return refuse(err, "the pre_tokenizer's expression is not that of Llama 3");
    if (!tritx_is_text(tritx_member(split, "behavior"), "Isolated") ||
        !tritx_is_off(split, "invert"))
        return refuse(err, "the pre_tokenizer's Split is not Isolated");
    /* These two switches are on when they are missing. */
    if (!cJSON_IsFalse(tritx_member(bytes, "add_prefix_space")) ||
        !cJSON_IsFalse(tritx_member(bytes, "use_regex")))
        return refuse(err, "the pre_tokenizer's ByteLevel adds a space or splits again");
    return TRIT_OK;
}

static trit_status check_bytes(const cJSON *root, const cJSON *model, trit_error *err)
{
    const cJSON *normalizer = tritx_member(root, "normalizer"),
                *decoder = tritx_member(root, "decoder");
    if (!tritx_is_absent(tritx_member(model, "unk_token")))
        return refuse(err, "the model has unk_token and no byte_fallback");
    if (!tritx_is_absent(normalizer))
        return refuse_step(err, "normalizer", normalizer, "served with byte-level BPE");
    if (!tritx_is_type(decoder, "ByteLevel"))
        return refuse_step(err, "decoder", decoder, "ByteLevel");
    return check_cut(tritx_member(root, "pre_tokenizer"), err);
}

/* Replace of one text by another. */
static bool is_replace(const cJSON *step, const char *old, const char *new)
{
    return tritx_is_type(step, "Replace") &&
           tritx_is_text(tritx_member(tritx_member(step, "pattern"), "String"), old) &&
           tritx_is_text(tritx_member(step, "content"), new);
}

/* Prepend and Replace, or Replace alone: whether a space is put first. */
static trit_status check_spaces(const cJSON *normalizer, uint8_t *flags, trit_error *err)
{
    const cJSON *step = steps_of(normalizer, "normalizers", 2);
    bool first = step && tritx_is_type(step, "Prepend") &&
                 tritx_is_text(tritx_member(step, "prepend"), SPACE_SPELLED);
    if (first) *flags |= TRITX_SPACE_FIRST;
    if (is_replace(first ? step->next : normalizer, " ", SPACE_SPELLED)) return TRIT_OK;
    return refuse_step(err, "normalizer", normalizer, "SentencePiece's: Prepend and Replace");
}

/* The decoder turns U+2581 into spaces and takes the one away that was put first. */
static trit_status check_decoder(const cJSON *decoder, uint8_t flags, trit_error *err)
{
    bool strips = flags & TRITX_SPACE_FIRST;
    const cJSON *step = steps_of(decoder, "decoders", strips ? 4 : 3), *strip = NULL;
    if (step) strip = step->next->next->next;
    int64_t start = 0, stop = 0;
    bool fine = is_replace(step, SPACE_SPELLED, " ") && tritx_is_type(step->next, "ByteFallback") &&
                tritx_is_type(step->next->next, "Fuse");
    if (fine && strips)
        fine = tritx_is_type(strip, "Strip") &&
               tritx_is_text(tritx_member(strip, "content"), " ") &&
               tritx_json_int(strip, "start", 1, 1, &start) &&
               tritx_json_int(strip, "stop", 0, 0, &stop);
    return fine ? TRIT_OK : refuse_step(err, "decoder", decoder, "SentencePiece's");
}

static trit_status check_sentencepiece(const cJSON *root, const cJSON *model, uint8_t *flags,
                                       trit_error *err)
{
    const cJSON *pre_tokenizer = tritx_member(root, "pre_tokenizer");
    if (!tritx_is_absent(pre_tokenizer))
        return refuse_step(err, "pre_tokenizer", pre_tokenizer, "served with byte_fallback");
    if (!tritx_is_off(model, "ignore_merges"))
        return refuse(err, "the model has ignore_merges and byte_fallback");
    TRIT_TRY(check_spaces(tritx_member(root, "normalizer"), flags, err));
    return check_decoder(tritx_member(root, "decoder"), *flags, err);
}

trit_status tritx_tokenizer_kind(const cJSON *root, uint8_t *flags, trit_error *err)
{
    if (!cJSON_IsObject(root)) return refuse(err, "not an object");
    if (!tritx_is_absent(tritx_member(root, "truncation"))) return refuse(err, "truncation is set");
    if (!tritx_is_absent(tritx_member(root, "padding"))) return refuse(err, "padding is set");
    const cJSON *model = tritx_member(root, "model");
    TRIT_TRY(check_model(model, err));
    *flags = cJSON_IsTrue(tritx_member(model, "ignore_merges")) ? TRITX_WHOLE_PIECES : 0;
    if (tritx_is_off(model, "byte_fallback")) return check_bytes(root, model, err);
    *flags = TRITX_SENTENCEPIECE;
    return check_sentencepiece(root, model, flags, err);
}
