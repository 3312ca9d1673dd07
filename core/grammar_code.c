/* From the tree to the program: instructions for each rule, and what is known of them beforehand. */
#include "grammar.h"
#include "unicode.h"

#include <stdlib.h>

#define NONE UINT32_MAX
enum { FEW_POINTS = 4 };

typedef struct {
    tritx_tree *tree;
    tritx_list code;    /* tritx_instruction */
    tritx_list starts;  /* uint32_t, a rule each; NONE until it is there */
    tritx_list waiting; /* nodes that are rules of their own: rule, node */
    tritx_list copies;  /* those of repeats */
} writer;

typedef struct {
    uint32_t rule, node;
} job;

/* An instruction each, after `low` of them with a split before it. */
typedef struct {
    uint32_t begin, low, n;
} copies;

static const tritx_node *node_at(const writer *w, uint32_t node)
{
    return &((const tritx_node *)w->tree->nodes.items)[node];
}

static tritx_instruction *at(const writer *w, uint32_t pc)
{
    return &((tritx_instruction *)w->code.items)[pc];
}

/* Puts an instruction behind the others, which goes on with what follows it; returns its place. */
static uint32_t put(writer *w, tritx_instruction instruction)
{
    if (w->tree->status != TRIT_OK) return 0;
    if (w->code.n >= TRITX_GRAMMAR_CODE) {
        tritx_tree_fail(w->tree, 0, "the grammar is too large: repeat less, or say it shorter");
        return 0;
    }
    tritx_instruction *made = tritx_list_add(&w->code, sizeof *made);
    if (!made) {
        tritx_tree_no_memory(w->tree);
        return 0;
    }
    *made = instruction;
    made->next = w->code.n;
    return w->code.n - 1;
}

static uint32_t put_op(writer *w, tritx_op op, uint32_t other)
{
    return put(w, (tritx_instruction){.op = (uint8_t)op, .other = other});
}

static uint32_t put_byte(writer *w, uint8_t low, uint8_t high)
{
    return put(w, (tritx_instruction){.op = TRITX_BYTE, .low = low, .high = high});
}

/* Instructions whose target is not there yet hang together by it. */
typedef struct {
    uint32_t last;
} chain;

static void hang_jump(writer *w, chain *c)
{
    uint32_t pc = put_op(w, TRITX_JUMP, 0);
    if (w->tree->status != TRIT_OK) return;
    at(w, pc)->next = c->last;
    c->last = pc;
}

static void hang_split(writer *w, chain *c)
{
    uint32_t pc = put_op(w, TRITX_SPLIT, c->last);
    if (w->tree->status == TRIT_OK) c->last = pc;
}

/* All of a chain lead to what comes next. */
static void land(writer *w, const chain *c)
{
    if (w->tree->status != TRIT_OK) return;
    for (uint32_t pc = c->last, before; pc != NONE; pc = before) {
        tritx_instruction *i = at(w, pc);
        uint32_t *target = i->op == TRITX_JUMP ? &i->next : &i->other;
        before = *target;
        *target = w->code.n;
    }
}

/* ---- characters as bytes ---- */

/* Alternatives, of which all but the last begin with a split and end with a jump. */
typedef struct {
    chain end;
    uint32_t n_left;
} alternatives;

/* The sequence of ranges of bytes that is exactly low ... high, both encoded in n bytes. */
static void put_encoded(writer *w, const uint8_t *low, const uint8_t *high, size_t n,
                        alternatives *all)
{
    uint32_t split = all->n_left > 1 ? put_op(w, TRITX_SPLIT, 0) : NONE;
    for (size_t i = 0; i < n; i++) put_byte(w, low[i], high[i]);
    if (all->n_left-- <= 1) return;
    hang_jump(w, &all->end);
    if (w->tree->status == TRIT_OK) at(w, split)->other = w->code.n;
}

/* Cuts a range where one sequence cannot say it: at surrogates, at lengths, and where continuations are not all of
 * their range. Without a writer the sequences are only counted. */
static uint32_t put_range(writer *w, uint32_t low, uint32_t high, alternatives *all)
{
    static const uint32_t cuts[] = {0x7f, 0x7ff, 0xd7ff, 0xdfff, 0xffff};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        if (low <= cuts[i] && high > cuts[i])
            return put_range(w, low, cuts[i], all) + put_range(w, cuts[i] + 1, high, all);
    if (low >= 0xd800 && low <= 0xdfff) return 0;
    int n_continuing = low <= 0x7f ? 0 : low <= 0x7ff ? 1 : low <= 0xffff ? 2 : 3;
    for (int i = 1; i <= n_continuing; i++) {
        uint32_t mask = ((uint32_t)1 << 6 * i) - 1, cut = NONE;
        if ((low & ~mask) == (high & ~mask)) continue;
        if (low & mask) cut = low | mask;
        else if ((high & mask) != mask) cut = (high & ~mask) - 1;
        if (cut != NONE) return put_range(w, low, cut, all) + put_range(w, cut + 1, high, all);
    }
    uint8_t first[4], last[4];
    size_t n = tritx_utf8_encode(low, first);
    (void)tritx_utf8_encode(high, last); /* as long */
    if (w) put_encoded(w, first, last, n, all);
    return 1;
}

/* ---- nodes ---- */

static uint32_t new_rule(writer *w, uint32_t node)
{
    uint32_t rule = w->starts.n;
    if (w->tree->status != TRIT_OK) return 0;
    if (rule >= TRITX_GRAMMAR_RULES) {
        tritx_tree_fail(w->tree, 0, "the grammar is too large: it has more than %d rules",
                        TRITX_GRAMMAR_RULES);
        return 0;
    }
    uint32_t *start = tritx_list_add(&w->starts, sizeof *start);
    job *made = tritx_list_add(&w->waiting, sizeof *made);
    if (!start || !made) {
        tritx_tree_no_memory(w->tree);
        return 0;
    }
    *start = NONE;
    *made = (job){rule, node};
    return rule;
}

static void put_points(writer *w, const tritx_node *node)
{
    const tritx_points *points = w->tree->points.items;
    alternatives all = {{NONE}, 0};
    for (uint32_t i = node->a; i < node->a + node->b; i++)
        all.n_left += put_range(NULL, points[i].low, points[i].high, NULL);
    if (all.n_left == 0) put_op(w, TRITX_FAIL, 0);
    for (uint32_t i = node->a; i < node->a + node->b; i++)
        put_range(w, points[i].low, points[i].high, &all);
    land(w, &all.end);
}

/* A class of few characters of one byte stands where it is used, any other is a rule, made once. */
static void put_class(writer *w, uint32_t place)
{
    tritx_node *node = (tritx_node *)w->tree->nodes.items + place;
    const tritx_points *points = w->tree->points.items;
    bool small =
        node->b <= FEW_POINTS && (node->b == 0 || points[node->a + node->b - 1].high <= 0x7f);
    if (small) {
        put_points(w, node);
        return;
    }
    if (!node->c) node->c = new_rule(w, place) + 1;
    put_op(w, TRITX_INVOKE, node->c - 1);
}

static void put_node(writer *w, uint32_t node);

static void put_choice(writer *w, const tritx_node *choice)
{
    chain end = {NONE};
    for (uint32_t child = choice->a; child; child = node_at(w, child)->next) {
        bool last = node_at(w, child)->next == 0;
        uint32_t split = last ? NONE : put_op(w, TRITX_SPLIT, 0);
        put_node(w, child);
        if (last) break;
        hang_jump(w, &end);
        if (w->tree->status == TRIT_OK) at(w, split)->other = w->code.n;
    }
    land(w, &end);
}

static void note_copies(writer *w, uint32_t low, uint32_t n)
{
    copies *made = tritx_list_add(&w->copies, sizeof *made);
    if (made) *made = (copies){w->code.n, low, n};
    else tritx_tree_no_memory(w->tree);
}

/* Endless repeats are a loop; others are copies, of a call if the part is more than that. */
static void put_repeat(writer *w, const tritx_node *repeat)
{
    uint32_t low = repeat->b, high = repeat->c, rule = NONE, begin = w->code.n;
    bool endless = high == TRITX_NO_END;
    const tritx_node *part = node_at(w, repeat->a);
    uint32_t n_copies = endless ? (low ? low : 1) : high;
    bool short_part = part->kind == TRITX_CALL || (part->kind == TRITX_LITERAL && part->b == 1);
    if (n_copies > 1 && !short_part) rule = new_rule(w, repeat->a);
    if (n_copies > TRITX_BRIEF_TOKEN) note_copies(w, low, n_copies);
    chain end = {NONE};
    for (uint32_t i = 0; i < n_copies && w->tree->status == TRIT_OK; i++) {
        begin = w->code.n;
        if (i >= low) hang_split(w, &end);
        if (rule == NONE) put_node(w, repeat->a);
        else put_op(w, TRITX_INVOKE, rule);
    }
    if (endless && low == 0) {
        uint32_t back = put_op(w, TRITX_JUMP, 0);
        if (w->tree->status == TRIT_OK) at(w, back)->next = begin;
    } else if (endless) {
        uint32_t split = put_op(w, TRITX_SPLIT, 0);
        if (w->tree->status == TRIT_OK) at(w, split)->other = begin;
    }
    land(w, &end);
}

static void put_node(writer *w, uint32_t place)
{
    const tritx_node *node = node_at(w, place);
    const uint8_t *bytes = w->tree->bytes.items;
    switch (node->kind) {
    case TRITX_LITERAL:
        for (uint32_t i = node->a; i < node->a + node->b; i++) put_byte(w, bytes[i], bytes[i]);
        break;
    case TRITX_CLASS: put_class(w, place); break;
    case TRITX_CALL: put_op(w, TRITX_INVOKE, node->a); break;
    case TRITX_SEQUENCE:
        for (uint32_t child = node->a; child; child = node_at(w, child)->next) put_node(w, child);
        break;
    case TRITX_CHOICE: put_choice(w, node); break;
    case TRITX_REPEAT: put_repeat(w, node); break;
    default: break;
    }
}

static void put_rule(writer *w, uint32_t rule, uint32_t node)
{
    ((uint32_t *)w->starts.items)[rule] = w->code.n;
    put_op(w, TRITX_ENTER, rule);
    if (node_at(w, node)->kind == TRITX_CLASS) put_points(w, node_at(w, node));
    else put_node(w, node);
    put_op(w, TRITX_RETURN, 0);
}

static void put_rules(writer *w)
{
    uint32_t n_named = w->tree->rules.n;
    for (uint32_t i = 0; i < n_named; i++) {
        uint32_t *start = tritx_list_add(&w->starts, sizeof *start);
        if (!start) {
            tritx_tree_no_memory(w->tree);
            return;
        }
        *start = NONE;
    }
    for (uint32_t i = 0; i < n_named && w->tree->status == TRIT_OK; i++)
        put_rule(w, i, ((const tritx_rule *)w->tree->rules.items)[i].node);
    for (uint32_t i = 0; i < w->waiting.n && w->tree->status == TRIT_OK; i++) {
        job next = ((const job *)w->waiting.items)[i];
        put_rule(w, next.rule, next.node);
    }
}

/* Leads every target past jumps. */
static void skip_jumps(tritx_program *p)
{
    for (uint32_t i = p->n_code; i-- > 0;) {
        tritx_instruction *from = &p->code[i];
        if (from->op == TRITX_RETURN) continue;
        while (p->code[from->next].op == TRITX_JUMP) from->next = p->code[from->next].next;
        if (from->op != TRITX_SPLIT) continue;
        while (p->code[from->other].op == TRITX_JUMP) from->other = p->code[from->other].next;
    }
}

/* ---- what is known beforehand ---- */

/* Who leads to an instruction, and who calls a rule: begins[i] ... begins[i + 1] of list. */
typedef struct {
    uint32_t *begins, *list;
} index_of;

static trit_status index_new(index_of *index, uint32_t n, uint32_t n_entries, trit_error *err)
{
    index->begins = calloc((size_t)n + 2, sizeof *index->begins);
    index->list = calloc((size_t)n_entries + 1, sizeof *index->list);
    if (index->begins && index->list) return TRIT_OK;
    return tritx_fail(err, TRIT_OOM, 0, "no memory for the grammar");
}

static void index_free(index_of *index)
{
    free(index->begins);
    free(index->list);
}

static void add_sources(const tritx_program *p, index_of *sources, index_of *callers, bool count)
{
    for (uint32_t i = 0; i < p->n_code; i++) {
        const tritx_instruction *from = &p->code[i];
        bool ends = from->op == TRITX_RETURN || from->op == TRITX_FAIL;
        uint32_t *n = ends ? NULL : &sources->begins[from->next + (count ? 2 : 1)];
        if (n && !count) sources->list[*n] = i;
        if (n) ++*n;
        if (from->op != TRITX_SPLIT && from->op != TRITX_INVOKE) continue;
        index_of *other = from->op == TRITX_SPLIT ? sources : callers;
        n = &other->begins[from->other + (count ? 2 : 1)];
        if (!count) other->list[*n] = i;
        ++*n;
    }
}

static void add_up(uint32_t *begins, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) begins[i + 1] += begins[i];
}

/* What leads to the end of its rule: with bytes, or only without. todo [n_code]. */
static void mark_ends(const tritx_program *p, const index_of *sources, const index_of *callers,
                      bool with_bytes, bool *marked, uint32_t *todo)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_code; i++)
        if ((marked[i] = p->code[i].op == TRITX_RETURN)) todo[n++] = i;
    while (n) {
        uint32_t pc = todo[--n];
        const tritx_instruction *to = &p->code[pc];
        for (uint32_t k = sources->begins[pc]; k < sources->begins[pc + 1]; k++) {
            uint32_t source = sources->list[k];
            const tritx_instruction *from = &p->code[source];
            if (marked[source] || (from->op == TRITX_BYTE && !with_bytes)) continue;
            if (from->op == TRITX_INVOKE && !marked[p->starts[from->other]]) continue;
            marked[source] = true;
            todo[n++] = source;
        }
        if (to->op != TRITX_ENTER) continue;
        for (uint32_t k = callers->begins[to->other]; k < callers->begins[to->other + 1]; k++) {
            uint32_t caller = callers->list[k];
            if (marked[caller] || !marked[p->code[caller].next]) continue;
            marked[caller] = true;
            todo[n++] = caller;
        }
    }
}

static trit_status find_ends(tritx_program *p, trit_error *err)
{
    index_of sources = {NULL, NULL}, callers = {NULL, NULL};
    bool *marked = calloc(p->n_code, sizeof *marked);
    uint32_t *todo = calloc(p->n_code, sizeof *todo);
    trit_status status = index_new(&sources, p->n_code, 2 * p->n_code, err);
    if (status == TRIT_OK) status = index_new(&callers, p->n_rules, p->n_code, err);
    if (status == TRIT_OK && (!marked || !todo))
        status = tritx_fail(err, TRIT_OOM, 0, "no memory for the grammar");
    if (status == TRIT_OK) {
        add_sources(p, &sources, &callers, true);
        add_up(sources.begins, p->n_code + 1);
        add_up(callers.begins, p->n_rules + 1);
        add_sources(p, &sources, &callers, false);
        mark_ends(p, &sources, &callers, false, marked, todo);
        for (uint32_t i = 0; i < p->n_rules; i++) p->nullable[i] = marked[p->starts[i]];
        mark_ends(p, &sources, &callers, true, marked, todo);
        for (uint32_t i = 0; i < p->n_code; i++) p->code[i].alive = marked[i];
    }
    index_free(&sources);
    index_free(&callers);
    free(marked);
    free(todo);
    return status;
}

/* Rules in the order of a search through those that each can begin with. */
typedef struct {
    const tritx_program *p;
    tritx_list begins; /* uint32_t: rules that those of the path can begin with */
    tritx_list path;   /* visit */
    tritx_list todo;   /* uint32_t, instructions */
    bool *seen;        /* [n_code] */
    uint8_t *state;    /* [n_rules] 0 new, 1 in the path, 2 done */
    uint32_t n_done;
    bool failed;
} search;

typedef struct {
    uint32_t rule, at, end; /* of begins */
} visit;

static void push(search *s, tritx_list *list, uint32_t value)
{
    uint32_t *item = tritx_list_add(list, sizeof *item);
    if (item) *item = value;
    else s->failed = true;
}

static void enter_rule(search *s, uint32_t rule)
{
    const tritx_program *p = s->p;
    visit *made = tritx_list_add(&s->path, sizeof *made);
    if (!made) {
        s->failed = true;
        return;
    }
    *made = (visit){rule, s->begins.n, 0};
    s->state[rule] = 1;
    push(s, &s->todo, p->code[p->starts[rule]].next);
    while (s->todo.n && !s->failed) {
        uint32_t pc = ((uint32_t *)s->todo.items)[--s->todo.n];
        const tritx_instruction *i = &p->code[pc];
        if (s->seen[pc]) continue;
        s->seen[pc] = true;
        if (i->op == TRITX_INVOKE) push(s, &s->begins, i->other);
        if (i->op == TRITX_SPLIT) push(s, &s->todo, i->other);
        if (i->op == TRITX_SPLIT || i->op == TRITX_JUMP ||
            (i->op == TRITX_INVOKE && p->nullable[i->other]))
            push(s, &s->todo, i->next);
    }
    made->end = s->begins.n;
}

/* A rule that begins with itself: the last of the circle that has a name. Those of a schema have none. */
static void refuse_circle(const search *s, tritx_tree *tree, uint32_t rule)
{
    const visit *path = s->path.items;
    const tritx_rule *rules = tree->rules.items, *named = NULL;
    if (tree->refusal != TRIT_BAD_GRAMMAR) {
        tritx_tree_fail(tree, 0, "JSON schema: a $ref leads back to itself with nothing between");
        return;
    }
    for (uint32_t i = s->path.n; i-- > 0 && !named;) {
        if (path[i].rule < tree->rules.n) named = &rules[path[i].rule];
        if (path[i].rule == rule) break;
    }
    if (!named) named = rules; /* what has no name is a part of what has one */
    const char *name = (const char *)tree->bytes.items + named->name;
    tritx_tree_fail(tree, named->place,
                    "the grammar's rule %.*s begins with itself: let it end with itself",
                    named->n_name < 64 ? (int)named->n_name : 64, name);
}

static void search_from(search *s, tritx_tree *tree, tritx_program *p, uint32_t root)
{
    if (s->state[root] == 0) enter_rule(s, root);
    while (s->path.n && !s->failed && tree->status == TRIT_OK) {
        visit *top = &((visit *)s->path.items)[s->path.n - 1];
        if (top->at < top->end) {
            uint32_t rule = ((uint32_t *)s->begins.items)[top->at++];
            if (s->state[rule] == 1) refuse_circle(s, tree, rule);
            else if (s->state[rule] == 0) enter_rule(s, rule);
            continue;
        }
        s->state[top->rule] = 2;
        p->rank[top->rule] = p->n_rules - ++s->n_done;
        p->by_rank[p->rank[top->rule]] = top->rule;
        s->path.n--;
        s->begins.n = s->path.n ? top[-1].end : 0;
    }
}

static void rank_rules(tritx_program *p, tritx_tree *tree)
{
    search s = {.p = p, .seen = calloc(p->n_code, 1), .state = calloc(p->n_rules, 1)};
    s.failed = !s.seen || !s.state;
    for (uint32_t i = 0; i < p->n_rules && !s.failed && tree->status == TRIT_OK; i++)
        search_from(&s, tree, p, i);
    if (s.failed) tritx_tree_no_memory(tree);
    free(s.begins.items);
    free(s.path.items);
    free(s.todo.items);
    free(s.seen);
    free(s.state);
}

/* A copy takes a byte at least, or nothing, as if it were not there: so many bytes do not tell from which one they begin, if
 * as many copies follow that must be there, or as many that may. */
static void mark_alike(const copies *c, uint32_t *alike)
{
    uint32_t n_must = c->low < c->n ? c->low : c->n;
    for (uint32_t i = 0; i + TRITX_BRIEF_TOKEN <= n_must; i++) alike[c->begin + i] = c->begin;
    for (uint32_t i = 0; c->low + i + TRITX_BRIEF_TOKEN <= c->n; i++) {
        alike[c->begin + c->low + 2 * i] = c->begin + c->low;
        alike[c->begin + c->low + 2 * i + 1] = c->begin + c->low + 1;
    }
}

static void find_alike(tritx_program *p, tritx_tree *tree, const tritx_list *all)
{
    if (all->n == 0) return;
    p->alike = malloc(p->n_code * sizeof *p->alike);
    if (!p->alike) {
        tritx_tree_no_memory(tree);
        return;
    }
    for (uint32_t pc = 0; pc < p->n_code; pc++) p->alike[pc] = pc;
    for (uint32_t i = 0; i < all->n; i++) mark_alike((const copies *)all->items + i, p->alike);
}

static void class_bytes(tritx_program *p)
{
    bool cuts[257] = {false};
    for (uint32_t i = 0; i < p->n_code; i++) {
        if (p->code[i].op != TRITX_BYTE) continue;
        cuts[p->code[i].low] = true;
        cuts[p->code[i].high + 1] = true;
    }
    for (int byte = 0; byte < 256; byte++) {
        if (byte == 0 || cuts[byte]) p->sample[p->n_classes++] = (uint8_t)byte;
        p->classes[byte] = (uint8_t)(p->n_classes - 1);
    }
}

trit_status tritx_program_new(tritx_tree *tree, tritx_program *program)
{
    writer w = {.tree = tree};
    tritx_program p = {0};
    if (tree->status == TRIT_OK) put_rules(&w);
    p.code = w.code.items;
    p.n_code = w.code.n;
    p.starts = w.starts.items;
    p.n_rules = w.starts.n;
    p.nullable = calloc(p.n_rules + 1, sizeof *p.nullable);
    p.rank = calloc((size_t)p.n_rules + 1, sizeof *p.rank);
    p.by_rank = calloc((size_t)p.n_rules + 1, sizeof *p.by_rank);
    free(w.waiting.items);
    if (!p.nullable || !p.rank || !p.by_rank) tritx_tree_no_memory(tree);
    if (tree->status == TRIT_OK) {
        skip_jumps(&p);
        tree->status = find_ends(&p, tree->err);
    }
    if (tree->status == TRIT_OK) rank_rules(&p, tree);
    if (tree->status == TRIT_OK) find_alike(&p, tree, &w.copies);
    free(w.copies.items);
    if (tree->status == TRIT_OK && !p.code[p.starts[0]].alive)
        tritx_tree_fail(tree, 0, "no text is whole by this grammar: give its rules an end");
    if (tree->status != TRIT_OK) {
        tritx_program_free(&p);
        return tree->status;
    }
    class_bytes(&p);
    *program = p;
    return TRIT_OK;
}

void tritx_program_free(tritx_program *program)
{
    free(program->code);
    free(program->starts);
    free(program->nullable);
    free(program->rank);
    free(program->by_rank);
    free(program->alike);
    memset(program, 0, sizeof *program);
}
