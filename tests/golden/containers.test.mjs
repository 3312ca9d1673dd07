// One set of ternary matrices in every container that is read packs to the same bytes but for the scales,
// which are what the container keeps of them: tiny-tales, and generated sets whose scales are any float32 or
// bfloat16, with blocks of 256 zeros and with rows of 2688 and 8640. The rows of a model's matrices are
// always a multiple of four, as its heads, dim and ffn_dim are; others are for unit/test_pack.c.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { packedTensors, QUANTIZATION } from '../../models/reference/hf-packed.mjs';
import { readPacked } from '../../models/reference/packed.mjs';
import { bf16, openSafetensors } from '../../models/reference/safetensors.mjs';
import { tablesFromJson } from '../../models/reference/tokenizer.mjs';
import { bf16Bits, writePacked, writeSafetensors } from '../../models/reference/write.mjs';
import { TENSOR_TYPES } from '../bench/peers/gguf.mjs';
import { byteTokenizer, hfConfig, random, tinyTalesFolder, writeFolder } from './generated.mjs';
import { roundScale } from './gguf-blocks.mjs';
import { mastersOf } from './model-masters.mjs';
import { writeModel } from './gguf-model.mjs';
import { native, scratch } from './helpers.mjs';
import { randomModel } from './random-model.mjs';

const card = fileURLToPath(new URL('../../models/tiny-tales/card.json', import.meta.url));
const talesFile = new URL('../../models/tiny-tales/tiny-tales-f16.trit', import.meta.url);

let files = 0;
const newPath = () => join(scratch, `container-${files++}`);

/** The packed file that the engine makes of a file or folder. */
function pack(path, ...options) {
    native('pack', path, '-o', `${path}.trit`, '--head', 'f16', '--card', card, ...options);
    return readFileSync(`${path}.trit`);
}

/* ---- containers: a set of { model, folder, arch } as a file or folder ---- */

function writeMasters(path, { model, folder }, dtype) {
    const bytes = writeSafetensors(mastersOf(model, dtype), { format: 'pt' });
    writeFolder(path, { ...folder, bytes });
}

function writeQuarters(path, { model, folder }, convention, dtype) {
    const tensors = packedTensors(model, convention, { scale: dtype, floats: 'F32' });
    const bytes = writeSafetensors(tensors, { format: 'pt' });
    const config = { ...folder.config, quantization_config: QUANTIZATION[convention] };
    writeFolder(path, { ...folder, config, bytes });
}

/** What is left of a number where one over it is stored. */
const inverse = (round) => (scale) => Math.fround(1 / round(1 / scale));

const masters = (dtype) => ({
    block: 1,
    scale: (scale) => scale,
    write: (path, set) => writeMasters(path, set, dtype),
});
const quarters = (convention, dtype) => ({
    block: 1,
    scale: convention === 'divide' ? inverse(roundScale[dtype]) : roundScale[dtype],
    write: (path, set) => writeQuarters(path, set, convention, dtype),
});
const gguf = (ternary, i2s) => ({
    block: { I2_S: 128, TQ1_0: 256, TQ2_0: 256 }[ternary] ?? 1,
    scale: roundScale[ternary],
    options: i2s ? ['--i2s', i2s] : [],
    write: (path, { model, arch }) => writeModel(path, model, { arch, ternary, embed: 'F32', i2s }),
});

const CONTAINERS = {
    'masters, F32': masters('F32'),
    'masters, BF16': masters('BF16'),
    'packed by Hugging Face, F32 scales that multiply': quarters('multiply', 'F32'),
    'packed by Hugging Face, BF16 scales that multiply': quarters('multiply', 'BF16'),
    'packed by Hugging Face, F32 scales that divide': quarters('divide', 'F32'),
    'packed by Hugging Face, BF16 scales that divide': quarters('divide', 'BF16'),
    TQ1_0: gguf('TQ1_0'),
    TQ2_0: gguf('TQ2_0'),
    I2_S: gguf('I2_S'),
    'I2_S of ARM': gguf('I2_S', 'arm'),
    'I2_S of four rows': gguf('I2_S', 'rows'),
    'GGUF, F32': gguf('F32'),
    'GGUF, F16': gguf('F16'),
    'GGUF, BF16': gguf('BF16'),
};

/* ---- sets ---- */

/**
 * Four of the seven scales are any float32 from 2^-16 to 2^10, three any bfloat16. The first and the last 256
 * weights are 0: such a block says nothing of the scale.
 */
function generatedSet(shape, seed) {
    const next = random(seed);
    const model = { ...randomModel(shape, seed), card: {} };
    Object.values(model.layers[0])
        .filter(({ codes }) => codes)
        .forEach((matrix, i) => {
            const scale = Math.fround(2 ** (26 * next() - 16));
            matrix.scale = i % 2 ? bf16(bf16Bits(scale)) : scale;
            matrix.codes.fill(0, 0, 256).fill(0, -256);
        });
    const tokenizer = byteTokenizer(shape.n_vocab);
    model.tokenizer = tablesFromJson(tokenizer, shape.n_vocab);
    return { model, arch: 'bitnet', folder: { config: hfConfig(model.config), tokenizer } };
}

const dataOf = (file) => file.subarray(8 + Number(file.readBigUInt64LE()));

/** The set as the engine packs what the reference wrote of it. */
function baseOf({ model }) {
    const path = newPath();
    const written = Buffer.from(writePacked(model));
    writeFileSync(path, written);
    const base = pack(path);
    assert.ok(dataOf(base).equals(dataOf(written)), 'the tensors are those of the reference');
    return base;
}

/** All bytes are equal but those of the scales, which are `expected`. */
function assertSameCodes(found, base, expected) {
    const file = openSafetensors(base);
    const same = Buffer.from(found);
    const text = base.subarray(8, 8 + file.headerLength).toString();
    const entries = JSON.parse(text);
    const scales = file.names.filter((name) => /^\d.*\.scale$/.test(name));
    assert.equal(scales.length, 7 * JSON.parse(entries.__metadata__.trit).config.n_layer);
    for (const name of scales) {
        const at = 8 + file.headerLength + entries[name].data_offsets[0];
        assert.equal(found.readFloatLE(at), expected(file.read(name)[0]), name);
        base.copy(same, at, at, at + 4);
    }
    assert.ok(same.equals(base), 'codes, floats, tokenizer and header are the same bytes');
}

function testContainer(name, what, set, base) {
    const { write, scale, options = [] } = CONTAINERS[name];
    test(`${name}: ${what}`, () => {
        const path = newPath();
        write(path, set);
        assertSameCodes(pack(path, ...options), base, scale);
    });
}

const tales = readPacked(readFileSync(talesFile));
const talesSet = { model: tales, arch: 'bitnet-b1.58', folder: tinyTalesFolder(tales.config) };
for (const name of Object.keys(CONTAINERS))
    testContainer(name, 'tiny-tales', talesSet, readFileSync(talesFile));

// Where the block of a container does not divide a row, the longest row that it does.
const SHAPES = [
    { dim: 256, ffn_dim: 512, head_dim: 128, n_vocab: 259 },
    { dim: 2688, ffn_dim: 256, head_dim: 128, n_vocab: 261 },
    { dim: 256, ffn_dim: 8640, head_dim: 128, n_vocab: 262 },
];
for (const [i, { dim, ffn_dim: ffn, ...shape }] of SHAPES.entries()) {
    const made = new Map();
    for (const [name, { block }] of Object.entries(CONTAINERS)) {
        const cut = { ...shape, dim: dim - (dim % block), ffn_dim: ffn - (ffn % block) };
        const what = `rows of ${cut.dim} and ${cut.ffn_dim}`;
        if (!made.has(what)) {
            const set = generatedSet(cut, i + 1);
            made.set(what, { set, base: baseOf(set) });
        }
        const { set, base } = made.get(what);
        testContainer(name, what, set, base);
    }
}

for (const [type, k] of [
    ['TQ1_0', 2688],
    ['TQ2_0', 2688],
    ['TQ1_0', 8640],
    ['TQ2_0', 8640],
    ['I2_S', 8640],
])
    test(`${type}: a row of ${k} is refused by name`, () => {
        const { model, arch } = generatedSet(
            { dim: 256, ffn_dim: k, head_dim: 128, n_vocab: 259 },
            1,
        );
        const path = newPath();
        const tensor = 'blk.0.ffn_down.weight';
        writeModel(path, model, { arch, ternary: 'F16', embed: 'F16' });
        const bytes = readFileSync(path);
        // behind the name: how many dimensions, two of them, the type
        bytes.writeUInt32LE(TENSOR_TYPES[type].id, bytes.indexOf(tensor) + tensor.length + 4 + 16);
        writeFileSync(path, bytes);
        const sentence = new RegExp(
            `BAD_TENSOR_SHAPE: tensor ${tensor}: a row of ${k} is no multiple of the ` +
                `${CONTAINERS[type].block} of ${type}`,
        );
        assert.throws(
            () => pack(path),
            ({ stderr }) => sentence.test(stderr),
        );
    });
