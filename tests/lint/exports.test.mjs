import assert from 'node:assert/strict';
import test from 'node:test';
import { readText } from './files.mjs';

test('wasm/exports.txt lists the functions of wasm/exports.c', () => {
    const listed = readText('wasm/exports.txt').split('\n').filter(Boolean);
    // Everything in that file that is not static is there to be exported.
    const source = readText('wasm/exports.c').replace(/\/\*[\s\S]*?\*\//g, '');
    const defined = [
        ...source.matchAll(/^(?!static\b)[A-Za-z_][\w \t*]*?[ *](trit_\w+)\s*\([^;{]*\)\s*\{/gm),
    ];
    assert.deepEqual(
        [...listed].sort(),
        defined.map((match) => match[1]).sort(),
        'add the missing function to wasm/exports.txt, or make it static',
    );
    assert.equal(new Set(listed).size, listed.length, 'a function is listed twice');
});
