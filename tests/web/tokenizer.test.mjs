// How fast text becomes ids, as a program that uses the package sees it: one thread, into the worker and
// back. The bars are the promise; what is printed is the figure.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { Trit } from '../../web/node.js';
import { modelPath, root } from './helpers.mjs';

const RUNS = 3;

let model;
before(async () => {
    model = await Trit.load(modelPath, { threads: 1, flavour: 'simd128' });
});
after(() => model.close());

/** mulberry32: the same text on every machine. */
function generator(seed) {
    return (limit) => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) % limit;
    };
}

/** Sentences of the extract in random order, some words replaced by made-up ones. */
function english(nBytes) {
    const random = generator(11);
    const extract = readFileSync(join(root, 'tests/golden/data/extract.txt'), 'utf8');
    const sentences = extract.match(/[^.!?]+[.!?]\S*\s*/g);
    const syllables = extract.match(/[a-z]{2,4}/g);
    const pick = (list) => list[random(list.length)];
    let text = '';
    while (text.length < nBytes)
        text += pick(sentences).replace(/\b[a-z]+\b/g, (word) =>
            random(8) ? word : pick(syllables) + pick(syllables),
        );
    return text;
}

/** Megabytes a second of CPU time, which other programs on the machine do not take away. */
async function rate(t, name, text) {
    const bytes = Buffer.byteLength(text);
    let best = Infinity;
    let ids;
    for (let i = 0; i < RUNS; i++) {
        const begin = process.cpuUsage();
        ids = await model.tokenize(text);
        const { user, system } = process.cpuUsage(begin);
        best = Math.min(best, user + system);
    }
    const megabytes = bytes / best;
    t.diagnostic(`${name}: ${bytes} bytes, ${ids.length} ids, ${megabytes.toFixed(1)} MB/s`);
    assert.equal(await model.detokenize(ids), text);
    return megabytes;
}

test('10 MB of English: at least 5 MB/s', async (t) => {
    assert.ok((await rate(t, 'English', english(10e6))) >= 5);
});

test('a line of 1 MB that is one word: at least 1 MB/s', async (t) => {
    const letters = english(1.5e6)
        .replace(/[^a-z]/g, '')
        .slice(0, 1e6);
    assert.ok((await rate(t, 'one word', letters)) >= 1);
    assert.ok((await rate(t, 'one letter', 'a'.repeat(1e6))) >= 1);
});
