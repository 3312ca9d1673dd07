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
 * How a source was to be read, beside where it is; a part of what the store knows a model by.
 * @typedef {{head?: string, i2s?: string, sha256?: string}} As
 *
 * @typedef {object} Begun
 * @property {boolean} isWhole it is complete, so that the hash of each of its records is known
 * @property {any} about what is kept with it
 * @property {As} as
 * @property {{stored: boolean, note?: string}} info
 */

/**
 * Opens the store for a model that comes from addresses, or from files of the user's, or is one of the store's.
 * @param {Client} client
 * @param {Place} place
 * @param {LoadOptions} options
 * @returns {Promise<Begun | undefined>} undefined for what is not to be stored
 */
export async function beginStored(client, place, options) {
    const { store = true, signal } = options;
    checkDigest(options.sha256);
    const kept = place.storedId ? await keptAbout(client, place.storedId, signal) : undefined;
    const addresses = kept ? kept.source : store ? place.addresses : undefined;
    if (options.sha256 && addresses?.length !== 1)
        throw new TritError('PARAM', 'sha256 is for a file from an address, with the store');
    if (!addresses) return undefined;
    const { head, i2s } = options;
    if (kept) checkKept(kept.as, options);
    /** @type {As} */
    const as = kept?.as ?? { head, i2s, sha256: options.sha256 ?? place.sha256 };
    const source = JSON.stringify({ addresses, ...as });
    const about = kept ?? { source: addresses, as, named: place.named };
    const recordBytes = (typeof store === 'object' && store.recordBytes) || defaults.recordBytes;
    const what = { source, about, recordBytes, sha256: as.sha256 };
    const found = await client.call('openStored', [what], { signal });
    return { isWhole: found.state === 'complete', about: found.about, as, info: found.info };
}

/**
 * A stored model is loaded as it was stored; another wish is not passed over in silence.
 * @param {As} as
 * @param {LoadOptions} options
 */
function checkKept(as, options) {
    for (const name of /** @type {const} */ (['head', 'i2s', 'sha256']))
        if (options[name] !== undefined && options[name] !== as[name])
            throw new TritError(
                'PARAM',
                `the model is stored with ${name} ${as[name] ?? 'left out'}: leave it out here, or load the model from where it came`,
            );
}

/**
 * What is kept with a model of the store.
 * @param {Client} client
 * @param {string} id
 * @param {AbortSignal} [signal]
 */
async function keptAbout(client, id, signal) {
    /** @type {import('./protocol.js').StoredModel[]} */
    const models = await client.call('models', [], { signal });
    const about = /** @type {any} */ (models.find((model) => model.id === id)?.about);
    if (about?.as) return about;
    throw new TritError(
        'NOT_STORED',
        'no model of this id is stored any more: load it from where it came, or another of Trit.models()',
    );
}

/**
 * The one file that the tensors are in; undefined when there are several.
 * @param {any} files
 * @returns {string | URL | Blob | undefined}
 */
function onlyFile(files) {
    const tensors = files?.tensors ?? files;
    const isFile = typeof tensors === 'string' || tensors instanceof URL || tensors instanceof Blob;
    return isFile ? tensors : undefined;
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
     * @param {string | URL | Blob} from
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
     * @param {string | URL | Blob} from
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
