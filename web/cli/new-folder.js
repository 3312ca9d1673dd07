import {
    lstatSync,
    mkdirSync,
    readdirSync,
    realpathSync,
    renameSync,
    rmSync,
    statSync,
} from 'node:fs';
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
    const { place, temporary } = tryFolder(path, () => {
        const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
        // not a link to the folder: it would have to go
        const place = isThere ? realpathSync(path) : path.replace(/(?<=.)\/+$/, '');
        if (isThere && !(statSync(place).isDirectory() && readdirSync(place).length === 0))
            throw new TritError('FILE', `${path}: it is there already: name a new folder`);
        const temporary = `${place}.${process.pid}.tmp`;
        mkdirSync(temporary);
        return { place, temporary };
    });
    const discard = () => rmSync(temporary, { recursive: true, force: true });
    let nBytes = 0;
    process.once('exit', discard);
    try {
        await work(async (name, write) => {
            nBytes += await writeNewFile(join(temporary, name), async (bytes) => write(bytes));
        });
        tryFolder(path, () => renameSync(temporary, place));
    } finally {
        process.off('exit', discard);
        discard();
    }
    return nBytes;
}
