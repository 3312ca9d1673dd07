/* Putting a tree together. Failures are kept in the tree, so that what builds it reads as what it builds. */
#include "grammar.h"

#include <stdlib.h>

enum { FIRST_ITEMS = 64, MAX_PROBES = 512 };

void *tritx_list_add(tritx_list *list, size_t size)
{
    if (list->n == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : FIRST_ITEMS;
        size_t n_bytes;
        void *items = capacity > list->capacity && tritx_mul_ok(capacity, size, &n_bytes)
                          ? realloc(list->items, n_bytes)
                          : NULL;
        if (!items) return NULL;
        list->items = items;
        list->capacity = capacity;
    }
    return memset((uint8_t *)list->items + list->n++ * size, 0, size);
}

void tritx_tree_fail(tritx_tree *tree, uint64_t place, const char *format, ...)
{
    if (tree->status != TRIT_OK) return;
    tree->status = tree->refusal;
    char text[160];
    va_list args;
    va_start(args, format);
    tritx_format_list(text, sizeof text, format, args);
    va_end(args);
    tritx_fail(tree->err, tree->refusal, place, "%s", text);
}

void tritx_tree_no_memory(tritx_tree *tree)
{
    if (tree->status == TRIT_OK)
        tree->status = tritx_fail(tree->err, TRIT_OOM, 0, "no memory for the grammar");
}

/* A new item, or NULL. */
static void *add(tritx_tree *tree, tritx_list *list, size_t size, uint32_t most, const char *what)
{
    if (tree->status != TRIT_OK) return NULL;
    if (list->n >= most) {
        tritx_tree_fail(tree, 0, "the grammar is too large: more than %u %s", (unsigned)most, what);
        return NULL;
    }
    void *item = tritx_list_add(list, size);
    if (!item) tritx_tree_no_memory(tree);
    return item;
}

static uint32_t add_node(tritx_tree *tree, tritx_node node)
{
    tritx_node *at = add(tree, &tree->nodes, sizeof *at, TRITX_GRAMMAR_NODES, "parts");
    if (!at) return 0;
    *at = node;
    return tree->nodes.n - 1;
}

trit_status tritx_tree_begin(tritx_tree *tree, trit_status refusal, trit_error *err)
{
    *tree = (tritx_tree){.refusal = refusal, .err = err};
    add_node(tree, (tritx_node){.kind = TRITX_NOTHING});
    tritx_tree_named(tree, "root", 4, 0);
    return tree->status;
}

void tritx_tree_free(tritx_tree *tree)
{
    free(tree->nodes.items);
    free(tree->points.items);
    free(tree->bytes.items);
    free(tree->rules.items);
    free(tree->names);
}

static uint32_t add_bytes(tritx_tree *tree, const void *bytes, size_t n)
{
    uint32_t begin = tree->bytes.n;
    for (size_t i = 0; i < n; i++) {
        uint8_t *at = add(tree, &tree->bytes, 1, UINT32_MAX, "bytes");
        if (!at) return 0;
        *at = ((const uint8_t *)bytes)[i];
    }
    return begin;
}

uint32_t tritx_tree_literal(tritx_tree *tree, const void *bytes, size_t n)
{
    if (n == 0) return 0;
    return add_node(
        tree,
        (tritx_node){.kind = TRITX_LITERAL, .a = add_bytes(tree, bytes, n), .b = (uint32_t)n});
}

uint32_t tritx_tree_class(tritx_tree *tree, const tritx_points *points, uint32_t n)
{
    uint32_t begin = tree->points.n;
    for (uint32_t i = 0; i < n; i++) {
        tritx_points *at = add(tree, &tree->points, sizeof *at, UINT32_MAX, "ranges");
        if (!at) return 0;
        *at = points[i];
    }
    return add_node(tree, (tritx_node){.kind = TRITX_CLASS, .a = begin, .b = n});
}

static int by_low(const void *a, const void *b)
{
    uint32_t x = ((const tritx_points *)a)->low, y = ((const tritx_points *)b)->low;
    return x < y ? -1 : x > y;
}

uint32_t tritx_points_join(tritx_points *points, uint32_t n)
{
    uint32_t kept = 0;
    if (n > 1) qsort(points, n, sizeof *points, by_low);
    for (uint32_t i = 0; i < n; i++) {
        if (kept && points[i].low <= points[kept - 1].high + 1) {
            if (points[i].high > points[kept - 1].high) points[kept - 1].high = points[i].high;
        } else points[kept++] = points[i];
    }
    return kept;
}

uint32_t tritx_points_invert(tritx_points *points, uint32_t n)
{
    uint32_t kept = 0, low = 0;
    for (uint32_t i = 0; i < n; i++) {
        tritx_points range = points[i];
        if (range.low > low) points[kept++] = (tritx_points){low, range.low - 1};
        low = range.high + 1;
    }
    if (low <= TRITX_LAST_POINT) points[kept++] = (tritx_points){low, TRITX_LAST_POINT};
    return kept;
}

uint32_t tritx_tree_call(tritx_tree *tree, uint32_t rule)
{
    return add_node(tree, (tritx_node){.kind = TRITX_CALL, .a = rule});
}

uint32_t tritx_tree_repeat(tritx_tree *tree, uint32_t node, uint32_t low, uint32_t high)
{
    uint32_t most = high == TRITX_NO_END ? low : high;
    if (most > TRITX_GRAMMAR_REPEATS)
        tritx_tree_fail(tree, 0, "something is repeated %u times, and %d are the most",
                        (unsigned)most, TRITX_GRAMMAR_REPEATS);
    if (high == 0 || node == 0) return 0;
    return add_node(tree, (tritx_node){.kind = TRITX_REPEAT, .a = node, .b = low, .c = high});
}

void tritx_tree_add(tritx_tree *tree, tritx_group *group, uint32_t node)
{
    /* a node has one place among siblings, and that of nothing is shared */
    if (node == 0) node = add_node(tree, (tritx_node){.kind = TRITX_NOTHING});
    if (group->node == 0)
        group->node = add_node(tree, (tritx_node){.kind = group->kind, .a = node});
    if (tree->status != TRIT_OK) return;
    if (group->last) ((tritx_node *)tree->nodes.items)[group->last].next = node;
    group->last = node;
}

uint32_t tritx_tree_rule(tritx_tree *tree)
{
    tritx_rule *rule = add(tree, &tree->rules, sizeof *rule, TRITX_GRAMMAR_RULES, "rules");
    return rule ? tree->rules.n - 1 : 0;
}

static uint32_t hash_name(const void *name, size_t n)
{
    uint32_t hash = 0x811c9dc5u;
    for (size_t i = 0; i < n; i++) hash = (hash ^ ((const uint8_t *)name)[i]) * 0x01000193u;
    return hash ^ hash >> 15;
}

/* The slot of this name, or an empty one. Names that were made to collide are refused. */
static uint32_t *slot_of(tritx_tree *tree, const void *name, size_t n)
{
    const tritx_rule *rules = tree->rules.items;
    const uint8_t *bytes = tree->bytes.items;
    uint32_t *slot = tree->names;
    for (uint32_t probe = 0, at = hash_name(name, n); probe < MAX_PROBES; probe++, at++) {
        slot = &tree->names[at & (tree->n_names - 1)];
        const tritx_rule *rule = *slot ? &rules[*slot - 1] : NULL;
        if (!rule || (rule->n_name == n && memcmp(bytes + rule->name, name, n) == 0)) return slot;
    }
    tritx_tree_fail(tree, 0, "too many names of rules collide: choose others");
    return slot;
}

static void grow_names(tritx_tree *tree)
{
    uint32_t n = tree->n_names ? tree->n_names * 2 : FIRST_ITEMS;
    uint32_t *names = calloc(n, sizeof *names);
    if (!names) {
        tritx_tree_no_memory(tree);
        return;
    }
    free(tree->names);
    tree->names = names;
    tree->n_names = n;
    const tritx_rule *rules = tree->rules.items;
    for (uint32_t i = 0; i < tree->rules.n; i++)
        if (rules[i].n_name)
            *slot_of(tree, (uint8_t *)tree->bytes.items + rules[i].name, rules[i].n_name) = i + 1;
}

uint32_t tritx_tree_named(tritx_tree *tree, const char *name, size_t n, uint32_t place)
{
    if (tree->rules.n * 2 >= tree->n_names) grow_names(tree);
    if (tree->status != TRIT_OK) return 0;
    uint32_t *slot = slot_of(tree, name, n);
    if (tree->status != TRIT_OK) return 0;
    if (*slot) return *slot - 1;
    uint32_t rule = tritx_tree_rule(tree), begin = add_bytes(tree, name, n);
    if (tree->status != TRIT_OK) return 0;
    tritx_rule *made = &((tritx_rule *)tree->rules.items)[rule];
    made->name = begin;
    made->n_name = (uint32_t)n;
    made->place = place;
    *slot = rule + 1;
    return rule;
}

void tritx_tree_define(tritx_tree *tree, uint32_t rule, uint32_t node)
{
    if (tree->status != TRIT_OK) return;
    tritx_rule *made = &((tritx_rule *)tree->rules.items)[rule];
    made->node = node;
    made->defined = true;
}
