// Generated models for the packing tests: masters with arbitrary scales, a tokenizer, a configuration.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { NAMES } from '../../models/reference/masters.mjs';
import { layerShapes } from '../../models/reference/packed.mjs';

/** Numbers in [0, 1) from a seed (mulberry32), so that a failure can be repeated. */
export function random(seed) {
    return () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

/** A byte-level tokenizer without merges: 256 bytes, then special tokens up to the vocabulary. */
export function byteTokenizer(vocab) {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte);
    const prints = (b) => (b > 32 && b < 127) || (b > 160 && b !== 173);
    const hidden = bytes.filter((byte) => !prints(byte));
    const text = (byte) => String.fromCharCode(prints(byte) ? byte : 256 + hidden.indexOf(byte));
    const special = (id) => ({
        id,
        content: `<|special_${id}|>`,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
    });
    const ids = Array.from({ length: vocab - 256 }, (_, i) => 256 + i);
    const pattern =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    const byteLevel = (useRegex) => ({
        type: 'ByteLevel',
        add_prefix_space: useRegex,
        trim_offsets: useRegex,
        use_regex: useRegex,
    });
    const bos = ids[0];
    return {
        version: '1.0',
        truncation: null,
        padding: null,
        added_tokens: ids.map(special),
        normalizer: null,
        pre_tokenizer: {
            type: 'Sequence',
            pretokenizers: [
                { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
                byteLevel(false),
            ],
        },
        post_processor: {
            type: 'TemplateProcessing',
            single: [
                { SpecialToken: { id: special(bos).content, type_id: 0 } },
                { Sequence: { id: 'A', type_id: 0 } },
            ],
            pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
            special_tokens: {
                [special(bos).content]: {
                    id: special(bos).content,
                    ids: [bos],
                    tokens: [special(bos).content],
                },
            },
        },
        decoder: byteLevel(true),
        model: {
            type: 'BPE',
            dropout: null,
            unk_token: null,
            continuing_subword_prefix: null,
            end_of_word_suffix: null,
            fuse_unk: false,
            byte_fallback: false,
            ignore_merges: true,
            vocab: Object.fromEntries(bytes.map((byte) => [text(byte), byte])),
            merges: [],
        },
    };
}

export const configOf = ({ dim, ffn, vocab }) => ({
    architectures: ['BitNetForCausalLM'],
    model_type: 'bitnet',
    attention_bias: false,
    bos_token_id: 256,
    eos_token_id: 257,
    hidden_act: 'relu2',
    hidden_size: dim,
    intermediate_size: ffn,
    max_position_embeddings: 64,
    num_attention_heads: 1,
    num_hidden_layers: 1,
    num_key_value_heads: 1,
    head_dim: 8,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: true,
    vocab_size: vocab,
    quantization_config: {
        quant_method: 'bitnet',
        linear_class: 'autobitlinear',
        quantization_mode: 'online',
    },
});

/**
 * Masters of one layer. Each matrix has a size of its own, from 3e-6 (below the floor of the scale)
 * to 6e4; v is all zero; up has the mean 1 and half of its values on the tie 0.5.
 */
export function masters(shape, dtype, seed) {
    const { dim, ffn, vocab } = shape;
    const next = random(seed);
    const numbers = (n, size) =>
        Float32Array.from({ length: n }, () => (next() + next() - 1) * size);
    const sizes = { q: 1, k: 1e-4, v: 0, o: 0.37, gate: 3e-6, down: 6e4 };
    const ties = (n) =>
        Float32Array.from({ length: n }, (_, i) => (i % 4 < 2 ? 0.5 : 1.5) * (i % 2 ? -1 : 1));
    const shapes = layerShapes({ dim, ffn_dim: ffn, n_head: 1, n_head_kv: 1, head_dim: 8 });
    const prefix = 'model.layers.0';
    const tensor = (name, dims, values) => ({ name: `${name}.weight`, dtype, shape: dims, values });
    const norm = (name, n) => tensor(name, [n], numbers(n, 1));
    return [
        tensor('model.embed_tokens', [vocab, dim], numbers(vocab * dim, 0.1).fill(0, 0, dim)),
        ...Object.entries(NAMES).map(([name, hf]) => {
            const [rows, cols] = shapes[name];
            const values = name === 'up' ? ties(rows * cols) : numbers(rows * cols, sizes[name]);
            return tensor(`${prefix}.${hf}`, [rows, cols], values);
        }),
        norm(`${prefix}.input_layernorm`, dim),
        norm(`${prefix}.self_attn.attn_sub_norm`, 8),
        norm(`${prefix}.post_attention_layernorm`, dim),
        norm(`${prefix}.mlp.ffn_sub_norm`, ffn),
        norm('model.norm', dim),
    ];
}

// The engine asks for dim in multiples of 16, ffn and heads of 4, so the rows that are not a multiple of
// 4 are those of the vocabulary. K mod 5, the pads of a row, takes every value.
export const SHAPES = [
    { dim: 2688, ffn: 12, vocab: 259 },
    { dim: 16, ffn: 8640, vocab: 261 },
    { dim: 4096, ffn: 4, vocab: 263 },
    { dim: 32, ffn: 6912, vocab: 258 },
    { dim: 64, ffn: 44, vocab: 317 },
];

/** A Hugging Face folder, of one file of tensors if any. */
export function writeFolder(folder, { config, tokenizer, tokenizerConfig = {}, bytes }) {
    mkdirSync(folder);
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(tokenizerConfig));
    if (bytes) writeFileSync(join(folder, 'model.safetensors'), bytes);
}

const CHAT_TEMPLATE =
    "{% for message in messages %}{% if loop.first %}{{ bos_token }}{% endif %}{{ message['role'] | capitalize + ': ' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}";

/** config.json of a packed file's configuration. */
export const hfConfig = (config) => ({
    ...configOf({ dim: config.dim, ffn: config.ffn_dim, vocab: config.n_vocab }),
    hidden_act: { glu_relu2: 'relu2', glu_silu: 'silu' }[config.ffn],
    bos_token_id: config.bos_id,
    eos_token_id: config.stop_ids,
    max_position_embeddings: config.n_ctx,
    num_attention_heads: config.n_head,
    num_hidden_layers: config.n_layer,
    num_key_value_heads: config.n_head_kv,
    head_dim: config.head_dim,
});

/** Configuration and tokenizer of tiny-tales as Hugging Face has them, from its packed file's. */
export const tinyTalesFolder = (config) => ({
    config: hfConfig(config),
    tokenizer: JSON.parse(readFileSync(new URL('data/tokenizer.json', import.meta.url))),
    tokenizerConfig: { chat_template: CHAT_TEMPLATE },
});
