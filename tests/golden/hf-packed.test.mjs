// One set of ternary matrices in every safetensors container packs to the same bytes; the scales are what
// their container holds of them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { packedTensors, QUANTIZATION } from '../../models/reference/hf-packed.mjs';
import { NAMES } from '../../models/reference/masters.mjs';
import { readPacked } from '../../models/reference/packed.mjs';
import { bf16, openSafetensors } from '../../models/reference/safetensors.mjs';
import { bf16Bits, writeSafetensors } from '../../models/reference/write.mjs';
import {
    byteTokenizer,
    configOf,
    masters,
    SHAPES,
    tinyTalesFolder,
    writeFolder,
} from './generated.mjs';
import { native, scratch } from './helpers.mjs';

const root = new URL('../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root));

const ROUND = { F32: Math.fround, BF16: (x) => bf16(bf16Bits(x)) };

/** The scale that a reader gets out of the container. */
function storedScale(scale, convention, dtype) {
    if (convention === 'multiply') return ROUND[dtype](scale);
    return Math.fround(1 / ROUND[dtype](1 / scale));
}

let folders = 0;
/** The packed file that the engine makes of a folder. */
function pack(folder, ...options) {
    const path = join(scratch, `hf-${folders++}`);
    writeFolder(path, folder);
    native('pack', path, '-o', `${path}.trit`, '--head', 'f16', ...options);
    return readFileSync(`${path}.trit`);
}

/** All bytes are equal but those of the scales, which are `expected`. */
function assertSameCodes(found, base, expected) {
    const file = openSafetensors(base);
    const view = new DataView(found.buffer, found.byteOffset, found.byteLength);
    const same = Buffer.from(found);
    const text = base.subarray(8, 8 + file.headerLength).toString();
    const entries = JSON.parse(text);
    for (const name of file.names.filter((name) => /^\d.*\.scale$/.test(name))) {
        const at = 8 + file.headerLength + entries[name].data_offsets[0];
        assert.equal(view.getFloat32(at, true), expected(file.read(name)[0]), name);
        base.copy(same, at, at, at + 4);
    }
    assert.ok(same.equals(base), 'codes, floats, tokenizer and header are the same bytes');
}

for (const [i, shape] of SHAPES.entries())
    test(`masters and packed, dim ${shape.dim}, ffn ${shape.ffn}`, () => {
        const config = configOf(shape);
        const tokenizer = byteTokenizer(shape.vocab);
        const bytes = writeSafetensors(masters(shape, 'F32', i + 1), { format: 'pt' });
        const base = pack({ config, tokenizer, bytes });
        const model = readPacked(base);
        for (const [convention, quantization] of Object.entries(QUANTIZATION))
            for (const dtype of Object.keys(ROUND)) {
                const tensors = packedTensors(model, convention, { scale: dtype, floats: 'F32' });
                const packed = pack({
                    config: { ...config, quantization_config: quantization },
                    tokenizer,
                    bytes: writeSafetensors(tensors, { format: 'pt' }),
                });
                assertSameCodes(packed, base, (s) => storedScale(s, convention, dtype));
            }
    });

/** Masters whose mean is the scale and whose signs are the codes. */
function mastersOf({ rows, cols, codes, scale }) {
    const n = codes.reduce((count, code) => count + Math.abs(code), 0);
    const size = Math.fround((scale * rows * cols) / n);
    const values = Float32Array.from(codes, (code) => code * size);
    const first = codes.findIndex((code) => code !== 0);
    values[first] = codes[first] * (size + (scale * rows * cols - size * n));
    return values;
}

test('tiny-tales: masters and both conventions of packed files', () => {
    const file = 'models/tiny-tales/tiny-tales-f16.trit';
    const card = ['--card', new URL('models/tiny-tales/card.json', root).pathname];
    const base = read(file);
    const model = readPacked(base);
    const folder = tinyTalesFolder(model.config);
    const packFolder = (quantization, tensors) =>
        pack(
            {
                ...folder,
                config: { ...folder.config, quantization_config: quantization },
                bytes: writeSafetensors(tensors, { format: 'pt' }),
            },
            ...card,
        );
    for (const [convention, quantization] of Object.entries(QUANTIZATION)) {
        const tensors = packedTensors(model, convention, { scale: 'BF16', floats: 'F16' });
        const packed = packFolder(quantization, tensors);
        assertSameCodes(packed, base, (s) => storedScale(s, convention, 'BF16'));
    }
    const names = new Map(Object.entries(NAMES).map(([name, hfName]) => [hfName, name]));
    const tensors = packedTensors(model, 'multiply', { scale: 'BF16', floats: 'F16' })
        .filter(({ name }) => !name.endsWith('_scale'))
        .map((tensor) => {
            const [, layer, part] = tensor.name.match(/^model\.layers\.(\d+)\.(.*)\.weight$/) ?? [];
            const matrix = model.layers[layer]?.[names.get(part)];
            if (!matrix?.codes) return tensor;
            const { rows, cols } = matrix;
            return { ...tensor, dtype: 'F32', shape: [rows, cols], values: mastersOf(matrix) };
        });
    assertSameCodes(packFolder(folder.config.quantization_config, tensors), base, (s) => s);
});
