import { defaults } from './defaults.js';
import { TritError } from './errors.js';
import { sendChunks, sendSides } from './sending.js';

/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./load.js').LoadOptions} LoadOptions */
/** @typedef {import('./place.js').Place} Place */
/** @typedef {import('./protocol.js').Missing} Missing */

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
    const about = { source: addresses, head, i2s, sha256 };
    const recordBytes = (typeof store === 'object' && store.recordBytes) || defaults.recordBytes;
    const what = { source, about, recordBytes, sha256 };
    const found = await client.call('openStored', [what], { signal });
    const isWhole = found.state === 'complete';
    return { isWhole, about: found.about, info: found.info };
}

/**
 * The one file that the tensors are in; undefined when there are several.
 * @param {any} files
 * @returns {string | URL | undefined}
 */
function onlyFile(files) {
    const tensors = files?.tensors ?? files;
    return typeof tensors === 'string' || tensors instanceof URL ? tensors : undefined;
}

/**
 * Loads what is stored, and of a file what is missing from its address.
 * @param {import('./load.js').Platform} platform
 * @param {Client} client
 * @param {() => ReturnType<Place['find']>} find
 * @param {import('./filling.js').Reported} options
 * @param {() => Promise<any>} begin begins to load anew
 * @returns {Promise<boolean>} false: the source has to be read from its beginning
 */
export async function readStored(platform, client, find, options, begin) {
    const { signal } = options;
    let total = /** @type {number | undefined} */ (undefined);
    const report = (/** @type {number} */ loaded) => options.report(loaded, total);

    /**
     * From the source what is missing.
     * @param {Missing} missing
     * @param {string | URL} from
     * @returns {Promise<Missing>} what is missing afterwards
     */
    const ask = async (missing, from) => {
        const { version } = options.about;
        const opened = await platform.open(from, signal, { ...missing, version });
        total = opened.total;
        const about = { ...options.about, version: opened.version };
        // of an import it is not the length of what is stored
        await client.call('announce', [missing.imported ? undefined : total, about], { signal });
        await sendChunks(client, opened.chunks, signal, (n) => report(missing.begin + n));
        return client.call('flushStored', [], { signal });
    };

    /**
     * An import that broke off or is damaged.
     * @param {string | URL} from
     * @returns {Promise<boolean>} whether the store has all of it now; else the loader has
     */
    const goOn = async (from) => {
        await sendSides(client, await find(), platform.open, signal);
        for (let last = -1; ;) {
            const missing = await client.call('resumeStored', [], { signal });
            if (missing.whole) return true;
            if (missing.begin === last)
                throw new TritError('TRUNCATED', 'the file ends too early: download it again');
            last = missing.begin;
            if ((await ask(missing, from)).atOnce) return false;
        }
    };

    for (;;) {
        const onEvent = (/** @type {{loaded: number}} */ event) => report(event.loaded);
        const missing = await client.call('readStored', [], { signal, onEvent });
        if (missing.read) return true;
        const files = await find();
        const file = onlyFile(files);
        if (missing.imported) {
            await begin();
            if (file === undefined) return false;
            if (!(await goOn(file))) return true;
            await begin();
        } else {
            if (file === undefined || file !== files) return false;
            if ((await ask(missing, file)).imported) return true;
        }
    }
}
