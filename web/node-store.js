import { createHash, randomUUID } from 'node:crypto';
import {
    access,
    constants,
    mkdir,
    open,
    readFile,
    readdir,
    rename,
    rm,
    stat,
    statfs,
} from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Where models from addresses are kept. */
function storeFolder() {
    const { TRIT_CACHE, XDG_CACHE_HOME } = process.env;
    return TRIT_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'trit');
}

const LOCK_MS = 100;

/** How many may load a model at once; who wants it alone takes all these places. */
const READERS = 16;

/** What is still being written is younger. */
const LEFT_MS = 3_600_000;

/** At the end of the name of what is being deleted, or was when its process ended. */
const GONE = '.gone';

/** How often something is done that another process may be undoing. */
const TRIES = 10;

/** No value is longer than a record of TRIT_RECORD_MAX with its head (wasm/manifest.h). */
const MOST_BYTES = (1 << 24) + 72;

/**
 * The store of wasm/store.h as files: a name is a path, and a value is written beside its place and then
 * renamed, so that it is there as a whole or not at all.
 */
export function openNodeStore() {
    const folder = storeFolder();
    const place = (/** @type {string} */ name) => join(folder, name);
    return {
        /** @param {string} name */
        async get(name) {
            const path = place(name);
            try {
                const found = await stat(path); // a pipe would be waited for, a device has no end
                if (!found.isFile() || found.size > MOST_BYTES) return undefined;
                const { buffer, byteOffset, byteLength } = await readFile(path);
                return buffer.slice(byteOffset, byteOffset + byteLength);
            } catch (error) {
                if (isMissing(error) || isDamaged(error)) return undefined;
                throw storageError(error);
            }
        },

        /**
         * @param {string} name
         * @param {ArrayBuffer} value
         */
        async put(name, value) {
            for (let tries = 1; ; tries++)
                try {
                    return await write(place(name), new Uint8Array(value));
                } catch (error) {
                    // somebody may have reset the store, and with it the folder
                    if (!isMissing(error) || tries === TRIES) throw storageError(error);
                }
        },

        /** @param {string} prefix that ends a folder's name */
        async list(prefix) {
            try {
                const names = await readdir(place(prefix));
                await clearLeft(place(prefix), names);
                return names
                    .filter((name) => !name.includes('.'))
                    .sort()
                    .map((name) => prefix + name);
            } catch (error) {
                if (isMissing(error)) return [];
                throw storageError(error);
            }
        },

        /** @param {string} prefix */
        async remove(prefix) {
            try {
                await rm(place(prefix), { recursive: true, force: true });
            } catch (error) {
                throw storageError(error);
            }
        },

        async reset() {
            try {
                for (const name of ['model', 'record', 'used']) await putAway(place(name));
                for (const name of await readdir(folder))
                    if (name.endsWith(GONE)) await this.remove(name);
            } catch (error) {
                if (!isMissing(error)) throw storageError(error);
            }
        },

        locks: {
            /** As navigator.locks.request. Who waits to be alone is about to write. */
            request: async (
                /** @type {string} */ name,
                /** @type {Wish} */ how,
                /** @type {Use} */ use,
            ) => {
                if (how.mode !== 'shared' && !how.ifAvailable) await checkWritable(folder);
                return requestLock(name, how, use);
            },
        },
    };
}

/**
 * As a whole or not at all.
 * @param {string} path
 * @param {Uint8Array} bytes
 */
async function write(path, bytes) {
    const aside = `${path}.${randomUUID()}.part`;
    try {
        await mkdir(dirname(path), { recursive: true });
        const file = await open(aside, 'wx');
        try {
            await file.writeFile(bytes);
            await file.sync();
        } finally {
            await file.close();
        }
        await putInPlace(aside, path);
    } catch (error) {
        await rm(aside, { force: true }).catch(() => {}); // where it cannot be, there is none
        throw error;
    }
}

/**
 * In one step, as somebody may be writing into it.
 * @param {string} path
 */
async function putAway(path) {
    try {
        await rename(path, `${path}.${randomUUID()}${GONE}`);
    } catch (error) {
        if (!isMissing(error)) throw error;
    }
}

/**
 * Where nothing can be written, that is known before the first byte is asked for.
 * @param {string} folder
 */
async function checkWritable(folder) {
    try {
        for (const place of ['model', 'record']) {
            await mkdir(join(folder, place), { recursive: true });
            await access(join(folder, place), constants.W_OK);
        }
    } catch (error) {
        throw storageError(error);
    }
}

/**
 * A folder, which is none of ours, would stay in the way for ever.
 * @param {string} aside
 * @param {string} path
 */
async function putInPlace(aside, path) {
    try {
        await rename(aside, path);
    } catch (/** @type {any} */ error) {
        if (error?.code !== 'EISDIR') throw error;
        await rm(path, { recursive: true });
        await rename(aside, path);
    }
}

/**
 * Removes what a process that ended was writing.
 * @param {string} folder
 * @param {string[]} names
 */
async function clearLeft(folder, names) {
    for (const name of names.filter((name) => name.endsWith('.part'))) {
        const path = join(folder, name);
        const found = await stat(path).catch(() => undefined); // its writer may just have renamed it
        if (found && Date.now() - found.mtimeMs > LEFT_MS) await rm(path, { force: true });
    }
}

/** @returns {Promise<import('./diagnostics.js').Storage>} of the folder of the models */
export async function nodeStorage() {
    const folder = storeFolder();
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    let usage = 0;
    for (const name of names) {
        const found = await stat(join(folder, name)).catch(() => undefined);
        if (found?.isFile()) usage += found.size;
    }
    // a folder that is not there yet will be below one that is
    const disk = await statfs(folder)
        .catch(() => statfs(homedir()))
        .catch(() => undefined);
    const quota = disk ? usage + disk.bavail * disk.bsize : null;
    return { kind: 'files', persisted: true, usage, quota };
}

/** @param {any} error */
const isMissing = (error) => error?.code === 'ENOENT' || error?.code === 'ENOTDIR';

/**
 * This one value cannot be read; others may be well.
 * @param {any} error
 */
const isDamaged = (error) => ['EIO', 'ELOOP', 'EACCES', 'EPERM'].includes(error?.code);

/** @param {any} error */
function storageError(error) {
    if (error?.code === 'ENOSPC' || error?.code === 'EDQUOT')
        return Object.assign(new Error('the disk is full'), { code: 'QUOTA', cause: error });
    if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(error?.code))
        return Object.assign(
            new Error(
                `the folder of stored models: ${error.message}: set TRIT_CACHE to another, or load with store: false`,
            ),
            {
                code: 'NO_STORAGE',
                cause: error,
            },
        );
    return error;
}

/**
 * @typedef {{mode: string, ifAvailable?: boolean, signal?: AbortSignal}} Wish
 * @typedef {(lock: object | null) => any} Use
 *
 * For all processes of a machine.
 * @param {string} name
 * @param {Wish} how
 * @param {Use} use
 */
async function requestLock(name, { mode, ifAvailable, signal }, use) {
    const addresses = Array.from({ length: READERS }, (_, i) => lockAddress(`${name} ${i}`));
    const wanted = mode === 'shared' ? 1 : READERS;
    /** @type {import('node:net').Server[]} */
    const held = [];
    try {
        while (held.length < wanted) {
            // those who want all take them in order, so that they do not wait for each other
            const free = wanted === 1 ? addresses : [addresses[held.length]];
            const lock = await listenAtOne(free);
            if (lock) held.push(lock);
            else if (ifAvailable) return await use(null);
            else await new Promise((resolve) => setTimeout(resolve, LOCK_MS));
            if (signal?.aborted) return undefined;
        }
        return await use({});
    } finally {
        for (const lock of held) lock.close();
    }
}

/** @param {string[]} addresses */
async function listenAtOne(addresses) {
    for (const address of addresses) {
        const lock = await listen(address);
        if (lock) return lock;
    }
    return undefined;
}

/**
 * A lock is a local socket that listens: only one can, and it ends with the thread that holds it, whatever ends
 * that.
 * @param {string} name
 */
function lockAddress(name) {
    const id = createHash('sha256').update(`${storeFolder()} ${name}`).digest('hex').slice(0, 32);
    if (process.platform === 'linux') return `\0trit-${id}`; // not a file, so nothing is left behind
    if (process.platform === 'win32') return `\\\\.\\pipe\\trit-${id}`;
    return join(tmpdir(), `trit-${id}.sock`);
}

/**
 * @param {string} address
 * @returns {Promise<import('node:net').Server | undefined>} undefined when another one listens there
 */
async function listen(address) {
    const server = createServer((socket) => socket.destroy()).unref();
    /** @type {any} */
    const error = await new Promise((resolve) => {
        server.once('error', resolve);
        server.listen(address, () => resolve(undefined));
    });
    if (!error) return server;
    if (error.code !== 'EADDRINUSE') throw storageError(error);
    const left = address.endsWith('.sock') && !(await answers(address));
    if (left) await rm(address, { force: true });
    return undefined;
}

/** @param {string} address */
function answers(address) {
    return new Promise((resolve) => {
        const socket = connect(address, () => resolve(true));
        socket.once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
    });
}
