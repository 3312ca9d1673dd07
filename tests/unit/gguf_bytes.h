/* GGUF files as bytes in memory: a small model that has every type of tensor. */
#ifndef TRIT_GGUF_BYTES_H
#define TRIT_GGUF_BYTES_H

#include "packed_bytes.h"

enum {
    G_U16 = 2, /* types of values */
    G_U32 = 4,
    G_I32 = 5,
    G_F32 = 6,
    G_BOOL = 7,
    G_STRING = 8,
    G_ARRAY = 9,
    G_U64 = 10,
    G_VOCAB = 260,
    G_DIM = 256,
    G_KV = 128, /* rows of k and v */
    G_TENSORS = 14,
    G_KEYS = 19
};

static inline void put(buffer *b, const void *bytes, size_t n) { append(b, bytes, n); }
static inline void put_u32(buffer *b, uint32_t v) { put(b, &v, sizeof v); }
static inline void put_u64(buffer *b, uint64_t v) { put(b, &v, sizeof v); }
static inline void put_text(buffer *b, const char *text)
{
    put_u64(b, strlen(text));
    put(b, text, strlen(text));
}
static inline void put_head(buffer *b, uint64_t n_tensors, uint64_t n_pairs)
{
    put(b, "GGUF", 4);
    put_u32(b, 3);
    put_u64(b, n_tensors);
    put_u64(b, n_pairs);
}
static inline void put_key(buffer *b, const char *key, uint32_t type)
{
    put_text(b, key);
    put_u32(b, type);
}
static inline void put_int(buffer *b, const char *key, uint32_t v)
{
    put_key(b, key, G_U32);
    put_u32(b, v);
}
static inline void put_float(buffer *b, const char *key, float v)
{
    put_key(b, key, G_F32);
    put(b, &v, sizeof v);
}
static inline void put_string(buffer *b, const char *key, const char *text)
{
    put_key(b, key, G_STRING);
    put_text(b, text);
}
static inline void put_array(buffer *b, const char *key, uint32_t type, uint64_t n)
{
    put_key(b, key, G_ARRAY);
    put_u32(b, type);
    put_u64(b, n);
}
/* Columns come first; rows 0 = a vector. */
static inline void put_tensor(buffer *b, const char *name, uint32_t type, uint64_t cols,
                              uint64_t rows, uint64_t offset)
{
    put_text(b, name);
    put_u32(b, rows ? 2 : 1);
    put_u64(b, cols);
    if (rows) put_u64(b, rows);
    put_u32(b, type);
    put_u64(b, offset);
}

/* The spelling of a byte: printable ASCII as it is, the others as U+0100 and on. */
static inline void put_byte_token(buffer *b, unsigned byte)
{
    static const char *const first = "!", *const last = "~";
    unsigned n_before = byte < 33 ? byte : byte < 161 ? byte - 94 : 67;
    bool latin = byte >= 161 && byte != 173,
         prints = latin || (byte >= (unsigned)*first && byte <= (unsigned)*last);
    unsigned point = prints ? byte : 256 + n_before;
    char text[3] = {(char)byte, 0, 0};
    if (point >= 128) {
        text[0] = (char)(0xc0 | point >> 6);
        text[1] = (char)(0x80 | (point & 63));
    }
    put_text(b, text);
}

static inline void put_tokenizer(buffer *b)
{
    put_string(b, "tokenizer.ggml.model", "gpt2");
    put_string(b, "tokenizer.ggml.pre", "llama-bpe");
    put_array(b, "tokenizer.ggml.tokens", G_STRING, G_VOCAB);
    for (unsigned i = 0; i < 256; i++) put_byte_token(b, i);
    put_text(b, "ab");
    put_text(b, "<|bos|>");
    put_text(b, "<|eot_id|>");
    put_text(b, "[PAD259]");
    put_array(b, "tokenizer.ggml.token_type", G_I32, G_VOCAB);
    for (unsigned i = 0; i < G_VOCAB; i++) put_u32(b, i < 257 ? 1 : i < 259 ? 3 : 4);
    put_array(b, "tokenizer.ggml.merges", G_STRING, 1);
    put_text(b, "a b");
    put_int(b, "tokenizer.ggml.bos_token_id", 257);
    put_int(b, "tokenizer.ggml.eos_token_id", 258);
    put_key(b, "tokenizer.ggml.add_bos_token", G_BOOL);
    put(b, "\1", 1);
}

typedef struct {
    const char *name;
    uint32_t type, cols, rows;
    size_t n_bytes;
} gguf_tensor;

static const gguf_tensor gguf_tensors[G_TENSORS] = {
    {"token_embd.weight", 8, G_DIM, G_VOCAB, G_VOCAB * 272},
    {"output.weight", 14, G_DIM, G_VOCAB, G_VOCAB * 210},
    {"blk.0.attn_norm.weight", 0, G_DIM, 0, G_DIM * 4},
    {"blk.0.attn_q.weight", 34, G_DIM, G_DIM, G_DIM * 54},
    {"blk.0.attn_k.weight", 35, G_DIM, G_KV, G_KV * 66},
    {"blk.0.attn_v.weight", 36, G_DIM, G_KV, G_KV * 64 + 32},
    {"blk.0.attn_sub_norm.weight", 1, G_DIM, 0, G_DIM * 2},
    {"blk.0.attn_output.weight", 1, G_DIM, G_DIM, G_DIM * 512},
    {"blk.0.ffn_norm.weight", 30, G_DIM, 0, G_DIM * 2},
    {"blk.0.ffn_gate.weight", 35, G_DIM, G_DIM, G_DIM * 66},
    {"blk.0.ffn_up.weight", 31, G_DIM, G_DIM, G_DIM * 64 + 32},
    {"blk.0.ffn_sub_norm.weight", 1, G_DIM, 0, G_DIM * 2},
    {"blk.0.ffn_down.weight", 34, G_DIM, G_DIM, G_DIM * 54},
    {"output_norm.weight", 0, G_DIM, 0, G_DIM * 4},
};

/* Bytes that are fine as codes and as numbers of any type here, with scales of 2^-6 where there is one. */
static inline void put_data(buffer *b, const gguf_tensor *t)
{
    static const float scale = 0.015625f;
    size_t begin = b->n, block = t->type == 34   ? 54
                                 : t->type == 35 ? 66
                                 : t->type == 14 ? 210
                                 : t->type == 8  ? 34
                                                 : 0;
    for (size_t i = 0; i < t->n_bytes; i++)
        put(b, t->type == 0 || t->type == 30 ? "\0" : "\x24", 1);
    uint8_t *p = b->bytes + begin;
    for (size_t i = 0; t->type == 1 && i < t->n_bytes; i += 2) memcpy(p + i, "\0\x24", 2);
    for (size_t at = 0; block && at < t->n_bytes; at += block) {
        if (t->type == 34) memset(p + at, 0x80, 48), memset(p + at + 48, 0, 4);
        memcpy(p + at + (t->type == 8 ? 0 : block - 2), "\0\x24", 2);
    }
    if (t->type == 31 || t->type == 36) memcpy(p + t->n_bytes - 32, &scale, sizeof scale);
    while (b->n % 32) put(b, "", 1);
}

static inline void put_model(buffer *b)
{
    put_string(b, "general.architecture", "bitnet");
    put_int(b, "general.alignment", 32);
    put_string(b, "bitnet.hidden_activation", "relu2");
    put_int(b, "bitnet.block_count", 1);
    put_int(b, "bitnet.embedding_length", G_DIM);
    put_int(b, "bitnet.feed_forward_length", G_DIM);
    put_int(b, "bitnet.attention.head_count", 2);
    put_int(b, "bitnet.attention.head_count_kv", 1);
    put_int(b, "bitnet.context_length", 64);
    put_float(b, "bitnet.attention.layer_norm_rms_epsilon", 1e-5f);
    put_float(b, "bitnet.rope.freq_base", 1e4f);
    put_tokenizer(b);
}

/* Places of tensors, padding, their data; *data is where data begin. */
static inline void put_list(buffer *b, const gguf_tensor *tensors, int n, size_t *data)
{
    size_t offset = 0;
    for (int i = 0; i < n; i++) {
        const gguf_tensor *t = &tensors[i];
        put_tensor(b, t->name, t->type, t->cols, t->rows, offset);
        offset += (t->n_bytes + 31) / 32 * 32;
    }
    while (b->n % 32) put(b, "", 1);
    *data = b->n;
    for (int i = 0; i < n; i++) put_data(b, &tensors[i]);
}

/* Those of the small model from `first` up to `end`. */
static inline void put_tensors(buffer *b, int first, int end, size_t *data)
{
    put_list(b, gguf_tensors + first, end - first, data);
}

/* The header ends where the first byte of padding or data stands; *data is where data begin. */
static inline buffer small_gguf(size_t *data)
{
    buffer b = {0};
    put_head(&b, G_TENSORS, G_KEYS);
    put_model(&b);
    put_tensors(&b, 0, G_TENSORS, data);
    return b;
}

/* Part `no` of `count`, with tensors from `first` up to `end` of `total`, as llama-gguf-split cuts them. */
static inline buffer gguf_part(uint32_t no, uint32_t count, int first, int end, uint32_t total)
{
    buffer b = {0};
    size_t data;
    put_head(&b, (uint64_t)(end - first), 3 + (no ? 0 : G_KEYS));
    if (no == 0) put_model(&b);
    put_key(&b, "split.no", G_U16);
    put(&b, &no, 2);
    put_key(&b, "split.count", G_U16);
    put(&b, &count, 2);
    put_key(&b, "split.tensors.count", G_I32);
    put_u32(&b, total);
    put_tensors(&b, first, end, &data);
    return b;
}

#endif
