#!/usr/bin/env node
// `npm run format`: puts every C and JavaScript file into the one form that format.test.mjs expects.
import { spawnSync } from 'node:child_process';
import { repoDir, toolEnv } from '../../wasm/toolchain/paths.mjs';
import { FORMATTED_C, FORMATTED_JS, listFiles } from './files.mjs';

const options = { cwd: repoDir, env: toolEnv(), stdio: 'inherit' };
const commands = [
    ['clang-format', '-i', ...listFiles(FORMATTED_C)],
    ['node_modules/.bin/prettier', '--write', '--log-level=warn', ...listFiles(FORMATTED_JS)],
];
for (const [command, ...args] of commands) {
    if (spawnSync(command, args, options).status === 0) continue;
    console.error(`${command} failed: run \`node tests/run.mjs lint\` once, which installs it.`);
    process.exitCode = 1;
}
