import { diagnose, pageStorage } from './diagnostics.js';
import { load, synthetic, withStore } from './load.js';
import { describeStorage, makeRoom } from './room.js';
import { probe } from './probing.js';
import { canShare } from './sharing.js';
import { openBytes } from './source.js';
import { watchLife } from './watch.js';
import { ownWorkerFile } from './worker-file.js';

export { TritError } from './errors.js';

/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./chat.js').Chat} Chat */
/** @typedef {import('./generation.js').Generation} Generation */
/** @typedef {import('./diagnostics.js').Diagnostics} Diagnostics */
/** @typedef {import('./load.js').LoadOptions} LoadOptions */
/** @typedef {import('./load.js').Progress} Progress */
/** @typedef {import('./probing.js').Probe} Probe */
/** @typedef {import('./source.js').Source} Source */
/** @typedef {import('./params.js').GenerateOptions} GenerateOptions */
/** @typedef {import('./protocol.js').GenerateResult} GenerateResult */
/** @typedef {import('./protocol.js').Message} Message */
/** @typedef {import('./protocol.js').ModelInfo} ModelInfo */
/** @typedef {import('./protocol.js').Score} Score */
/** @typedef {import('./protocol.js').StoredModel} StoredModel */
/** @typedef {import('./room.js').StorageInfo} StorageInfo */
/** @typedef {import('./worker-file.js').WorkerOptions} WorkerOptions */

/**
 * @param {Worker} worker
 * @returns {import('./client.js').Endpoint}
 */
function endpointOf(worker) {
    return {
        post: (message, transfer) => worker.postMessage(message, transfer ?? []),
        onMessage: (take) => (worker.onmessage = ({ data }) => take(data)),
        onFailure: (take) =>
            (worker.onerror = (event) => {
                event.preventDefault?.();
                take(new Error(event.message ?? 'the worker could not be started'));
            }),
        terminate: () => worker.terminate(),
    };
}

/** In GiB, as those browsers say that say it: rounded, and 8 at most. */
const { deviceMemory } = /** @type {any} */ (globalThis.navigator ?? {});

// The addresses are written out, so that bundlers find the files.
const platform = {
    /** @param {LoadOptions} options */
    startWorker: (options) => {
        const own = ownWorkerFile('worker.js', options);
        return endpointOf(
            own
                ? new Worker(own, { type: 'module' })
                : new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }),
        );
    },
    /** @param {LoadOptions} options */
    startTemplateWorker: (options) => {
        const own = ownWorkerFile('template-worker.js', options);
        return endpointOf(
            own
                ? new Worker(own, { type: 'module' })
                : new Worker(new URL('./template-worker.js', import.meta.url), { type: 'module' }),
        );
    },
    open: openBytes,
    watch: watchLife,
    canShare,
    storage: pageStorage,
    persist: async () => {
        const asked = globalThis.navigator?.storage?.persist?.();
        return (await asked?.catch(() => false)) ?? false;
    },
    memoryBytes: deviceMemory && deviceMemory * 2 ** 30,
    cores: globalThis.navigator?.hardwareConcurrency ?? 1,
};

/** The entry of the package. */
export const Trit = Object.freeze({
    /**
     * Loads a model into a worker of its own.
     * @param {Source} source
     * @param {LoadOptions} [options]
     * @returns {Promise<Model>}
     */
    load: (source, options = {}) => load(platform, source, options),

    /**
     * What loading a model would take and give, before it is downloaded: only the header is asked for.
     * @param {Source} source
     * @param {LoadOptions} [options] as for `load`
     * @returns {Promise<import('./probing.js').Probe>}
     */
    probe: (source, options = {}) => probe(platform, source, options),

    /**
     * A model of a known shape with random weights, for measurements.
     * @param {string} shape
     * @param {LoadOptions & import('./protocol.js').RandomWeights} [options]
     * @returns {Promise<Model>}
     */
    synthetic: (shape, options = {}) => synthetic(platform, shape, options),

    /**
     * The models that are stored for this site, and what is left of those that were not finished.
     * @param {WorkerOptions} [options]
     * @returns {Promise<StoredModel[]>}
     */
    models: (options = {}) => withStore(platform, options, (ask) => ask('models', [])),

    /**
     * Deletes a stored model; IN_USE while it is being loaded or stored.
     * @param {string} id
     * @param {WorkerOptions} [options]
     * @returns {Promise<void>}
     */
    deleteModel: (id, options = {}) =>
        withStore(platform, options, (ask) => ask('removeModel', [id])),

    /**
     * What is stored, and what room there is.
     * @param {WorkerOptions} [options]
     * @returns {Promise<StorageInfo>}
     */
    storage: (options = {}) =>
        withStore(platform, options, (ask) => describeStorage(ask, platform.storage)),

    /**
     * Asks the browser to keep what is stored until the user deletes it. Some ask the user, and wait for the answer.
     * @returns {Promise<boolean>} whether it is so
     */
    persist: () => platform.persist(),

    /**
     * Deletes complete models that nobody is loading, the one that was not used for the longest time first, until
     * so many bytes are free. Nothing else ever deletes one unasked.
     * @param {number} bytes
     * @param {WorkerOptions} [options]
     * @returns {Promise<StoredModel[]>} those that are deleted
     */
    makeRoom: (bytes, options = {}) => withStore(platform, options, (ask) => makeRoom(ask, bytes)),

    /**
     * Begins a new store, also where the old one cannot be opened. Every stored model is lost.
     * @param {WorkerOptions} [options]
     * @returns {Promise<void>}
     */
    resetStorage: (options = {}) => withStore(platform, options, (ask) => ask('resetStore', [])),

    /**
     * What a report of an error needs to tell when there is no model: runtime, features, build and storage.
     * @returns {Promise<import('./diagnostics.js').Diagnostics>}
     */
    diagnostics: () => diagnose(platform),
});
