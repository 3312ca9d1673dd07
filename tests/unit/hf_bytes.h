/* A Hugging Face model of one layer in memory: side files and the bytes of safetensors files, every
 * number of which a test can spoil first. */
#ifndef TRIT_HF_BYTES_H
#define TRIT_HF_BYTES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trit.h"

enum { HF_DIM = 16, HF_FFN = 20, HF_VOCAB = 258, HF_TENSORS = 20, HF_FILE = 16384, HF_TEXT = 8192 };

typedef struct {
    const char *name, *dtype;
    int rows, cols; /* cols 0: one dimension */
    uint8_t byte;   /* what the data are filled with */
} hf_tensor;

/* 0x55 are four zeros; 0x3c3c is 0.01 as a bf16 and 1.06 as an f16. */
#define HF_LINEAR(name, rows, cols)                                                                \
    {"model.layers.0." name ".weight", "U8", (rows) / 4, (cols), 0x55},                            \
        {"model.layers.0." name ".weight_scale", "BF16", 1, 0, 0x3c}
static const hf_tensor hf_tensors[HF_TENSORS] = {
    {"model.embed_tokens.weight", "BF16", HF_VOCAB, HF_DIM, 0x3c},
    HF_LINEAR("mlp.down_proj", HF_DIM, HF_FFN),
    HF_LINEAR("mlp.gate_proj", HF_FFN, HF_DIM),
    HF_LINEAR("mlp.up_proj", HF_FFN, HF_DIM),
    HF_LINEAR("self_attn.q_proj", 16, HF_DIM),
    HF_LINEAR("self_attn.k_proj", 8, HF_DIM),
    HF_LINEAR("self_attn.v_proj", 8, HF_DIM),
    HF_LINEAR("self_attn.o_proj", HF_DIM, 16),
    {"model.layers.0.input_layernorm.weight", "F32", HF_DIM, 0, 0x3c},
    {"model.layers.0.self_attn.attn_sub_norm.weight", "F32", 16, 0, 0x3c},
    {"model.layers.0.post_attention_layernorm.weight", "F32", HF_DIM, 0, 0x3c},
    {"model.layers.0.mlp.ffn_sub_norm.weight", "F32", HF_FFN, 0, 0x3c},
    {"model.norm.weight", "BF16", HF_DIM, 0, 0x3c},
};
#undef HF_LINEAR

/* The same as masters, of every type that floats come in. */
enum { HF_MASTERS = 13 };
static const hf_tensor hf_masters[HF_MASTERS] = {
    {"model.embed_tokens.weight", "F16", HF_VOCAB, HF_DIM, 0x3c},
    {"model.layers.0.mlp.down_proj.weight", "BF16", HF_DIM, HF_FFN, 0x3c},
    {"model.layers.0.mlp.gate_proj.weight", "F16", HF_FFN, HF_DIM, 0x3c},
    {"model.layers.0.mlp.up_proj.weight", "F32", HF_FFN, HF_DIM, 0x3c},
    {"model.layers.0.self_attn.q_proj.weight", "BF16", 16, HF_DIM, 0x3c},
    {"model.layers.0.self_attn.k_proj.weight", "BF16", 8, HF_DIM, 0x3c},
    {"model.layers.0.self_attn.v_proj.weight", "BF16", 8, HF_DIM, 0},
    {"model.layers.0.self_attn.o_proj.weight", "BF16", HF_DIM, 16, 0x3c},
    {"model.layers.0.input_layernorm.weight", "F16", HF_DIM, 0, 0x3c},
    {"model.layers.0.self_attn.inner_attn_ln.weight", "BF16", 16, 0, 0x3c},
    {"model.layers.0.post_attention_layernorm.weight", "F32", HF_DIM, 0, 0x3c},
    {"model.layers.0.mlp.ffn_layernorm.weight", "BF16", HF_FFN, 0, 0x3c},
    {"model.norm.weight", "BF16", HF_DIM, 0, 0x3c},
};

static inline size_t hf_bytes(const hf_tensor *t)
{
    size_t width = strcmp(t->dtype + 1, "8") == 0 ? 1 : strcmp(t->dtype, "F32") == 0 ? 4 : 2;
    return width * (size_t)t->rows * (size_t)(t->cols ? t->cols : 1);
}

/* Tensors first, first + step, ... of n as a file of at most HF_FILE bytes; returns its length. */
static inline size_t hf_write_list(uint8_t *out, const hf_tensor *tensors, int n_tensors, int first,
                                   int step)
{
    char *json = (char *)out + 8;
    size_t n = (size_t)sprintf(json, "{"), end = 0;
    for (int i = first; i < n_tensors; i += step) {
        const hf_tensor *t = &tensors[i];
        n += (size_t)sprintf(json + n, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%d", n > 1 ? "," : "",
                             t->name, t->dtype, t->rows);
        if (t->cols) n += (size_t)sprintf(json + n, ",%d", t->cols);
        n += (size_t)sprintf(json + n, "],\"data_offsets\":[%zu,%zu]}", end, end + hf_bytes(t));
        end += hf_bytes(t);
    }
    n += (size_t)sprintf(json + n, "}");
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)((uint64_t)n >> 8 * i);
    n += 8;
    for (int i = first; i < n_tensors; i += step) {
        memset(out + n, tensors[i].byte, hf_bytes(&tensors[i]));
        n += hf_bytes(&tensors[i]);
    }
    return n;
}

static inline size_t hf_write(uint8_t *out, const hf_tensor *tensors, int first, int step)
{
    return hf_write_list(out, tensors, HF_TENSORS, first, step);
}

static inline const char *hf_shard(int i)
{
    return i ? "model-00002-of-00002.safetensors" : "model-00001-of-00002.safetensors";
}

/* The index of two shards that have every other tensor. */
static inline size_t hf_index(char *out)
{
    size_t n = (size_t)sprintf(out, "{\"metadata\":{\"total_size\":9},\"weight_map\":{");
    for (int i = 0; i < HF_TENSORS; i++)
        n += (size_t)sprintf(out + n, "%s\"%s\":\"%s\"", i ? "," : "", hf_tensors[i].name,
                             hf_shard(i % 2));
    return n + (size_t)sprintf(out + n, "}}");
}

/* `quantization`: the value of quantization_config, NULL for none. */
static inline size_t hf_config(char *out, const char *quantization)
{
    return (size_t)sprintf(
        out,
        "{\"model_type\":\"bitnet\",\"num_hidden_layers\":1,\"hidden_size\":%d,"
        "\"intermediate_size\":%d,\"num_attention_heads\":2,\"num_key_value_heads\":1,"
        "\"vocab_size\":%d,\"max_position_embeddings\":20,\"hidden_act\":\"silu\","
        "\"rms_norm_eps\":1e-05,\"rope_theta\":10000.0,\"tie_word_embeddings\":true%s%s}",
        HF_DIM, HF_FFN, HF_VOCAB, quantization ? ",\"quantization_config\":" : "",
        quantization ? quantization : "");
}

/* 256 bytes and two special tokens. */
static inline size_t hf_tokenizer(char *out)
{
    size_t n = (size_t)sprintf(
        out,
        "{\"added_tokens\":[{\"id\":256,\"content\":\"<|a|>\",\"special\":true},"
        "{\"id\":257,\"content\":\"<|b|>\",\"special\":true}],\"normalizer\":null,"
        "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
        "\"pattern\":{\"Regex\":\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
        "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| "
        "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},"
        "\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","
        "\"add_prefix_space\":false,\"use_regex\":false}]},\"post_processor\":null,"
        "\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{");
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool prints = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
        n += (size_t)sprintf(out + n, "%s\"\\u%04x\":%u", byte ? "," : "", prints ? byte : next++,
                             byte);
    }
    return n + (size_t)sprintf(out + n, "},\"merges\":[],\"ignore_merges\":true}}");
}

/* SentencePiece's: the tokens of the bytes, but for the space and two letters, which are ordinary ones,
 * a special token and a merge. */
static inline size_t hf_sentencepiece(char *out)
{
    static const char head[] =
        "{\"added_tokens\":[{\"id\":256,\"content\":\"<s>\",\"special\":true}],"
        "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"
        "\"\\u2581\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":"
        "\"\\u2581\"}]},\"pre_tokenizer\":null,\"decoder\":{\"type\":\"Sequence\",\"decoders\":["
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\\u2581\"},\"content\":\" \"},"
        "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
        "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]},"
        "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
        "\"<s>\"}},{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"<s>\":{\"ids\":[256]}}},"
        "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<s>\",\"byte_fallback\":true,\"vocab\":{";
    size_t n = (size_t)sprintf(out, "%s", head);
    for (unsigned byte = 0; byte < 256; byte++) {
        if (byte == ' ') n += (size_t)sprintf(out + n, "\"\\u2581\":%u,", byte);
        else if (byte == 'a' || byte == 'b')
            n += (size_t)sprintf(out + n, "\"%c\":%u,", byte, byte);
        else n += (size_t)sprintf(out + n, "\"<0x%02X>\":%u,", byte, byte);
    }
    return n + (size_t)sprintf(out + n, "\"<s>\":256,\"\\u2581a\":257},"
                                        "\"merges\":[\"\\u2581 a\"]}}");
}

static const char *const hf_multiply =
    "{\"quant_method\":\"bitnet\",\"linear_class\":\"autobitlinear\","
    "\"quantization_mode\":\"offline\"}";
static const char *const hf_divide = "{\"quant_method\":\"bitnet\"}";

/* A loader that waits for the tensors, or the status of the side file that it refuses. `index` may be
 * NULL. */
static inline trit_status hf_loader(trit_loader **loader, const char *quantization,
                                    const char *index, trit_error *err)
{
    static char text[HF_TEXT];
    trit_status status = trit_loader_new(loader, TRIT_HEAD_AS_IS, NULL, err);
    if (status == TRIT_OK)
        status =
            trit_loader_side(*loader, TRIT_SIDE_CONFIG, text, hf_config(text, quantization), err);
    if (status == TRIT_OK)
        status = trit_loader_side(*loader, TRIT_SIDE_TOKENIZER, text, hf_tokenizer(text), err);
    if (status == TRIT_OK && index)
        status = trit_loader_side(*loader, TRIT_SIDE_INDEX, index, strlen(index), err);
    return status;
}

#endif
