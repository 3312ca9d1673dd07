import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { repoDir } from '../../wasm/toolchain/paths.mjs';

const tsc = join(repoDir, 'node_modules/.bin/tsc');

function compile(args, cwd = repoDir) {
    const child = spawnSync(tsc, args, { cwd, encoding: 'utf8' });
    assert.equal(child.status, 0, child.stdout + child.stderr);
}

test('the JSDoc types hold, and a TypeScript program can use the declarations made of them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'trit-types-'));
    try {
        compile(['-p', 'tsconfig.json', '--outDir', folder]);
        assert.match(readFileSync(join(folder, 'index.d.ts'), 'utf8'), /\bTrit\b/);
        writeFileSync(
            join(folder, 'user.mts'),
            "import { Trit, TritError } from './index.js';\n" +
                'export const load: (source: string) => Promise<unknown> = Trit.load;\n' +
                'export const isOurs = (error: unknown): boolean => error instanceof TritError;\n',
        );
        const lib = ['--lib', 'es2023,dom', '--target', 'es2022', '--module', 'nodenext'];
        compile(['--noEmit', '--strict', ...lib, 'user.mts'], folder);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
});
