/* Damaged bytes of a packed file: each is refused with a named error or makes another model, where
 * two models are the same when they write the same file, card included. Never a crash; never silent. */
#include "packed_bytes.h"

typedef struct {
    size_t n_header; /* with its length */
    const uint8_t *number, *number_end;
    size_t n_refused, n_changed, n_same;
} damage;

/* The one number of the header that another spelling can name as well: 9.99999975e-06 is the f32
 * nearest to 9.99999974e-06 too, and to 9.99999975E-06. */
static void find_number(const buffer *file, damage *d)
{
    static const char key[] = "\\\"norm_eps\\\":";
    const uint8_t *end = file->bytes + d->n_header;
    for (const uint8_t *p = file->bytes + 8; p + sizeof key <= end && !d->number; p++)
        if (memcmp(p, key, sizeof key - 1) == 0) d->number = p + sizeof key - 1;
    TRIT_CHECK(d->number != NULL);
    for (d->number_end = d->number; *d->number_end != ','; d->number_end++) {
    }
}

static void check_error(trit_status status, const trit_error *err, const trit_model *model)
{
    TRIT_CHECK(status < 0 && strcmp(trit_status_name(status), "UNKNOWN") != 0);
    TRIT_CHECK(err->status == status && err->message[0] && model == NULL);
}

/* One byte with other bits: `canonical` is what the undamaged model writes. */
static void flip(buffer *file, size_t at, uint8_t mask, const buffer *canonical, damage *d)
{
    trit_model *model = NULL;
    trit_error err = {0};
    file->bytes[at] ^= mask;
    trit_status status = load(file->bytes, file->n, 1 << 16, &model, &err);
    if (status == TRIT_OK) {
        buffer copy = write_model(model, NULL);
        if (!same_bytes(&copy, canonical)) d->n_changed++;
        else {
            d->n_same++;
            printf("the same model: byte %zu, mask %02x, %.*s\n", at, (unsigned)mask,
                   (int)(d->number_end - d->number), (const char *)d->number);
            TRIT_CHECK(file->bytes + at >= d->number && file->bytes + at < d->number_end);
        }
        free(copy.bytes);
        trit_model_free(model);
    } else {
        check_error(status, &err, model);
        d->n_refused++;
    }
    file->bytes[at] ^= mask;
}

/* Every byte of the header and every `stride`-th after it has one of its bits changed or all of
 * them, in turn; with `thorough` the header has each of these nine. */
static damage damage_file(const char *name, buffer *file, size_t stride, bool thorough)
{
    trit_model *model = NULL;
    TRIT_CHECK_EQ_I(load(file->bytes, file->n, 1 << 16, &model, NULL), TRIT_OK);
    if (!model) exit(1);
    buffer canonical = write_model(model, NULL);
    trit_model_free(model);
    damage d = {.n_header = 8 + (size_t)(file->bytes[0] | file->bytes[1] << 8)};
    find_number(file, &d);
    for (size_t at = 0; at < file->n; at += at < d.n_header ? 1 : stride) {
        bool all = thorough && at < d.n_header;
        for (size_t k = all ? 0 : at % 9; k <= (all ? 8 : at % 9); k++)
            flip(file, at, (uint8_t)(k == 8 ? 0xff : 1u << k), &canonical, &d);
    }
    printf("%s, %zu bytes: %zu flips refused, %zu made another model, %zu the same\n", name,
           file->n, d.n_refused, d.n_changed, d.n_same);
    free(canonical.bytes);
    return d;
}

static buffer read_file(const char *path)
{
    buffer file = {0};
    uint8_t chunk[4096];
    FILE *stream = fopen(path, "rb");
    TRIT_CHECK(stream != NULL);
    if (!stream) exit(1);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, stream)) > 0;) append(&file, chunk, n);
    fclose(stream);
    return file;
}

int main(void)
{
    trit_model *model = small_model();
    buffer small = write_model(model, "{\"name\":\"a \\\"test\\\"\"}");
    damage d = damage_file("a small model", &small, 1, true);
    TRIT_CHECK(d.n_refused > 10000 && d.n_changed > 1000);
    trit_model_free(model);
    free(small.bytes);

    buffer bundled = read_file("models/tiny-tales/tiny-tales.trit");
    d = damage_file("tiny-tales.trit", &bundled, 20011, false);
    TRIT_CHECK(d.n_refused > 10000 && d.n_changed > 100);
    free(bundled.bytes);
    return TRIT_DONE();
}
