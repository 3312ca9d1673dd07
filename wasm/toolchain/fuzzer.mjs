// Which clang makes fuzzers: the host's when it has libFuzzer, else the one that the set-up unpacks.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { haveApt, unpackPackages } from './apt.mjs';
import { EXCLUDE, LLVM } from './packages.mjs';
import { rootDir } from './paths.mjs';
import { probe, SetupError } from './run.mjs';

const TARGET = `
#include <stddef.h>
#include <stdint.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) { return data && n ? 0 : 0; }
`;

/** Whether this compiler is there and links a fuzzer. */
export function makesFuzzers(command, options = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'trit-fuzzer-'));
    const source = join(folder, 'target.c');
    writeFileSync(source, TARGET);
    const flags = ['-fsanitize=fuzzer,address,undefined', '-fprofile-instr-generate'];
    const out = probe(command, [...flags, source, '-o', join(folder, 'target')], options);
    rmSync(folder, { recursive: true });
    return out !== null;
}

/** The program of this name that belongs to the clang of the set-up, else that of PATH. */
export function llvmProgram(name) {
    const own = join(rootDir, `usr/lib/llvm-${LLVM}/bin`, name);
    return existsSync(own) ? own : name;
}

/** Brings libFuzzer for the clang of the set-up. It is linked with the host's C library: from its suite. */
export function ensureFuzzer() {
    if (makesFuzzers(fuzzClang())) return;
    const advice = 'libFuzzer is missing: install clang with its runtime libraries';
    if (!haveApt() || llvmProgram('clang') === 'clang') throw new SetupError(advice);
    const suite = readFileSync('/etc/os-release', 'utf8').match(/^VERSION_CODENAME=(\w+)/m)?.[1];
    unpackPackages({
        suite,
        names: [`libclang-rt-${LLVM}-dev`],
        have: {},
        except: /^(?!libclang-rt-)/,
        exclude: EXCLUDE,
        into: rootDir,
    });
    if (!makesFuzzers(fuzzClang())) throw new SetupError(advice);
}

/** The compiler that `setup.mjs --fuzz` has made sure of. */
export const fuzzClang = () => (makesFuzzers('clang') ? 'clang' : llvmProgram('clang'));
