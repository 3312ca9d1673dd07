/* A hash of 64 bits that finds damage: a change of any one word always changes it. No shield against forgery. */
#ifndef TRIT_HASH_H
#define TRIT_HASH_H

#include "base.h"

#define TRITX_HASH_BEGIN 14695981039346656037u

/* FNV-1a over 32-bit words, which is fast enough for a KV cache, then over the bytes that are left. */
static inline uint64_t tritx_hash(uint64_t hash, const void *data, size_t n_bytes)
{
    const uint64_t prime = 1099511628211u;
    const uint8_t *p = data;
    for (; n_bytes >= 4; n_bytes -= 4, p += 4) hash = (hash ^ tritx_load_u32(p)) * prime;
    for (; n_bytes; n_bytes--) hash = (hash ^ *p++) * prime;
    return hash;
}

#endif
