// A packed file is a safetensors file: the parser of the format's own publisher lists it, and lists the
// same as our reference, which reads the values.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { parseSafetensorsMetadata } from '@huggingface/hub';

import { dtypeBytes, openSafetensors } from '../../models/reference/safetensors.mjs';

const models = fileURLToPath(new URL('../../models/', import.meta.url));

/** The parser fetches parts of a file from a server; here that is an array. */
function fetchFrom(bytes) {
    return async (_, { headers }) => {
        const [first, last] = headers.Range.match(/\d+/g).map(Number);
        const range = `bytes ${first}-${last}/${bytes.length}`;
        return new Response(bytes.subarray(first, last + 1), {
            status: 206,
            headers: { 'content-range': range, etag: '"1"' },
        });
    };
}

for (const name of [
    'tiny-stories/tiny-stories',
    'tiny-tales/tiny-tales',
    'tiny-tales/tiny-tales-f16',
])
    test(`${name}.trit is listed by @huggingface/hub`, async (t) => {
        const bytes = readFileSync(join(models, `${name}.trit`));
        const { header } = await parseSafetensorsMetadata({
            repo: 'any/name',
            path: 'model.safetensors',
            fetch: fetchFrom(bytes),
        });
        const { __metadata__: metadata, ...tensors } = header;
        const reference = openSafetensors(bytes);
        assert.deepEqual(metadata, reference.metadata);
        assert.deepEqual(Object.keys(tensors), reference.names);
        let end = 0;
        for (const [tensor, { dtype, shape, data_offsets: offsets }] of Object.entries(tensors)) {
            assert.deepEqual({ dtype, shape }, reference.info(tensor));
            const count = shape.reduce((product, n) => product * n, 1);
            assert.deepEqual(offsets, [end, end + count * dtypeBytes(dtype)], tensor);
            end = offsets[1];
        }
        assert.equal(8 + reference.headerLength + end, bytes.length);
        t.diagnostic(`${reference.names.length} tensors, ${end} bytes`);
    });
