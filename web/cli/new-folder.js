import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TritError } from '../errors.js';
import { fileError } from '../node-source.js';
import { writeNewFile } from './new-file.js';

/**
 * @template T
 * @param {string} path
 * @param {() => T} work
 */
function tryFolder(path, work) {
    try {
        return work();
    } catch (error) {
        throw fileError(path, error);
    }
}

/**
 * Writes a folder that appears under its name only when all of its files are whole. What is there
 * already, an empty folder apart, is left alone.
 * @param {string} path
 * @param {(writeFile: (name: string, work: (write: (bytes: Uint8Array) => void) => void) => Promise<void>) => Promise<void>} work
 * @returns {Promise<number>} how many bytes there are
 */
export async function writeNewFolder(path, work) {
    const temporary = `${path.replace(/(?<=.)\/+$/, '')}.${process.pid}.tmp`;
    const discard = () => rmSync(temporary, { recursive: true, force: true });
    let nBytes = 0;
    tryFolder(path, () => {
        const old = statSync(path, { throwIfNoEntry: false });
        if (old && !(old.isDirectory() && readdirSync(path).length === 0))
            throw new TritError('FILE', `${path}: it is there already: name a new folder`);
        mkdirSync(temporary);
    });
    process.once('exit', discard);
    try {
        await work(async (name, write) => {
            nBytes += await writeNewFile(join(temporary, name), async (bytes) => write(bytes));
        });
        tryFolder(path, () => renameSync(temporary, path));
    } finally {
        process.off('exit', discard);
        discard();
    }
    return nBytes;
}
