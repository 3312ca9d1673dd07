// Scaled-down models of random weights in the containers that the known models are published in: their
// config.json, names, types and quirks, their heads' size and shape; fewer layers, a smaller width.

import { configFromHf, NAMES, NORM_NAMES } from '../../models/reference/masters.mjs';
import { packedTensors, QUANTIZATION } from '../../models/reference/hf-packed.mjs';
import { layerShapes } from '../../models/reference/packed.mjs';
import { bf16, f16 } from '../../models/reference/safetensors.mjs';
import { ternaryMatrix } from '../../models/reference/ternarise.mjs';
import { tablesFromJson } from '../../models/reference/tokenizer.mjs';
import { bf16Bits, f16Bits, writeSafetensors } from '../../models/reference/write.mjs';
import { byteTokenizer, random } from './generated.mjs';

const VOCAB = 300;
const asBf16 = (x) => bf16(bf16Bits(x));

const BITNET = { architectures: ['BitNetForCausalLM'], model_type: 'bitnet', hidden_act: 'relu2' };
const LLAMA = { architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_act: 'silu' };
const ONE_BIT_LLM = {
    architectures: ['BitnetForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    input_bits: 8,
    weight_bits: 1,
    pretraining_tp: 1,
};
const ONLINE = { ...QUANTIZATION.multiply, quantization_mode: 'online' };

const common = (nHead, nHeadKv, headDim, ffnDim) => ({
    attention_bias: false,
    bos_token_id: 256,
    eos_token_id: 257,
    hidden_size: nHead * headDim,
    intermediate_size: ffnDim,
    num_hidden_layers: 2,
    num_attention_heads: nHead,
    num_key_value_heads: nHeadKv,
    max_position_embeddings: 64,
    vocab_size: VOCAB,
    rope_scaling: null,
});
const falcon3 = (nHead, nHeadKv, ffnDim) => ({
    ...LLAMA,
    ...common(nHead, nHeadKv, 256, ffnDim),
    head_dim: 256,
    mlp_bias: false,
    rms_norm_eps: 1e-6,
    rope_theta: 1000042,
    tie_word_embeddings: false,
    quantization_config: QUANTIZATION.divide,
});
const falconE = (nHead, nHeadKv, ffnDim) => ({
    ...LLAMA,
    ...common(nHead, nHeadKv, 64, ffnDim),
    rms_norm_eps: 1e-5,
    rope_theta: 500000,
    tie_word_embeddings: false,
    quantization_config: { quant_method: 'bitnet', modules_to_not_convert: ['lm_head'] },
});
const oneBitLlm = (nHead, headDim, ffnDim) => ({
    ...ONE_BIT_LLM,
    ...common(nHead, nHead, headDim, ffnDim),
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: true,
});
const b2b4t = {
    ...BITNET,
    ...common(4, 1, 128, 1408),
    rms_norm_eps: 1e-5,
    rope_theta: 500000,
    tie_word_embeddings: true,
};

/** `gguf`: as a GGUF file of this architecture; else as safetensors, packed where config.json says so. */
export const REPLICAS = [
    {
        name: 'microsoft/bitnet-b1.58-2B-4T',
        config: { ...b2b4t, quantization_config: QUANTIZATION.multiply },
    },
    {
        name: 'microsoft/bitnet-b1.58-2B-4T-bf16',
        config: { ...b2b4t, quantization_config: ONLINE },
        dtype: 'BF16',
    },
    {
        name: 'microsoft/bitnet-b1.58-2B-4T-gguf',
        config: { ...b2b4t, quantization_config: QUANTIZATION.multiply },
        gguf: 'bitnet-b1.58',
    },
    { name: '1bitLLM/bitnet_b1_58-large', config: oneBitLlm(8, 96, 1024), dtype: 'F32' },
    // 8640 and this are both no multiple of 128; the head is no multiple of 8
    { name: '1bitLLM/bitnet_b1_58-3B', config: oneBitLlm(4, 100, 1088), dtype: 'F32' },
    {
        name: 'HF1BitLLM/Llama3-8B-1.58-100B-tokens',
        config: {
            ...LLAMA,
            ...common(4, 1, 128, 1792),
            rms_norm_eps: 1e-5,
            rope_theta: 500000,
            tie_word_embeddings: false,
            quantization_config: { quant_method: 'bitnet', modules_to_not_convert: null },
        },
    },
    { name: 'tiiuae/Falcon3-1B-Instruct-1.58bit', config: falcon3(2, 1, 2048) },
    { name: 'tiiuae/Falcon3-3B-Base-1.58bit', config: falcon3(3, 1, 2304) },
    { name: 'tiiuae/Falcon3-7B-Base-1.58bit', config: falcon3(3, 1, 5760) },
    {
        name: 'tiiuae/Falcon3-10B-Base-1.58bit',
        config: { ...falcon3(3, 1, 5760), bos_token_id: 258 },
    },
    { name: 'tiiuae/Falcon-E-1B-Base', config: falconE(8, 2, 1024) },
    { name: 'tiiuae/Falcon-E-3B-Base', config: falconE(8, 2, 1536) },
    { name: 'tiiuae/Falcon-E-1B-Instruct-GGUF', config: falconE(8, 2, 1024), gguf: 'llama' },
];

/** What a reader of the container is to get: scales as they are stored, numbers of the stored type. */
function storedScale(scale, { config, gguf }) {
    if (gguf) return Math.fround(scale);
    const divides = config.quantization_config.linear_class === undefined;
    // the reference divides by the stored number; the engine multiplies by one over it, in float32
    return divides ? 1 / asBf16(1 / scale) : asBf16(scale);
}

/** The model, and its masters by their places; sums of three draws are near enough to normal. */
export function makeReplica(replica, seed) {
    const config = configFromHf(replica.config, undefined, 'f16');
    const next = random(seed);
    const round = replica.dtype === 'F32' ? Math.fround : asBf16;
    const draw = (n, size, middle = 0) =>
        Float32Array.from({ length: n }, () =>
            round(middle + (next() + next() + next() - 1.5) * size),
        );
    const { dim, ffn_dim: ffn, n_vocab: vocab } = config;
    const masters = [];
    const layers = Array.from({ length: config.n_layer }, (_, index) => {
        const layer = {};
        for (const [name, [rows, cols]] of Object.entries(layerShapes(config))) {
            const values = draw(rows * cols, 0.05);
            layer[name] = ternaryMatrix(values, rows, cols);
            if (!replica.dtype) layer[name].scale = storedScale(layer[name].scale, replica);
            masters.push({ index, name, shape: [rows, cols], values });
        }
        layer.attn_norm = draw(dim, 0.3, 1);
        layer.ffn_norm = draw(dim, 0.3, 1);
        if (config.site.o.norm === 'rms') {
            layer.attn_sub_norm = draw(dim, 0.3, 1);
            layer.ffn_sub_norm = draw(ffn, 0.3, 1);
        }
        return layer;
    });
    const rows = () => {
        const values = draw(vocab * dim, 0.05).map((x) => f16(f16Bits(x)));
        return { kind: 'f16', rows: vocab, cols: dim, values };
    };
    const embed = rows();
    const tokenizer = byteTokenizer(vocab);
    const model = {
        config,
        card: {},
        tokenizer: tablesFromJson(tokenizer, vocab),
        embed,
        layers,
        norm: draw(dim, 0.3, 1),
        head: config.tied_head ? embed : rows(),
    };
    return { model, masters, tokenizer };
}

const OTHER_NAMES = {
    'self_attn.attn_sub_norm': 'self_attn.inner_attn_ln',
    'mlp.ffn_sub_norm': 'mlp.ffn_layernorm',
};

/** model.safetensors of masters. */
function mastersFile({ config, dtype }, { model, masters }) {
    const names = Object.values(NORM_NAMES);
    const spelled = (name) => {
        const part = names.find((norm) => name.includes(norm));
        const other = config.input_bits === 8 && OTHER_NAMES[part];
        return other ? name.replace(part, other) : name;
    };
    const floats = packedTensors(model, 'multiply', { scale: dtype, floats: dtype })
        .filter(({ name }) => !/_proj\./.test(name))
        .map((tensor) => ({ ...tensor, name: spelled(tensor.name) }));
    const matrices = masters.map(({ index, name, shape, values }) => ({
        name: `model.layers.${index}.${NAMES[name]}.weight`,
        dtype,
        shape,
        values,
    }));
    return writeSafetensors([...floats, ...matrices], { format: 'pt' });
}

/** model.safetensors, norms and scales in bf16; embedding and head exactly as they are. */
export function safetensorsOf(replica, made) {
    if (replica.dtype) return mastersFile(replica, made);
    const divides = replica.config.quantization_config.linear_class === undefined;
    const types = { scale: 'BF16', floats: 'F32' };
    const tensors = packedTensors(made.model, divides ? 'divide' : 'multiply', types);
    return writeSafetensors(tensors, { format: 'pt' });
}
