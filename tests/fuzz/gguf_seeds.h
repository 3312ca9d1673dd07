/* Good GGUF files for the fuzzer, as small as their types of tensors let them be: time goes into what decides,
 * not into rows that are alike. Between them they have every type, both kinds of tokenizer and every key. */
#ifndef TRIT_GGUF_SEEDS_H
#define TRIT_GGUF_SEEDS_H

#include "unit/gguf_bytes.h"

typedef struct {
    const char *arch;
    bool sentencepiece;
    uint32_t dim, ffn_dim, head_dim;
    const gguf_tensor *tensors;
    int n_tensors;
} gguf_seed;

/* Rows of floats, and bytes of a whole tensor. */
#define F16(name, cols, rows) {name, 1, cols, rows, 2 * (cols) * (rows)}
#define NORM(name, n) {name, 0, n, 0, 4 * (n)}

/* Llama: no sub-norms, a head of its own, a scale beside a matrix, and I2_S nowhere. */
static const gguf_tensor float_tensors[] = {
    F16("token_embd.weight", 16, G_VOCAB),  {"output.weight", 30, 16, G_VOCAB, 32 * G_VOCAB},
    NORM("blk.0.attn_norm.weight", 16),     F16("blk.0.attn_q.weight", 16, 16),
    {"blk.0.attn_q.scale", 1, 1, 0, 2},     F16("blk.0.attn_k.weight", 16, 8),
    {"blk.0.attn_v.weight", 0, 16, 8, 512}, {"blk.0.attn_output.weight", 30, 16, 16, 512},
    NORM("blk.0.ffn_norm.weight", 16),      F16("blk.0.ffn_gate.weight", 16, 20),
    F16("blk.0.ffn_up.weight", 16, 20),     F16("blk.0.ffn_down.weight", 20, 16),
    NORM("output_norm.weight", 16),
};

static const gguf_tensor byte_tensors[] = {
    {"token_embd.weight", 8, 32, G_VOCAB, 34 * G_VOCAB},
    NORM("blk.0.attn_norm.weight", 32),
    F16("blk.0.attn_q.weight", 32, 32),
    F16("blk.0.attn_k.weight", 32, 16),
    F16("blk.0.attn_v.weight", 32, 16),
    {"blk.0.attn_sub_norm.weight", 1, 32, 0, 64},
    F16("blk.0.attn_output.weight", 32, 32),
    {"blk.0.ffn_norm.weight", 30, 32, 0, 64},
    F16("blk.0.ffn_gate.weight", 32, 20),
    F16("blk.0.ffn_up.weight", 32, 20),
    {"blk.0.ffn_sub_norm.weight", 1, 20, 0, 40},
    F16("blk.0.ffn_down.weight", 20, 32),
    NORM("output_norm.weight", 32),
};

/* Blocks of 256: the heads are small, so that few matrices have 256 rows. */
static const gguf_tensor block_tensors[] = {
    {"token_embd.weight", 14, 256, G_VOCAB, 210 * G_VOCAB},
    NORM("blk.0.attn_norm.weight", 256),
    {"blk.0.attn_q.weight", 34, 256, 8, 8 * 54},
    {"blk.0.attn_k.weight", 35, 256, 4, 4 * 66},
    {"blk.0.attn_v.weight", 36, 256, 4, 4 * 64 + 32},
    {"blk.0.attn_sub_norm.weight", 1, 8, 0, 16},
    F16("blk.0.attn_output.weight", 8, 256),
    NORM("blk.0.ffn_norm.weight", 256),
    {"blk.0.ffn_gate.weight", 35, 256, 16, 16 * 66},
    {"blk.0.ffn_up.weight", 31, 256, 16, 16 * 64 + 32},
    {"blk.0.ffn_sub_norm.weight", 1, 16, 0, 32},
    F16("blk.0.ffn_down.weight", 16, 256),
    NORM("output_norm.weight", 256),
};
#undef F16
#undef NORM

enum { G_SEEDS = 3, G_SEED_KEYS = 25 };
#define COUNT(list) (int)(sizeof(list) / sizeof *(list))
static const gguf_seed gguf_seeds[G_SEEDS] = {
    {"llama", true, 16, 20, 8, float_tensors, COUNT(float_tensors)},
    {"bitnet", false, 32, 20, 16, byte_tensors, COUNT(byte_tensors)},
    {"bitnet-b1.58", false, 256, 16, 4, block_tensors, COUNT(block_tensors)},
};
#undef COUNT

static inline const char *key_of(const char *arch, const char *name)
{
    static char key[128];
    snprintf(key, sizeof key, "%s.%s", arch, name);
    return key;
}

/* 256 tokens of bytes, the space, a letter, a merge of both and the end of text. */
static inline void put_pieces(buffer *b)
{
    char text[8];
    put_string(b, "tokenizer.ggml.model", "llama");
    put_key(b, "tokenizer.ggml.add_space_prefix", G_BOOL);
    put(b, "\1", 1);
    put_array(b, "tokenizer.ggml.tokens", G_STRING, G_VOCAB);
    for (unsigned i = 0; i < 256; i++) {
        snprintf(text, sizeof text, "<0x%02X>", i);
        put_text(b, text);
    }
    put_text(b, "\xe2\x96\x81");
    put_text(b, "a");
    put_text(b, "\xe2\x96\x81"
                "a");
    put_text(b, "</s>");
    put_array(b, "tokenizer.ggml.token_type", G_I32, G_VOCAB);
    for (unsigned i = 0; i < G_VOCAB; i++) put_u32(b, i < 256 ? 6 : i < 259 ? 1 : 3);
    put_array(b, "tokenizer.ggml.scores", G_F32, G_VOCAB);
    for (unsigned i = 0; i < G_VOCAB; i++) put(b, "\0\0\x80\xbf", 4);
    put_int(b, "tokenizer.ggml.bos_token_id", 259);
    put_int(b, "tokenizer.ggml.eos_token_id", 259);
    put_key(b, "tokenizer.ggml.add_bos_token", G_BOOL);
    put(b, "\0", 1);
}

static inline void put_seed_keys(buffer *b, const gguf_seed *s)
{
    static const char *const lengths[] = {"attention.key_length", "attention.value_length",
                                          "rope.dimension_count"};
    put_string(b, "general.architecture", s->arch);
    put_int(b, "general.alignment", 32);
    put_int(b, key_of(s->arch, "block_count"), 1);
    put_int(b, key_of(s->arch, "embedding_length"), s->dim);
    put_int(b, key_of(s->arch, "feed_forward_length"), s->ffn_dim);
    put_int(b, key_of(s->arch, "attention.head_count"), 2);
    put_int(b, key_of(s->arch, "attention.head_count_kv"), 1);
    put_int(b, key_of(s->arch, "context_length"), 64);
    put_int(b, key_of(s->arch, "vocab_size"), G_VOCAB);
    for (int i = 0; i < 3; i++) put_int(b, key_of(s->arch, lengths[i]), s->head_dim);
    put_float(b, key_of(s->arch, "attention.layer_norm_rms_epsilon"), 1e-5f);
    put_float(b, key_of(s->arch, "rope.freq_base"), 1e4f);
    put_string(b, key_of(s->arch, "rope.scaling.type"), "none");
    put_string(b, "tokenizer.chat_template", "{{ messages }}");
    put_string(b, "trit.card", "{\"name\":\"a test\"}");
    if (s->sentencepiece) put_pieces(b);
    else put_tokenizer(b);
}

/* Part `no` of `count`, or the only one; *data is where data begin. */
static inline buffer seed_part(const gguf_seed *s, uint32_t no, uint32_t count, size_t *data)
{
    int first = no ? s->n_tensors / 2 : 0, end = count > no + 1 ? s->n_tensors / 2 : s->n_tensors;
    buffer b = {0};
    put_head(&b, (uint64_t)(end - first), (no ? 0u : G_SEED_KEYS) + (count > 1 ? 3 : 0));
    if (no == 0) put_seed_keys(&b, s);
    if (count > 1) {
        put_key(&b, "split.no", G_U16);
        put(&b, &no, 2);
        put_key(&b, "split.count", G_U16);
        put(&b, &count, 2);
        put_key(&b, "split.tensors.count", G_I32);
        put_u32(&b, (uint32_t)s->n_tensors);
    }
    put_list(&b, s->tensors + first, end - first, data);
    return b;
}

#endif
