/* A file on its way to the receiver of a trit_sink: small pieces are gathered, and after the first failure
 * nothing more is written, so that only the end must be looked at. */
#ifndef TRIT_OUT_H
#define TRIT_OUT_H

#include "base.h"

typedef struct {
    trit_sink *sink; /* NULL only counts */
    void *ctx;
    trit_error *err;
    uint8_t *pending;
    size_t n_pending;
    uint64_t n_bytes; /* written so far, what is pending counted */
    trit_status status;
} tritx_out;

/* OOM. */
trit_status tritx_out_begin(tritx_out *out, trit_sink *sink, void *ctx, trit_error *err);
void tritx_out_bytes(tritx_out *out, const void *bytes, size_t n_bytes);
void tritx_out_zeros(tritx_out *out, size_t n_bytes);
void tritx_out_u32(tritx_out *out, uint32_t value); /* little-endian, as all that follows */
void tritx_out_u64(tritx_out *out, uint64_t value);
void tritx_out_f32(tritx_out *out, float value);
/* As printf, at most 255 bytes. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
tritx_out_format(tritx_out *out, const char *format, ...);
/* A JSON string of UTF-8, and what stands between its quotes. */
void tritx_out_json(tritx_out *out, const char *text, size_t n_bytes);
void tritx_out_json_part(tritx_out *out, const char *text, size_t n_bytes);
/* What is pending too. ABORTED, or what failed before. */
trit_status tritx_out_flush(tritx_out *out);
void tritx_out_end(tritx_out *out); /* frees what begin allocated */

#endif
