#!/usr/bin/env node
// What the page is made of and served with, installed in this folder when it is missing or another is wanted.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const stamp = new URL('node_modules/.lock-sha256', import.meta.url);

function stamped() {
    try {
        return readFileSync(stamp, 'utf8');
    } catch {
        return ''; // nothing is installed
    }
}

export function ensurePackages() {
    const lock = readFileSync(new URL('package-lock.json', import.meta.url));
    const wanted = createHash('sha256').update(lock).digest('hex');
    if (stamped() === wanted) return;
    const args = ['ci', '--prefix', here, '--ignore-scripts', '--no-fund', '--no-audit'];
    // npm is a script on some systems, which only a shell starts
    const shell = process.platform === 'win32';
    const { status, error, stderr } = spawnSync('npm', args, {
        cwd: here,
        encoding: 'utf8',
        shell,
    });
    if (status !== 0)
        throw new Error(
            `the packages of examples/chat cannot be installed: ${error?.message ?? stderr.trim()}`,
        );
    writeFileSync(stamp, wanted);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensurePackages();
