/* What becomes of a tensor's bytes. Rows are dealt out to threads in groups; a ternary master, whose
 * mean must be known before its first code, a matrix that Hugging Face packed, whose bytes hold rows
 * that lie far apart, one of GGUF (loader_gguf.c) and whatever is small are taken as a whole. */
#include <math.h>

#include "kernels.h"
#include "loader.h"
#include "pack.h"
#include "scalar.h"

/* `offset`: where in the file the bad number's row or tensor begins. */
static trit_status bad_scale(const trit_loader *l, uint64_t offset, trit_error *err)
{
    return tritx_fail(err, TRIT_BAD_SCALE, offset,
                      "tensor %.60s: a number is not finite or a scale is negative",
                      tritx_loader_name(l));
}

/* ---- groups of rows ---- */

typedef struct {
    trit_loader *l;
    const uint8_t *bytes;
    size_t n_rows;
    trit_status status[TRITX_LOADER_LANES];
    trit_error errors[TRITX_LOADER_LANES];
} rows_job;

/* Where in the file the job's row begins; where the tensor does when the rows are not apart. */
static uint64_t row_offset(const rows_job *j, size_t row)
{
    if (j->l->n_rows == 1) return j->l->offset - j->l->row_bytes;
    return j->l->offset - (j->n_rows - row) * j->l->row_bytes;
}

/* Codes of the job's row; false when they are impossible. */
static bool row_codes(const rows_job *j, const tritx_ternary *m, size_t row, uint8_t *codes)
{
    const trit_loader *l = j->l;
    if (!l->packed)
        return tritx_quarters_row(codes, j->bytes, (size_t)m->rows, (size_t)m->cols, row);
    return l->model->kernels.wire_decode(codes, j->bytes + row * l->row_bytes, m->cols);
}

static trit_status take_codes(const rows_job *j, size_t first, size_t n, const tritx_lane *lane,
                              trit_error *err)
{
    const trit_loader *l = j->l;
    const tritx_ternary *m = tritx_model_ternary(l->model, l->slot, l->layer);
    size_t padded = trit_t2_cols((size_t)m->cols);
    for (size_t r = 0; r < n; r++)
        if (!row_codes(j, m, first + r, lane->codes + r * padded))
            return tritx_fail(err, TRIT_BAD_CODES, row_offset(j, first + r),
                              "tensor %.60s: row %zu has impossible codes", tritx_loader_name(l),
                              l->row + first + r);
    trit_t2_put(l->model->kernels.layout, m->codes, lane->codes, l->row + first, (size_t)m->rows,
                (size_t)m->cols);
    return TRIT_OK;
}

static trit_status take_int8_row(const tritx_rows *r, size_t row, const int8_t *codes,
                                 uint64_t offset, trit_error *err)
{
    int32_t sum = 0;
    int8_t smallest = 0;
    for (int32_t k = 0; k < r->cols; k++) {
        sum += codes[k];
        if (codes[k] < smallest) smallest = codes[k];
    }
    if (smallest == -128)
        return tritx_fail(err, TRIT_BAD_CODES, offset, "row %zu of an int8 matrix holds -128", row);
    r->sum[row] = sum;
    tritx_i8_put_row(r->i8, row, codes, (size_t)r->cols);
    return TRIT_OK;
}

static trit_status take_row(const trit_loader *l, const tritx_rows *r, size_t row,
                            const uint8_t *bytes, uint64_t offset, const tritx_lane *lane,
                            trit_error *err)
{
    size_t cols = (size_t)r->cols;
    tritx_dtype dtype = l->tensors[l->tensor].dtype;
    if (dtype == TRIT_DTYPE_I8) return take_int8_row(r, row, (const int8_t *)bytes, offset, err);
    tritx_source_floats(lane->floats, bytes, cols, dtype);
    if (!(tritx_largest(lane->floats, cols) <= 65504.0f)) return bad_scale(l, offset, err);
    for (size_t k = 0; r->f16 && k < cols; k++)
        r->f16[row * cols + k] = tritx_f16_of_f32(lane->floats[k]);
    if (!r->i8) return TRIT_OK;
    if (!tritx_int8_row(lane->int8, &r->scale[row], &r->sum[row], lane->floats, cols))
        return bad_scale(l, offset, err);
    tritx_i8_put_row(r->i8, row, lane->int8, cols);
    return TRIT_OK;
}

/* n rows from the job's row `first` on, TRIT_T2_ROWS of them or the last ones. */
static trit_status take_group(const rows_job *j, size_t first, size_t n, const tritx_lane *lane,
                              trit_error *err)
{
    trit_loader *l = j->l;
    const tritx_rows *rows = tritx_model_rows(l->model, l->slot);
    if (!rows) return take_codes(j, first, n, lane, err);
    for (size_t r = first; r < first + n; r++)
        TRIT_TRY(take_row(l, rows, l->row + r, j->bytes + r * l->row_bytes, row_offset(j, r), lane,
                          err));
    return TRIT_OK;
}

/* Even shares of the groups; a lane ends at its first error. */
static void take_lanes(void *ctx, int begin, int end)
{
    rows_job *j = ctx;
    size_t n_groups = (j->n_rows - 1) / TRIT_T2_ROWS + 1, n_lanes = (size_t)j->l->n_lanes;
    for (size_t i = (size_t)begin; i < (size_t)end; i++)
        for (size_t g = n_groups * i / n_lanes; g < n_groups * (i + 1) / n_lanes; g++) {
            size_t first = g * TRIT_T2_ROWS, left = j->n_rows - first;
            j->status[i] = take_group(j, first, left < TRIT_T2_ROWS ? left : TRIT_T2_ROWS,
                                      &j->l->lanes[i], &j->errors[i]);
            if (j->status[i] != TRIT_OK) break;
        }
}

static trit_status take_rows(trit_loader *l, const uint8_t *bytes, size_t n, trit_error *err)
{
    rows_job job = {.l = l, .bytes = bytes, .n_rows = n};
    tritx_parallel_for(l->pool, take_lanes, &job, l->n_lanes, 1);
    /* lanes are in the order of rows, so this is the first bad one whoever found it */
    for (int i = 0; i < l->n_lanes; i++)
        if (job.status[i] != TRIT_OK) {
            if (err) *err = job.errors[i];
            return job.status[i];
        }
    return TRIT_OK;
}

/* ---- whole tensors ---- */

static trit_status take_master(trit_loader *l, const tritx_ternary *m, const uint8_t *bytes,
                               uint64_t offset, trit_error *err)
{
    size_t rows = (size_t)m->rows, cols = (size_t)m->cols, padded = trit_t2_cols(cols);
    tritx_dtype dtype = l->tensors[l->tensor].dtype;
    uint8_t *codes = l->lanes[0].codes;
    float *floats = l->lanes[0].floats;
    if (tritx_absmean(bytes, rows * cols, dtype, m->scale) != TRIT_OK)
        return bad_scale(l, offset, err);
    for (size_t r = 0; r < rows; r++) {
        tritx_source_floats(floats, bytes + r * cols * tritx_dtype_bytes(dtype), cols, dtype);
        tritx_ternarise(codes + r % TRIT_T2_ROWS * padded, floats, cols, *m->scale);
        if ((r + 1) % TRIT_T2_ROWS == 0 || r + 1 == rows)
            trit_t2_put(l->model->kernels.layout, m->codes, codes, r / TRIT_T2_ROWS * TRIT_T2_ROWS,
                        rows, cols);
    }
    return TRIT_OK;
}

static trit_status take_floats(trit_loader *l, const uint8_t *bytes, uint64_t offset,
                               trit_error *err)
{
    size_t n;
    float *out = tritx_model_floats(l->model, l->slot, l->layer, &n);
    bool scale = n == 1 || l->slot == TRIT_SLOT_EMBED_SCALE || l->slot == TRIT_SLOT_HEAD_SCALE;
    for (size_t i = 0; i < n; i++) {
        float x = tritx_source_float(bytes, i, l->tensors[l->tensor].dtype);
        if (l->hf == TRITX_HF_DIVIDE && scale) x = 1.0f / x;
        out[i] = l->gguf && scale ? out[i] * x : x;
        bool zero = scale && !l->packed && x == 0;
        if (!(fabsf(out[i]) <= 3.4e38f) || (scale && out[i] < 0) || zero)
            return bad_scale(l, offset, err);
    }
    return TRIT_OK;
}

/* The sums were computed from the rows, which stand earlier in the file. */
static trit_status check_sums(const trit_loader *l, const tritx_rows *r, const uint8_t *bytes,
                              uint64_t offset, trit_error *err)
{
    for (size_t i = 0; i < (size_t)r->rows; i++)
        if ((int32_t)tritx_load_u32(bytes + 4 * i) != r->sum[i])
            return tritx_fail(err, TRIT_BAD_CODES, offset + 4 * i,
                              "tensor %.60s: the sum of row %zu is wrong", tritx_loader_name(l), i);
    return TRIT_OK;
}

/* What it says is checked when the tokenizer is made. */
static void take_tokenizer(trit_loader *l, const uint8_t *bytes)
{
    tritx_tokenizer_tables *t = &l->tables;
    uint32_t *words = l->slot == TRIT_SLOT_TOKENIZER_ENDS ? t->token_ends : t->merges;
    switch (l->slot) {
    case TRIT_SLOT_TOKENIZER_BYTES: memcpy(t->token_bytes, bytes, l->row_bytes); break;
    case TRIT_SLOT_TOKENIZER_SPECIAL: memcpy(t->token_kinds, bytes, l->row_bytes); break;
    case TRIT_SLOT_TOKENIZER_FLAGS: t->flags = bytes[0]; break;
    default:
        for (size_t i = 0; i < l->row_bytes / 4; i++) words[i] = tritx_load_u32(bytes + 4 * i);
    }
}

trit_status tritx_loader_take(trit_loader *l, const uint8_t *bytes, size_t n, trit_error *err)
{
    uint64_t offset = l->offset - n * l->row_bytes;
    if (l->slot <= TRIT_SLOT_TOKENIZER_FLAGS) {
        take_tokenizer(l, bytes);
        return TRIT_OK;
    }
    const tritx_ternary *m =
        tritx_slot_in_layer(l->slot) ? tritx_model_ternary(l->model, l->slot, l->layer) : NULL;
    if (m && l->gguf) return tritx_loader_take_ternary(l, m, bytes, offset, err);
    if (m && !l->packed && !l->hf) return take_master(l, m, bytes, offset, err);
    if (m && !l->packed) return take_rows(l, bytes, (size_t)m->rows, err);
    if (m || tritx_model_rows(l->model, l->slot)) return take_rows(l, bytes, n, err);
    if (l->slot == TRIT_SLOT_EMBED_SUM || l->slot == TRIT_SLOT_HEAD_SUM)
        return check_sums(l, l->slot == TRIT_SLOT_EMBED_SUM ? &l->model->embed : &l->model->head,
                          bytes, offset, err);
    return take_floats(l, bytes, offset, err);
}
