// Proves that the compiler works before anything is built with it: every feature the flavours use is
// compiled, and what Node can run without flags is run.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture, SetupError } from './run.mjs';
import { toolEnv } from './paths.mjs';

const THREADS = `
#include <pthread.h>
#include <stdio.h>
#include <wasm_simd128.h>
static void *work(void *sum) {
    *(int *)sum = wasm_i32x4_extract_lane(wasm_i32x4_add(wasm_i32x4_splat(40), wasm_i32x4_splat(2)), 3);
    return NULL;
}
int main(void) {
    int sum = 0;
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, &sum) != 0 || pthread_join(thread, NULL) != 0) return 1;
    return printf("sum %d\\n", sum) < 0;
}
`;
const RELAXED = `
#include <wasm_simd128.h>
v128_t dot(v128_t a, v128_t b, v128_t c) { return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(a, b, c); }
`;

export function selfTest() {
    const folder = mkdtempSync(join(tmpdir(), 'trit-selftest-'));
    const options = { cwd: folder, env: toolEnv() };
    try {
        writeFileSync(join(folder, 'threads.c'), THREADS);
        writeFileSync(join(folder, 'relaxed.c'), RELAXED);
        capture(
            'emcc',
            ['-O2', '-msimd128', '-mrelaxed-simd', '-c', 'relaxed.c', '-o', 'relaxed.o'],
            options,
        );
        const link = ['-sPTHREAD_POOL_SIZE=1', '-sEXIT_RUNTIME=1', '-sENVIRONMENT=node,worker'];
        capture(
            'emcc',
            ['-O2', '-msimd128', '-pthread', ...link, 'threads.c', '-o', 'threads.js'],
            options,
        );
        const said = capture(process.execPath, ['threads.js'], options);
        if (said !== 'sum 42\n') {
            throw new SetupError(
                `the compiler's test program printed ${JSON.stringify(said)} instead of "sum 42"`,
            );
        }
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}
