import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { cjsonDir, repoDir } from '../../wasm/toolchain/paths.mjs';
import { listFiles } from './files.mjs';

const folders = ['kernels', 'core', 'wasm', 'tests'].map((name) => join(repoDir, name));
const search = [...folders, cjsonDir].map((folder) => `-I${folder}`);

for (const header of listFiles(/^(kernels|core|tests)\/.*\.h$/)) {
    test(`${header} compiles alone`, () => {
        const args = ['-std=c11', '-Wall', '-Wextra', '-fsyntax-only', ...search, '-x', 'c', '-'];
        // Through a source of one line, or the compiler would warn that a header is its main file.
        const options = { input: `#include "${join(repoDir, header)}"\n`, encoding: 'utf8' };
        const child = spawnSync(process.env.CC ?? 'cc', args, options);
        assert.equal(child.status, 0, child.stderr);
    });
}
