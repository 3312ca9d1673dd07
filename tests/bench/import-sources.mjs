// Models of random weights in every container whose import `npm run bench:import` times.
import { createHash } from 'node:crypto';
import {
    existsSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    renameSync,
    rmSync,
    writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { QUANTIZATION } from '../../models/reference/hf-packed.mjs';
import { NAMES, NORM_NAMES } from '../../models/reference/masters.mjs';
import { layerShapes } from '../../models/reference/packed.mjs';
import { repoDir } from '../../wasm/toolchain/paths.mjs';
import { byteTokenizer, configOf } from '../golden/generated.mjs';
import { OFFICIAL, officialFile } from './official.mjs';
import { fillers } from './peers/weights.mjs';
import { piece, sizeOf, tensorPieces, writePieces } from './pieces.mjs';

const WIDTHS = { U8: 1, BF16: 2 };

/** What is small enough for a test. */
export const TINY = Object.freeze({
    ...OFFICIAL,
    ...{ nLayer: 11, dim: 256, ffnDim: 512, nHead: 2, nHeadKv: 1, nCtx: 256 },
    ...{ nWords: 300, nMerges: 300, wordBytes: undefined, dataBegin: undefined },
});

function safetensorsPieces(tensors) {
    let end = 0;
    const entries = tensors.map(({ name, dtype, shape }) => {
        const begin = end;
        end += shape.reduce((product, n) => product * n, WIDTHS[dtype]);
        return [name, { dtype, shape, data_offsets: [begin, end] }];
    });
    const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    const data = tensors.flatMap((tensor, i) => {
        const [begin, end] = entries[i][1].data_offsets;
        return tensorPieces(tensor, end - begin);
    });
    return [piece(length), piece(text), ...data];
}

const ones = (bytes) => bytes.fill(Uint8Array.of(0x80, 0x3f)); // bfloat16
const scale = (bytes) => bytes.fill(Uint8Array.of(0x80, 0x3c));

/** `packed`: two bits a weight and a scale, as Hugging Face packs it; else masters. */
function listTensors(config, packed) {
    const { dim, ffnDim, nLayer, nHead, headDim, nVocab } = config;
    const tensors = [];
    const add = (name, dtype, shape, fill) => tensors.push({ name, dtype, shape, fill });
    const random = (name, dtype, shape) => {
        const seed = tensors.length + 1;
        add(name, dtype, shape, (bytes) => fillers[dtype](bytes, Math.imul(seed, 0x9e3779b1)));
    };
    const lengths = { attn_norm: dim, attn_sub_norm: nHead * headDim, ffn_norm: dim };
    random('model.embed_tokens.weight', 'BF16', [nVocab, dim]);
    add('model.norm.weight', 'BF16', [dim], ones);
    for (let i = 0; i < nLayer; i++) {
        const prefix = `model.layers.${i}`;
        for (const [slot, name] of Object.entries(NORM_NAMES))
            add(`${prefix}.${name}.weight`, 'BF16', [lengths[slot] ?? ffnDim], ones);
        for (const [slot, [rows, cols]] of Object.entries(config.shapes)) {
            const name = `${prefix}.${NAMES[slot]}.weight`;
            random(name, packed ? 'U8' : 'BF16', [packed ? rows / 4 : rows, cols]);
            if (packed) add(`${name}_scale`, 'BF16', [1], scale);
        }
    }
    return tensors;
}

/** A folder as at Hugging Face, with a small vocabulary. */
function writeFolder(folder, shape, packed) {
    const { dim, ffnDim, nLayer, nHead, nHeadKv, headDim, nCtx } = shape;
    const nVocab = 512;
    const shapes = layerShapes({
        ...{ dim, ffn_dim: ffnDim, n_head: nHead, n_head_kv: nHeadKv, head_dim: headDim },
    });
    const tensors = listTensors({ ...shape, nVocab, shapes }, packed);
    const pieces = safetensorsPieces(tensors);
    const config = configOf({ dim, ffn: ffnDim, vocab: nVocab });
    Object.assign(config, {
        max_position_embeddings: nCtx,
        num_attention_heads: nHead,
        num_hidden_layers: nLayer,
        num_key_value_heads: nHeadKv,
        head_dim: headDim,
        ...(packed ? { quantization_config: QUANTIZATION.multiply } : {}),
    });
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(byteTokenizer(nVocab)));
    writePieces(join(folder, 'model.safetensors'), pieces);
    const header = pieces[0].bytes + pieces[1].bytes;
    return [
        { name: 'header', end: header },
        { name: 'embedding, BF16', end: header + 2 * nVocab * dim },
        { name: packed ? 'layers, U8' : 'layers, BF16', end: sizeOf(pieces) },
    ];
}

function writeGgufFile(folder, shape) {
    const { pieces, phases } = officialFile(shape);
    writePieces(join(folder, 'model.gguf'), pieces);
    return phases;
}

/** The official file, and what is like it in other containers: with as many layers as time needs. */
const SOURCES = {
    official: { file: 'model.gguf', write: (folder, shape) => writeGgufFile(folder, shape) },
    tq2_0: {
        file: 'model.gguf',
        layers: 12,
        write: (folder, shape) =>
            writeGgufFile(folder, { ...shape, ternary: 'TQ2_0', embed: 'BF16' }),
    },
    packed: { file: '', layers: 12, write: (folder, shape) => writeFolder(folder, shape, true) },
    masters: { file: '', layers: 3, write: (folder, shape) => writeFolder(folder, shape, false) },
};
export const SOURCE_NAMES = Object.keys(SOURCES);

/** What the files are made by, so that those of another version are not taken for them. */
const version = () => {
    const hash = createHash('sha256');
    for (const name of [
        'import-sources',
        'official',
        'official-words',
        'peers/weights',
        'peers/gguf',
    ])
        hash.update(readFileSync(new URL(`${name}.mjs`, import.meta.url)));
    return hash.digest('hex').slice(0, 8);
};

/**
 * Writes the model into build/import/, unless it is there: its path, and where in it the phases end.
 * @param {'official' | 'tq2_0' | 'packed' | 'masters'} name
 * @param {typeof OFFICIAL} full
 */
export function makeSource(name, full) {
    const { file, layers = full.nLayer, write } = SOURCES[name];
    const shape = { ...full, nLayer: Math.min(full.nLayer, layers) };
    const kept = join(repoDir, 'build/import');
    const base = `${name}-${full.dim}-`;
    const folder = join(kept, base + version());
    if (!existsSync(folder)) {
        const unfinished = `${folder}.unfinished`;
        mkdirSync(kept, { recursive: true });
        for (const old of readdirSync(kept).filter((other) => other.startsWith(base)))
            rmSync(join(kept, old), { recursive: true });
        mkdirSync(unfinished, { recursive: true });
        const phases = write(unfinished, shape);
        writeFileSync(join(unfinished, 'phases.json'), JSON.stringify(phases));
        renameSync(unfinished, folder);
    }
    const phases = JSON.parse(readFileSync(join(folder, 'phases.json'), 'utf8'));
    return { path: join(folder, file), phases };
}
