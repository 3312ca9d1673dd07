/* Tensor names of each source as tables. */
#include "model.h"

static const char *const packed_names[TRIT_SLOT_COUNT] = {
    [TRIT_SLOT_TOKENIZER_ENDS] = "tokenizer.ends",
    [TRIT_SLOT_TOKENIZER_BYTES] = "tokenizer.bytes",
    [TRIT_SLOT_TOKENIZER_SPECIAL] = "tokenizer.special",
    [TRIT_SLOT_TOKENIZER_MERGES] = "tokenizer.merges",
    [TRIT_SLOT_TOKENIZER_FLAGS] = "tokenizer.flags",
    [TRIT_SLOT_EMBED] = "embed",
    [TRIT_SLOT_EMBED_SCALE] = "embed.scale",
    [TRIT_SLOT_EMBED_SUM] = "embed.sum",
    [TRIT_SLOT_ATTN_NORM] = "attn_norm",
    [TRIT_SLOT_Q] = "q",
    [TRIT_SLOT_Q_SCALE] = "q.scale",
    [TRIT_SLOT_K] = "k",
    [TRIT_SLOT_K_SCALE] = "k.scale",
    [TRIT_SLOT_V] = "v",
    [TRIT_SLOT_V_SCALE] = "v.scale",
    [TRIT_SLOT_ATTN_SUB_NORM] = "attn_sub_norm",
    [TRIT_SLOT_O] = "o",
    [TRIT_SLOT_O_SCALE] = "o.scale",
    [TRIT_SLOT_FFN_NORM] = "ffn_norm",
    [TRIT_SLOT_GATE] = "gate",
    [TRIT_SLOT_GATE_SCALE] = "gate.scale",
    [TRIT_SLOT_UP] = "up",
    [TRIT_SLOT_UP_SCALE] = "up.scale",
    [TRIT_SLOT_FFN_SUB_NORM] = "ffn_sub_norm",
    [TRIT_SLOT_DOWN] = "down",
    [TRIT_SLOT_DOWN_SCALE] = "down.scale",
    [TRIT_SLOT_NORM] = "norm",
    [TRIT_SLOT_HEAD] = "head",
    [TRIT_SLOT_HEAD_SCALE] = "head.scale",
    [TRIT_SLOT_HEAD_SUM] = "head.sum",
};

/* classes BitNetForCausalLM and LlamaForCausalLM (Hugging Face transformers) */
static const char *const hf_names[TRIT_SLOT_COUNT] = {
    [TRIT_SLOT_EMBED] = "model.embed_tokens.weight",
    [TRIT_SLOT_ATTN_NORM] = "input_layernorm.weight",
    [TRIT_SLOT_Q] = "self_attn.q_proj.weight",
    [TRIT_SLOT_Q_SCALE] = "self_attn.q_proj.weight_scale",
    [TRIT_SLOT_K] = "self_attn.k_proj.weight",
    [TRIT_SLOT_K_SCALE] = "self_attn.k_proj.weight_scale",
    [TRIT_SLOT_V] = "self_attn.v_proj.weight",
    [TRIT_SLOT_V_SCALE] = "self_attn.v_proj.weight_scale",
    [TRIT_SLOT_ATTN_SUB_NORM] = "self_attn.attn_sub_norm.weight",
    [TRIT_SLOT_O] = "self_attn.o_proj.weight",
    [TRIT_SLOT_O_SCALE] = "self_attn.o_proj.weight_scale",
    [TRIT_SLOT_FFN_NORM] = "post_attention_layernorm.weight",
    [TRIT_SLOT_GATE] = "mlp.gate_proj.weight",
    [TRIT_SLOT_GATE_SCALE] = "mlp.gate_proj.weight_scale",
    [TRIT_SLOT_UP] = "mlp.up_proj.weight",
    [TRIT_SLOT_UP_SCALE] = "mlp.up_proj.weight_scale",
    [TRIT_SLOT_FFN_SUB_NORM] = "mlp.ffn_sub_norm.weight",
    [TRIT_SLOT_DOWN] = "mlp.down_proj.weight",
    [TRIT_SLOT_DOWN_SCALE] = "mlp.down_proj.weight_scale",
    [TRIT_SLOT_NORM] = "model.norm.weight",
    [TRIT_SLOT_HEAD] = "lm_head.weight",
};

/* bitnet_b1_58-large and -3B have other names for two */
static const char *const hf_other_names[TRIT_SLOT_COUNT] = {
    [TRIT_SLOT_ATTN_SUB_NORM] = "self_attn.inner_attn_ln.weight",
    [TRIT_SLOT_FFN_SUB_NORM] = "mlp.ffn_layernorm.weight",
};

/* llama.cpp, LLM_TENSOR_NAMES; the sub-norms are those of its `bitnet` */
static const char *const gguf_names[TRIT_SLOT_COUNT] = {
    [TRIT_SLOT_EMBED] = "token_embd.weight",
    [TRIT_SLOT_ATTN_NORM] = "attn_norm.weight",
    [TRIT_SLOT_Q] = "attn_q.weight",
    [TRIT_SLOT_Q_SCALE] = "attn_q.scale",
    [TRIT_SLOT_K] = "attn_k.weight",
    [TRIT_SLOT_K_SCALE] = "attn_k.scale",
    [TRIT_SLOT_V] = "attn_v.weight",
    [TRIT_SLOT_V_SCALE] = "attn_v.scale",
    [TRIT_SLOT_ATTN_SUB_NORM] = "attn_sub_norm.weight",
    [TRIT_SLOT_O] = "attn_output.weight",
    [TRIT_SLOT_O_SCALE] = "attn_output.scale",
    [TRIT_SLOT_FFN_NORM] = "ffn_norm.weight",
    [TRIT_SLOT_GATE] = "ffn_gate.weight",
    [TRIT_SLOT_GATE_SCALE] = "ffn_gate.scale",
    [TRIT_SLOT_UP] = "ffn_up.weight",
    [TRIT_SLOT_UP_SCALE] = "ffn_up.scale",
    [TRIT_SLOT_FFN_SUB_NORM] = "ffn_sub_norm.weight",
    [TRIT_SLOT_DOWN] = "ffn_down.weight",
    [TRIT_SLOT_DOWN_SCALE] = "ffn_down.scale",
    [TRIT_SLOT_NORM] = "output_norm.weight",
    [TRIT_SLOT_HEAD] = "output.weight",
};

/* "<number>.<rest>" -> number; NULL when it is not one of at most 4 digits without leading zeros */
static const char *layer_number(const char *text, int *layer)
{
    int n = 0, digits = 0;
    while (text[digits] >= '0' && text[digits] <= '9' && digits < 5)
        n = n * 10 + text[digits++] - '0';
    if (digits == 0 || digits > 4 || text[digits] != '.' || (digits > 1 && text[0] == '0'))
        return NULL;
    *layer = n;
    return text + digits + 1;
}

static bool find(const char *const names[], const char *name, const char *in_layer, int number,
                 tritx_slot *slot, int *layer)
{
    for (int s = 0; s < TRIT_SLOT_COUNT; s++) {
        const char *wanted = tritx_slot_in_layer((tritx_slot)s) ? in_layer : name;
        if (!names[s] || !wanted || strcmp(names[s], wanted) != 0) continue;
        *slot = (tritx_slot)s;
        *layer = tritx_slot_in_layer((tritx_slot)s) ? number : 0;
        return true;
    }
    return false;
}

bool tritx_name_packed(const char *name, tritx_slot *slot, int *layer)
{
    int number = 0;
    const char *in_layer = layer_number(name, &number);
    return find(packed_names, name, in_layer, number, slot, layer);
}

static bool find_behind(const char *const names[], const char *prefix, const char *name,
                        tritx_slot *slot, int *layer)
{
    int number = 0;
    size_t n = strlen(prefix);
    const char *in_layer = strncmp(name, prefix, n) == 0 ? layer_number(name + n, &number) : NULL;
    return find(names, name, in_layer, number, slot, layer);
}

bool tritx_name_hf(const char *name, tritx_slot *slot, int *layer)
{
    return find_behind(hf_names, "model.layers.", name, slot, layer) ||
           find_behind(hf_other_names, "model.layers.", name, slot, layer);
}

bool tritx_name_gguf(const char *name, tritx_slot *slot, int *layer)
{
    return find_behind(gguf_names, "blk.", name, slot, layer);
}

static void write_name(const char *const names[], const char *prefix, tritx_slot slot, int layer,
                       char *out, size_t capacity)
{
    if (tritx_slot_in_layer(slot))
        tritx_format(out, capacity, "%s%d.%s", prefix, layer, names[slot]);
    else tritx_format(out, capacity, "%s", names[slot]);
}

void tritx_name_write(tritx_slot slot, int layer, char *out, size_t capacity)
{
    write_name(packed_names, "", slot, layer, out, capacity);
}

void tritx_name_write_hf(tritx_slot slot, int layer, char *out, size_t capacity)
{
    write_name(hf_names, "model.layers.", slot, layer, out, capacity);
}

void tritx_name_write_gguf(tritx_slot slot, int layer, char *out, size_t capacity)
{
    write_name(gguf_names, "blk.", slot, layer, out, capacity);
}
