// Where the set-up puts things, and how the scripts of this repository find the tools again.
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repoDir = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
export const toolDir = join(repoDir, '.toolchain');
export const rootDir = join(toolDir, 'root'); // unpacked packages
export const binDir = join(toolDir, 'bin'); // what goes in front of PATH
export const cjsonDir = join(toolDir, 'cjson');

/** The environment for cmake, ctest and emcc: the private tools come before those of PATH. */
export function toolEnv(extra = {}) {
    const path = existsSync(binDir) ? binDir + delimiter + process.env.PATH : process.env.PATH;
    return { ...process.env, PATH: path, ...extra };
}

/** A file's JSON, or null when it is missing or not JSON (an interrupted set-up). */
export function readJson(file) {
    try {
        return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
        return null;
    }
}
