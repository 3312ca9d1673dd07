// The benchmarks of models on the smallest shape: that they run where they say they do, and what they report.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { decodeCpuMs, summary, table } from '../bench/report.mjs';
import { root, temporaryFolder } from './helpers.mjs';

function run(script, args) {
    const options = { cwd: root, encoding: 'utf8' };
    return spawnSync(process.execPath, [`tests/bench/${script}`, ...args], options);
}
const bench = (...args) => run('model.mjs', args);

test('bench:model measures each configuration once a round and writes every run', async (t) => {
    const file = join(temporaryFolder(t), 'report.json');
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
    for (const { host, prefillCpu } of results) assert.equal(prefillCpu !== null, host === 'node');
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

test('the CPU time of decoding is what a run took longer than its prefill alone', () => {
    const cost = (prefillMs, runMs, prefill, depth) =>
        decodeCpuMs({ cpuMs: prefillMs }, { cpuMs: runMs }, { prefill, depth });
    assert.equal(cost(200, 500, 128, 128), 300);
    assert.equal(cost(200, 500, 16, 128), NaN); // a short prefill tells nothing of a long one
    assert.equal(cost(200, 190, 128, 128), NaN);
    assert.equal(cost(undefined, undefined, 128, 128), NaN); // a browser does not tell
    const memory = { memoryBytes: 1, boundBytes: 2 };
    const known = { shape: 'tiny', version: 'Node', flavour: 'simd128', kernels: 'v128', memory };
    const speeds = { prefill: summary([4]), decode: summary([2]), prefillCpu: summary([8]) };
    assert.match(table([{ ...known, ...speeds, threads: 1, decodeCpu: null }]), /\| 8\.00 \/ – /);
});

test('processes that keep cores busy end with the benchmark, even with a killed one', async () => {
    const script =
        "import { keepBusy } from './tests/bench/busy.mjs'; console.log(keepBusy(1)[0]); setInterval(() => {}, 1e6);";
    const args = ['--input-type=module', '-e', script];
    const child = spawn(process.execPath, args, {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [text] = await once(child.stdout, 'data');
    const isAlive = () => {
        try {
            return process.kill(Number(text), 0);
        } catch {
            return false;
        }
    };
    assert.ok(isAlive());
    child.kill('SIGKILL');
    const end = Date.now() + 20_000;
    while (isAlive() && Date.now() < end) await wait(50);
    assert.ok(!isAlive());
});

test('bench:model refuses what makes no sense in one sentence', () => {
    for (const args of ['--hosts none', '--rounds 0', '--context 100', '--nonsense']) {
        const result = bench(...args.split(' '));
        assert.equal(result.status, 2, result.stderr);
        assert.match(result.stderr, /^bench:model: [^\n]+\n$/);
        assert.equal(result.stdout, '');
    }
});

const short = ['--shapes', 'tiny', '--threads', '1', '--depth', '8', '--rounds', '2'];

/** Runs trit alone, as the peers' packages are large; resolves to the child, the figures and the picture. */
async function benchPeers(t, ...args) {
    const folder = temporaryFolder(t);
    const [json, svg] = ['report.json', 'report.svg'].map((name) => join(folder, name));
    const child = run('peers/main.mjs', [...short, '--json', json, '--svg', svg, ...args]);
    const read = (file) => readFileSync(file, 'utf8');
    return { ...child, results: JSON.parse(read(json)), picture: read(svg) };
}

test('bench:peers measures its engines in turn, and the bandwidth that limits them', async (t) => {
    const names = ['trit-chromium-simd128', 'trit-node-simd128'];
    const { status, stderr, stdout, results, picture } = await benchPeers(
        ...[t, '--engines', names.join(), '--decode', '2', '--prompts', '12'],
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(results.failures, []);
    const [{ engines, bandwidth, busy }] = results.groups;
    assert.deepEqual(
        engines.map(({ name }) => name),
        names,
    );
    for (const { name, decode, prefill, decodeLimit, modelBytes } of engines) {
        for (const { runs, min } of [decode, prefill[8], prefill[12]]) {
            assert.equal(runs.length, 2);
            assert.ok(min > 0);
        }
        assert.equal(decodeLimit, bandwidth.median / modelBytes);
        for (const text of [stdout, picture]) assert.ok(text.includes(name));
    }
    assert.ok(0 <= busy.min && busy.max <= 1);
});

test('bench:peers goes on without an engine that fails, and names it', async (t) => {
    const { status, stdout, results } = await benchPeers(
        ...[t, '--engines', 'trit-node-simd128', '--decode', '1048576'],
    );
    assert.equal(status, 1);
    const [{ what, message }] = results.failures;
    assert.equal(what, 'trit-node-simd128, tiny, 1 thread');
    assert.match(message, /n_ctx/);
    assert.ok(stdout.includes(`FAILED: ${what}: ${message}`));
});

test('bench:peers refuses what makes no sense in one sentence', () => {
    for (const args of ['--engines none', '--rounds 0', '--head Q4_0', '--nonsense']) {
        const result = run('peers/main.mjs', args.split(' '));
        assert.equal(result.status, 2, result.stderr);
        assert.match(result.stderr, /^bench:peers: USAGE: [^\n]+\n$/);
        assert.equal(result.stdout, '');
    }
});

test('bench:abort measures each engine, and finds its answers as before', () => {
    const wish = [
        '--shape',
        'tiny',
        '--hosts',
        'node24',
        '--flavours',
        'simd128',
        '--prompt',
        '500',
    ];
    const { status, stdout, stderr } = run('abort.mjs', [...wish, '--times', '3', '--within', '5']);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^tiny, prefill of 500 tokens and decoding, each stopped 3 times\n/);
    assert.equal(stdout.match(/^\| Node 24.*\| v128 head=v128 +\|/gm).length, 2);
});

test('bench and bench:agree have no options, and say so before they work', () => {
    for (const [name, script] of [
        ['bench', '../bench.mjs'],
        ['bench:agree', 'peers/agree.mjs'],
    ]) {
        const wrong = run(script, ['--nonsense']);
        assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
        assert.equal(wrong.stderr, `${name}: it has no options: "--nonsense"\n`);
        const { status, stdout } = run(script, ['--help']);
        assert.equal(status, 0);
        assert.ok(stdout.startsWith(`usage: npm run ${name}\n`), stdout);
    }
});

test('bench:abort refuses what makes no sense in one sentence, and tells its options', () => {
    for (const args of ['--hosts none', '--times 0', '--prompt many', '--nonsense']) {
        const result = run('abort.mjs', args.split(' '));
        assert.equal(result.status, 2, result.stderr);
        assert.match(result.stderr, /^bench:abort: [^\n]+\n$/);
        assert.equal(result.stdout, '');
    }
    const { status, stdout } = run('abort.mjs', ['--help']);
    assert.equal(status, 0);
    assert.match(stdout, /^usage: npm run bench:abort -- \[options\]\n/);
});
