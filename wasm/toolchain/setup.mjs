#!/usr/bin/env node
// Makes sure of every tool that builds trit, without root and without touching the host system.
//   node wasm/toolchain/setup.mjs            what `npm start` and `npm run build` need
//   node wasm/toolchain/setup.mjs --tests    what `npm test` needs besides:
//                                            clang-format, a C compiler, Node 24, Deno, Bun, three browsers
//   node wasm/toolchain/setup.mjs --fuzz     what `npm run fuzz` needs besides: libFuzzer
//
// Tools on PATH that are new enough are used as they are; the others come from Debian packages that are
// unpacked into .toolchain/. Runs again in well under a second once all is there.
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { haveApt, unpackPackages } from './apt.mjs';
import { ensureBrowsers } from './browsers.mjs';
import { ensureCjson } from './cjson.mjs';
import { ensureFuzzer } from './fuzzer.mjs';
import { ensureNode24 } from './node24.mjs';
import { EXCEPT, EXCLUDE, LLVM, RECIPE, SUITE } from './packages.mjs';
import { binDir, readJson, repoDir, rootDir, toolDir } from './paths.mjs';
import { linkNodeModules, relocate } from './relocate.mjs';
import { atLeast, probe, SetupError, versionOf } from './run.mjs';
import { ensureRuntimes } from './runtimes.mjs';
import { selfTest } from './selftest.mjs';

const stampFile = join(toolDir, 'stamp.json');
const forTests = process.argv.includes('--tests');

// Only the host's own tools count here, even when our folder is already on PATH.
const hostPath = process.env.PATH.split(delimiter)
    .filter((folder) => folder !== binDir)
    .join(delimiter);
const host = { env: { ...process.env, PATH: hostPath } };

const TOOLS = [
    {
        name: 'Emscripten 3.1.50 or newer',
        has: () => atLeast(versionOf('emcc', host), [3, 1, 50]),
        packages: ['emscripten'],
        elsewhere:
            'install emsdk (https://emscripten.org/docs/getting_started) and put its emcc on PATH',
    },
    {
        name: 'Python 3.8 or newer',
        has: () => atLeast(versionOf('python3', host), [3, 8]),
        packages: ['python3'],
        elsewhere: 'install Python 3, which emcc is written in',
    },
    {
        name: 'CMake 3.25 or newer',
        has: () => atLeast(versionOf('cmake', host), [3, 25]),
        packages: ['cmake'],
        elsewhere: "install CMake from your system's packages",
    },
    {
        name: 'Ninja',
        has: () => versionOf('ninja', host) !== null,
        packages: ['ninja-build'],
        elsewhere: "install ninja from your system's packages",
    },
    {
        name: `clang-format ${LLVM}`,
        testsOnly: true,
        has: () => versionOf('clang-format', host)?.[0] === LLVM,
        packages: [`clang-format-${LLVM}`],
        elsewhere: `install clang-format ${LLVM}, whose output the format check expects`,
    },
];

function needed() {
    return TOOLS.filter((tool) => forTests || !tool.testsOnly);
}

function readStamp() {
    const stamp = readJson(stampFile);
    // Patched programs hold absolute paths, so a moved folder is set up anew.
    return stamp?.recipe === RECIPE && stamp.repoDir === repoDir ? stamp : null;
}

/** Programs of ours go on PATH one by one, so that they hide nothing else of the host. */
function writePrograms(names) {
    rmSync(binDir, { recursive: true, force: true });
    mkdirSync(binDir, { recursive: true });
    const put = (name, target) => {
        if (!existsSync(target)) return;
        writeFileSync(join(binDir, name), `#!/bin/sh\nexec "${target}" "$@"\n`);
        chmodSync(join(binDir, name), 0o755);
    };
    const usrBin = join(rootDir, 'usr/bin');
    if (names.includes('emscripten')) {
        for (const name of ['emcc', 'em++', 'emar', 'emranlib', 'em-config', 'emcmake', 'emnm']) {
            put(name, join(rootDir, 'usr/share/emscripten', name));
        }
    }
    if (names.includes('python3')) put('python3', join(usrBin, 'python3'));
    if (names.includes('cmake'))
        for (const name of ['cmake', 'ctest', 'cpack']) put(name, join(usrBin, name));
    if (names.includes('ninja-build')) put('ninja', join(usrBin, 'ninja'));
    const format = `clang-format-${LLVM}`;
    if (names.includes(format)) put('clang-format', join(usrBin, format));
}

function configureEmscripten() {
    const llvm = join(rootDir, `usr/lib/llvm-${LLVM}/bin`);
    const lines = [
        `LLVM_ROOT = '${llvm}'`,
        `BINARYEN_ROOT = '${join(rootDir, 'usr')}'`,
        `NODE_JS = '${process.execPath}'`,
        // The package brings every system library ready-made: nothing is built or written at link time.
        `CACHE = '${join(rootDir, 'usr/share/emscripten/cache')}'`,
        'FROZEN_CACHE = True',
        // Debian calls its programs clang-19; inside the LLVM folder they go by their plain names.
        `LLVM_ADD_VERSION = ''`,
        `CLANG_ADD_VERSION = ''`,
    ];
    writeFileSync(join(rootDir, 'usr/share/emscripten/.emscripten'), lines.join('\n') + '\n');
    linkNodeModules();
}

function ensureTools() {
    mkdirSync(toolDir, { recursive: true });
    // Emscripten's own scripts are CommonJS, which this package, the next one up, is not.
    writeFileSync(join(toolDir, 'package.json'), '{ "private": true, "type": "commonjs" }\n');
    const stamp = readStamp();
    const decided = stamp?.decided ?? {};
    const undecided = needed().filter((tool) => !(tool.name in decided));
    if (stamp && undecided.length === 0) return;

    const missing = undecided.filter((tool) => !(decided[tool.name] = tool.has()));
    const names = [...(stamp?.names ?? []), ...missing.flatMap((tool) => tool.packages)];
    let versions = stamp?.versions ?? {};
    if (missing.length > 0) {
        if (!haveApt())
            throw new SetupError(`${missing[0].name} is missing: ${missing[0].elsewhere}`);
        const what = missing.map((tool) => tool.name).join(', ');
        // what goes to stdout is the answer of a command that needs the engine
        console.error(
            `Unpacking ${what} into .toolchain (once; up to 400 MB to download, 1 GB on disk) ...`,
        );
        if (!stamp) rmSync(rootDir, { recursive: true, force: true });
        versions = {
            ...versions,
            ...unpackPackages({
                suite: SUITE,
                names: [...missing.flatMap((tool) => tool.packages), 'patchelf'],
                except: EXCEPT,
                exclude: EXCLUDE,
                have: versions,
                into: rootDir,
            }),
        };
        relocate();
        if (names.includes('emscripten')) configureEmscripten();
        writePrograms(names);
    }
    selfTest();
    writeFileSync(
        stampFile,
        JSON.stringify({ recipe: RECIPE, repoDir, decided, names, versions }, null, 2),
    );
    writeFileSync(join(toolDir, 'env.sh'), `export PATH="${binDir}:$PATH"\n`);
}

function ensureCompiler() {
    const command = process.env.CC ?? 'cc';
    if (probe(command, ['--version']) === null) {
        throw new SetupError(
            'the native tests need a C compiler: install gcc or clang, or set CC to one',
        );
    }
}

try {
    if (Number(process.versions.node.split('.')[0]) < 20) {
        throw new SetupError(`Node ${process.versions.node} is too old: install Node 20 or newer`);
    }
    ensureTools();
    await ensureCjson();
    if (process.argv.includes('--fuzz')) ensureFuzzer();
    if (forTests) {
        ensureCompiler();
        ensureNode24();
        ensureRuntimes();
        ensureBrowsers();
    }
} catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`trit set-up: ${error.message}`);
    process.exit(1);
}
