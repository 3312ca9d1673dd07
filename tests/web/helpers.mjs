import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const modelPath = join(root, 'models/tiny-tales/tiny-tales.trit');
export const cliPath = join(root, 'web/cli.js');

// Models from a test's server are not to pile up among the tester's own.
const cache = mkdtempSync(join(tmpdir(), 'trit-'));
process.env.TRIT_CACHE = cache;
process.on('exit', () => rmSync(cache, { recursive: true, force: true, maxRetries: 10 }));

/** Starts the command line; `done` resolves to its output and exit code. */
export function startCli(args, { input = '' } = {}) {
    const child = spawn(process.execPath, [cliPath, ...args]);
    const result = { stdout: '', stderr: '', code: null };
    child.stdout.on('data', (data) => (result.stdout += data));
    child.stderr.on('data', (data) => (result.stderr += data));
    if (input !== null) child.stdin.end(input);
    const done = new Promise((resolve) => {
        child.on('close', (code) => resolve({ ...result, code }));
    });
    return { child, done };
}

export const cli = (...args) => startCli(args).done;

/** A folder that is removed after the test. */
export function temporaryFolder(t) {
    const folder = mkdtempSync(join(tmpdir(), 'trit-'));
    // whoever writes into it may still be about to end
    t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
    return folder;
}

export async function collect(iterable) {
    const items = [];
    for await (const item of iterable) items.push(item);
    return items;
}
