/* Good files, what a malformed one is, and the bounds within which it is refused. */
#ifndef TRIT_MALFORMED_H
#define TRIT_MALFORMED_H

#include <time.h>

#include "gguf_bytes.h"
#include "hf_bytes.h"

/* Of processor time; WebAssembly has only the wall's clock, and computes the long doubles of C's strtod bit by
 * bit. A sanitizer takes several times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MAX_MS = 1000 };
#elif defined(__EMSCRIPTEN__)
enum { MAX_MS = 200 };
#else
enum { MAX_MS = 100 };
#endif
enum { MAX_EXTRA = 2 << 20, BYTES_A_NODE = 128, IN_PLACE = -1000 };

/* What is allocated: the linker wraps the allocator. */
static size_t live, peak;

/* ---- files and what is done to them ---- */

typedef enum { GGUF, PACKED, TENSORS, CONFIG, TOKENIZER, INDEX } file_kind;

typedef struct {
    const char *group, *what;
    file_kind kind;
    const char *after; /* the change comes behind this text; "" = at the file's begin */
    int at;
    size_t n;
    const char *bytes; /* over what stands there; for JSON, in place of `after` */
    trit_status status;
} broken;

static buffer good[INDEX + 1];
static size_t gguf_data, slowest_ms, most_extra;
static char slowest_what[160], most_what[160];

static inline buffer text_of(const char *text, size_t n)
{
    buffer b = {0};
    append(&b, (const uint8_t *)text, n);
    return b;
}

static inline void make_good(void)
{
    static char text[HF_TEXT];
    static uint8_t bytes[HF_FILE];
    good[GGUF] = small_gguf(&gguf_data);
    trit_model *model = small_model();
    good[PACKED] = write_model(model, "{\"name\":\"test\"}");
    trit_model_free(model);
    good[TENSORS] = text_of((char *)bytes, hf_write(bytes, hf_tensors, 0, 1));
    good[CONFIG] = text_of(text, hf_config(text, hf_multiply));
    good[TOKENIZER] = text_of(text, hf_tokenizer(text));
    good[INDEX] = text_of(text, hf_index(text));
}

static inline trit_status give(trit_loader *loader, trit_side side, const buffer *text,
                               trit_error *err)
{
    return trit_loader_side(loader, side, (const char *)text->bytes, text->n, err);
}

/* Loads a good model in which `file` stands for one of the files. */
static inline trit_status load_with(file_kind kind, const buffer *file, trit_error *err)
{
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    const buffer *part[INDEX + 1];
    for (int i = 0; i <= INDEX; i++) part[i] = &good[i];
    part[kind] = file;
    trit_status status = trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, err);
    if (kind >= TENSORS) {
        if (status == TRIT_OK) status = give(loader, TRIT_SIDE_CONFIG, part[CONFIG], err);
        if (status == TRIT_OK) status = give(loader, TRIT_SIDE_TOKENIZER, part[TOKENIZER], err);
        if (status == TRIT_OK && kind == INDEX)
            status = give(loader, TRIT_SIDE_INDEX, part[INDEX], err);
    }
    const buffer *bytes = part[kind < TENSORS ? kind : TENSORS];
    for (size_t at = 0; at < bytes->n && status == TRIT_OK; at += 1 << 16)
        status = trit_loader_push(loader, bytes->bytes + at,
                                  bytes->n - at < 1 << 16 ? bytes->n - at : 1 << 16, err);
    if (status == TRIT_OK) status = trit_loader_finish(loader, &model, err);
    trit_model_free(model);
    trit_loader_free(loader);
    return status;
}

/* Where memory may go for nodes of JSON: no more of them than commas and openings. */
static inline size_t nodes_of(const buffer *file)
{
    size_t n = 1;
    for (size_t i = 0; i < file->n; i++)
        n += file->bytes[i] == ',' || file->bytes[i] == '{' || file->bytes[i] == '[';
    return n;
}

/* WebAssembly's clock goes on while the machine does other work: the best of some tries counts. */
static inline trit_status timed(file_kind kind, const buffer *file, size_t *ms, trit_error *err)
{
    trit_status status = TRIT_OK;
    *ms = SIZE_MAX;
    for (int i = 0; i < 20 && *ms > MAX_MS; i++) {
        clock_t begin = clock();
        status = load_with(kind, file, err);
        size_t passed = (size_t)(clock() - begin) * 1000 / CLOCKS_PER_SEC;
        if (passed < *ms) *ms = passed;
    }
    return status;
}

static inline trit_status bounded(const char *what, file_kind kind, const buffer *file,
                                  trit_error *err)
{
    size_t allowed = MAX_EXTRA + file->n, before = peak = live, ms;
    trit_status status = timed(kind, file, &ms, err);
    size_t extra = peak - before;
    if (kind >= TENSORS)
        for (int i = TENSORS; i <= INDEX; i++)
            allowed += BYTES_A_NODE * nodes_of(i == (int)kind ? file : &good[i]) + good[i].n;
    else if (kind == PACKED) allowed += BYTES_A_NODE * nodes_of(file);
    if (ms > slowest_ms) slowest_ms = ms, snprintf(slowest_what, sizeof slowest_what, "%s", what);
    if (extra > file->n && extra - file->n > most_extra) {
        most_extra = extra - file->n;
        snprintf(most_what, sizeof most_what, "%s", what);
    }
    if (ms > MAX_MS || extra > allowed)
        fprintf(stderr, "%s: %zu ms, %zu bytes of memory for %zu\n", what, ms, extra, file->n);
    TRIT_CHECK(ms <= MAX_MS && extra <= allowed);
    return status;
}

static inline void refused(const char *what, file_kind kind, const buffer *file,
                           trit_status expected)
{
    trit_error err = {0};
    trit_status status = bounded(what, kind, file, &err);
    bool named = status < 0 && err.status == status && err.message[0] &&
                 !strchr(err.message, '\n') && strcmp(trit_status_name(status), "UNKNOWN") != 0;
    bool fits = named && status == expected;
    if (!fits)
        fprintf(stderr, "%s: %s, not %s: %s\n", what, trit_status_name(status),
                trit_status_name(expected), err.message);
    TRIT_CHECK(fits);
}

static inline size_t behind(const broken *b, const buffer *file)
{
    size_t n = strlen(b->after);
    for (size_t at = 0; at + n <= file->n; at++)
        if (memcmp(file->bytes + at, b->after, n) == 0) return at + n;
    fprintf(stderr, "%s, %s: no %s in the file\n", b->group, b->what, b->after);
    exit(1);
}

/* A JSON text with other bytes from `begin` to `end`. The header of a file of tensors gets its new length, that
 * of a packed one the spaces up to a multiple of 64. */
static inline buffer replaced(file_kind kind, size_t begin, size_t end, const char *bytes, size_t n)
{
    const buffer *from = &good[kind];
    bool tensors = kind == TENSORS || kind == PACKED;
    size_t n_text = tensors ? 8 + (size_t)(from->bytes[0] | from->bytes[1] << 8) : from->n,
           data = n_text;
    buffer out = {0};
    while (kind == PACKED && from->bytes[n_text - 1] == ' ') n_text--;
    append(&out, from->bytes, begin);
    append(&out, (const uint8_t *)bytes, n);
    append(&out, from->bytes + end, n_text - end);
    while (kind == PACKED && out.n % 64) append(&out, (const uint8_t *)" ", 1);
    if (!tensors) return out;
    out.bytes[0] = (uint8_t)(out.n - 8), out.bytes[1] = (uint8_t)((out.n - 8) >> 8);
    append(&out, from->bytes + data, from->n - data);
    return out;
}

#endif
