#!/usr/bin/env node
// What `npm test` runs: the set-up, then every suite, then one line that counts them all.
//   node tests/run.mjs [suite ...]     only some suites, by the names below
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { repoDir, toolEnv } from '../wasm/toolchain/paths.mjs';
import { readCtest, readTap } from './results.mjs';

const NOTHING = Object.freeze({ passed: 0, failed: 0, skipped: 0 });
const NOT_BUILT = Object.freeze({ passed: 0, failed: 1, skipped: 0 });
const cores = String(availableParallelism());
/** A file of tests that hangs fails, and the others go on. */
const FILE_MS = 600_000;

const add = (a, b) => ({
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
});

/** Runs a command with its output shown; true when it succeeded. */
function run(command, args, options = {}) {
    const env = toolEnv({ CTEST_PARALLEL_LEVEL: cores, ...options.env });
    const child = spawnSync(command, args, { cwd: repoDir, stdio: 'inherit', ...options, env });
    if (child.error) console.error(`${command}: ${child.error.message}`);
    return child.status === 0;
}

function build(preset) {
    const options = { cwd: repoDir, env: toolEnv(), encoding: 'utf8' };
    const configured = spawnSync('cmake', ['--preset', preset], options);
    if (configured.status !== 0) {
        console.error(configured.error?.message ?? configured.stdout + configured.stderr);
        return false;
    }
    return run('cmake', ['--build', '--preset', preset, '-j', cores, '--', '--quiet']);
}

function ctest(preset) {
    const report = join(repoDir, 'build', preset, 'ctest.xml');
    if (!build(preset)) return NOT_BUILT;
    const fine = run('ctest', ['--preset', preset, '--output-junit', report]);
    return readCtest(report, fine);
}

/** The four flavours in web/dist, which the wasm suites have built too when they ran before. */
function buildProduct() {
    return run(process.execPath, ['wasm/toolchain/build.mjs']);
}

/**
 * The tests of a folder, a file on each core at a time.
 * @param {string} folder
 * @param {(name: string) => boolean} isWanted
 * @param {{atOnce?: string, pass?: string}} [how] pass: of several over one folder, its name
 */
function nodeTests(folder, isWanted, { atOnce = cores, pass = '' } = {}) {
    const path = join(repoDir, folder);
    const files = (existsSync(path) ? readdirSync(path) : [])
        .filter((name) => name.endsWith('.test.mjs') && isWanted(name))
        .map((name) => join(folder, name));
    if (files.length === 0) return { ...NOTHING };
    // On a clean clone no suite has built anything yet.
    mkdirSync(join(repoDir, 'build'), { recursive: true });
    const report = join(repoDir, 'build', `${folder.replace('/', '-')}${pass}.tap`);
    const reporters = ['spec', 'tap'].map((name) => `--test-reporter=${name}`);
    const places = ['stdout', report].map((place) => `--test-reporter-destination=${place}`);
    const limits = [`--test-concurrency=${atOnce}`, `--test-timeout=${FILE_MS}`];
    const args = ['--test', ...limits, ...reporters, ...places, ...files];
    const fine = run(process.execPath, args);
    return readTap(report, fine);
}

/** What measures has the machine for itself, and what builds, as packing the package does, the files. */
const ALONE =
    /^(bench|chat-speed|chat-start|faults-runtime|import|package|probe|soak|tokenizer)\.test\.mjs$/;
function webTests() {
    // they wait for browsers and clocks more than they compute
    const beside = nodeTests('tests/web', (name) => !ALONE.test(name), { atOnce: '3' });
    const alone = nodeTests('tests/web', (name) => ALONE.test(name), {
        atOnce: '1',
        pass: '-alone',
    });
    return add(beside, alone);
}

const any = () => true;
const isSize = (name) => name === 'size.test.mjs';
const SUITES = {
    lint: () => nodeTests('tests/lint', (name) => !isSize(name)),
    dev: () => ctest('dev'),
    tsan: () => ctest('tsan'),
    'wasm-st-simd128': () => ctest('wasm-st-simd128'),
    'wasm-mt-simd128': () => ctest('wasm-mt-simd128'),
    'wasm-st-relaxed': () => ctest('wasm-st-relaxed'),
    'wasm-mt-relaxed': () => ctest('wasm-mt-relaxed'),
    golden: () => (build('release') ? nodeTests('tests/golden', any) : NOT_BUILT),
    web: () => (buildProduct() ? webTests() : NOT_BUILT),
    hash: () => (build('release') && buildProduct() ? nodeTests('tests/hash', any) : NOT_BUILT),
    sizes: () => (buildProduct() ? nodeTests('tests/lint', isSize) : NOT_BUILT),
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in SUITES));
if (unknown) {
    console.error(`There is no suite ${unknown}; name some of ${Object.keys(SUITES).join(', ')}.`);
    process.exit(2);
}

if (!run(process.execPath, ['wasm/toolchain/setup.mjs', '--tests'])) process.exit(1);
// Packages whose scripts would run at install time are not wanted here: none of ours needs one.
if (!run('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'])) process.exit(1);
if (!run(process.execPath, ['examples/chat/packages.mjs'])) process.exit(1);

let total = NOTHING;
const lines = [];
for (const name of wanted.length > 0 ? wanted : Object.keys(SUITES)) {
    console.log(`\n=== ${name}`);
    const start = Date.now();
    const counts = SUITES[name]();
    // A suite that ran nothing would pass for ever, whatever breaks.
    if (counts.passed + counts.failed === 0) counts.failed = 1;
    total = add(total, counts);
    const seconds = ((Date.now() - start) / 1000).toFixed(1);
    const verdict = counts.failed > 0 ? 'FAILED' : 'ok';
    lines.push(
        `${name.padEnd(16)} ${counts.passed} of ${counts.passed + counts.failed} in ${seconds} s: ${verdict}`,
    );
}

console.log(`\n${lines.join('\n')}\n`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);
