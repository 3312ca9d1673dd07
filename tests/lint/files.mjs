// The files of the repository, as the lint tests see them: what git tracks or would track.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoDir } from '../../wasm/toolchain/paths.mjs';

/** Paths relative to the repository that match `pattern`. */
export function listFiles(pattern) {
    const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const names = execFileSync('git', args, { cwd: repoDir, encoding: 'utf8', maxBuffer: 1 << 26 });
    const there = (name) => name && pattern.test(name) && existsSync(join(repoDir, name));
    return [...new Set(names.split('\0'))].filter(there);
}

export function readText(name) {
    return readFileSync(join(repoDir, name), 'utf8');
}

export const C_FILES = /\.(c|h|def)$/;
export const FORMATTED_C = /\.(c|h)$/;
export const FORMATTED_JS = /\.([cm]?js|cts)$/;
