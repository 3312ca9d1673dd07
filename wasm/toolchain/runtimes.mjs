// Deno and Bun, in which the tests run the package too: from npm, out of node_modules/.bin, where they would be
// taken for programs that the build needs.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolDir } from './paths.mjs';
import { capture, versionOf } from './run.mjs';

const place = `${process.platform}-${process.arch}`;

const RUNTIMES = {
    deno: {
        major: 2,
        program: 'deno',
        packages: {
            'linux-x64': '@deno/linux-x64-glibc',
            'linux-arm64': '@deno/linux-arm64-glibc',
            'darwin-x64': '@deno/darwin-x64',
            'darwin-arm64': '@deno/darwin-arm64',
        },
    },
    bun: {
        major: 1,
        program: 'bin/bun',
        packages: {
            'linux-x64': '@oven/bun-linux-x64-baseline', // for processors without AVX2 as well
            'linux-arm64': '@oven/bun-linux-aarch64',
            'darwin-x64': '@oven/bun-darwin-x64-baseline',
            'darwin-arm64': '@oven/bun-darwin-aarch64',
        },
    },
};

/** The program of a runtime; it need not be there. */
export const runtimeProgram = (name) => join(toolDir, name, name);

/** Why this runtime cannot be started here, in one sentence, or null when it can. */
export function runtimeMissing(name) {
    if (existsSync(runtimeProgram(name))) return null;
    return `npm has no ${name} for ${place}: it is not tested here`;
}

function ensureRuntime(name) {
    const { major, program, packages } = RUNTIMES[name];
    const folder = join(toolDir, name);
    const link = runtimeProgram(name);
    if (!packages[place] || versionOf(link)?.[0] === major) return;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    // npm wants a package of its own here, or it would install into the one above.
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const wanted = `${packages[place]}@${major}`;
    capture('npm', ['install', '--ignore-scripts', '--no-save', '--no-package-lock', wanted], {
        cwd: folder,
    });
    symlinkSync(join(folder, 'node_modules', packages[place], program), link);
}

export function ensureRuntimes() {
    for (const name of Object.keys(RUNTIMES)) ensureRuntime(name);
}
