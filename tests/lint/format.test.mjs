import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { repoDir, toolEnv } from '../../wasm/toolchain/paths.mjs';
import { FORMATTED_C, FORMATTED_JS, listFiles } from './files.mjs';

function check(command, args) {
    const child = spawnSync(command, args, { cwd: repoDir, env: toolEnv(), encoding: 'utf8' });
    assert.equal(child.error, undefined);
    assert.equal(
        child.status,
        0,
        `run \`npm run format\`:\n${child.stdout}${child.stderr}`.slice(0, 3000),
    );
}

test('C files are in clang-format form', () => {
    check('clang-format', ['--dry-run', '-Werror', ...listFiles(FORMATTED_C)]);
});

test('JavaScript files are in prettier form', () => {
    check('node_modules/.bin/prettier', ['--check', ...listFiles(FORMATTED_JS)]);
});
