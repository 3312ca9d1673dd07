import {
    accessSync,
    closeSync,
    constants,
    fsyncSync,
    openSync,
    realpathSync,
    renameSync,
    rmSync,
    statSync,
    writeSync,
} from 'node:fs';
import { TritError } from '../errors.js';
import { fileError } from '../node-source.js';

/**
 * What is read is not written over, whichever names the file has: what is made of a model holds less.
 * @param {import('node:fs').Stats} old
 * @param {string} path
 * @param {string[]} sources
 */
function refuseSource(old, path, sources) {
    for (const source of sources) {
        const read = statSync(source, { throwIfNoEntry: false });
        if (read?.ino === old.ino && read.dev === old.dev)
            throw new TritError('FILE', `${path}: it is a file that is read: name another one`);
    }
}

/**
 * A file that appears under its name only when it is whole and on the disk. What is no file, such
 * as a device or a pipe, cannot be replaced by one and is written to as it is.
 */
class NewFile {
    #path;
    #temporary = '';
    #file = -1;
    nBytes = 0;

    /**
     * @param {string} path
     * @param {string[]} sources
     */
    constructor(path, sources) {
        this.#path = path;
        this.#try(() => {
            const old = statSync(path, { throwIfNoEntry: false });
            if (old?.isFile()) {
                refuseSource(old, path, sources);
                accessSync(path, constants.W_OK);
                this.#path = realpathSync(path);
            }
            if (!old || old.isFile()) this.#temporary = `${this.#path}.${process.pid}.tmp`;
            this.#file = openSync(this.#temporary || path, 'w');
        });
        process.once('exit', this.discard);
    }

    /** @param {Uint8Array} bytes */
    write(bytes) {
        this.#try(() => {
            for (let done = 0; done < bytes.length;) done += writeSync(this.#file, bytes, done);
        });
        this.nBytes += bytes.length;
    }

    commit() {
        this.#try(() => {
            if (this.#temporary) fsyncSync(this.#file);
            this.#close();
            if (this.#temporary) renameSync(this.#temporary, this.#path);
        });
    }

    /** Takes away what was not committed. */
    discard = () => {
        process.off('exit', this.discard);
        this.#close();
        if (this.#temporary) rmSync(this.#temporary, { force: true });
    };

    #close() {
        if (this.#file >= 0) closeSync(this.#file);
        this.#file = -1;
    }

    /** @param {() => void} work */
    #try(work) {
        try {
            work();
        } catch (error) {
            throw fileError(this.#path, error);
        }
    }
}

/**
 * Writes a file piece by piece. A place that cannot be written is found before the work; when the
 * work fails, an old file stays as it was and no new one is left.
 * @param {string} path
 * @param {(write: (bytes: Uint8Array) => void) => Promise<void>} work
 * @param {string[]} [sources] files that are read, which it must not be
 * @returns {Promise<number>} how many bytes there are
 */
export async function writeNewFile(path, work, sources = []) {
    const file = new NewFile(path, sources);
    try {
        await work((bytes) => file.write(bytes));
        file.commit();
    } finally {
        file.discard();
    }
    return file.nBytes;
}
