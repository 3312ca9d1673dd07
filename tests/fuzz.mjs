#!/usr/bin/env node
// `npm run fuzz -- [seconds]`: every fuzz target under ASan and UBSan, with a new seed each round.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repoDir, toolEnv } from '../wasm/toolchain/paths.mjs';

const RUNS = 2000;
const seconds = Number(process.argv[2] ?? 60);
const options = { cwd: repoDir, env: toolEnv(), stdio: 'inherit' };

function run(command, args) {
    if (spawnSync(command, args, options).status === 0) return;
    console.error(`failed: ${command} ${args.join(' ')}`);
    process.exit(1);
}

run(process.execPath, ['wasm/toolchain/setup.mjs']);
run('cmake', ['--preset', 'dev', '--log-level=WARNING']);
for (const file of readdirSync(join(repoDir, 'tests/fuzz'))) {
    const target = file.match(/^(fuzz_\w+)\.c$/)?.[1];
    if (!target) continue;
    run('cmake', ['--build', '--preset', 'dev', '-t', target, '--', '--quiet']);
    const end = Date.now() + seconds * 1000;
    for (let seed = Date.now(); Date.now() < end; seed++) {
        console.log(`${target}:`);
        run(join(repoDir, 'build/dev/tests', target), [String(RUNS), String(seed)]);
    }
}
