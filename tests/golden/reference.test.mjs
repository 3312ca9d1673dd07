// The reference itself, against golden outputs that another program made.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { best, Decoder, quantiseA8 } from '../../models/reference/decoder.mjs';
import { readPacked } from '../../models/reference/packed.mjs';
import { openSafetensors } from '../../models/reference/safetensors.mjs';
import {
    int8Rows,
    packCodes,
    ternaryMatrix,
    unpackCodes,
} from '../../models/reference/ternarise.mjs';
import { writePacked, writeSafetensors } from '../../models/reference/write.mjs';
import {
    bitsPerByte,
    extractWindows,
    goldenHidden,
    goldenLogits,
    goldens,
    goldenScales,
    loadModel,
    maxDifference,
    referenceLogits,
} from './helpers.mjs';

const { model } = loadModel('f16');
const vocab = model.config.n_vocab;

test('worked vectors of the quantisers', () => {
    const { s, codes } = quantiseA8(Float64Array.of(0.5, -0.5, 1, -1, 0.003937, 0));
    assert.equal(s, 127);
    assert.deepEqual([...codes], [64, -64, 127, -127, 0, 0]);
    assert.deepEqual([...quantiseA8(new Float64Array(3)).codes], [0, 0, 0]);

    const masters = Float32Array.of(0.02, -0.5, 0.3, 0, 1.2, -0.04, -0.26, 0.11);
    const matrix = ternaryMatrix(masters, 2, 4);
    assert.equal(matrix.scale, Math.fround(0.30375));
    assert.deepEqual([...matrix.codes], [0, -1, 1, 0, 1, 0, -1, 0]);
    assert.equal(ternaryMatrix(new Float32Array(8), 2, 4).scale, Math.fround(1e-5));
    // mean 1: values at half the scale are ties and go to 0
    assert.deepEqual(
        [...ternaryMatrix(Float32Array.of(0.5, -0.5, 2, -1), 1, 4).codes],
        [0, 0, 1, -1],
    );

    const rows = int8Rows(Float32Array.of(2, -1, 0.5, 0, 0, 0), 2, 3);
    assert.deepEqual([...rows.codes], [127, -64, 32, 0, 0, 0]);
    assert.deepEqual([...rows.scale], [Math.fround(2 / 127), 0]);
    assert.deepEqual([...rows.sum], [95, 0]);
});

test('every byte of codes unpacks to what packs to it, or is refused', () => {
    let legal = 0;
    for (let byte = 0; byte < 256; byte++) {
        const bytes = Uint8Array.of(byte);
        let codes;
        try {
            codes = unpackCodes(bytes, 1, 5);
        } catch {
            continue;
        }
        legal++;
        assert.deepEqual(packCodes({ rows: 1, cols: 5, codes }), bytes);
    }
    assert.equal(legal, 243);
    // four columns leave one pad, whose code must be 1 (weight 0)
    const pad = packCodes({ rows: 1, cols: 5, codes: Int8Array.of(1, 1, 1, 1, 1) });
    assert.throws(() => unpackCodes(pad, 1, 4), /pad/);
});

test('the reader refuses holes, short files and unknown types', () => {
    const good = writeSafetensors([
        { name: 'a', dtype: 'F32', shape: [2], values: [1, 2] },
        { name: 'b', dtype: 'I8', shape: [3], values: [1, 2, 3] },
    ]);
    assert.deepEqual([...openSafetensors(good).read('b')], [1, 2, 3]);
    const edited = (from, to) => {
        const bytes = good.slice();
        const at = Buffer.from(bytes).indexOf(from);
        bytes.set(new TextEncoder().encode(to), at);
        return bytes;
    };
    assert.throws(() => openSafetensors(good.subarray(0, -1)), /end/);
    assert.throws(() => openSafetensors(edited('[8,11]', '[9,12]')), /hole/);
    assert.throws(() => openSafetensors(edited('"I8"', '"I7"')), /dtype/);
    assert.throws(() => openSafetensors(edited('[3]', '[4]')), /shape/);
    assert.throws(() => openSafetensors(edited('"b"', '"a"')), /hole/);
});

test('a packed file is written back as the same model', () => {
    for (const head of ['f16', 'int8']) {
        const before = loadModel(head).model;
        assert.deepEqual(readPacked(writePacked(before)), before);
    }
});

test('scales and shares of zeros are those of the trained model', () => {
    const places = { q: 'self_attn', k: 'self_attn', v: 'self_attn', o: 'self_attn' };
    model.layers.forEach((layer, index) => {
        for (const name of ['q', 'k', 'v', 'o', 'gate', 'up', 'down']) {
            const place = places[name] ?? 'mlp';
            const golden = goldenScales[`model.layers.${index}.${place}.${name}_proj.weight`];
            const { codes, scale } = layer[name];
            assert.equal(scale, golden.scale);
            const zeros = codes.reduce((n, code) => n + (code === 0), 0);
            assert.equal(zeros / codes.length, golden.zero_share);
        }
    });
});

test('hidden states of every layer', () => {
    const { ids, shape } = goldens.hidden_states;
    const [states, positions, dim] = shape;
    const hidden = new Float64Array(states * positions * dim);
    const onHidden = (state, position, values) =>
        hidden.set(values, (state * positions + position) * dim);
    referenceLogits(model, ids, { onHidden });
    const relative = hidden.map(
        (value, i) => (value - goldenHidden[i]) / Math.max(1, Math.abs(value)),
    );
    assert.ok(maxDifference(relative, new Float64Array(relative.length)) < 1e-6);
});

for (const prompt of goldens.prompts)
    test(`prompt ${prompt.name}: logits and 64 greedy tokens`, () => {
        const decoder = new Decoder(model);
        let logits = decoder.run(prompt.ids);
        const row = prompt.full_logits_index * vocab;
        assert.ok(maxDifference(logits, goldenLogits.subarray(row, row + vocab)) < 1e-4);
        prompt.greedy.forEach((golden, step) => {
            const { id, margin } = best(logits);
            assert.equal(id, golden, `step ${step}`);
            assert.ok(
                Math.abs(margin - prompt.greedy_margin[step]) < 1e-4,
                `margin of step ${step}`,
            );
            logits = decoder.step(id);
        });
    });

test('bits per byte of the extract', () => {
    const windows = extractWindows(model);
    assert.equal(windows.flat().length - windows.length, goldens.perplexity.tokens);
    const bits = bitsPerByte(model, (window) => referenceLogits(model, window));
    assert.ok(Math.abs(bits - goldens.perplexity.bits_per_byte) < 1e-9, `${bits}`);
});
