// The engine's packer against the reference's, on masters whose scales are arbitrary numbers.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { readMasters } from '../../models/reference/masters.mjs';
import { readPacked } from '../../models/reference/packed.mjs';
import { writeSafetensors } from '../../models/reference/write.mjs';
import { byteTokenizer, configOf, masters, SHAPES, writeFolder } from './generated.mjs';
import { native, scratch } from './helpers.mjs';

/** As assert.deepEqual, but quick, and an error names the place instead of printing both sides. */
function assertSameWeights(found, expected) {
    const flatten = (value, path) =>
        typeof value === 'object' && !ArrayBuffer.isView(value)
            ? Object.entries(value).flatMap(([key, part]) => flatten(part, `${path} ${key}`))
            : [[path, value]];
    const parts = ({ embed, layers, norm, head }) => flatten({ embed, layers, norm, head }, '');
    const others = new Map(parts(expected));
    assert.deepEqual(new Set(parts(found).map(([path]) => path)), new Set(others.keys()));
    for (const [path, value] of parts(found)) {
        const other = others.get(path);
        const [a, b] = ArrayBuffer.isView(value) ? [value, other] : [[value], [other]];
        const at = a.findIndex((x, i) => x !== b[i]);
        assert.equal(at, -1, `${path} [${at}]: ${a[at]}, reference ${b[at]}`);
        assert.equal(a.length, b.length, path);
    }
}

for (const [i, shape] of SHAPES.entries())
    for (const dtype of ['F32', 'BF16', 'F16'])
        for (const head of ['int8', 'f16'])
            test(`pack ${dtype} masters, dim ${shape.dim}, ffn ${shape.ffn}, head ${head}`, () => {
                const directory = join(scratch, `masters-${i}-${dtype}-${head}`);
                const packedFile = `${directory}.trit`;
                const config = configOf(shape);
                const tokenizer = byteTokenizer(shape.vocab);
                const bytes = writeSafetensors(masters(shape, dtype, i + 1), { format: 'pt' });
                writeFolder(directory, { config, tokenizer, bytes });
                native('pack', directory, '-o', packedFile, '--head', head);

                const found = readPacked(readFileSync(packedFile));
                const expected = readMasters({ config, tokenizer, bytes }, head);
                assert.deepEqual(found.config, expected.config);
                assert.deepEqual(found.tokenizer, expected.tokenizer);
                assertSameWeights(found, expected);

                // the engine reads what it wrote, the empty table of merges included
                native('pack', packedFile, '-o', `${directory}-again.trit`, '--head', head);
                const again = readFileSync(`${directory}-again.trit`);
                assert.ok(again.equals(readFileSync(packedFile)));
            });

// An embedding that becomes int8 leaves its codes where the next matrix's pads are.
test('pack masters whose narrowest matrix follows the embedding', () => {
    const [shape] = SHAPES;
    const config = configOf(shape);
    const tokenizer = byteTokenizer(shape.vocab);
    const [embed, ...others] = masters(shape, 'F32', 1);
    const at = others.findIndex(({ name }) => name.includes('down_proj'));
    const bytes = writeSafetensors([embed, ...others.splice(at, 1), ...others]);
    const directory = join(scratch, 'masters-order');
    writeFolder(directory, { config, tokenizer, bytes });
    native('pack', directory, '-o', `${directory}.trit`, '--head', 'int8');
    const found = readPacked(readFileSync(`${directory}.trit`));
    assertSameWeights(found, readMasters({ config, tokenizer, bytes }, 'int8'));
});
