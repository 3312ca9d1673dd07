#include "out.h"

#include <stdlib.h>

/* Rows are small, and each call of the sink may be one of the system. */
enum { PENDING_BYTES = 1 << 18 };

trit_status tritx_out_begin(tritx_out *out, trit_sink *sink, void *ctx, trit_error *err)
{
    *out = (tritx_out){.sink = sink, .ctx = ctx, .err = err};
    if (!sink) return TRIT_OK;
    out->pending = malloc(PENDING_BYTES);
    return out->pending ? TRIT_OK : tritx_fail(err, TRIT_OOM, 0, "no memory to write");
}

void tritx_out_end(tritx_out *out)
{
    free(out->pending);
    out->pending = NULL;
}

trit_status tritx_out_flush(tritx_out *out)
{
    if (out->status == TRIT_OK && out->n_pending &&
        out->sink(out->ctx, out->pending, out->n_pending) != 0)
        out->status = tritx_fail(out->err, TRIT_ABORTED, 0, "the receiver of the file stopped");
    out->n_pending = 0;
    return out->status;
}

void tritx_out_bytes(tritx_out *out, const void *bytes, size_t n_bytes)
{
    out->n_bytes += n_bytes;
    if (!out->sink) return;
    for (const uint8_t *p = bytes; n_bytes && out->status == TRIT_OK;) {
        size_t room = PENDING_BYTES - out->n_pending, n = n_bytes < room ? n_bytes : room;
        memcpy(out->pending + out->n_pending, p, n);
        out->n_pending += n;
        p += n;
        n_bytes -= n;
        if (out->n_pending == PENDING_BYTES) (void)tritx_out_flush(out);
    }
}

void tritx_out_zeros(tritx_out *out, size_t n_bytes)
{
    static const uint8_t zeros[64];
    for (size_t n; n_bytes; n_bytes -= n) {
        n = n_bytes < sizeof zeros ? n_bytes : sizeof zeros;
        tritx_out_bytes(out, zeros, n);
    }
}

void tritx_out_u32(tritx_out *out, uint32_t value)
{
    uint8_t bytes[4];
    tritx_store_u32(bytes, value);
    tritx_out_bytes(out, bytes, sizeof bytes);
}

void tritx_out_u64(tritx_out *out, uint64_t value)
{
    tritx_out_u32(out, (uint32_t)value);
    tritx_out_u32(out, (uint32_t)(value >> 32));
}

void tritx_out_f32(tritx_out *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    tritx_out_u32(out, bits);
}

void tritx_out_format(tritx_out *out, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    tritx_out_bytes(out, text, tritx_format_list(text, sizeof text, format, args));
    va_end(args);
}

void tritx_out_json_part(tritx_out *out, const char *text, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        if ((unsigned char)text[i] < 0x20) {
            tritx_out_format(out, "\\u%04x", (unsigned)text[i]);
            continue;
        }
        if (text[i] == '"' || text[i] == '\\') tritx_out_bytes(out, "\\", 1);
        tritx_out_bytes(out, text + i, 1);
    }
}

void tritx_out_json(tritx_out *out, const char *text, size_t n_bytes)
{
    tritx_out_bytes(out, "\"", 1);
    tritx_out_json_part(out, text, n_bytes);
    tritx_out_bytes(out, "\"", 1);
}
