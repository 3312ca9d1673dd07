/* SHA-256. Source: FIPS 180-4, sections 4.1.2, 4.2.2, 5 and 6.2. */
#include "base.h"

enum { BLOCK = 64, ROUNDS = 64 };

/* The first 32 bits of the fractions of the cube roots of the first 64 primes (section 4.2.2). */
static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void trit_sha256_begin(trit_sha256 *sha)
{
    *sha = (trit_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                   0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static uint32_t load_big(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_big(uint8_t *p, uint32_t x)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(x >> (24 - 8 * i));
}

/* Section 6.2.2, of which the letters are. */
static void take_block(uint32_t *state, const uint8_t *block)
{
    uint32_t w[ROUNDS];
    for (int t = 0; t < 16; t++) w[t] = load_big(block + 4 * t);
    for (int t = 16; t < ROUNDS; t++) {
        uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3,
                 s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5],
             g = state[6], h = state[7];
    for (int t = 0; t < ROUNDS; t++) {
        uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25),
                 t1 = h + sum1 + ((e & f) ^ (~e & g)) + constants[t] + w[t],
                 sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22),
                 t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    uint32_t letters[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) state[i] += letters[i];
}

void trit_sha256_push(trit_sha256 *sha, const void *bytes, size_t n_bytes)
{
    const uint8_t *p = bytes;
    size_t filled = (size_t)(sha->n_bytes % BLOCK);
    sha->n_bytes += n_bytes;
    if (filled) {
        size_t n = BLOCK - filled < n_bytes ? BLOCK - filled : n_bytes;
        memcpy(sha->block + filled, p, n);
        if (filled + n < BLOCK) return;
        take_block(sha->state, sha->block);
        p += n;
        n_bytes -= n;
    }
    for (; n_bytes >= BLOCK; p += BLOCK, n_bytes -= BLOCK) take_block(sha->state, p);
    if (n_bytes) memcpy(sha->block, p, n_bytes);
}

void trit_sha256_end(trit_sha256 *sha, uint8_t digest[32])
{
    static const uint8_t padding[BLOCK] = {0x80};
    uint8_t length[8];
    uint64_t n_bits = sha->n_bytes * 8;
    size_t filled = (size_t)(sha->n_bytes % BLOCK);
    store_big(length, (uint32_t)(n_bits >> 32));
    store_big(length + 4, (uint32_t)n_bits);
    trit_sha256_push(sha, padding,
                     filled < BLOCK - 8 ? BLOCK - 8 - filled : 2 * BLOCK - 8 - filled);
    trit_sha256_push(sha, length, sizeof length);
    for (int i = 0; i < 8; i++) store_big(digest + 4 * i, sha->state[i]);
}
