/* A text that follows a grammar, token by token, beside the same bytes taken one by one: the masks are equal, no other token is
 * taken, and there is always a way on. */
#ifndef TRIT_FUZZ_GRAMMAR_WALK_H
#define TRIT_FUZZ_GRAMMAR_WALK_H

#include "input.h"
#include "unit/grammar_model.h"

enum { MOST_STEPS = 96, MOST_TEXT = 4096 };

typedef trit_status (*make_grammar)(trit_model *model, const char *text, size_t n_bytes,
                                    trit_grammar **grammar, trit_error *err);

typedef struct {
    trit_grammar *whole, *bytewise;
    uint64_t random;
    uint8_t text[MOST_TEXT];
    size_t n_text;
    bool ended;
} grammar_walk;

static trit_model *walk_model;

static inline uint32_t walk_below(grammar_walk *w, uint32_t n)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->random >> 33) % n;
}

static inline bool walk_stops(int id) { return id == GRAMMAR_STOP || id == GRAMMAR_STOP_TEXT; }

/* What is refused while it is followed is refused as too ambiguous. */
static inline bool walk_goes_on(trit_status status, const trit_error *err)
{
    if (checked(status, err) != TRIT_OK && status != TRIT_BAD_GRAMMAR) abort();
    return status == TRIT_OK;
}

/* Masks of both; false when they have given up. */
static inline bool walk_masks(grammar_walk *w, float *mask)
{
    float other[N_GRAMMAR_VOCAB] = {0};
    trit_error err = {0};
    bool some = false;
    memset(mask, 0, N_GRAMMAR_VOCAB * sizeof *mask);
    if (!walk_goes_on(trit_grammar_mask(w->whole, mask, &err), &err)) return false;
    if (!walk_goes_on(trit_grammar_mask(w->bytewise, other, &err), &err)) return false;
    if (memcmp(mask, other, sizeof other) != 0) abort();
    for (int id = 0; id < N_GRAMMAR_VOCAB; id++) some |= mask[id] == 0 && !walk_stops(id);
    if (trit_grammar_ended(w->whole) == some || trit_grammar_ended(w->bytewise) == some) abort();
    return true;
}

/* One that may follow: a long one if it is found soon, one of `wanted` sooner. */
static inline int walk_choose(grammar_walk *w, const float *mask, const char *wanted)
{
    for (const char *c = wanted; *c; c++)
        if (mask[(uint8_t)*c] == 0 && walk_below(w, 3) == 0) return (uint8_t)*c;
    for (int tries = 0; tries < 20; tries++) {
        int id = 256 + (int)walk_below(w, N_GRAMMAR_VOCAB - 256);
        if (mask[id] == 0) return id;
    }
    int id = (int)walk_below(w, N_GRAMMAR_VOCAB);
    while (mask[id] != 0) id = (id + 1) % N_GRAMMAR_VOCAB;
    return id;
}

/* Takes a token and, in the other grammar, its bytes, each of which is a token. */
static inline bool walk_take(grammar_walk *w, const float *mask, int id)
{
    const uint8_t *bytes;
    size_t n;
    bool special;
    trit_error err = {0};
    int other = (int)walk_below(w, N_GRAMMAR_VOCAB);
    if (mask[other] != 0 && trit_grammar_take(w->whole, other, &err) == TRIT_OK) abort();
    if (!walk_goes_on(trit_grammar_take(w->whole, id, &err), &err)) return false;
    w->ended = walk_stops(id);
    if (trit_token_bytes(walk_model, id, &bytes, &n, &special) != TRIT_OK) abort();
    for (size_t i = 0; i < n && !w->ended; i++) {
        if (!walk_goes_on(trit_grammar_take(w->bytewise, bytes[i], &err), &err)) return false;
        w->text[w->n_text++] = bytes[i];
    }
    return !w->ended;
}

/* Makes the grammar twice and follows it; false when it is refused. */
static inline bool walk_grammar(grammar_walk *w, make_grammar make, const char *text, size_t n,
                                const char *wanted)
{
    enum { ROOM = 64 /* for one token more */ };
    float mask[N_GRAMMAR_VOCAB];
    trit_error err = {0};
    if (!walk_model) walk_model = grammar_model();
    trit_status status = checked(make(walk_model, text, n, &w->whole, &err), &err);
    if (status != TRIT_OK) return false;
    if (make(walk_model, text, n, &w->bytewise, &err) != TRIT_OK) abort();
    for (int i = 0; i < MOST_STEPS && w->n_text < MOST_TEXT - ROOM; i++)
        if (!walk_masks(w, mask) || !walk_take(w, mask, walk_choose(w, mask, wanted))) break;
    w->ended |= trit_grammar_ended(w->whole);
    trit_grammar_free(w->whole);
    trit_grammar_free(w->bytewise);
    return true;
}

/* A text that is grown from pieces. */
typedef struct {
    char bytes[MOST_TEXT];
    size_t n;
} grown;

static inline void grow(grown *text, const char *piece)
{
    size_t n = strlen(piece);
    if (n > sizeof text->bytes - text->n) return;
    memcpy(text->bytes + text->n, piece, n);
    text->n += n;
}

typedef void (*grow_text)(grown *text, input *in);

/* Follows what is made of an input: a text of its own after '!', else one that is grown; false when it is refused. */
static inline bool walk_input(grammar_walk *w, const uint8_t *data, size_t n, grow_text grow_whole,
                              make_grammar make, const char *wanted)
{
    input in = {data, n};
    grown text = {.n = 0};
    bool own = take(&in, 1) == '!';
    w->random = n;
    for (size_t i = 0; i < n; i++) w->random = w->random * 31 + data[i];
    if (own) return walk_grammar(w, make, (const char *)in.data, in.n, wanted);
    grow_whole(&text, &in);
    return walk_grammar(w, make, text.bytes, text.n, wanted);
}

#define GROW_ONE_OF(text, in, pieces)                                                              \
    grow(text, (pieces)[take(in, 1) % (sizeof(pieces) / sizeof *(pieces))])

#endif
