/* An import in pieces: which bytes of the packed file a piece of the source makes, so that each can be stored as
 * soon as it is known and a source that broke off is asked for from there on. */
#include "kernels.h"
#include "loader.h"
#include "packfile.h"

static bool is_rows(tritx_slot slot) { return slot == TRIT_SLOT_EMBED || slot == TRIT_SLOT_HEAD; }

/* Whether the tensor has something for each row of an embedding, and of which. */
static bool is_of_rows(tritx_slot slot, tritx_slot *of)
{
    *of = slot >= TRIT_SLOT_HEAD ? TRIT_SLOT_HEAD : TRIT_SLOT_EMBED;
    return slot >= TRIT_SLOT_HEAD || (slot >= TRIT_SLOT_EMBED && slot <= TRIT_SLOT_EMBED_SUM);
}

static bool is_taken(const trit_loader *l, tritx_slot slot, int layer)
{
    return l->taken[(size_t)layer * TRIT_SLOT_COUNT + (size_t)slot];
}

static bool is_seen(const trit_loader *l, tritx_slot slot, int layer)
{
    return l->seen[(size_t)layer * TRIT_SLOT_COUNT + (size_t)slot];
}

/* Bytes of an embedding's row, in the wider of both files; 0 = there is none. */
static size_t widest_row(const trit_loader *l, tritx_slot of)
{
    const tritx_rows *rows = tritx_model_rows(l->model, of);
    if (!rows) return 0;
    size_t widest = (size_t)rows->cols * (rows->f16 ? 2 : 1);
    for (size_t i = 0; i < l->n_tensors; i++) {
        tritx_slot slot;
        int layer;
        const tritx_tensor *t = &l->tensors[i];
        if (tritx_loader_find(l, t, &slot, &layer, NULL) != TRIT_OK || slot != of) continue;
        size_t row_bytes = (size_t)(t->end - t->begin) / t->shape[0];
        if (row_bytes > widest) widest = row_bytes;
    }
    return widest;
}

/* Rows of an embedding that make one piece: at most `most` bytes of either file, if that is a group. */
static size_t rows_of_piece(const trit_packer *w, tritx_slot of, uint32_t most)
{
    size_t widest = of == TRIT_SLOT_HEAD ? w->head_row : w->embed_row;
    size_t n = most / widest / TRIT_T2_ROWS * TRIT_T2_ROWS;
    return n ? n : TRIT_T2_ROWS;
}

trit_status trit_loader_packer(const trit_loader *l, trit_packer **packer, uint64_t *n_bytes,
                               trit_error *err)
{
    if (!l || !packer || !n_bytes) return tritx_fail(err, TRIT_PARAM, 0, "pack: NULL argument");
    if (l->packed || l->shard)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0, "pack: the source is not one file to import");
    if (l->state != STATE_DATA)
        return tritx_fail(err, TRIT_STATE, 0, "pack: the source's header has not come");
    TRIT_TRY(
        tritx_packer_begin(l->model, &l->tables, l->chat_template, NULL, packer, n_bytes, err));
    (*packer)->loader = l;
    (*packer)->embed_row = widest_row(l, TRIT_SLOT_EMBED);
    (*packer)->head_row = widest_row(l, TRIT_SLOT_HEAD);
    return TRIT_OK;
}

/* ---- units ---- */

typedef struct {
    uint64_t *ends, last;
    uint64_t whole; /* all up to here can be one unit, which begins at `last` */
    size_t n, capacity;
    uint32_t most;
} cutter;

static void cut(cutter *c, uint64_t end)
{
    while (c->last < end) {
        c->last = end - c->last > c->most ? c->last + c->most : end;
        if (c->n < c->capacity) c->ends[c->n] = c->last;
        c->n++;
    }
}

static void cut_rows(cutter *c, const trit_packer *w, const tritx_packed_tensor *t, tritx_slot of)
{
    size_t n_rows = rows_of_piece(w, of, c->most);
    for (size_t row = n_rows; row < t->n_rows; row += n_rows)
        cut(c, w->n_header + t->begin + row * (t->n_bytes / t->n_rows));
}

/* As many of a layer's tensors as fit are one unit. */
static void take_of_layer(cutter *c, uint64_t end)
{
    if (end - c->last > c->most) cut(c, c->whole);
    c->whole = end;
}

size_t trit_packer_units(const trit_packer *w, uint32_t most, uint64_t *ends, size_t capacity)
{
    cutter c = {.ends = ends, .capacity = capacity, .most = most};
    for (size_t i = 0; i < w->n_tensors; i++) {
        const tritx_packed_tensor *t = &w->tensors[i], *next = i + 1 < w->n_tensors ? t + 1 : t;
        uint64_t begin = w->n_header + t->begin, end = begin + t->n_bytes;
        tritx_slot of;
        if (t->slot == TRIT_SLOT_EMBED) cut(&c, begin); /* behind the header and the tokenizer */
        if (is_of_rows(t->slot, &of)) cut_rows(&c, w, t, of);
        if (t->matrix || t->slot < TRIT_SLOT_EMBED) continue; /* a matrix's scale goes with it */
        if (tritx_slot_in_layer(t->slot)) take_of_layer(&c, end);
        if (!tritx_slot_in_layer(next->slot) || next->layer != t->layer) cut(&c, end);
    }
    return c.n;
}

/* ---- what is known ---- */

static bool has_tensor(const trit_loader *l, const tritx_packed_tensor *t, size_t first_row,
                       size_t end_row)
{
    tritx_slot of;
    if (t->slot <= TRIT_SLOT_TOKENIZER_FLAGS) return true;
    if (is_of_rows(t->slot, &of)) {
        int i = of == TRIT_SLOT_HEAD;
        return l->rows_taken[i].begin <= first_row && end_row <= l->rows_taken[i].end;
    }
    if (t->matrix) return is_taken(l, t->slot, t->layer);
    /* the scale of a matrix, which may have come with it, or be a factor of its own */
    tritx_slot before = (tritx_slot)(t->slot - 1);
    if (tritx_model_ternary(l->model, before, t->layer))
        return is_taken(l, before, t->layer) &&
               (!is_seen(l, t->slot, t->layer) || is_taken(l, t->slot, t->layer));
    return is_taken(l, t->slot, t->layer);
}

bool trit_packer_has(const trit_packer *w, uint64_t begin, uint64_t end)
{
    for (size_t i = 0; i < w->n_tensors; i++) {
        const tritx_packed_tensor *t = &w->tensors[i];
        uint64_t at = w->n_header + t->begin;
        if (t->n_bytes == 0 || at + t->n_bytes <= begin || at >= end) continue;
        uint64_t row_bytes = t->n_bytes / t->n_rows, first = begin > at ? begin - at : 0,
                 last = (end < at + t->n_bytes ? end - at : t->n_bytes) - 1;
        if (!has_tensor(w->loader, t, (size_t)(first / row_bytes), (size_t)(last / row_bytes) + 1))
            return false;
    }
    return true;
}

/* ---- pieces of the source ---- */

static const tritx_packed_tensor *find(const trit_packer *w, tritx_slot slot, int layer)
{
    for (size_t i = 0; i < w->n_tensors; i++)
        if (w->tensors[i].slot == slot && w->tensors[i].layer == layer) return &w->tensors[i];
    return NULL;
}

/* n rows of the packed tensor that has this slot, from `row` on; empty when there is none. */
static trit_range range_of(const trit_packer *w, tritx_slot slot, int layer, size_t row, size_t n)
{
    const tritx_packed_tensor *t = find(w, slot, layer);
    if (!t) return (trit_range){0};
    uint64_t begin = w->n_header + t->begin, row_bytes = t->n_bytes / t->n_rows;
    return (trit_range){begin + row * row_bytes, begin + (row + n) * row_bytes};
}

static trit_range whole(const trit_packer *w, tritx_slot slot, int layer)
{
    const tritx_packed_tensor *t = find(w, slot, layer);
    return t ? range_of(w, slot, layer, 0, t->n_rows) : (trit_range){0};
}

/* The tensor, and its row, that begin at `from` or after what lies between tensors. */
static const tritx_tensor *tensor_at(const trit_loader *l, uint64_t from, size_t *row)
{
    for (size_t i = 0; i < l->n_tensors; i++) {
        const tritx_tensor *t = &l->tensors[i];
        uint64_t begin = l->data + t->begin, end = l->data + t->end;
        if (begin == end || end <= from) continue;
        *row = from > begin ? (size_t)((from - begin) / ((end - begin) / t->shape[0])) : 0;
        return t;
    }
    return NULL;
}

static void make_tensor(const trit_packer *w, tritx_slot slot, int layer, trit_piece *piece)
{
    const trit_loader *l = w->loader;
    tritx_slot before = (tritx_slot)(slot - 1), after = (tritx_slot)(slot + 1);
    piece->made[0] = whole(w, slot, layer);
    if (!tritx_slot_in_layer(slot)) return;
    if (tritx_model_ternary(l->model, slot, layer)) piece->made[1] = whole(w, after, layer);
    else if (slot > TRIT_SLOT_LAYER_FIRST && tritx_model_ternary(l->model, before, layer))
        piece->made[1] = whole(w, before, layer);
}

bool trit_packer_piece(const trit_packer *w, uint32_t most, uint64_t from, trit_piece *piece)
{
    const trit_loader *l = w->loader;
    tritx_slot slot;
    int layer;
    size_t row;
    *piece = (trit_piece){.source_end = l->data};
    if (from < l->data) {
        piece->made[0].end = whole(w, TRIT_SLOT_EMBED, 0).begin;
        return true;
    }
    const tritx_tensor *t = tensor_at(l, from, &row);
    if (!t || tritx_loader_find(l, t, &slot, &layer, NULL) != TRIT_OK) return false;
    piece->source_end = l->data + t->end;
    if (!is_rows(slot)) {
        make_tensor(w, slot, layer, piece);
        return true;
    }
    size_t left = (size_t)t->shape[0] - row, n = rows_of_piece(w, slot, most);
    if (n > left) n = left;
    piece->source_end = l->data + t->begin + (row + n) * ((t->end - t->begin) / t->shape[0]);
    for (int i = 0; i < 3; i++)
        piece->made[i] = range_of(w, (tritx_slot)((int)slot + i), 0, row, n);
    return true;
}

trit_status trit_loader_seek(trit_loader *l, uint64_t offset, trit_error *err)
{
    size_t row = 0;
    if (!l || l->state != STATE_DATA || l->packed || l->shard)
        return tritx_fail(err, TRIT_STATE, 0, "seek: the source is not one that is imported");
    const tritx_tensor *t = tensor_at(l, offset, &row);
    if (!t || offset < l->data)
        return tritx_fail(err, TRIT_PARAM, 0, "seek: no piece begins there");
    l->tensor = (size_t)(t - l->tensors);
    TRIT_TRY(tritx_loader_begin_tensor(l, err));
    uint64_t begin = l->data + t->begin;
    bool inside = l->n_rows > 1 && row % TRIT_T2_ROWS == 0 && offset == begin + row * l->row_bytes;
    if (offset > begin && !inside)
        return tritx_fail(err, TRIT_PARAM, 0, "seek: no piece begins there");
    l->row = row;
    l->offset = offset;
    return TRIT_OK;
}
