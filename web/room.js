import { TritError } from './errors.js';
import { checkInteger } from './params.js';

/** @typedef {(op: import('./protocol.js').Op, args: any[]) => Promise<any>} Ask an engine, about the store */

/** @typedef {import('./diagnostics.js').Storage & {models: import('./protocol.js').StoredModel[]}} StorageInfo */

/**
 * @param {Ask} ask
 * @param {() => Promise<import('./diagnostics.js').Storage>} storage
 * @returns {Promise<StorageInfo>}
 */
export async function describeStorage(ask, storage) {
    const models = await ask('models', []);
    return { ...(await storage()), models };
}

/**
 * Which was used earlier. A time that is still to come, of a clock that has been set back, tells nothing.
 * @param {number} now
 * @returns {(a: import('./protocol.js').StoredModel, b: import('./protocol.js').StoredModel) => number}
 */
const byUse = (now) => (a, b) => {
    const time = (/** @type {number} */ used) => (used > now ? 0 : used);
    return time(a.used) - time(b.used) || (a.id < b.id ? -1 : 1);
};

/**
 * Deletes complete models that nobody is loading, the one that was not used for the longest time first.
 * @param {Ask} ask
 * @param {number} bytes
 * @returns {Promise<import('./protocol.js').StoredModel[]>} those that are deleted
 */
export async function makeRoom(ask, bytes) {
    checkInteger('bytes', bytes, 0, Number.MAX_SAFE_INTEGER);
    /** @type {import('./protocol.js').StoredModel[]} */
    const all = await ask('models', []);
    const deleted = [];
    let left = bytes;
    for (const model of all.sort(byUse(Date.now()))) {
        if (left <= 0) break;
        if (model.state !== 'complete') continue;
        try {
            await ask('removeModel', [model.id]);
        } catch (error) {
            if (error instanceof TritError && error.code === 'IN_USE') continue;
            throw error;
        }
        deleted.push(model);
        left -= model.bytes;
    }
    return deleted;
}
