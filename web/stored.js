import { defaults } from './defaults.js';
import { TritError } from './errors.js';
import { sendChunks } from './sending.js';

/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./load.js').LoadOptions} LoadOptions */
/** @typedef {import('./place.js').Place} Place */

/** @param {string | undefined} sha256 */
function checkDigest(sha256) {
    if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256))
        throw new TritError('PARAM', 'sha256 is not 64 hexadecimal digits in lower case');
}

/**
 * Opens the store for a model that comes from addresses.
 * @param {Client} client
 * @param {Place} place
 * @param {LoadOptions} options
 * @returns {Promise<{isWhole: boolean, about: any, info: {stored: boolean, note?: string}} | undefined>}
 *   isWhole: it is complete, so that the hash of each of its records is known; about: what is kept with it; undefined
 *   for what is not to be stored
 */
export async function beginStored(client, place, options) {
    const { store = true, head, i2s, signal } = options;
    checkDigest(options.sha256);
    const addresses = store ? place.addresses : undefined;
    const sha256 = options.sha256 ?? place.sha256;
    if (options.sha256 && addresses?.length !== 1)
        throw new TritError('PARAM', 'sha256 is for a file from an address, with the store');
    if (!addresses) return undefined;
    const source = JSON.stringify({ addresses, head, i2s, sha256 });
    const about = { source: addresses };
    const recordBytes = (typeof store === 'object' && store.recordBytes) || defaults.recordBytes;
    const what = { source, about, recordBytes, sha256 };
    const found = await client.call('openStored', [what], { signal });
    const isWhole = found.state === 'complete' && !found.imported;
    return { isWhole, about: found.about, info: found.info };
}

/**
 * Loads what is stored, and of a file what is missing from its address.
 * @param {import('./load.js').Platform} platform
 * @param {Client} client
 * @param {() => ReturnType<Place['find']>} find
 * @param {import('./filling.js').Reported & {about: any}} options
 * @param {() => Promise<any>} begin begins to load anew
 * @returns {Promise<boolean>} false: the source has to be read from its beginning
 */
export async function readStored(platform, client, find, options, begin) {
    const { signal } = options;
    let total = /** @type {number | undefined} */ (undefined);
    const report = (/** @type {number} */ loaded) => options.report(loaded, total);
    for (;;) {
        const onEvent = (/** @type {{loaded: number}} */ event) => report(event.loaded);
        const missing = await client.call('readStored', [], { signal, onEvent });
        if (missing.whole) return true;
        const files = await find();
        if (missing.imported || (typeof files !== 'string' && !(files instanceof URL))) {
            if (missing.begin > 0) await begin();
            return false;
        }
        const opened = await platform.open(files, signal, missing);
        total = opened.total;
        const about = { ...options.about, version: opened.version };
        await client.call('announce', [total, about], { signal });
        try {
            await sendChunks(client, opened.chunks, signal, (n) => report(missing.begin + n));
        } catch (error) {
            // what has come is stored before the engine ends
            await client.call('settleStored', []).catch(() => {});
            throw error;
        }
        const after = await client.call('flushStored', [], { signal });
        if (after.imported) return true;
    }
}
