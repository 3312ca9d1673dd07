#!/usr/bin/env node
// `npm run fuzz -- [seconds [executions]] [target ...]`: fuzz targets under libFuzzer, ASan and UBSan, each for
// so long and so often at least, one after the other. The corpus stays in build/fuzz-corpus; what is found, in
// build/fuzz-found.
// `npm run fuzz -- coverage`: which lines of the parsers seeds and saved findings reach.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fuzzClang } from '../wasm/toolchain/fuzzer.mjs';
import { repoDir, toolEnv } from '../wasm/toolchain/paths.mjs';
import { coverage } from './fuzz/coverage.mjs';

const options = { cwd: repoDir, env: toolEnv(), stdio: 'inherit' };
const targets = readdirSync(join(repoDir, 'tests/fuzz'))
    .map((file) => file.match(/^(fuzz_\w+)\.c$/)?.[1])
    .filter(Boolean);

function run(command, args) {
    if (spawnSync(command, args, options).status === 0) return;
    console.error(`failed: ${command} ${args.join(' ')}`);
    process.exit(1);
}

/** Configures with a clang that has libFuzzer, and builds the targets. */
function build(folder, flags, names) {
    const common = ['-S', '.', '-B', folder, '-G', 'Ninja', '--log-level=WARNING'];
    run('cmake', [...common, `-DCMAKE_C_COMPILER=${fuzzClang()}`, ...flags]);
    for (const name of names) run('cmake', ['--build', folder, '-t', name, '--', '--quiet']);
}

/** The folders of inputs that a target has. */
const inputsOf = (target) =>
    ['seeds', 'saved']
        .map((kind) => join('tests/fuzz', kind, target))
        .filter((folder) => existsSync(join(repoDir, folder)));

/** Rounds of libFuzzer until both are reached, or a finding ends it. */
function fuzz(target, seconds, executions) {
    const corpus = join('build/fuzz-corpus', target);
    const found = join('build/fuzz-found', target);
    for (const folder of [corpus, found]) mkdirSync(join(repoDir, folder), { recursive: true });
    const program = join(repoDir, 'build/fuzz/tests', target);
    const begin = Date.now();
    const passed = () => (Date.now() - begin) / 1000;
    let done = 0;
    while (passed() < seconds || done < executions) {
        const round = Math.max(60, Math.min(600, Math.ceil(seconds - passed())));
        const args = [
            `-max_total_time=${Math.min(round, seconds)}`,
            '-max_len=16384',
            '-timeout=1800',
        ];
        const child = spawnSync(
            program,
            [
                ...args,
                '-print_final_stats=1',
                `-artifact_prefix=${found}/`,
                corpus,
                ...inputsOf(target),
            ],
            {
                cwd: repoDir,
                // freed memory is watched for a while, and comes back before the caches have lost it
                env: toolEnv({ ASAN_OPTIONS: 'quarantine_size_mb=8' }),
                encoding: 'utf8',
                maxBuffer: 1 << 28,
            },
        );
        if (child.status !== 0) {
            console.error(child.stderr.slice(-6000));
            console.error(`${target}: a finding, in ${found}`);
            process.exit(1);
        }
        done += Number(child.stderr.match(/number_of_executed_units:\s*(\d+)/)[1]);
    }
    const lines = readdirSync(join(repoDir, corpus)).length;
    console.log(
        `${target}: ${done.toExponential(2)} executions in ${passed().toFixed(0)} s, no finding; ${lines} inputs in the corpus`,
    );
}

run(process.execPath, ['wasm/toolchain/setup.mjs', '--fuzz']);
if (process.argv[2] === 'coverage') {
    const flags = [
        '-DCMAKE_BUILD_TYPE=Debug',
        '-DCMAKE_C_FLAGS=-fprofile-instr-generate -fcoverage-mapping',
    ];
    build('build/coverage', flags, ['fuzz_targets']);
    process.exit(coverage(targets, inputsOf) ? 0 : 1);
}
const numbers = process.argv.slice(2).filter((arg) => Number(arg) >= 0);
const named = process.argv.slice(2).filter((arg) => !(Number(arg) >= 0));
const unknown = named.find((name) => !targets.includes(name));
if (unknown) {
    console.error(`There is no target ${unknown}; name some of ${targets.join(', ')}.`);
    process.exit(2);
}
const [seconds = 60, executions = 0] = numbers.map(Number);
const chosen = named.length > 0 ? named : targets;
// Following every comparison of numbers takes two thirds of the time and finds little where a good file is
// changed in places; those of words are followed by libFuzzer's hooks of strcmp and memcmp.
const flags = '-DCMAKE_C_FLAGS_DEBUG=-O2 -g -fno-sanitize-coverage=trace-cmp';
const sanitize = '-DTRIT_SANITIZE=address,undefined,fuzzer-no-link';
build('build/fuzz', ['-DCMAKE_BUILD_TYPE=Debug', flags, sanitize], chosen);
for (const target of chosen) fuzz(target, seconds, executions);
