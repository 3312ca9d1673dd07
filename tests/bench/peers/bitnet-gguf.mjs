// A synthetic BitNet model of a given shape as GGUF, in the tensors and keys of llama.cpp's `bitnet`.
import { tensorBytes, value, writeGguf } from './gguf.mjs';
import { listTokens } from './vocabulary.mjs';
import { fillers } from './weights.mjs';

const HEAD = 'token_embd.weight';

function listTensors(shape, head) {
    const { dim, ffnDim, nHeadKv, headDim, nVocab, nLayer, nHead } = shape;
    const tensors = [{ name: HEAD, type: head, shape: [dim, nVocab] }];
    const norm = (name, n) => tensors.push({ name: `${name}.weight`, type: 'F32', shape: [n] });
    const linear = (name, cols, rows) =>
        tensors.push({ name: `${name}.weight`, type: 'TQ2_0', shape: [cols, rows] });
    for (let i = 0; i < nLayer; i++) {
        const layer = `blk.${i}`;
        norm(`${layer}.attn_norm`, dim);
        linear(`${layer}.attn_q`, dim, nHead * headDim);
        linear(`${layer}.attn_k`, dim, nHeadKv * headDim);
        linear(`${layer}.attn_v`, dim, nHeadKv * headDim);
        norm(`${layer}.attn_sub_norm`, dim);
        linear(`${layer}.attn_output`, nHead * headDim, dim);
        norm(`${layer}.ffn_norm`, dim);
        linear(`${layer}.ffn_gate`, dim, ffnDim);
        linear(`${layer}.ffn_up`, dim, ffnDim);
        norm(`${layer}.ffn_sub_norm`, ffnDim);
        linear(`${layer}.ffn_down`, ffnDim, dim);
    }
    norm('output_norm', dim);
    return tensors;
}

function describeTokenizer(nVocab) {
    const [normal, control] = [1, 3];
    const tokens = [...listTokens(nVocab - 2), '<begin>', '<end>'];
    const types = tokens.map((_, i) => (i < nVocab - 2 ? normal : control));
    return [
        ['tokenizer.ggml.model', value.string('gpt2')],
        ['tokenizer.ggml.pre', value.string('gpt-2')],
        ['tokenizer.ggml.tokens', value.strings(tokens)],
        ['tokenizer.ggml.token_type', value.i32s(types)],
        ['tokenizer.ggml.merges', value.strings([])],
        ['tokenizer.ggml.add_bos_token', value.bool(false)],
        ['tokenizer.ggml.bos_token_id', value.u32(nVocab - 2)],
        ['tokenizer.ggml.eos_token_id', value.u32(nVocab - 1)],
    ];
}

function describeModel(name, shape) {
    return [
        ['general.architecture', value.string('bitnet')],
        ['general.name', value.string(name)],
        ['bitnet.context_length', value.u32(shape.nCtx)],
        ['bitnet.embedding_length', value.u32(shape.dim)],
        ['bitnet.block_count', value.u32(shape.nLayer)],
        ['bitnet.feed_forward_length', value.u32(shape.ffnDim)],
        ['bitnet.attention.head_count', value.u32(shape.nHead)],
        ['bitnet.attention.head_count_kv', value.u32(shape.nHeadKv)],
        ['bitnet.attention.layer_norm_rms_epsilon', value.f32(shape.normEps)],
        ['bitnet.rope.dimension_count', value.u32(shape.headDim)],
        ['bitnet.rope.freq_base', value.f32(shape.ropeTheta)],
        ['bitnet.vocab_size', value.u32(shape.nVocab)],
    ];
}

/**
 * @param {string} file
 * @param {string} name
 * @param {import('../../../web/protocol.js').ModelInfo} shape
 * @param {'Q6_K' | 'F16'} head how the embedding, which is also the head, is kept
 * @returns {{modelBytes: number, headBytes: number}}
 */
export function writeBitnetGguf(file, name, shape, head) {
    const tensors = listTensors(shape, head).map((tensor, i) => ({
        ...tensor,
        fill: (bytes) => fillers[tensor.type](bytes, i + 1),
    }));
    const metadata = [...describeModel(name, shape), ...describeTokenizer(shape.nVocab)];
    writeGguf(file, metadata, tensors);
    return {
        modelBytes: tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0),
        headBytes: tensorBytes(tensors.find((tensor) => tensor.name === HEAD)),
    };
}
