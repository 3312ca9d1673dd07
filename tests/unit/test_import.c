/* While a source of another container is loaded, which bytes of the packed file are known: those that are said to be
 * known must be those of the file that comes out, and a loader that begins at any piece must make the same. */
#include "check.h"
#include "trit.h"

enum { MAX_UNITS = 4096, MAX_PIECES = 4096 };

typedef struct {
    uint8_t *bytes;
    size_t n;
} file;

static int gather(void *ctx, const uint8_t *bytes, size_t n)
{
    file *f = ctx;
    f->bytes = realloc(f->bytes, f->n + n);
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
    return 0;
}

typedef struct {
    file bytes, sides[3]; /* the sides of a folder */
    trit_head head;
} source;

static trit_loader *new_loader(const source *from)
{
    static const trit_side sides[] = {TRIT_SIDE_CONFIG, TRIT_SIDE_TOKENIZER,
                                      TRIT_SIDE_TOKENIZER_CONFIG};
    trit_loader *l = NULL;
    TRIT_CHECK_EQ_I(trit_loader_new(&l, from->head, NULL, NULL), TRIT_OK);
    for (int i = 0; i < 3 && from->sides[i].n; i++)
        TRIT_CHECK_EQ_I(
            trit_loader_side(l, sides[i], (char *)from->sides[i].bytes, from->sides[i].n, NULL),
            TRIT_OK);
    return l;
}

/* The known units are written over `out`, which begins as the wrong bytes; returns how many are. */
static size_t take_known(trit_packer *packer, const uint64_t *ends, size_t n_units, uint8_t *out)
{
    size_t n_known = 0;
    for (size_t i = 0; i < n_units; i++) {
        uint64_t begin = i ? ends[i - 1] : 0;
        if (!trit_packer_has(packer, begin, ends[i])) continue;
        TRIT_CHECK_EQ_I(
            trit_packer_read(packer, begin, out + begin, (size_t)(ends[i] - begin), NULL), TRIT_OK);
        n_known++;
    }
    return n_known;
}

/* Each unit that a piece touches is known when all pieces that touch it have come. */
static void test_source(const source *from, const file *want, uint32_t most)
{
    static uint64_t ends[MAX_UNITS], stops[MAX_PIECES];
    trit_loader *l = new_loader(from);
    trit_packer *packer = NULL;
    uint64_t n_bytes = 0, at = 0;
    size_t n_units = 0, n_pieces = 0, step = 40009;
    trit_piece piece;
    /* the header, byte by byte at its end, as it must not be looked for too early */
    while (trit_loader_packer(l, &packer, &n_bytes, NULL) != TRIT_OK) {
        TRIT_CHECK_EQ_I(trit_loader_push(l, from->bytes.bytes + at, 1, NULL), TRIT_OK);
        at++;
    }
    TRIT_CHECK_EQ_I(n_bytes, want->n);
    n_units = trit_packer_units(packer, most, ends, MAX_UNITS);
    TRIT_CHECK(n_units > 1 && n_units <= MAX_UNITS && ends[n_units - 1] == n_bytes);
    /* with room for it, the layer is one, beside the text, both embeddings with scales and sums, and a norm */
    if (most > want->n) TRIT_CHECK(n_units <= 9);
    for (size_t i = 0; i < n_units; i++) {
        uint64_t begin = i ? ends[i - 1] : 0;
        TRIT_CHECK(ends[i] > begin && ends[i] - begin <= most);
    }
    for (uint64_t stop = 0; trit_packer_piece(packer, most, stop, &piece);
         stop = piece.source_end) {
        TRIT_CHECK(piece.source_end > stop && n_pieces < MAX_PIECES);
        stops[n_pieces++] = piece.source_end;
    }
    TRIT_CHECK(stops[0] >= at && stops[0] < at + 64 && stops[n_pieces - 1] <= from->bytes.n);

    uint8_t *out = malloc(want->n);
    memset(out, 0xaa, want->n);
    size_t n_before = 0, known = take_known(packer, ends, n_units, out);
    while (at < from->bytes.n) {
        size_t n = from->bytes.n - at < step ? (size_t)(from->bytes.n - at) : step;
        TRIT_CHECK_EQ_I(trit_loader_push(l, from->bytes.bytes + at, n, NULL), TRIT_OK);
        at += n;
        known = take_known(packer, ends, n_units, out);
        TRIT_CHECK(known >= n_before);
        n_before = known;
    }
    TRIT_CHECK_EQ_I(known, n_units);
    TRIT_CHECK(memcmp(out, want->bytes, want->n) == 0);
    trit_packer_free(packer);
    trit_loader_free(l);

    /* from each piece on: what only later pieces make is known, and right */
    for (size_t p = 0; p < n_pieces; p += 1 + p % 3) {
        l = new_loader(from);
        TRIT_CHECK_EQ_I(trit_loader_push(l, from->bytes.bytes, (size_t)stops[0], NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_loader_packer(l, &packer, &n_bytes, NULL), TRIT_OK);
        trit_status status = trit_loader_seek(l, stops[p], NULL);
        TRIT_CHECK_EQ_I(status, p + 1 < n_pieces ? TRIT_OK : TRIT_PARAM);
        if (status == TRIT_OK)
            TRIT_CHECK_EQ_I(trit_loader_push(l, from->bytes.bytes + stops[p],
                                             from->bytes.n - (size_t)stops[p], NULL),
                            TRIT_OK);
        memcpy(out, want->bytes, want->n);
        known = take_known(packer, ends, n_units, out);
        TRIT_CHECK(memcmp(out, want->bytes, want->n) == 0);
        for (size_t i = 0; i < n_units; i++) {
            bool later = true;
            uint64_t begin = i ? ends[i - 1] : 0;
            for (size_t q = 1; q <= p; q++) {
                trit_packer_piece(packer, most, stops[q - 1], &piece);
                for (int k = 0; k < 3; k++)
                    if (piece.made[k].begin < ends[i] && piece.made[k].end > begin) later = false;
            }
            if (later) TRIT_CHECK(trit_packer_has(packer, begin, ends[i]));
        }
        trit_packer_free(packer);
        trit_loader_free(l);
    }
    free(out);
}

static void test_refusals(const source *from, const file *packed)
{
    trit_loader *l = new_loader(from);
    trit_packer *packer = NULL;
    uint64_t n_bytes;
    TRIT_CHECK_EQ_I(trit_loader_packer(l, &packer, &n_bytes, NULL), TRIT_STATE);
    TRIT_CHECK_EQ_I(trit_loader_seek(l, 0, NULL), TRIT_STATE);
    TRIT_CHECK_EQ_I(trit_loader_push(l, from->bytes.bytes, from->bytes.n, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_seek(l, 0, NULL), TRIT_PARAM); /* in the header */
    TRIT_CHECK_EQ_I(trit_loader_seek(l, from->bytes.n + 1, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_loader_packer(l, NULL, &n_bytes, NULL), TRIT_PARAM);
    trit_loader_free(l);
    TRIT_CHECK_EQ_I(trit_loader_new(&l, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_push(l, packed->bytes, packed->n, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_packer(l, &packer, &n_bytes, NULL), TRIT_UNSUPPORTED);
    TRIT_CHECK_EQ_I(trit_loader_seek(l, packed->n / 2, NULL), TRIT_STATE);
    trit_loader_free(l);
}

static file packed_of(const source *from)
{
    trit_loader *l = new_loader(from);
    trit_model *model = NULL;
    file f = {0};
    TRIT_CHECK_EQ_I(trit_loader_push(l, from->bytes.bytes, from->bytes.n, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_finish(l, &model, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_model_write(model, NULL, gather, &f, NULL), TRIT_OK);
    trit_loader_free(l);
    trit_model_free(model);
    return f;
}

int main(void)
{
    trit_config config;
    trit_model *model = NULL;
    trit_synthetic how = {.seed = 1, .zeros = 0.3f};
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &config, NULL), TRIT_OK);
    config.n_layer = 1;
    config.n_vocab = 300;
    for (int tied = 0; tied < 2; tied++) {
        config.tied_head = (uint8_t)tied;
        TRIT_CHECK_EQ_I(trit_model_synthetic(&config, &how, NULL, &model, NULL), TRIT_OK);
        static const trit_export containers[] = {TRIT_EXPORT_TQ2_0, TRIT_EXPORT_I2_S,
                                                 TRIT_EXPORT_SAFETENSORS};
        for (size_t i = 0; i < 3; i++)
            for (int head = TRIT_HEAD_INT8; head <= TRIT_HEAD_F16; head++) {
                source from = {.head = (trit_head)head};
                trit_error err = {0};
                TRIT_CHECK_EQ_I(trit_model_export(model, containers[i], gather, &from.bytes, &err),
                                TRIT_OK);
                for (int s = 0; containers[i] == TRIT_EXPORT_SAFETENSORS && s < 3; s++)
                    TRIT_CHECK_EQ_I(trit_model_export(model, (trit_export)(TRIT_EXPORT_CONFIG + s),
                                                      gather, &from.sides[s], NULL),
                                    TRIT_OK);
                file want = packed_of(&from);
                test_source(&from, &want, 1 << 16);
                if (head == TRIT_HEAD_INT8) test_source(&from, &want, 1 << 24);
                test_refusals(&from, &want);
                free(want.bytes);
                free(from.bytes.bytes);
                for (int s = 0; s < 3; s++) free(from.sides[s].bytes);
            }
        trit_model_free(model);
    }
    return TRIT_DONE();
}
