// What must be there before anything of trit is measured.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repoDir, toolEnv } from '../../wasm/toolchain/paths.mjs';

/** Runs a program of the set-up; standard output is the report's. */
export function run(command, args, cwd = repoDir) {
    const options = { cwd, env: toolEnv(), stdio: ['ignore', process.stderr, process.stderr] };
    const { status, error } = spawnSync(command, args, options);
    if (status !== 0)
        throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? 'see above'}`);
}

export function installPackages(folder, args = []) {
    run('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit', ...args], folder);
}

/** Tools, the browser driver and the current build of trit. */
export function prepareTrit() {
    run(process.execPath, ['wasm/toolchain/setup.mjs', '--tests']);
    if (!existsSync(join(repoDir, 'node_modules/puppeteer-core'))) installPackages(repoDir);
    run(process.execPath, ['wasm/toolchain/build.mjs']);
}
