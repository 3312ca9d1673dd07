// The package as its users get it: `npm pack` in this folder, `npm install` of the file in an empty one,
// where PATH holds node, npm and a shell, and nothing that compiles.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync } from 'node:fs';
import { readdirSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { after, before } from 'node:test';
import { repoDir, toolDir } from '../../wasm/toolchain/paths.mjs';
import { cli } from './helpers.mjs';

const COMPILERS = ['cc', 'gcc', 'clang', 'c++', 'emcc', 'cmake', 'ninja', 'make', 'python3'];
const model = 'models/tiny-stories/tiny-stories.trit';
const installed = `node_modules/trit/${model}`;
const prompt = 'Once upon a time';
const greedy = ['-p', prompt, '-n', '24', '--temp', '0', '--json'];
const flavours = ['st-simd128', 'mt-simd128', 'st-relaxed', 'mt-relaxed'];

let folder;
let env;
let expected;

function findOnPath(name) {
    const isThere = (path) => {
        try {
            accessSync(path, constants.X_OK);
            return true;
        } catch {
            return false;
        }
    };
    return process.env.PATH.split(delimiter)
        .map((directory) => join(directory, name))
        .find(isThere);
}

/** A user's folder, and an environment in which only these four programs are found. */
function makeUser() {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    mkdirSync(join(folder, 'app'));
    const programs = { node: process.execPath, sh: '/bin/sh' };
    for (const name of ['npm', 'npx']) programs[name] = realpathSync(findOnPath(name));
    for (const [name, path] of Object.entries(programs)) symlinkSync(path, join(bin, name));
    // Offline: the package asks for no other.
    return {
        PATH: bin,
        HOME: folder,
        npm_config_offline: 'true',
        npm_config_update_notifier: 'false',
    };
}

/** Runs a program in the user's folder and returns what it printed. */
function run(command, ...args) {
    const options = { cwd: join(folder, 'app'), env, encoding: 'utf8' };
    const { status, stdout, stderr, error } = spawnSync(command, args, options);
    assert.equal(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? stdout + stderr}`);
    return stdout;
}

before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'trit-package-'));
    env = makeUser();
    // With its prepack, as every user's: it builds what has changed since the last build.
    execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: repoDir, stdio: 'pipe' });
    const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    run('npm', 'install', '--no-audit', '--no-fund', join(folder, tarball));
    const { stdout } = await cli('run', '-m', join(repoDir, model), ...greedy);
    expected = JSON.parse(stdout);
    assert.equal(expected.ids.length, 24);
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('no compiler can be reached where the package is installed', () => {
    const find = (name) => spawnSync('sh', ['-c', `command -v ${name}`], { env }).status === 0;
    assert.ok(find('node'), 'the search itself works');
    assert.deepEqual(COMPILERS.filter(find), []);
});

test('the package holds the four builds, the types, the model, and no file that it should not', () => {
    const list = (path) =>
        readdirSync(path, { recursive: true })
            .filter((name) => statSync(join(path, name)).isFile())
            .sort();
    const sources = list(join(repoDir, 'web'))
        .filter((name) => /^(cli\/)?[^/]+\.js$/.test(name))
        .map((name) => `web/${name}`);
    const files = list(join(folder, 'app/node_modules/trit'));
    const types = files.filter((name) => /^web\/types\/[^/]+\.d\.ts$/.test(name));
    assert.ok(types.includes('web/types/index.d.ts'));
    assert.deepEqual(
        files.filter((name) => !types.includes(name)),
        [
            ...['LICENSE', 'README.md', 'package.json', model],
            ...flavours.flatMap((name) => [
                `web/dist/trit-${name}.mjs`,
                `web/dist/trit-${name}.wasm`,
            ]),
            ...['web/dist/jinja.LICENSE', 'web/dist/jinja.mjs'],
            ...sources,
        ].sort(),
    );
});

test('npx trit run writes what the checkout writes', () => {
    const printed = run('npx', 'trit', 'run', '-m', installed, ...greedy);
    assert.deepEqual(JSON.parse(printed), expected);
});

test('every build answers a program that imports the package', () => {
    writeFileSync(
        join(folder, 'app/app.mjs'),
        `import { Trit } from 'trit';
        const [flavour, threads] = process.argv.slice(2);
        const model = await Trit.load('${installed}', { flavour, threads: Number(threads) });
        const { ids } = await model.generate('${prompt}', { temperature: 0, maxTokens: 24 }).result;
        console.log(JSON.stringify([model.info.flavour, model.info.threads, ids]));
        model.close();`,
    );
    // The relaxed builds need a Node that computes their instructions correctly.
    const node = join(toolDir, 'node24/node');
    for (const flavour of ['simd128', 'relaxed'])
        for (const threads of [1, 2])
            assert.deepEqual(JSON.parse(run(node, 'app.mjs', flavour, String(threads))), [
                flavour,
                threads,
                expected.ids,
            ]);
});

test('a TypeScript program finds the types by the name of the package', () => {
    writeFileSync(
        join(folder, 'app/user.mts'),
        `import { Trit } from 'trit';
        const model = await Trit.load('x', { threads: 1 });
        export const ids: number[] = await model.tokenize('text');
        // @ts-expect-error: if nothing were known of Trit, this would be no error
        Trit.load(42);\n`,
    );
    const tsc = join(repoDir, 'node_modules/.bin/tsc');
    const lib = ['--lib', 'es2023,dom', '--target', 'es2022', '--module', 'nodenext'];
    const cwd = join(folder, 'app');
    const args = ['--noEmit', '--strict', ...lib, 'user.mts'];
    const { status, stdout } = spawnSync(tsc, args, { cwd, encoding: 'utf8' });
    assert.equal(status, 0, stdout);
});
