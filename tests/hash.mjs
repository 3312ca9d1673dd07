#!/usr/bin/env node
// `npm run hash`: one model, one hash. Every combination of platform, flavour, kernel table, threads, slice,
// history and KV type; `npm test` makes some of these runs.
//   npm run hash -- native,Node v128,ref     only these platforms and tables
import { spawnSync } from 'node:child_process';
import { repoDir, toolEnv } from '../wasm/toolchain/paths.mjs';

function run(command, ...args) {
    const options = { cwd: repoDir, env: toolEnv(), stdio: 'inherit' };
    if (spawnSync(command, args, options).status === 0) return;
    console.error(`failed: ${command} ${args.join(' ')}`);
    process.exit(1);
}

run(process.execPath, 'wasm/toolchain/setup.mjs', '--tests');
run('npm', 'ci', '--ignore-scripts', '--no-fund', '--no-audit');
run('cmake', '--preset', 'release', '--log-level=WARNING');
run('cmake', '--build', '--preset', 'release', '-t', 'tool_hash', '--', '--quiet');
run(process.execPath, 'wasm/toolchain/build.mjs');

// Only now are the packages that it imports sure to be there.
const { oneHash } = await import('./hash/one-hash.mjs');
const [names, tables] = process.argv.slice(2).map((list) => list.split(','));
const wrong = await oneHash(true, console.log, names, tables);
for (const line of wrong) console.error(`wrong: ${line}`);
process.exit(wrong.length > 0 ? 1 : 0);
