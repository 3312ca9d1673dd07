/* Grammars over a vocabulary: which tokens may follow, for every token at once. */
#include "grammar.h"
#include "model.h"
#include "token_map.h"

#include <math.h>
#include <stdlib.h>

enum { N_MASKS = 32, NO_STATE = 0 /* the dead one has no mask */ };

struct trit_grammar {
    const trit_model *model;
    tritx_program program;
    tritx_machine machine;
    /* Masks of the states they were last needed in: bits of ids, 1 where a token may follow. */
    uint32_t *masks; /* [N_MASKS][n_words] */
    uint32_t mask_states[N_MASKS], alike_states[N_MASKS];
    uint32_t n_words, next_mask, generation;
};

static trit_status take_tree(trit_grammar *g, tritx_tree *tree)
{
    TRIT_TRY(tritx_program_new(tree, &g->program));
    TRIT_TRY(tritx_machine_new(&g->machine, &g->program, g->model->vocabulary.longest, tree->err));
    g->n_words = (uint32_t)(g->model->config.n_vocab + 31) / 32;
    g->masks = malloc((size_t)N_MASKS * g->n_words * sizeof *g->masks);
    return g->masks ? TRIT_OK : tritx_fail(tree->err, TRIT_OOM, 0, "no memory for masks");
}

/* A grammar of what `read` makes of a text. */
static trit_status make(trit_model *model, trit_status refusal,
                        trit_status (*read)(tritx_tree *tree, const char *text, size_t n_bytes),
                        const char *text, size_t n_bytes, trit_grammar **grammar, trit_error *err)
{
    if (!model || (!text && n_bytes) || !grammar)
        return tritx_fail(err, TRIT_PARAM, 0, "grammar: NULL argument");
    if (!model->tokenizer)
        return tritx_fail(err, TRIT_STATE, 0, "this model has no tokenizer: grammars need one");
    const tritx_tokenizer_tables *tables = tritx_tokenizer_get(model->tokenizer);
    if (!model->vocabulary.is_sorted)
        TRIT_TRY(tritx_vocabulary_new(tables, &model->vocabulary, err));
    trit_grammar *g = calloc(1, sizeof *g);
    if (!g) return tritx_fail(err, TRIT_OOM, 0, "no memory for a grammar");
    g->model = model;
    tritx_tree tree;
    trit_status status = tritx_tree_begin(&tree, refusal, err);
    if (status == TRIT_OK) status = read(&tree, text, n_bytes);
    if (status == TRIT_OK) status = take_tree(g, &tree);
    tritx_tree_free(&tree);
    if (status == TRIT_OK) *grammar = g;
    else trit_grammar_free(g);
    return status;
}

trit_status trit_grammar_new(trit_model *model, const char *text, size_t n_bytes,
                             trit_grammar **grammar, trit_error *err)
{
    return make(model, TRIT_BAD_GRAMMAR, tritx_grammar_read, text, n_bytes, grammar, err);
}

trit_status trit_grammar_schema(trit_model *model, const char *json, size_t n_bytes,
                                trit_grammar **grammar, trit_error *err)
{
    return make(model, TRIT_BAD_SCHEMA, tritx_grammar_schema, json, n_bytes, grammar, err);
}

void trit_grammar_free(trit_grammar *grammar)
{
    if (!grammar) return;
    tritx_machine_free(&grammar->machine);
    tritx_program_free(&grammar->program);
    free(grammar->masks);
    free(grammar);
}

static bool stops(const trit_grammar *g, int32_t id)
{
    const trit_config *c = &g->model->config;
    for (int32_t i = 0; i < c->n_stop; i++)
        if (c->stop_ids[i] == id) return true;
    return false;
}

/* Reads n bytes from the state path[at] on. *reached: where on the path it stands, at + n if all of them may follow. */
static trit_status follow(trit_grammar *g, uint32_t at, const uint8_t *bytes, uint32_t n,
                          uint32_t *reached, trit_error *err)
{
    tritx_machine *m = &g->machine;
    const uint8_t *classes = g->program.classes;
    const uint32_t n_classes = g->program.n_classes, *next = m->next.items;
    uint32_t *path = m->path, state = path[at];
    for (const uint8_t *end = bytes + n; bytes < end; bytes++, at++) {
        uint32_t known = next[state * n_classes + classes[*bytes]];
        if (known) state = path[at + 1] = known - 1;
        else {
            TRIT_TRY(tritx_machine_step(m, at, *bytes, err));
            next = m->next.items;
            state = path[at + 1];
        }
        if (state == TRITX_DEAD) break;
    }
    *reached = at;
    return TRIT_OK;
}

static void allow(uint32_t *mask, int32_t id) { mask[id / 32] |= (uint32_t)1 << id % 32; }

static void forbid(uint32_t *mask, int32_t id) { mask[id / 32] &= ~((uint32_t)1 << id % 32); }

/* Walks sorted tokens. A byte that may not follow ends all that share it. */
static trit_status mark_tokens(trit_grammar *g, const tritx_sorted_tokens *tokens, uint32_t *mask,
                               trit_error *err)
{
    uint32_t begin = 0, reached;
    for (int32_t i = 0; i < tokens->n_ids;) {
        uint32_t n = tokens->ends[i] - begin, shared = tokens->shared[i];
        TRIT_TRY(follow(g, shared, tokens->rest + begin, n, &reached, err));
        if (reached == shared + n) allow(mask, tokens->ids[i++]);
        else {
            forbid(mask, tokens->ids[i++]);
            while (i < tokens->n_ids && tokens->shared[i] > reached) forbid(mask, tokens->ids[i++]);
        }
        begin = tokens->ends[i - 1];
    }
    return TRIT_OK;
}

static void mark_stops(const trit_grammar *g, uint32_t *mask)
{
    const trit_config *c = &g->model->config;
    bool can_end = tritx_machine_can_end(&g->machine, g->machine.path[0]);
    for (int32_t i = 0; i < c->n_stop; i++)
        if (can_end) allow(mask, c->stop_ids[i]);
        else forbid(mask, c->stop_ids[i]);
}

/* Forgets the masks of states that have got other numbers. */
static void check_masks(trit_grammar *g)
{
    if (g->generation == g->machine.generation) return;
    memset(g->mask_states, 0, sizeof g->mask_states); /* NO_STATE */
    g->generation = g->machine.generation;
}

/* The mask that `wanted` has in one of the kept ones' states; NULL: none. */
static uint32_t *kept_mask(trit_grammar *g, const uint32_t *states, uint32_t wanted)
{
    for (int i = 0; i < N_MASKS; i++)
        if (g->mask_states[i] != NO_STATE && states[i] == wanted)
            return g->masks + (size_t)i * g->n_words;
    return NULL;
}

/* What a state that is alike says of brief tokens is true of this one. */
static trit_status make_mask(trit_grammar *g, uint32_t *mask, trit_error *err)
{
    const tritx_vocabulary *v = &g->model->vocabulary;
    const size_t n_bytes = g->n_words * sizeof *mask;
    uint32_t alike;
    TRIT_TRY(tritx_machine_alike(&g->machine, g->machine.path[0], &alike, err));
    const uint32_t *other = kept_mask(g, g->alike_states, alike);
    if (other) memmove(mask, other, n_bytes);
    else {
        memset(mask, 0, n_bytes);
        TRIT_TRY(mark_tokens(g, &v->brief, mask, err));
    }
    TRIT_TRY(mark_tokens(g, &v->lengthy, mask, err));
    mark_stops(g, mask);
    return TRIT_OK;
}

/* The mask of the present state, from those that are kept or made now. */
static trit_status find_mask(trit_grammar *g, const uint32_t **mask, trit_error *err)
{
    check_masks(g);
    *mask = kept_mask(g, g->mask_states, g->machine.path[0]);
    if (*mask) return TRIT_OK;
    uint32_t at = g->next_mask++ % N_MASKS, *made = g->masks + (size_t)at * g->n_words;
    g->machine.work = TRITX_GRAMMAR_WORK;
    trit_status status = make_mask(g, made, err);
    g->mask_states[at] = NO_STATE;
    TRIT_TRY(status);
    check_masks(g);
    TRIT_TRY(tritx_machine_alike(&g->machine, g->machine.path[0], &g->alike_states[at], err));
    g->mask_states[at] = g->machine.path[0];
    *mask = made;
    return TRIT_OK;
}

trit_status trit_grammar_mask(trit_grammar *grammar, float *logits, trit_error *err)
{
    if (!grammar || !logits) return tritx_fail(err, TRIT_PARAM, 0, "grammar: NULL argument");
    const uint32_t *mask;
    TRIT_TRY(find_mask(grammar, &mask, err));
    for (int32_t id = 0; id < grammar->model->config.n_vocab; id++)
        if (!(mask[id / 32] >> id % 32 & 1)) logits[id] = -INFINITY;
    return TRIT_OK;
}

trit_status trit_grammar_take(trit_grammar *grammar, int32_t id, trit_error *err)
{
    if (!grammar) return tritx_fail(err, TRIT_PARAM, 0, "grammar: NULL argument");
    tritx_machine *m = &grammar->machine;
    const tritx_tokenizer_tables *tables = tritx_tokenizer_get(grammar->model->tokenizer);
    size_t n = 0;
    uint32_t reached = 0;
    bool known = id >= 0 && id < tables->n_vocab, stop = stops(grammar, id);
    if (stop && tritx_machine_can_end(m, m->path[0])) return TRIT_OK;
    if (known && !stop && tables->token_kinds[id] != TRITX_TOKEN_SPECIAL) {
        const uint8_t *bytes = tritx_token(tables, (uint32_t)id, &n);
        m->work = TRITX_GRAMMAR_WORK;
        TRIT_TRY(follow(grammar, 0, bytes, (uint32_t)n, &reached, err));
    }
    if (n == 0 || reached < n)
        return tritx_fail(err, TRIT_PARAM, 0, "token %d cannot follow in the grammar", (int)id);
    m->path[0] = m->path[n];
    return TRIT_OK;
}

bool trit_grammar_ended(const trit_grammar *grammar)
{
    return tritx_machine_must_end(&grammar->machine, grammar->machine.path[0]);
}
