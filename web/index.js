import { pageStorage } from './diagnostics.js';
import { load, synthetic } from './load.js';
import { probe } from './probing.js';
import { canShare } from './sharing.js';
import { siteCalls } from './site-calls.js';
import { isAddress, openBytes } from './source.js';
import { watchLife } from './watch.js';
import { ownWorkerFile } from './worker-file.js';

export { TritError } from './errors.js';

/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./catalog.js').CatalogModel} CatalogModel */
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
    isAddress,
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

    ...siteCalls(platform),
});
