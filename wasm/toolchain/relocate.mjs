// Makes unpacked Debian programs run from a private folder: they get that folder's own loader and C
// library, because the host's may be older than what they were built against.
import {
    copyFileSync,
    closeSync,
    existsSync,
    lstatSync,
    openSync,
    readdirSync,
    readSync,
} from 'node:fs';
import { chmodSync, realpathSync, symlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { capture, SetupError } from './run.mjs';
import { rootDir } from './paths.mjs';

const LLVM_PROGRAM = /\/(clang(-format)?|lld|llvm-[a-z]+)$/;

function isElf(file) {
    if (!lstatSync(file).isFile()) return false;
    const head = Buffer.alloc(4);
    const fd = openSync(file, 'r');
    readSync(fd, head, 0, 4, 0);
    closeSync(fd);
    return head.equals(Buffer.from('\x7fELF', 'latin1'));
}

function elfFiles(folder) {
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
        .map((name) => join(folder, name))
        .filter(isElf);
}

function findLoader(libDirs) {
    for (const folder of libDirs) {
        const name = readdirSync(folder).find((n) => /^ld-linux.*\.so\.\d$/.test(n));
        if (name) return join(folder, name);
    }
    throw new SetupError(
        'the unpacked C library has no loader: delete .toolchain and run the set-up again',
    );
}

export function relocate() {
    const triples = readdirSync(join(rootDir, 'usr/lib')).filter((n) => /-linux-gnu$/.test(n));
    const llvmDirs = readdirSync(join(rootDir, 'usr/lib')).filter((n) => /^llvm-\d+$/.test(n));
    const libDirs = [
        ...triples.map((n) => join(rootDir, 'usr/lib', n)),
        ...llvmDirs.map((n) => join(rootDir, 'usr/lib', n, 'lib')),
    ];
    const loader = findLoader(libDirs);
    const rpath = libDirs.join(':');

    // patchelf is one of these programs: it works on a copy of itself through the loader until it is patched.
    const patchelf = join(rootDir, 'usr/bin/patchelf');
    const copy = join(rootDir, 'patchelf');
    copyFileSync(realpathSync(patchelf), copy);
    chmodSync(copy, 0o755);
    const patch = (args) => capture(loader, ['--library-path', rpath, copy, ...args]);

    // DT_RPATH reaches the libraries of libraries, but a library's own RUNPATH switches it off.
    for (const folder of libDirs) {
        const own = elfFiles(folder).filter((f) => /lib(LLVM|clang|LTO)/.test(f));
        if (own.length > 0) patch(['--remove-rpath', ...own]);
    }
    const programs = ['usr/bin', ...llvmDirs.map((n) => `usr/lib/${n}/bin`)]
        .flatMap((folder) => elfFiles(join(rootDir, folder)))
        .filter((file) => !file.includes('/lib/llvm') || LLVM_PROGRAM.test(file))
        // A second unpacking meets the programs of the first.
        .filter((file) => patch(['--print-interpreter', file]).trim() !== loader);
    // In this order: the other way round breaks programs with fixed addresses, such as Python.
    patch(['--force-rpath', '--set-rpath', rpath, ...programs]);
    patch(['--set-interpreter', loader, ...programs]);
    rmSync(copy);
}

/** Emscripten looks for its JavaScript parser in a node_modules folder above itself. */
export function linkNodeModules() {
    const link = join(rootDir, 'usr/share/node_modules');
    rmSync(link, { force: true });
    symlinkSync('nodejs', link);
}
