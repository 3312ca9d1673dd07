import assert from 'node:assert/strict';
import test from 'node:test';
import { oneHash } from './one-hash.mjs';

test('one hash of each KV type on every platform, and another one of other weights', async (t) => {
    const wrong = await oneHash(false, (line) => t.diagnostic(line));
    assert.deepEqual(wrong, []);
});
