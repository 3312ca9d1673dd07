#!/usr/bin/env node
// `npm run bench`: every tests/kernels/bench_*.c, natively and in the single-thread wasm flavours.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repoDir, toolDir, toolEnv } from '../wasm/toolchain/paths.mjs';

const options = { cwd: repoDir, env: toolEnv(), stdio: 'inherit' };
const PRESETS = [
    { preset: 'release', suffix: '', run: [] },
    { preset: 'wasm-st-simd128', suffix: '.cjs', run: [process.execPath] },
    // Node 20 computes the relaxed dot product wrongly.
    { preset: 'wasm-st-relaxed', suffix: '.cjs', run: [join(toolDir, 'node24/node')] },
];

function run(command, args) {
    if (spawnSync(command, args, options).status === 0) return;
    console.error(`failed: ${command} ${args.join(' ')}`);
    process.exit(1);
}

const [option] = process.argv.slice(2);
if (option === '--help') {
    console.log('usage: npm run bench\n\nThe speed of every kernel. It has no options.');
    process.exit(0);
}
if (option !== undefined) {
    console.error(`bench: it has no options: "${option}"`);
    process.exit(2);
}
const names = readdirSync(join(repoDir, 'tests/kernels'))
    .filter((name) => /^bench_.*\.c$/.test(name))
    .map((name) => `kernels_${name.slice(0, -2)}`);
if (names.length === 0) {
    console.error('There is no benchmark: write tests/kernels/bench_<what>.c.');
    process.exit(1);
}
run(process.execPath, ['wasm/toolchain/setup.mjs', '--tests']);
for (const { preset, suffix, run: runner } of PRESETS) {
    run('cmake', ['--preset', preset, '--log-level=WARNING']);
    for (const name of names) {
        run('cmake', ['--build', '--preset', preset, '-t', name, '--', '--quiet']);
        console.log(`--- ${name}, ${preset}`);
        const [command, ...args] = [
            ...runner,
            join(repoDir, 'build', preset, 'tests', name + suffix),
        ];
        run(command, args);
    }
}
