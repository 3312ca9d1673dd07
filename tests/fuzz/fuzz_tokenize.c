/* Any text, through a tokenizer of either kind and back: ids of the vocabulary, no more than can be, the same
 * for any room, and together the bytes of the text again. */
#include "input.h"
#include "unit/hf_bytes.h"

enum { MAX_TEXT = 1 << 12, MAX_IDS = 2 * MAX_TEXT };

typedef enum {
    PARTS,
    WHOLE,
    PIECES
} kind; /* byte-level, without and with whole pieces; SentencePiece */

/* 256 bytes, two special tokens, and a few merges more. */
static size_t byte_level(char *tokenizer, bool ignore_merges)
{
    static const char merges[] =
        "\"he\":258,\"ll\":259,\"hell\":260,\"\\u0120w\":261,\"aa\":262,\"aaaa\":263,"
        "\"\\u00c3\\u00a9\":264},\"merges\":[\"h e\",\"l l\",\"he ll\",\"\\u0120 w\",\"a a\","
        "\"aa aa\",\"\\u00c3 \\u00a9\"],\"ignore_merges\":";
    hf_tokenizer(tokenizer);
    char *end = strstr(tokenizer, "},\"merges\":[]");
    *end = ',';
    strcpy(end + 1, merges);
    strcat(tokenizer, ignore_merges ? "true}}" : "false}}");
    return strlen(tokenizer);
}

static trit_model *model_of(kind which)
{
    static char config[HF_TEXT], tokenizer[2 * HF_TEXT];
    static uint8_t file[HF_FILE];
    hf_tensor tensors[HF_TENSORS];
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    size_t n_config = hf_config(config, hf_multiply),
           n = which == PIECES ? hf_sentencepiece(tokenizer)
                               : byte_level(tokenizer, which == WHOLE);
    memcpy(strstr(config, "\"vocab_size\":258") + 13, "265", 3);
    memcpy(tensors, hf_tensors, sizeof tensors);
    tensors[0].rows = 265;
    if (trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL) != TRIT_OK) abort();
    buffer sides[] = {{(uint8_t *)config, n_config, 0}, {(uint8_t *)tokenizer, n, 0}};
    buffer bytes = {file, hf_write(file, tensors, 0, 1), 0};
    if (give_side(loader, TRIT_SIDE_CONFIG, &sides[0]) != TRIT_OK ||
        give_side(loader, TRIT_SIDE_TOKENIZER, &sides[1]) != TRIT_OK ||
        push_file(loader, &bytes, bytes.n) != TRIT_OK ||
        trit_loader_finish(loader, &model, NULL) != TRIT_OK)
        abort();
    trit_loader_free(loader);
    return model;
}

/* What SentencePiece gives back of a text: spaces for U+2581. */
static size_t with_spaces(char *text, size_t n)
{
    size_t n_out = 0;
    for (size_t at = 0; at < n;) {
        bool space = n - at >= 3 && memcmp(text + at, "\xe2\x96\x81", 3) == 0;
        text[n_out++] = space ? ' ' : text[at];
        at += space ? 3 : 1;
    }
    return n_out;
}

/* The bytes of the ids, and whole code points of them in pieces of any size: those of one piece.
 * SentencePiece has a space first and behind each special token. */
static void check_text(const trit_model *model, kind which, const int32_t *ids, size_t n_ids,
                       const char *text, size_t n)
{
    static uint8_t pieces[3 * MAX_TEXT + 3 * (MAX_TEXT + 4)], once[3 * (MAX_TEXT + 4) + 12];
    size_t at = 0, n_pieces = 0, n_bytes;
    trit_utf8 state = {0}, other = {0};
    bool space = which == PIECES;
    for (size_t i = 0; i < n_ids; i++) {
        const uint8_t *bytes;
        bool special;
        if (trit_token_bytes(model, ids[i], &bytes, &n_bytes, &special) != TRIT_OK) abort();
        if (space && !special) {
            if (n_bytes < 1 || bytes[0] != ' ') abort();
            bytes++, n_bytes--;
        }
        space = which == PIECES && special;
        if (n_bytes > n - at || memcmp(bytes, text + at, n_bytes) != 0) abort();
        n_pieces += trit_utf8_push(&state, bytes, n_bytes, pieces + n_pieces);
        at += n_bytes;
    }
    if (at != n) abort();
    n_pieces += trit_utf8_push(&state, NULL, 0, pieces + n_pieces);
    size_t n_once = trit_utf8_push(&other, (const uint8_t *)text, n, once);
    n_once += trit_utf8_push(&other, NULL, 0, once + n_once);
    if (n_once != n_pieces || memcmp(once, pieces, n_once) != 0) abort();
}

static void check_ids(const trit_model *model, kind which, char *text, size_t n, uint32_t flags)
{
    static int32_t ids[MAX_IDS], other[MAX_IDS];
    size_t n_ids = 0, n_other = 0;
    trit_error err = {0};
    if (trit_tokenize(model, text, n, flags, ids, MAX_IDS, &n_ids, &err) != TRIT_OK) abort();
    if (n_ids > (which == PIECES ? 2 * n : n)) abort();
    for (size_t i = 0; i < n_ids; i++)
        if (ids[i] < 0 || ids[i] >= trit_model_config(model)->n_vocab) abort();
    if (trit_tokenize(model, text, n, flags, other, n_ids, &n_other, &err) != TRIT_OK ||
        n_other != n_ids || memcmp(ids, other, n_ids * sizeof *ids) != 0)
        abort();
    if (n_ids &&
        (trit_tokenize(model, text, n, flags, other, n_ids - 1, &n_other, &err) != TRIT_PARAM ||
         n_other != n_ids))
        abort();
    if (which == PIECES) n = with_spaces(text, n);
    check_text(model, which, ids, n_ids, text, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static trit_model *models[PIECES + 1];
    for (int i = 0; i <= PIECES; i++)
        if (!models[i]) models[i] = model_of((kind)i);
    if (n < 1 || n > MAX_TEXT) return 0;
    /* in a block of its size */
    char *text = malloc(n);
    if (!text) return 0;
    memcpy(text, data + 1, n - 1);
    kind which = data[0] & 4 ? PIECES : (kind)(data[0] & 1);
    check_ids(models[which], which, text, n - 1, data[0] & 2 ? TRIT_TOKENIZE_SPECIAL : 0);
    free(text);
    return 0;
}
