// A model object (models/reference/packed.mjs) as a GGUF file, with the keys and names of llama.cpp.
import { layerShapes } from '../../models/reference/packed.mjs';
import { value, writeGguf } from '../bench/peers/gguf.mjs';
import { writeRows, writeTernary } from './gguf-blocks.mjs';

const LINEAR = {
    q: 'attn_q',
    k: 'attn_k',
    v: 'attn_v',
    o: 'attn_output',
    gate: 'ffn_gate',
    up: 'ffn_up',
    down: 'ffn_down',
};
const NORMS = ['attn_norm', 'attn_sub_norm', 'ffn_norm', 'ffn_sub_norm'];
const [NORMAL, CONTROL, UNUSED] = [1, 3, 5];

const prints = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
const hidden = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !prints(byte));
const spell = (bytes) =>
    [...bytes]
        .map((byte) => String.fromCharCode(prints(byte) ? byte : 256 + hidden.indexOf(byte)))
        .join('');

/** The tokenizer's keys; `tokenizer` holds the tables of a packed file. */
function tokenizerKeys({ ends, bytes, special, merges }, config) {
    const part = (id) => bytes.subarray(id ? ends[id - 1] : 0, ends[id]);
    const tokens = [...ends.keys()].map((id) =>
        special[id] ? new TextDecoder().decode(part(id)) : spell(part(id)),
    );
    const kinds = tokens.map((text, id) => (special[id] ? (text ? CONTROL : UNUSED) : NORMAL));
    const pairs = [];
    for (let i = 0; i < merges.length; i += 3)
        pairs.push(`${tokens[merges[i]]} ${tokens[merges[i + 1]]}`);
    return {
        'tokenizer.ggml.model': value.string('gpt2'),
        'tokenizer.ggml.pre': value.string('llama-bpe'),
        'tokenizer.ggml.tokens': value.strings(tokens),
        'tokenizer.ggml.scores': value.f32s(tokens.map((_, id) => (special[id] ? -1000 : 0))),
        'tokenizer.ggml.token_type': value.i32s(kinds),
        'tokenizer.ggml.merges': value.strings(pairs),
        'tokenizer.ggml.bos_token_id': value.u32(config.bos_id),
        'tokenizer.ggml.eos_token_id': value.u32(config.stop_ids[0]),
        'tokenizer.ggml.add_bos_token': value.bool(config.add_bos),
    };
}

/** The keys of a file, as an object so that a test can change or drop some. */
export function modelKeys({ config, tokenizer }, arch) {
    return {
        'general.architecture': value.string(arch),
        [`${arch}.vocab_size`]: value.u32(config.n_vocab),
        [`${arch}.context_length`]: value.u32(config.n_ctx),
        [`${arch}.embedding_length`]: value.u32(config.dim),
        [`${arch}.block_count`]: value.u32(config.n_layer),
        [`${arch}.feed_forward_length`]: value.u32(config.ffn_dim),
        [`${arch}.rope.dimension_count`]: value.u32(config.head_dim),
        [`${arch}.attention.head_count`]: value.u32(config.n_head),
        [`${arch}.attention.head_count_kv`]: value.u32(config.n_head_kv),
        [`${arch}.attention.key_length`]: value.u32(config.head_dim),
        [`${arch}.attention.value_length`]: value.u32(config.head_dim),
        [`${arch}.attention.layer_norm_rms_epsilon`]: value.f32(config.norm_eps),
        [`${arch}.rope.freq_base`]: value.f32(config.rope_theta),
        ...tokenizerKeys(tokenizer, config),
    };
}

/**
 * The 24 keys of the official file of 2B4T, as a loader prints them (ik_llama.cpp, issue 365): no pre-tokenizer,
 * no size of a head, no activation, no end of a turn, and another model's chat template.
 */
export function officialKeys(model, arch) {
    const keys = modelKeys(model, arch);
    delete keys['tokenizer.ggml.pre'];
    for (const part of ['key', 'value']) delete keys[`${arch}.attention.${part}_length`];
    return {
        ...keys,
        'general.name': value.string('bitnet2b'),
        'general.file_type': value.u32(40),
        'general.quantization_version': value.u32(2),
        'tokenizer.ggml.padding_token_id': keys['tokenizer.ggml.eos_token_id'],
        'tokenizer.chat_template': value.string(
            "{% for m in messages %}{{ 'Human: ' + m['content'] + 'BITNETAssistant: ' }}{% endfor %}",
        ),
    };
}

/** llama.cpp's order of the rows of Q and K: the two halves of a head alternate. */
export function permuteHeads({ rows, cols, codes, scale }, size) {
    const out = new Int8Array(codes.length);
    for (let row = 0; row < rows; row++) {
        const [half, i] = [Math.floor((row % size) / (size / 2)), row % (size / 2)];
        const to = row - (row % size) + 2 * i + half;
        out.set(codes.subarray(row * cols, (row + 1) * cols), to * cols);
    }
    return { rows, cols, codes: out, scale };
}

/**
 * Writes the file. `rows` is called with what embedding and head stand for once they are written, as
 * quantising changes them.
 * @param {{arch: string, ternary: string, embed: string, keys: object, next: () => number, parts: number[], i2s: string}} options
 */
export function writeModel(file, model, { arch, ternary, embed, keys, next, parts, i2s }) {
    const { config } = model;
    const kept = {};
    const tensors = [];
    const vector = (name, values) =>
        tensors.push({
            name: `${name}.weight`,
            type: 'F32',
            shape: [values.length],
            fill: (bytes) => writeRows.F32(bytes, values),
        });
    const matrix = (name, type, [rows, cols], fill) =>
        tensors.push({ name: `${name}.weight`, type, shape: [cols, rows], fill });
    const rows = (slot, name) =>
        matrix(name, embed, [config.n_vocab, config.dim], (bytes) => {
            kept[slot] = writeRows[embed](bytes, model[slot].values, next);
        });

    rows('embed', 'token_embd');
    model.layers.forEach((layer, i) => {
        for (const name of NORMS) if (layer[name]) vector(`blk.${i}.${name}`, layer[name]);
        for (const [name, shape] of Object.entries(layerShapes(config))) {
            const pairs = arch === 'llama' && (name === 'q' || name === 'k');
            const weight = pairs ? permuteHeads(layer[name], config.head_dim) : layer[name];
            matrix(`blk.${i}.${LINEAR[name]}`, ternary, shape, (bytes) =>
                writeTernary[ternary](bytes, weight, i2s),
            );
        }
    });
    vector('output_norm', model.norm);
    if (!config.tied_head) rows('head', 'output');
    const metadata = Object.entries(keys ?? modelKeys(model, arch)).filter(([, typed]) => typed);
    if (parts) writeParts(file, metadata, tensors, parts);
    else writeGguf(file, metadata, tensors);
    return kept;
}

/** The name of part i, as llama-gguf-split writes it. */
export const partName = (file, i, count) => {
    const number = (n) => String(n).padStart(5, '0');
    return `${file.replace(/\.gguf$/, '')}-${number(i + 1)}-of-${number(count)}.gguf`;
};

/** The first part has the keys, and may have no tensors: `ends` are where each part's end. */
function writeParts(file, metadata, tensors, ends) {
    ends.forEach((end, i) => {
        const split = Object.entries({
            'split.no': value.u16(i),
            'split.count': value.u16(ends.length),
            'split.tensors.count': value.i32(tensors.length),
        });
        writeGguf(
            partName(file, i, ends.length),
            i === 0 ? [...metadata, ...split] : split,
            tensors.slice(ends[i - 1] ?? 0, end),
        );
    });
}
