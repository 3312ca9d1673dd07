/* Always the merge of lowest rank first, the leftmost of equals: as the training did it. */
#include "bpe.h"
#include "token_map.h"

#include <stdlib.h>

enum {
    SHORT_PIECE = 48, /* up to here, searching the whole piece beats keeping a heap */
    FIRST_ROOM = 256
};

static uint32_t hash_pair(uint32_t left, uint32_t right)
{
    uint64_t h = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return (uint32_t)(h >> 32);
}

uint32_t tritx_merges_rank(const tritx_merges *merges, uint32_t left, uint32_t right)
{
    uint32_t hash = hash_pair(left, right);
    for (uint32_t probe = 0; probe < TRITX_MAX_PROBES; probe++) {
        uint32_t rank_plus_1 = merges->slots[(hash + probe) & merges->mask];
        if (rank_plus_1 == 0) break;
        const uint32_t *merge = merges->tables->merges + (size_t)(rank_plus_1 - 1) * 3;
        if (merge[0] == left && merge[1] == right) return rank_plus_1 - 1;
    }
    return TRITX_NO_RANK;
}

static trit_status check_merge(const tritx_tokenizer_tables *t, uint32_t rank, trit_error *err)
{
    const uint32_t *merge = t->merges + (size_t)rank * 3;
    const uint8_t *bytes[3];
    size_t n[3];
    for (int i = 0; i < 3; i++) {
        if (merge[i] >= (uint32_t)t->n_vocab || t->token_kinds[merge[i]])
            return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "merge %u: id %u is no ordinary token",
                              rank, merge[i]);
        bytes[i] = tritx_token(t, merge[i], &n[i]);
    }
    if (n[2] != n[0] + n[1] || memcmp(bytes[2], bytes[0], n[0]) != 0 ||
        memcmp(bytes[2] + n[0], bytes[1], n[1]) != 0)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "merge %u: token %u is not %u and %u joined",
                          rank, merge[2], merge[0], merge[1]);
    return TRIT_OK;
}

static trit_status insert_merge(tritx_merges *m, uint32_t rank, trit_error *err)
{
    TRIT_TRY(check_merge(m->tables, rank, err));
    const uint32_t *merge = m->tables->merges + (size_t)rank * 3;
    if (tritx_merges_rank(m, merge[0], merge[1]) != TRITX_NO_RANK)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "merge %u is there twice", rank);
    uint32_t hash = hash_pair(merge[0], merge[1]);
    for (uint32_t probe = 0; probe < TRITX_MAX_PROBES; probe++) {
        uint32_t *slot = &m->slots[(hash + probe) & m->mask];
        if (*slot) continue;
        *slot = rank + 1;
        return TRIT_OK;
    }
    return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "merge %u: too many merges collide", rank);
}

static trit_status find_bytes(tritx_merges *m, trit_error *err)
{
    const tritx_token_kind kinds[] = {TRITX_TOKEN_BYTE, TRITX_TOKEN_NORMAL}; /* the last wins */
    for (int i = 0; i < 256; i++) m->byte_ids[i] = UINT32_MAX;
    for (int k = 0; k < 2; k++)
        for (uint32_t id = 0; id < (uint32_t)m->tables->n_vocab; id++) {
            size_t n;
            const uint8_t *bytes = tritx_token(m->tables, id, &n);
            if (n == 1 && m->tables->token_kinds[id] == kinds[k]) m->byte_ids[bytes[0]] = id;
        }
    for (int i = 0; i < 256; i++)
        if (m->byte_ids[i] == UINT32_MAX)
            return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "no token for the byte 0x%02x", i);
    return TRIT_OK;
}

trit_status tritx_merges_new(const tritx_tokenizer_tables *tables, tritx_merges *merges,
                             trit_error *err)
{
    tritx_merges m = {.tables = tables, .mask = tritx_slots_for(tables->n_merges) - 1};
    TRIT_TRY(find_bytes(&m, err));
    m.slots = calloc((size_t)m.mask + 1, sizeof *m.slots);
    if (!m.slots) return tritx_fail(err, TRIT_OOM, 0, "no memory for the merges' index");
    for (uint32_t rank = 0; rank < tables->n_merges; rank++) {
        trit_status status = insert_merge(&m, rank, err);
        if (status != TRIT_OK) {
            tritx_merges_free(&m);
            return status;
        }
    }
    *merges = m;
    return TRIT_OK;
}

void tritx_merges_free(tritx_merges *merges)
{
    free(merges->slots);
    merges->slots = NULL;
}

static void merge_short(const tritx_merges *m, uint32_t *ids, uint32_t n, tritx_ids *out)
{
    uint32_t ranks[SHORT_PIECE]; /* ranks[i]: of the pair i, i + 1 */
    for (uint32_t i = 0; i + 1 < n; i++) ranks[i] = tritx_merges_rank(m, ids[i], ids[i + 1]);
    while (n > 1) {
        uint32_t best = 0;
        for (uint32_t i = 1; i + 1 < n; i++)
            if (ranks[i] < ranks[best]) best = i;
        if (ranks[best] == TRITX_NO_RANK) break;
        ids[best] = m->tables->merges[(size_t)ranks[best] * 3 + 2];
        n--;
        for (uint32_t i = best + 1; i < n; i++) {
            ids[i] = ids[i + 1];
            ranks[i - 1] = ranks[i];
        }
        if (best > 0) ranks[best - 1] = tritx_merges_rank(m, ids[best - 1], ids[best]);
        if (best + 1 < n) ranks[best] = tritx_merges_rank(m, ids[best], ids[best + 1]);
    }
    for (uint32_t i = 0; i < n; i++) tritx_ids_add(out, ids[i]);
}

/* A long piece: a list of ids linked both ways and a heap of the merges that may be possible. */
typedef struct {
    const tritx_merges *merges;
    uint64_t *heap; /* rank << 32 | position: the order in which merges happen */
    size_t n_heap;
    uint32_t *ids;             /* NO_RANK: this position was merged into one before */
    uint32_t *next, *previous; /* n = the end, for both */
    uint32_t n;
} long_piece;

static void sift_down(uint64_t *heap, size_t n, size_t at)
{
    uint64_t value = heap[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= value) break;
        heap[at] = heap[child];
    }
    heap[at] = value;
}

static uint64_t pop(long_piece *p)
{
    uint64_t top = p->heap[0];
    p->heap[0] = p->heap[--p->n_heap];
    if (p->n_heap > 1) sift_down(p->heap, p->n_heap, 0);
    return top;
}

static void push(long_piece *p, uint32_t position)
{
    uint32_t next = p->next[position];
    if (next == p->n) return;
    uint32_t rank = tritx_merges_rank(p->merges, p->ids[position], p->ids[next]);
    if (rank == TRITX_NO_RANK) return;
    uint64_t value = (uint64_t)rank << 32 | position;
    size_t at = p->n_heap++;
    for (; at > 0 && p->heap[(at - 1) / 2] > value; at = (at - 1) / 2)
        p->heap[at] = p->heap[(at - 1) / 2];
    p->heap[at] = value;
}

/* Does the merge at the heap's top, unless an earlier one took a part of its pair. */
static void merge_top(long_piece *p)
{
    uint64_t top = pop(p);
    uint32_t at = (uint32_t)top, next = p->next[at];
    const uint32_t *merge = p->merges->tables->merges + (size_t)(top >> 32) * 3;
    if (next == p->n || p->ids[at] != merge[0] || p->ids[next] != merge[1]) return;
    p->ids[at] = merge[2];
    p->ids[next] = TRITX_NO_RANK;
    p->next[at] = p->next[next];
    if (p->next[at] != p->n) p->previous[p->next[at]] = at;
    if (p->previous[at] != p->n) push(p, p->previous[at]);
    push(p, at);
}

static trit_status merge_long(const tritx_merges *m, uint32_t n, tritx_bpe_scratch *scratch,
                              tritx_ids *out, trit_error *err)
{
    /* The heap begins with n - 1 entries, and each of at most n - 1 merges takes one and adds two. */
    size_t per_symbol = 2 * sizeof(uint64_t) + 2 * sizeof(uint32_t), needed;
    if (!tritx_mul_ok(n, per_symbol, &needed))
        return tritx_fail(err, TRIT_OOM, 0, "a word of %u symbols is too long", n);
    if (needed > scratch->n_bytes) {
        free(scratch->memory);
        scratch->n_bytes = 0;
        scratch->memory = malloc(needed);
        if (!scratch->memory)
            return tritx_fail(err, TRIT_OOM, 0, "no memory for a word of %u symbols", n);
        scratch->n_bytes = needed;
    }
    long_piece p = {.merges = m, .heap = scratch->memory, .ids = scratch->symbols, .n = n};
    p.next = (uint32_t *)(p.heap + 2 * (size_t)n);
    p.previous = p.next + n;
    for (uint32_t i = 0; i < n; i++) {
        p.next[i] = i + 1;
        p.previous[i] = i ? i - 1 : n;
    }
    for (uint32_t i = 0; i < n; i++) push(&p, i);
    while (p.n_heap > 0) merge_top(&p);
    for (uint32_t i = 0; i < n; i = p.next[i]) tritx_ids_add(out, p.ids[i]);
    return TRIT_OK;
}

trit_status tritx_bpe_room(tritx_bpe_scratch *scratch, size_t n, trit_error *err)
{
    size_t room = scratch->n_symbols ? scratch->n_symbols : FIRST_ROOM, n_bytes;
    if (n <= scratch->n_symbols) return TRIT_OK;
    if (room < n) room = n;
    free(scratch->symbols);
    scratch->n_symbols = 0;
    scratch->symbols = tritx_mul_ok(room, sizeof(uint32_t), &n_bytes) ? malloc(n_bytes) : NULL;
    if (!scratch->symbols) return tritx_fail(err, TRIT_OOM, 0, "no memory for %zu symbols", n);
    scratch->n_symbols = room;
    return TRIT_OK;
}

trit_status tritx_bpe(const tritx_merges *merges, uint32_t n, tritx_bpe_scratch *scratch,
                      tritx_ids *out, trit_error *err)
{
    if (n > SHORT_PIECE) return merge_long(merges, n, scratch, out, err);
    merge_short(merges, scratch->symbols, n, out);
    return TRIT_OK;
}

void tritx_bpe_scratch_free(tritx_bpe_scratch *scratch)
{
    free(scratch->symbols);
    free(scratch->memory);
    *scratch = (tritx_bpe_scratch){NULL, 0, NULL, 0};
}
