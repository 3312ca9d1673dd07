// A GGUF file of random weights with the keys, tensors and size of the official one of 2B4T.
//
// Known of that file (microsoft/bitnet-b1.58-2B-4T-gguf, ggml-model-i2_s.gguf, 1,187,801,280 bytes): its 24
// keys, their order, types and, but for the texts of the tokenizer and the chat template, values, and how many
// tensors of which type there are (load log in ik_llama.cpp's issue 365); the tensors' names and shapes; that
// layers stand in the order of their numbers as texts, matrices in that of their names at Hugging Face (load
// log of the first upload, same project, pull request 337). Its tokenizer is that of Llama 3: 128,000 tokens of
// 1,065,947 bytes, 280,147 merges of 2,963,589 and 256 special tokens. With those the header ends 341 bytes
// before the tensors begin, so the chat template has 310 to 341 bytes.
//
// Made up: the weights; the words of the vocabulary and how they are merged (official-words.mjs), which take
// as many bytes together; the special tokens' names but for those that 2B4T uses; the chat template, a wrong
// one as the official one is, filled up so that the tensors begin where they do there.
import { makeVocabulary } from './official-words.mjs';
import { ggufPieces, paddedBytes, TENSOR_TYPES, value } from './peers/gguf.mjs';
import { fillers } from './peers/weights.mjs';
import { sizeOf } from './pieces.mjs';

const ARCH = 'bitnet-b1.58';
const [NORMAL, CONTROL] = [1, 3];
const N_SPECIAL = 256;
const PIECE_BYTES = 4 * 2 ** 20;

export const OFFICIAL = Object.freeze({
    nLayer: 30,
    dim: 2560,
    ffnDim: 6912,
    nHead: 20,
    nHeadKv: 5,
    headDim: 128,
    nCtx: 4096,
    ternary: 'I2_S',
    embed: 'F16',
    nWords: 127744,
    nMerges: 280147,
    wordBytes: 1065947 - 418 + 2963589, // without the 256 bytes' own spellings
    dataBegin: 8351360,
    bytes: 1187801280,
});

/** Named as in Llama 3, those that no one uses as reserved. */
function specialTokens() {
    const named = new Map([
        [0, 'begin_of_text'],
        [1, 'end_of_text'],
        [6, 'start_header_id'],
        [7, 'end_header_id'],
        [9, 'eot_id'],
    ]);
    let reserved = 0;
    return Array.from(
        { length: N_SPECIAL },
        (_, i) => `<|${named.get(i) ?? `reserved_special_token_${reserved++}`}|>`,
    );
}

const TEMPLATE =
    "{% for message in messages %}{% if loop.first %}{{ bos_token }}{% endif %}{{ 'Human: ' + " +
    "message['content'] + ' BITNETAssistant: ' }}{% endfor %}";

function listKeys(shape, vocabulary) {
    const specials = specialTokens();
    const tokens = [...vocabulary.tokens, ...specials];
    const kinds = tokens.map((_, id) => (id < vocabulary.tokens.length ? NORMAL : CONTROL));
    const special = (i) => value.u32(vocabulary.tokens.length + i);
    const keys = {
        'general.architecture': value.string(ARCH),
        'general.name': value.string('bitnet2b'),
        [`${ARCH}.vocab_size`]: value.u32(tokens.length),
        [`${ARCH}.context_length`]: value.u32(shape.nCtx),
        [`${ARCH}.embedding_length`]: value.u32(shape.dim),
        [`${ARCH}.block_count`]: value.u32(shape.nLayer),
        [`${ARCH}.feed_forward_length`]: value.u32(shape.ffnDim),
        [`${ARCH}.rope.dimension_count`]: value.u32(shape.headDim),
        [`${ARCH}.attention.head_count`]: value.u32(shape.nHead),
        [`${ARCH}.attention.head_count_kv`]: value.u32(shape.nHeadKv),
        'tokenizer.ggml.add_bos_token': value.bool(true),
        [`${ARCH}.attention.layer_norm_rms_epsilon`]: value.f32(1e-5),
        [`${ARCH}.rope.freq_base`]: value.f32(500000),
        'general.file_type': value.u32(40),
        'tokenizer.ggml.model': value.string('gpt2'),
        'tokenizer.ggml.tokens': value.strings(tokens),
        'tokenizer.ggml.scores': value.f32s(tokens.map(() => 0)),
        'tokenizer.ggml.token_type': value.i32s(kinds),
        'tokenizer.ggml.merges': value.strings(vocabulary.merges),
        'tokenizer.ggml.bos_token_id': special(0),
        'tokenizer.ggml.eos_token_id': special(1),
        'tokenizer.ggml.padding_token_id': special(1),
        'tokenizer.chat_template': value.string(TEMPLATE),
        'general.quantization_version': value.u32(2),
    };
    return new Map(Object.entries(keys));
}

/** Seeds that are far apart, as neighbours begin alike. */
const seedOf = (tensor, i) => (Math.imul(1000 * tensor + i + 1, 0x9e3779b1) >>> 0) | 1;

function listTensors({ nLayer, dim, ffnDim, nHead, nHeadKv, headDim, ternary, embed }, nVocab) {
    const tensors = [];
    const add = (name, type, shape, pieceBytes) => {
        const tensor = tensors.length;
        const fill = (bytes, i) => fillers[type](bytes, seedOf(tensor, i));
        tensors.push({ name: `${name}.weight`, type, shape, pieceBytes, fill });
    };
    const { weights, bytes } = TENSOR_TYPES[embed];
    const rowBytes = (dim / weights) * bytes;
    add('token_embd', embed, [dim, nVocab], rowBytes * Math.floor(PIECE_BYTES / rowBytes));
    const layers = Array.from({ length: nLayer }, (_, i) => String(i)).sort();
    for (const layer of layers.map((i) => `blk.${i}`)) {
        add(`${layer}.attn_norm`, 'F32', [dim]);
        add(`${layer}.ffn_down`, ternary, [ffnDim, dim]);
        add(`${layer}.ffn_sub_norm`, 'F32', [ffnDim]);
        add(`${layer}.ffn_gate`, ternary, [dim, ffnDim]);
        add(`${layer}.ffn_up`, ternary, [dim, ffnDim]);
        add(`${layer}.ffn_norm`, 'F32', [dim]);
        add(`${layer}.attn_sub_norm`, 'F32', [dim]);
        add(`${layer}.attn_k`, ternary, [dim, nHeadKv * headDim]);
        add(`${layer}.attn_output`, ternary, [nHead * headDim, dim]);
        add(`${layer}.attn_q`, ternary, [dim, nHead * headDim]);
        add(`${layer}.attn_v`, ternary, [dim, nHeadKv * headDim]);
    }
    add('output_norm', 'F32', [dim]);
    return tensors;
}

const madeUp = ({ nWords, nMerges, wordBytes }) =>
    makeVocabulary({ nWords, nMerges, bytes: wordBytes });

/**
 * The file as pieces, and where in it header, embedding and layers end. Another shape than the official one
 * has keys and tensors of the same kinds; without `dataBegin` its header is not filled up.
 * @param {typeof OFFICIAL} shape
 * @param {{tokens: string[], merges: string[]}} [vocabulary] another one than what is made up
 */
export function officialFile(shape = OFFICIAL, vocabulary = madeUp(shape)) {
    const { dataBegin, embed, ternary } = shape;
    const tensors = listTensors(shape, vocabulary.tokens.length + N_SPECIAL);
    const keys = listKeys(shape, vocabulary);
    const data = tensors.reduce((sum, tensor) => sum + paddedBytes(tensor), 0);
    let pieces = ggufPieces([...keys], tensors);
    const room = dataBegin && dataBegin - (sizeOf(pieces) - data);
    if (room < 0) throw new Error(`the header is ${-room} bytes too long`);
    if (room > 0) {
        keys.set('tokenizer.chat_template', value.string(TEMPLATE + ' '.repeat(room)));
        pieces = ggufPieces([...keys], tensors);
    }
    const total = sizeOf(pieces);
    const phases = [
        { name: 'header', end: total - data },
        { name: `embedding, ${embed}`, end: total - data + paddedBytes(tensors[0]) },
        { name: `layers, ${ternary}`, end: total },
    ];
    return { pieces, phases };
}
