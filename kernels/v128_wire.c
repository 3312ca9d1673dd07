/* SIMD128: from the packed file's bytes to codes. */
#include "kernels.h"
#include "scalar.h"
#include "v128.h"
#include "v128_table.h"

enum { LANES = 16 };

/* Thresholds of a byte less 128, which is what a signed comparison sees: the code is how many of 86 and
 * 171 the byte reaches, as code = 3 * byte >> 8; and a rest of 243 is none (tritx_wire_byte).
 * volatile: see v128_table.h. */
static volatile const int8_t bias = -128, below_1 = 85 - 128, below_2 = 170 - 128,
                             largest_rest = 242 - 128;
static volatile const uint8_t even = 0xfe;

typedef struct {
    v128 bias, below_1, below_2, largest_rest, even, zero;
} constants;

/* In two steps and by a mask that the compiler does not know: it would make a product of it, which
 * bytes have not, and take the vector apart. */
static inline v128 triple(v128 a, v128 even_mask)
{
    return v_add_i8(v_and(v_shl_u16(a, 1), even_mask), a);
}

/* 16 bytes to five times 16 codes. The bias of 128 stays: 3 * 128 is 128 in a byte. Returns lanes that
 * are not 0 for bad bytes. */
static inline v128 decode(uint8_t *codes, size_t stride, const uint8_t *wire, const constants *c)
{
    v128 rest = v_xor(v_load(wire), c->bias);
    for (int i = 0; i < 5; i++, codes += stride) {
        v128 code = v_sub_i8(c->zero, v_gt_i8(rest, c->below_1));
        v_store(codes, v_sub_i8(code, v_gt_i8(rest, c->below_2)));
        rest = triple(rest, c->even);
    }
    return v_gt_i8(rest, c->largest_rest);
}

bool tritx_wire_decode__v128(uint8_t *restrict codes, const uint8_t *restrict wire, int cols)
{
    const constants c = {v_splat_u8((uint8_t)bias),
                         v_splat_u8((uint8_t)below_1),
                         v_splat_u8((uint8_t)below_2),
                         v_splat_u8((uint8_t)largest_rest),
                         v_splat_u8(even),
                         v_splat_u8(0)};
    size_t n = trit_wire_bytes((size_t)cols);
    bool good = true;
    if (n < LANES) {
        for (size_t j = 0; j < n; j++) good &= tritx_wire_byte(codes + j, n, wire[j]);
    } else {
        v128 bad = c.zero;
        TRIT_KEEP_LOOP
        for (size_t j = 0; j + LANES <= n; j += LANES)
            bad = v_or(bad, decode(codes + j, n, wire + j, &c));
        bad = v_or(bad, decode(codes + n - LANES, n, wire + n - LANES, &c)); /* some of it again */
        good = !v_any(bad);
    }
    return tritx_wire_end(codes, (size_t)cols, 5 * n, trit_t2_cols((size_t)cols)) && good;
}
