import { Client } from './client.js';
import { defaults } from './defaults.js';
import { diagnose } from './diagnostics.js';
import { TritError, throwIfAborted, untilAborted } from './errors.js';
import { chooseBuild } from './features.js';
import { fillEngine } from './filling.js';
import { Model } from './model.js';
import { checkInteger, checkOptions } from './params.js';
import { placeOf } from './place.js';
import { Restarting } from './restarting.js';
import { Sharing } from './sharing.js';
import { checkWorkerOptions } from './worker-file.js';

/**
 * @typedef {import('./progress.js').Progress<'load' | 'store' | 'wait'>} Progress in bytes. What is packed while it is
 *   loaded is stored afterwards; `wait`: the network is away, and is asked again by itself
 *
 * @typedef {LoadSettings & import('./worker-file.js').WorkerOptions} LoadOptions
 *
 * @typedef {object} LoadSettings
 * @property {(progress: Progress) => void} [onProgress]
 * @property {AbortSignal} [signal]
 * @property {number} [threads] without it, as many as help
 * @property {import('./features.js').Flavour} [flavour] without it, the fastest that is correct here
 * @property {number} [contextLength] tokens of prompt and answer; without it, the model's own
 * @property {'f32' | 'f16' | 'int8'} [kv] how the context is kept
 * @property {string} [kernels] instead of those measured as fastest: 'v128', 'relaxed' or
 *   'relaxed16', and after it, if wanted, ' head=' and another. Never changes a token
 * @property {boolean} [dense] compute what is multiplied by zero as well; never changes a token
 * @property {string} [template] another chat template than the model's: bitnet-2b4t, llama3, falcon3 or
 *   Jinja
 * @property {boolean | {recordBytes: number}} [store] false: a model from an address is not kept for the next
 *   time; recordBytes: into how large pieces it is cut, 64 KiB to 16 MiB
 * @property {string} [hub] the address of another hub than huggingface.co, for sources that begin with hf: or catalog:
 * @property {string} [sha256] of a file from an address: 64 hexadecimal digits that it must have
 * @property {Partial<import('./fetching.js').Patience>} [network] how a download that breaks off goes on
 * @property {'int8' | 'f16'} [head] for models of safetensors and GGUF: how the embedding is kept
 * @property {boolean} [share] one engine for all tabs of this site that load the same address with the same options
 * @property {(event: {reason: string}) => void} [onRestart] the engine has crashed and was started again; what
 *   was under way has failed with ENGINE_CRASHED
 * @property {'x86' | 'arm' | 'rows'} [i2s] for GGUF files with I2_S: who wrote them, a program on x86
 *   (without it, as all published files), on ARM since the end of 2025, or one that lets four rows share a
 *   byte. When the model reads like noise, `info.warning` says so
 *
 * @typedef {object} Platform what differs between browser and Node
 * @property {(options: LoadOptions) => import('./client.js').Endpoint} startWorker
 * @property {(options: LoadOptions) => import('./client.js').Endpoint} startTemplateWorker
 * @property {import('./source.js').Open} open
 * @property {(source: unknown) => source is string | URL} isAddress what the engine's worker opens
 * @property {number} cores
 * @property {() => Promise<import('./diagnostics.js').Storage>} storage
 * @property {() => Promise<boolean>} persist
 * @property {number} [memoryBytes] of this device, where that is known
 * @property {() => boolean} [canShare] whether there are other tabs, and a way to them
 * @property {import('./watch.js').Watch} [watch] where an endpoint's onFailure does not tell of every end
 */

/**
 * @param {Platform} platform
 * @param {import('./source.js').Source} source
 * @param {LoadOptions} options
 * @returns {Promise<Model>}
 */
export async function load(platform, source, options) {
    const place = await placeOf(source, checkOptions(options));
    /** @type {Fill} */
    const fill = (client, settings, own) => fillEngine(platform, client, place, own, settings);
    const { share } = options;
    if (share !== undefined && typeof share !== 'boolean')
        throw new TritError('PARAM', 'share is neither true nor false');
    const name = share && platform.canShare?.() ? sharedName(place, options) : undefined;
    const alone =
        share && !name ? 'not shared: this takes a model from an address, and tabs' : undefined;
    return start(platform, options, fill, place.canAgain, { name, alone });
}

/** Of what tabs say to each other, worker's protocol included: those with files of another version have their own engine. */
const SHARING_VERSION = 1;

/**
 * The same for all who can share an engine; undefined for what only this tab has.
 * @param {import('./place.js').Place} place
 * @param {LoadOptions} options
 */
function sharedName({ addresses }, options) {
    if (!addresses) return undefined;
    const { head, i2s, sha256, contextLength, kv, kernels, dense, template, threads, flavour } =
        options;
    const loading = { addresses, head, i2s, sha256, kernels, threads, flavour };
    const all = { ...loading, contextLength, kv, dense, template };
    return `trit-shared ${SHARING_VERSION} ${JSON.stringify(all)}`;
}

/**
 * A model of a known shape with random weights, for measurements.
 * @param {Platform} platform
 * @param {string} shape
 * @param {LoadOptions & import('./protocol.js').RandomWeights} options
 * @returns {Promise<Model>}
 */
export async function synthetic(platform, shape, options) {
    if (typeof shape !== 'string') throw new TritError('PARAM', 'the shape is not a string');
    const { zeros, gateZeros, kernels } = checkOptions(options);
    for (const [name, share] of Object.entries({ zeros, gateZeros }))
        if (share !== undefined && typeof share !== 'number')
            throw new TritError('PARAM', `${name} is not a number`);
    /** @type {Fill} */
    const fill = (client, settings, { signal }) =>
        client.call('synthetic', [shape, { zeros, gateZeros }, settings, kernels], { signal });
    return start(platform, options, fill, true);
}

/**
 * Lets an engine that needs no model be asked about the store.
 * @template T
 * @param {Platform} platform
 * @param {import('./worker-file.js').WorkerOptions} options
 * @param {(ask: import('./room.js').Ask) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withStore(platform, options, use) {
    checkWorkerOptions(checkOptions(options));
    const client = new Client(startWorker(platform, options));
    try {
        await client.call('start', [chooseBuild({ threads: 1, flavour: 'simd128' }, 1)]);
        return await use((op, args) => client.call(op, args));
    } finally {
        client.close();
    }
}

/**
 * The limits stand in wasm/manifest.h.
 * @param {LoadOptions['store']} store
 */
function checkStore(store = true) {
    if (typeof store === 'boolean') return;
    if (typeof store !== 'object' || store === null || Array.isArray(store))
        throw new TritError('PARAM', 'store is neither true, false nor { recordBytes }');
    const { recordBytes } = store;
    if (recordBytes === undefined) return;
    if (checkInteger('store.recordBytes', recordBytes, 1 << 16) > 1 << 24)
        throw new TritError('PARAM', 'store.recordBytes is more than 16 MiB');
}

/** @param {LoadOptions['network']} network */
function checkPatience(network = {}) {
    if (typeof network !== 'object' || network === null)
        throw new TritError('PARAM', 'network is no object');
    for (const [name, value] of Object.entries(network)) {
        if (!Object.hasOwn(defaults.network, name))
            throw new TritError('PARAM', `network: there is no ${name}`);
        checkInteger(`network: ${name}`, value, /ries$|Bytes$/.test(name) ? 1 : 0);
    }
}

/**
 * @param {LoadOptions} options
 * @returns {LoadOptions}
 */
export function checkLoadOptions(options) {
    const { contextLength, kernels, template, onRestart, network, store } = checkOptions(options);
    checkStore(store);
    if (contextLength !== undefined) checkInteger('contextLength', contextLength, 1);
    if (kernels !== undefined && typeof kernels !== 'string')
        throw new TritError('PARAM', 'kernels is not a string');
    if (template !== undefined && typeof template !== 'string')
        throw new TritError('PARAM', 'template is not a string');
    if (onRestart !== undefined && typeof onRestart !== 'function')
        throw new TritError('PARAM', 'onRestart is not a function');
    checkWorkerOptions(options);
    checkPatience(network);
    return options;
}

/**
 * Puts the model into an engine.
 * @callback Fill
 * @param {Client} client
 * @param {import('./protocol.js').Settings} settings
 * @param {LoadOptions} options
 * @returns {Promise<import('./protocol.js').ModelInfo>}
 */

/**
 * @param {Platform} platform
 * @param {LoadOptions} options
 * @param {Fill} fill
 * @param {boolean} canAgain whether it can be called a second time
 * @param {{name?: string, alone?: string}} [share] name: of an engine for all tabs; alone: why there is none
 */
async function start(platform, options, fill, canAgain, share = {}) {
    const { contextLength, kv, dense, template, signal, onRestart } = checkLoadOptions(options);
    throwIfAborted(signal);
    let choice = chooseBuild(options, platform.cores);
    const settings = { contextLength, kv, dense: Boolean(dense), template };
    const begin = async (/** @type {LoadOptions} */ own) => {
        const engine = await startEngine(platform, choice, own);
        const { client } = engine;
        choice = engine.choice; // what did not work is not tried again
        try {
            // a source may keep silent for ever
            const info = await untilAborted(fill(client, settings, own), own.signal);
            const note = [info.note, share.alone].filter(Boolean).join('; ');
            return { client, info: { ...info, ...(note ? { note } : {}) } };
        } catch (error) {
            client.close();
            throw error;
        }
    };
    const later = { ...options, signal: undefined, onProgress: undefined };
    /** @param {AbortSignal} closing */
    const again = (closing) => begin({ ...later, signal: closing });
    const life = { again: canAgain ? again : undefined, onRestart };
    /** @type {import('./sharing.js').Start} */
    const open = async (isFirst, closing) =>
        new Restarting(await begin(isFirst ? options : { ...later, signal: closing }), life);
    const engine = share.name
        ? await Sharing.open(share.name, open, signal)
        : new Restarting(await begin(options), life);
    const startTemplateWorker = () => platform.startTemplateWorker(options);
    return new Model(engine, startTemplateWorker, () => diagnose(platform));
}

/**
 * A worker with the engine in it. The relaxed build may be missing or fail its own test; unless it
 * was asked for, the plain one takes its place. Where threads do not start, one does all.
 * @param {Platform} platform
 * @param {import('./features.js').Choice} choice
 * @param {LoadOptions} options
 * @returns {Promise<{client: Client, choice: import('./features.js').Choice}>}
 */
export async function startEngine(platform, choice, options) {
    const { signal } = options;
    const life = platform.watch?.(); // first, as it may throw
    const client = new Client(startWorker(platform, options));
    const late = () => client.crash(new Error('its threads do not start'));
    const deadline = choice.threads > 1 ? setTimeout(late, defaults.startMs) : undefined;
    try {
        const started = client.call('start', [choice, life?.name]);
        const { watched } = await untilAborted(started, signal);
        if (watched) life?.onEnd(() => client.crash(new Error('its worker was ended')));
        return { client, choice };
    } catch (error) {
        client.close();
        const next = error instanceof TritError && otherChoice(choice, options, error);
        if (!next) throw notStarted(error);
        return startEngine(platform, next, options);
    } finally {
        clearTimeout(deadline);
    }
}

/**
 * What to try when an engine does not start.
 * @param {import('./features.js').Choice} choice
 * @param {LoadOptions} options
 * @param {TritError} error
 * @returns {import('./features.js').Choice | undefined}
 */
function otherChoice({ flavour, threads, note }, options, { code, message }) {
    const and = (/** @type {string} */ reason) => (note ? `${note}; ${reason}` : reason);
    // shared memory takes room for all that it may ever become
    if ((code === 'ENGINE_CRASHED' || code === 'OOM') && threads > 1)
        return { flavour, threads: 1, note: and(`one thread, as with more: ${message}`) };
    if (code === 'RUNTIME_LOAD' && flavour === 'relaxed' && !options.flavour) {
        const reason = `the relaxed build does not work here: ${message}`;
        return { flavour: 'simd128', threads, note: and(reason) };
    }
    return undefined;
}

/**
 * @param {Platform} platform
 * @param {LoadOptions} options
 */
function startWorker(platform, options) {
    try {
        return platform.startWorker(options);
    } catch (error) {
        throw notStarted(TritError.from(error, 'ENGINE_CRASHED'));
    }
}

/**
 * A worker that dies before it has answered was never there.
 * @param {unknown} error
 */
function notStarted(error) {
    if (!(error instanceof TritError) || error.code !== 'ENGINE_CRASHED') return error;
    return new TritError(
        'RUNTIME_LOAD',
        `the engine's worker does not start (${error.message}): serve web/worker.js with the page, and let ` +
            "the page's policy allow it (worker-src)",
        { cause: error },
    );
}
