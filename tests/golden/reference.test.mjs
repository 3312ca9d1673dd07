// The reference itself, against golden outputs that another program made, and vectors worked by hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { best, Decoder, quantiseA8 } from '../../models/reference/decoder.mjs';
import { packQuarters, unpackQuarters } from '../../models/reference/hf-packed.mjs';
import { readPacked } from '../../models/reference/packed.mjs';
import { openSafetensors } from '../../models/reference/safetensors.mjs';
import {
    int8Rows,
    packCodes,
    ternaryMatrix,
    unpackCodes,
} from '../../models/reference/ternarise.mjs';
import { writePacked, writeSafetensors } from '../../models/reference/write.mjs';
import { random } from './generated.mjs';
import { writeTernary } from './gguf-blocks.mjs';
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

test('quarters: the worked example of the format, and rows that are no multiple of four', () => {
    const bytes = Uint8Array.of(0b10100001, 0b00011000, 0b10010000, 0b00001010);
    const rows = [0, -1, -1, 1, -1, 1, -1, 1, 1, 0, 0, -1, 1, -1, 1, -1];
    assert.deepEqual([...unpackQuarters(bytes, 8, 2)], rows);
    assert.deepEqual(packQuarters({ rows: 8, cols: 2, codes: rows }), bytes);
    const next = random(3);
    for (const n of [1, 2, 3, 5, 6, 7, 9]) {
        const codes = Int8Array.from({ length: n * 5 }, () => Math.floor(3 * next()) - 1);
        assert.deepEqual(unpackQuarters(packQuarters({ rows: n, cols: 5, codes }), n, 5), codes);
    }
});

test('worked bytes of the layouts of GGUF, of w[j] = (j mod 3) - 1', () => {
    const row = {
        rows: 1,
        cols: 256,
        codes: Int8Array.from({ length: 256 }, (_, j) => (j % 3) - 1),
    };
    const written = (type, { rows, cols, codes }, layout) => {
        const bytes = Buffer.alloc(rows * cols);
        writeTernary[type](bytes, { rows, cols, codes, scale: 0.5 }, layout);
        return (begin, n) => bytes.subarray(begin, begin + n).toString('hex');
    };
    const turn = (hex, n) => hex.repeat(n).slice(0, 2 * n);
    assert.equal(written('I2_S', row, 'x86')(0, 32), turn('244992', 32));
    assert.equal(written('I2_S', row, 'x86')(64, 32), '0000003f'.repeat(8));
    assert.equal(written('I2_S', row, 'arm')(0, 16), turn('186186', 16));
    // each of the four rows is w, further by one
    const further = (_, i) => ((Math.floor(i / 12) + i) % 3) - 1;
    const four = { rows: 4, cols: 12, codes: Int8Array.from({ length: 48 }, further) };
    assert.equal(written('I2_S', four, 'rows')(0, 12), turn('186186', 12));
    assert.equal(written('TQ2_0', row)(0, 32), turn('186186', 32));
    assert.equal(written('TQ2_0', row)(64, 2), '0038');
    const tq1 = written('TQ1_0', row);
    assert.equal(tq1(0, 32), turn('456ccf', 32));
    assert.equal(tq1(32, 16), turn('94bb31', 16));
    assert.equal(tq1(48, 6), '3092bb300038');
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
