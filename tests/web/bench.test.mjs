// The benchmark of models on the smallest shape: that it runs where it says it does, and what it reports.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { root, temporaryFolder } from './helpers.mjs';

function bench(...args) {
    const options = { cwd: root, encoding: 'utf8' };
    return spawnSync(process.execPath, ['tests/bench/model.mjs', ...args], options);
}

test('bench:model measures each configuration once a round and writes every run', async (t) => {
    const file = join(await temporaryFolder(t), 'report.json');
    const small = ['--prefill', '8', '--depth', '4', '--decode', '2', '--rounds', '2'];
    const { status, stdout, stderr } = bench(
        ...['--shapes', 'tiny', '--hosts', 'node,chromium', '--flavours', 'simd128'],
        ...[...small, '--json', file],
    );
    assert.equal(status, 0, stderr);
    const { results } = JSON.parse(readFileSync(file, 'utf8'));
    assert.deepEqual(
        results.map(({ host, threads }) => [host, threads]),
        [
            ['node', 1],
            ['node', 2],
            ['chromium', 1],
            ['chromium', 2],
        ],
    );
    for (const { host, prefillCpu, decodeCpu } of results)
        assert.deepEqual([prefillCpu !== null, decodeCpu !== null], Array(2).fill(host === 'node'));
    for (const { prefill, decode, lengths, memory, version } of results) {
        assert.deepEqual(lengths, { prefill: 8, depth: 4, decode: 2 });
        for (const { runs, min, median, max } of [prefill, decode]) {
            assert.equal(runs.length, 2);
            assert.ok(0 < min && min <= median && median <= max);
        }
        assert.ok(memory.modelBytes + memory.kvBytes < memory.memoryBytes);
        assert.ok(memory.memoryBytes <= memory.boundBytes);
        assert.ok(stdout.includes(version));
    }
});

test('bench:model refuses what makes no sense in one sentence', () => {
    for (const args of ['--hosts none', '--rounds 0', '--context 100', '--nonsense']) {
        const result = bench(...args.split(' '));
        assert.equal(result.status, 2, result.stderr);
        assert.match(result.stderr, /^bench:model: [^\n]+\n$/);
        assert.equal(result.stdout, '');
    }
});
