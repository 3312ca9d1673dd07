import assert from 'node:assert/strict';
import test from 'node:test';
import { hashesAbove, oneHash } from './one-hash.mjs';

test('one hash of each KV type on every platform, and another one of other weights', async (t) => {
    const wrong = await oneHash(false, (line) => t.diagnostic(line));
    assert.deepEqual(wrong, []);
});

test('a model whose addresses are all above 2 GiB has the same hash', async () => {
    const hashes = await hashesAbove(2 ** 31);
    assert.equal(hashes.length, 5);
    assert.deepEqual(new Set(hashes).size, 1, hashes.join());
});
