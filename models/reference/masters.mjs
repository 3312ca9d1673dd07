// A Hugging Face directory of masters (bf16, f16 or f32) as a model object, see packed.mjs. The weights
// become ternary here, as the engine's `pack` does it.

import { layerShapes } from './packed.mjs';
import { f16, openSafetensors } from './safetensors.mjs';
import { int8Rows, ternaryMatrix } from './ternarise.mjs';
import { tablesFromJson } from './tokenizer.mjs';
import { f16Bits } from './write.mjs';

export const NAMES = {
    q: 'self_attn.q_proj',
    k: 'self_attn.k_proj',
    v: 'self_attn.v_proj',
    o: 'self_attn.o_proj',
    gate: 'mlp.gate_proj',
    up: 'mlp.up_proj',
    down: 'mlp.down_proj',
};
export const NORM_NAMES = {
    attn_norm: 'input_layernorm',
    attn_sub_norm: 'self_attn.attn_sub_norm',
    ffn_norm: 'post_attention_layernorm',
    ffn_sub_norm: 'mlp.ffn_sub_norm',
};

/**
 * The `config` object of a packed file from config.json and generation_config.json, with a BOS and without a
 * chat template.
 */
export function configFromHf(hf, generation, head) {
    const sub = hf.architectures[0] === 'LlamaForCausalLM' ? 'none' : 'rms';
    const site = (norm) => ({ norm, rotate: 'none', act: 'a8', weight: 'ternary', keep: 'all' });
    return {
        n_layer: hf.num_hidden_layers,
        dim: hf.hidden_size,
        ffn_dim: hf.intermediate_size,
        n_head: hf.num_attention_heads,
        n_head_kv: hf.num_key_value_heads,
        head_dim: hf.head_dim ?? hf.hidden_size / hf.num_attention_heads,
        n_vocab: hf.vocab_size,
        n_ctx: hf.max_position_embeddings,
        kv_bits: 16,
        bos_id: hf.bos_token_id,
        stop_ids: [generation?.eos_token_id ?? hf.eos_token_id].flat(),
        tied_head: hf.tie_word_embeddings,
        bias: false,
        add_bos: true,
        norm_eps: hf.rms_norm_eps,
        rope_theta: hf.rope_theta,
        residual_scale: 1,
        norm_place: 'pre',
        ffn: { relu2: 'glu_relu2', silu: 'glu_silu' }[hf.hidden_act],
        rope: 'neox',
        mask: 'causal',
        template: '',
        site: {
            qkv: site('none'),
            o: site(sub),
            gate_up: site('none'),
            down: site(sub),
            head: { norm: 'none', rotate: 'none', act: 'none', weight: head, keep: 'all' },
        },
    };
}

/** { config, generation, tokenizer } are parsed JSON, `bytes` is model.safetensors. */
export function readMasters({ config: hf, generation, tokenizer, bytes }, head = 'f16') {
    const config = configFromHf(hf, generation, head);
    const file = openSafetensors(bytes);
    const rows = (name) => {
        const { n_vocab: vocab, dim } = config;
        const values = file.read(name);
        return head === 'int8'
            ? int8Rows(values, vocab, dim)
            : { kind: 'f16', rows: vocab, cols: dim, values: values.map((x) => f16(f16Bits(x))) };
    };
    const layer = (index) => {
        const weights = {};
        const prefix = `model.layers.${index}`;
        for (const [name, [out, columns]] of Object.entries(layerShapes(config)))
            weights[name] = ternaryMatrix(
                file.read(`${prefix}.${NAMES[name]}.weight`),
                out,
                columns,
            );
        for (const [name, hfName] of Object.entries(NORM_NAMES))
            weights[name] = file.read(`${prefix}.${hfName}.weight`);
        return weights;
    };
    const embed = rows('model.embed_tokens.weight');
    return {
        config,
        card: {},
        tokenizer: tablesFromJson(tokenizer, config.n_vocab),
        embed,
        layers: Array.from({ length: config.n_layer }, (_, index) => layer(index)),
        norm: file.read('model.norm.weight'),
        head: config.tied_head ? embed : rows('lm_head.weight'),
    };
}
