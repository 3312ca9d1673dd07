#!/usr/bin/env node
// Takes away, one at a time, what keeps stored models safe, from a copy of the repository, and runs the tests that must
// notice: a test that passes without its subject is none.
//   node tests/web/mutations.mjs [name ...]     only those whose name contains one of these words
import { spawnSync } from 'node:child_process';
import {
    cpSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toolEnv } from '../../wasm/toolchain/paths.mjs';
import { root } from './helpers.mjs';

/** As it is built: st-simd128, which the tests in Node use. */
const GLUE = 'web/dist/trit-st-simd128.mjs';

/**
 * The test that notices: rows of faults-storage.test.mjs by name, or the native test of wasm/, `null`.
 * @type {{name: string, file: string, from: string, to: string, rows: string | null}[]}
 */
const MUTATIONS = [
    {
        name: 'the wait for complete',
        file: GLUE,
        from: 'transaction.oncomplete=()=>resolve(request.result)',
        to: 'request.onsuccess=()=>resolve(request.result)',
        rows: 'S01 the room ends',
    },
    {
        name: 'the lock of files',
        file: 'web/node-store.js',
        from: "const wanted = mode === 'shared' ? 1 : READERS;",
        to: 'const wanted = 0;',
        rows: 'S10 the download|S11 what somebody',
    },
    {
        name: 'the lease',
        file: GLUE,
        from: 'const answer=!others.some(bars)',
        to: 'const answer=true',
        rows: 'S26 S09',
    },
    {
        name: 'the lock of a download',
        file: GLUE,
        from: 'const mode=how===0?"shared":"exclusive"',
        to: 'const mode="shared"',
        rows: 'S26 S09',
    },
    {
        name: 'the second try on a dead connection',
        file: GLUE,
        from: 'if(tries===2)throw',
        to: 'throw',
        rows: 'S22',
    },
    {
        name: 'the limit of waiting',
        file: GLUE,
        from: 'const LIMIT_MS=3e4',
        to: 'const LIMIT_MS=3e9',
        rows: 'S18 a storage that does not answer',
    },
    {
        name: 'the hash of a record',
        file: 'wasm/manifest.c',
        from: 'n_bytes && memcmp(record, digest, 32) == 0 &&',
        to: 'n_bytes && digest &&',
        rows: null,
    },
    {
        name: 'the hash of a record in the manifest',
        file: 'wasm/load.c',
        from: 'memcmp(record, m->hashes[k->next], 32) == 0',
        to: 'record',
        rows: null,
    },
    {
        name: 'the hash of a manifest',
        file: 'wasm/manifest.c',
        from: 'memcmp(bytes, digest, 32) != 0 ||',
        to: '!digest ||',
        rows: null,
    },
    {
        name: 'the length of a record',
        file: 'wasm/manifest.c',
        from: 'return n_value == (size_t)TRIT_RECORD_HEAD + n_bytes &&',
        to: 'return n_value >= (size_t)TRIT_RECORD_HEAD &&',
        rows: null,
    },
    {
        name: 'the id of a record',
        file: 'wasm/manifest.c',
        from: 'memcmp(record + 32, id, 32) == 0 &&',
        to: 'id &&',
        rows: null,
    },
    {
        name: 'that a model is whole before it is complete',
        file: 'wasm/stored.c',
        from: '!trit_stored_is_whole() || ',
        to: '',
        rows: null,
    },
    {
        name: 'the lock before leftovers are deleted',
        file: 'wasm/removing.c',
        from: 'if (result == TRIT_STORE_DONE) trit_store_list(places[0]',
        to: 'if (result != TRIT_STORE_FAILED) trit_store_list(places[0]',
        rows: null,
    },
];

const NATIVE = ['stored', 'load', 'save', 'listing', 'manifest', 'removing', 'usage', 'importing'];

/** A copy of what the tests of storage run; libraries that are built stay where they are. */
function copyTo(folder) {
    for (const part of [
        'web',
        'wasm',
        'tests/web',
        'tests/unit',
        'models/tiny-tales',
        'models/catalog.json',
        'package.json',
    ])
        cpSync(join(root, part), join(folder, part), { recursive: true });
    for (const part of [
        'node_modules',
        'core',
        'kernels',
        'tests/check.h',
        '.toolchain',
        'build',
        'models/tiny-stories',
    ]) {
        mkdirSync(dirname(join(folder, part)), { recursive: true });
        symlinkSync(join(root, part), join(folder, part));
    }
}

/** True when the tests pass. */
function passes(folder, rows) {
    const run = (command, args) =>
        spawnSync(command, args, { cwd: folder, env: toolEnv(), encoding: 'utf8' });
    if (rows !== null) {
        const only = `--test-name-pattern=${rows}`;
        const test = run(process.execPath, ['--test', only, 'tests/web/faults-storage.test.mjs']);
        return test.status === 0;
    }
    const libraries = ['trit_core', 'trit_kernels', 'cjson'].map(
        (name) => `build/dev/lib${name}.a`,
    );
    const compiled = run(process.env.CC ?? 'cc', [
        ...['-std=c11', '-O1', '-DTRIT_THREADS=1', '-pthread', '-fsanitize=address,undefined'],
        ...['tests', 'wasm', 'core', 'kernels'].map((name) => `-I${name}`),
        ...['tests/unit/test_stored.c', ...NATIVE.map((name) => `wasm/${name}.c`)],
        ...[...libraries, ...libraries, '-lm', '-o', 'test_stored'],
    ]);
    if (compiled.status !== 0) throw new Error(`it does not compile: ${compiled.stderr}`);
    return run('./test_stored', []).status === 0;
}

const words = process.argv.slice(2);
const wanted = MUTATIONS.filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
);
const folder = mkdtempSync(join(tmpdir(), 'trit-mutations-'));
let failed = 0;
try {
    copyTo(folder);
    for (const rows of new Set(wanted.map((mutation) => mutation.rows)))
        if (!passes(folder, rows)) throw new Error(`${rows ?? 'test_stored'} fails as it is`);
    for (const { name, file, from, to, rows } of wanted) {
        const text = readFileSync(join(folder, file), 'utf8');
        if (!text.includes(from)) throw new Error(`${file} does not contain: ${from}`);
        writeFileSync(
            join(folder, file),
            text.replace(from, () => to),
        );
        const isNoticed = !passes(folder, rows);
        writeFileSync(join(folder, file), text);
        console.log(
            `${isNoticed ? 'noticed' : 'NOT NOTICED'}: without ${name} (${rows ?? 'test_stored.c'})`,
        );
        if (!isNoticed) failed++;
    }
} finally {
    rmSync(folder, { recursive: true, force: true });
}
console.log(`${wanted.length - failed} of ${wanted.length} noticed`);
process.exit(failed > 0 ? 1 : 0);
