/* Every container that a model can be exported to gives the same packed file again, and a receiver that
 * stops is told of as such. That other programs read them is for tests/golden and tests/bench to show. */
#include <math.h>

#include "check.h"
#include "trit.h"

typedef struct {
    uint8_t *bytes;
    size_t n, capacity;
} file;

static int keep(void *ctx, const uint8_t *bytes, size_t n)
{
    file *f = ctx;
    if (f->n + n > f->capacity) return 1;
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
    return 0;
}

static file new_file(void)
{
    enum { CAPACITY = 8 << 20 };
    return (file){malloc(CAPACITY), 0, CAPACITY};
}

static file exported(const trit_model *model, trit_export what)
{
    trit_error err;
    file f = new_file();
    TRIT_CHECK_EQ_I(trit_model_export(model, what, keep, &f, &err), TRIT_OK);
    return f;
}

static trit_status load(const trit_model *from, const file *f, bool folder, trit_model **model,
                        trit_error *err)
{
    static const struct {
        trit_export what;
        trit_side side;
    } sides[] = {{TRIT_EXPORT_CONFIG, TRIT_SIDE_CONFIG},
                 {TRIT_EXPORT_TOKENIZER, TRIT_SIDE_TOKENIZER},
                 {TRIT_EXPORT_TOKENIZER_CONFIG, TRIT_SIDE_TOKENIZER_CONFIG}};
    trit_loader *l;
    TRIT_CHECK_EQ_I(trit_loader_new(&l, TRIT_HEAD_F16, NULL, NULL), TRIT_OK);
    trit_status status = TRIT_OK;
    for (int i = 0; folder && i < 3; i++) {
        file side = exported(from, sides[i].what);
        TRIT_CHECK_EQ_I(trit_loader_side(l, sides[i].side, (char *)side.bytes, side.n, err),
                        TRIT_OK);
        free(side.bytes);
    }
    status = trit_loader_push(l, f->bytes, f->n, err);
    if (status == TRIT_OK) status = trit_loader_finish(l, model, err);
    trit_loader_free(l);
    return status;
}

static file packed(const trit_model *model)
{
    file f = new_file();
    TRIT_CHECK_EQ_I(trit_model_write(model, NULL, keep, &f, NULL), TRIT_OK);
    return f;
}

static void test_round_trip(const trit_model *model, trit_export what)
{
    trit_error err;
    trit_model *again = NULL;
    file f = exported(model, what), before = packed(model);
    TRIT_CHECK_EQ_I(load(model, &f, what == TRIT_EXPORT_SAFETENSORS, &again, &err), TRIT_OK);
    file after = packed(again);
    TRIT_CHECK(before.n == after.n && memcmp(before.bytes, after.bytes, after.n) == 0);
    trit_model_free(again);
    free(f.bytes), free(before.bytes), free(after.bytes);
}

static void test_receiver_stops(const trit_model *model, trit_export what)
{
    trit_error err;
    file none = {0};
    TRIT_CHECK_EQ_I(trit_model_export(model, what, keep, &none, &err), TRIT_ABORTED);
    file some = {malloc(1 << 18), 0, 1 << 18}; /* one call, and not the second */
    if (what <= TRIT_EXPORT_SAFETENSORS)
        TRIT_CHECK_EQ_I(trit_model_export(model, what, keep, &some, &err), TRIT_ABORTED);
    free(some.bytes);
}

/* The scales of this TQ2_0 file stand in tensors of their own, each at a multiple of 32. */
static void test_scales_of_their_own(const trit_model *model, float scale)
{
    static const float bad[] = {0, -1, INFINITY};
    file f = exported(model, TRIT_EXPORT_TQ2_0);
    size_t n_found = 0;
    for (size_t at = 0; at + 32 <= f.n; at += 32) {
        if (memcmp(f.bytes + at, &scale, sizeof scale) != 0) continue;
        n_found++;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            trit_error err;
            trit_model *again = NULL;
            memcpy(f.bytes + at, &bad[i], sizeof scale);
            TRIT_CHECK_EQ_I(load(model, &f, false, &again, &err), TRIT_BAD_SCALE);
            trit_model_free(again);
        }
        memcpy(f.bytes + at, &scale, sizeof scale);
    }
    TRIT_CHECK(n_found > 0);
    free(f.bytes);
}

static float scale_of(const trit_model *model)
{
    static const char key[] = "\"0.q.scale\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[";
    file f = packed(model);
    uint32_t n_header;
    float scale;
    memcpy(&n_header, f.bytes, sizeof n_header);
    f.bytes[8 + n_header - 1] = 0;
    const char *found = strstr((char *)f.bytes + 8, key);
    TRIT_CHECK(found != NULL);
    memcpy(&scale, f.bytes + 8 + n_header + strtoull(found + sizeof key - 1, NULL, 10),
           sizeof scale);
    free(f.bytes);
    return scale;
}

int main(void)
{
    trit_config c;
    trit_model *model;
    TRIT_CHECK_EQ_I(trit_config_preset("2B4T", &c, NULL), TRIT_OK);
    c.n_layer = 2, c.n_vocab = 400, c.dim = 256, c.ffn_dim = 512, c.n_head = 4, c.n_head_kv = 2,
    c.head_dim = 64;
    /* int8 rows of random weights need not have the 127 that packed rows have */
    c.site[TRIT_SITE_HEAD].weight = TRIT_WEIGHT_F16;
    TRIT_CHECK_EQ_I(
        trit_model_synthetic(&c, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model, NULL),
        TRIT_OK);
    for (int what = TRIT_EXPORT_TQ2_0; what <= TRIT_EXPORT_SAFETENSORS; what++)
        test_round_trip(model, (trit_export)what);
    for (int what = TRIT_EXPORT_TQ2_0; what <= TRIT_EXPORT_TOKENIZER_CONFIG; what++)
        test_receiver_stops(model, (trit_export)what);
    test_scales_of_their_own(model, scale_of(model));
    TRIT_CHECK_EQ_I(trit_model_export(model, (trit_export)0, keep, NULL, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_model_export(model, (trit_export)7, keep, NULL, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_model_export(NULL, TRIT_EXPORT_I2_S, keep, NULL, NULL), TRIT_PARAM);
    trit_model_free(model);
    return TRIT_DONE();
}
