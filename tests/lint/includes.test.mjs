// The include arrow: web -> wasm -> core/trit.h -> core internals -> kernels/kernels.h -> kernels/v128.h.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import test from 'node:test';
import { C_FILES, listFiles, readText } from './files.mjs';

const FREESTANDING = ['stdint.h', 'stddef.h', 'string.h', 'math.h', 'stdbool.h', 'float.h'];
const OWN = { kernels: own('kernels'), core: own('core') };

function own(folder) {
    return listFiles(new RegExp(`^${folder}/[^/]+\\.(h|def)$`)).map((name) => basename(name));
}

function includes(name) {
    return [...readText(name).matchAll(/^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)].map(
        (m) => m[1],
    );
}

/** Every include of the files in `folder` for which `allowed(header, file)` is false. */
function violations(folder, allowed) {
    return listFiles(C_FILES)
        .filter((name) => name.startsWith(`${folder}/`))
        .flatMap((name) => includes(name).map((header) => [name, header]))
        .filter(([name, header]) => !allowed(header, name))
        .map(([name, header]) => `${name} includes ${header}`);
}

test('kernels include only freestanding headers and themselves', () => {
    const allowed = [...FREESTANDING, 'wasm_simd128.h', ...OWN.kernels];
    assert.deepEqual(
        violations('kernels', (header) => allowed.includes(header)),
        [],
    );
});

test('core knows no files, no Emscripten, and threads only in its pool', () => {
    const core = [
        ...FREESTANDING,
        'stdarg.h',
        'stdlib.h',
        'inttypes.h',
        'limits.h',
        'cJSON.h',
        'kernels.h',
        // The conversions and the exp that every table shares; core must use no others.
        'scalar.h',
    ];
    const exceptions = {
        // vsnprintf, which formats error messages, is declared in stdio.h.
        'core/base.c': ['stdio.h'],
        'core/pool.c': ['pthread.h', 'stdatomic.h', 'sched.h', 'time.h'],
    };
    const allowed = (header, name) =>
        core.includes(header) || OWN.core.includes(header) || exceptions[name]?.includes(header);
    assert.deepEqual(violations('core', allowed), []);
});

test('core writes to no stream', () => {
    const output = /\b(printf|fprintf|puts|fputs|putchar|fopen|fwrite|perror)\s*\(/;
    const found = listFiles(/^(core|kernels)\/.*\.[ch]$/).filter((name) =>
        output.test(readText(name)),
    );
    assert.deepEqual(found, []);
});

test('only wasm knows Emscripten', () => {
    const outside = listFiles(C_FILES)
        .filter((name) => !name.startsWith('wasm/'))
        .flatMap((name) => includes(name).map((header) => `${name} includes ${header}`))
        .filter((line) => /includes emscripten/.test(line));
    assert.deepEqual(outside, []);
});

test('wasm and the examples reach the engine by its public header', () => {
    const internal = [...OWN.core, ...OWN.kernels].filter(
        (header) => !['trit.h', 'kernels.h'].includes(header),
    );
    const allowed = (header) => !internal.includes(header);
    assert.deepEqual([...violations('examples', allowed), ...violations('wasm', allowed)], []);
});

test('nothing outside tests includes tests', () => {
    const tests = listFiles(/^tests\/.*\.h$/).map((name) => basename(name));
    const outside = listFiles(C_FILES)
        .filter((name) => !name.startsWith('tests/'))
        .flatMap((name) => includes(name).map((header) => [name, header]))
        .filter(([, header]) => header.includes('tests/') || tests.includes(header));
    assert.deepEqual(outside, []);
});
