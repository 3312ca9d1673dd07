/* How an input of a fuzz target becomes files: whole texts of its own, or a good file with a few places
 * that are changed; and a loader that must answer them with a status or a model. */
#ifndef TRIT_FUZZ_INPUT_H
#define TRIT_FUZZ_INPUT_H

#include "unit/packed_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct {
    const uint8_t *data;
    size_t n;
} input;

/* The next bytes as a number; zeros when the input has ended. */
static inline uint32_t take(input *in, size_t n_bytes)
{
    uint32_t value = 0;
    for (size_t i = 0; i < n_bytes && in->n; i++, in->n--) value = value << 8 | *in->data++;
    return value;
}

/* A part of the input with its length in front, in a block of its own so that ASan sees a read past its
 * end. */
static inline buffer take_part(input *in)
{
    size_t n = take(in, 2);
    if (n > in->n) n = in->n;
    buffer part = {malloc(n + !n), n, n + !n};
    if (!part.bytes) abort();
    memcpy(part.bytes, in->data, n);
    in->data += n;
    in->n -= n;
    return part;
}

/* The rest: a whole file of the input's own when it says so, else a good file that is cut and has few
 * places with other bytes, as one that is wrong everywhere fails at its first. */
static inline buffer take_file(input *in, const buffer *good, size_t n_header)
{
    uint32_t how = take(in, 1);
    const buffer whole = {(uint8_t *)(uintptr_t)in->data, in->n, 0},
                 *from = how & 1 ? &whole : good;
    size_t n = from->n;
    if (how & 2) n = (how & 4 ? n_header : n) * take(in, 1) / 255;
    if (n > from->n) n = from->n;
    buffer file = {malloc(n + !n), n, n + !n};
    if (!file.bytes) abort();
    memcpy(file.bytes, from->bytes, n);
    if (how & 1) return file;
    for (uint32_t left = how >> 3 & 7; left && in->n && n; left--) {
        /* Nearly all decisions are made in the header. */
        uint32_t where = take(in, 3);
        size_t at = where & 0xfffff, n_edit = where & 0x400000 ? 8 : 1;
        if (n_header && !(where & 0x200000)) at %= n_header;
        for (at %= n; n_edit && at < n; n_edit--) file.bytes[at++] = (uint8_t)take(in, 1);
    }
    return file;
}

/* A failure has a name and one sentence. */
static inline trit_status checked(trit_status status, const trit_error *err)
{
    if (status >= 0) return status;
    if (err->status != status || !err->message[0] || strchr(err->message, '\n')) abort();
    if (strcmp(trit_status_name(status), "UNKNOWN") == 0) abort();
    return status;
}

/* Small pieces find what big ones hide, and take longer: after so many of them the rest comes in big ones. */
enum { MAX_SMALL = 4096, BIG = 997 };

/* What is pushed may be imported: the pieces of the source go on to its end, and the units of what it becomes. */
static inline void check_import(const trit_loader *loader)
{
    enum { MAX_UNITS = 512, MOST = 1 << 16 };
    static uint64_t ends[MAX_UNITS];
    trit_packer *packer = NULL;
    trit_error err = {0};
    trit_piece piece = {0};
    uint64_t n_bytes = 0, at = 0;
    if (checked(trit_loader_packer(loader, &packer, &n_bytes, &err), &err) != TRIT_OK) return;
    size_t n_units = trit_packer_units(packer, MOST, ends, MAX_UNITS);
    for (size_t i = 0; i < n_units && i < MAX_UNITS; i++) {
        if (ends[i] <= at || ends[i] - at > MOST || ends[i] > n_bytes) abort();
        trit_packer_has(packer, at, ends[i]);
        at = ends[i];
    }
    if (n_units <= MAX_UNITS && at != n_bytes) abort();
    for (at = 0; trit_packer_piece(packer, MOST, at, &piece); at = piece.source_end) {
        if (piece.source_end <= at) abort();
        for (int i = 0; i < 3; i++)
            if (piece.made[i].begin > piece.made[i].end || piece.made[i].end > n_bytes) abort();
    }
    trit_packer_free(packer);
}

static inline trit_status push_file(trit_loader *loader, const buffer *file, size_t piece)
{
    trit_error err = {0};
    trit_status status = TRIT_OK;
    size_t n;
    for (size_t at = 0, left = MAX_SMALL; status == TRIT_OK && at < file->n; at += n) {
        n = left || piece > BIG ? piece : BIG;
        if (n > file->n - at) n = file->n - at;
        if (left) left--;
        status = trit_loader_push(loader, file->bytes + at, n, &err);
    }
    if (status == TRIT_OK) check_import(loader);
    return checked(status, &err);
}

static inline trit_status give_side(trit_loader *loader, trit_side side, const buffer *text)
{
    trit_error err = {0};
    trit_status status = trit_loader_side(loader, side, (const char *)text->bytes, text->n, &err);
    return checked(status, &err);
}

static inline size_t piece_of(uint32_t byte) { return byte < 16 ? byte + 1 : byte * BIG; }

#endif
