import assert from 'node:assert/strict';
import test from 'node:test';
import { listFiles, readText } from './files.mjs';

test('wasm/exports.txt lists the functions marked TRIT_EXPORT', () => {
    const listed = readText('wasm/exports.txt').split('\n').filter(Boolean);
    const marked = listFiles(/^wasm\/[^/]+\.c$/).flatMap((name) =>
        [...readText(name).matchAll(/^TRIT_EXPORT\b[^(;]*?\b(\w+)\s*\(/gm)].map((m) => m[1]),
    );
    assert.deepEqual([...listed].sort(), [...marked].sort());
});
